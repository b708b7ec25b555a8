#include "studies/kinds/run_kind.hpp"

#include "studies/circuit/circuit_study.hpp"
#include "studies/column/column_cells.hpp"
#include "studies/column/column_map.hpp"
#include "studies/converter/converter_study.hpp"
#include "studies/cost/cost_stage.hpp"
#include "studies/gain_cell/gain_cell_study.hpp"
#include "studies/model/accuracy_stage.hpp"

namespace flare::studies {

namespace {

bool is_share(const Shard& shard) { return shard.count > 1 || shard.screening; }

void write_stages(const StudyRun& run, const std::vector<StudiedColumn>& columns,
                  const std::filesystem::path& answers, H5::H5File& file, const ResultFile::SavePart& save) {
  write_column_results(file, columns);
  if (run.study.map) analysis::write_map(file, {map_rows(columns), run.study.map->claim});
  const ColumnResult& column = columns.front().result;
  if (run.study.accuracy)
    analysis::write_accuracy(file, table_rows(run_accuracy_stage(run, save(), column, answers)));
  if (run.study.cost) {
    write_read_energies(run.study, column, file);
    write_cost_stage(run, save(), file);
  }
}

}  // namespace

WriteTables run_kind(const StudyRun& run, const std::filesystem::path& answers) {
  if (run.study.circuit) {
    CircuitResult circuit = run_circuit_study(run);
    if (is_share(run.shard)) return {};
    return [run, circuit = std::move(circuit)](H5::H5File& file, const auto&) {
      write_circuit_result(file, run.study, circuit);
    };
  }
  if (run.study.adc) {
    ConverterResult converters = run_converter_study(run);
    if (is_share(run.shard)) return {};
    return [converters = std::move(converters)](H5::H5File& file, const auto&) {
      write_converter_result(file, converters);
    };
  }
  if (run.study.gain_cell) {
    GainCellResult cell = run_gain_cell_study(run);
    if (is_share(run.shard)) return {};
    return [cell = std::move(cell)](H5::H5File& file, const auto&) { write_gain_cell_result(file, cell); };
  }
  std::vector<StudiedColumn> columns = run_columns(run);
  if (is_share(run.shard)) return {};
  return [run, columns = std::move(columns), answers](H5::H5File& file, const ResultFile::SavePart& save) {
    write_stages(run, columns, answers, file, save);
  };
}

}  // namespace flare::studies
