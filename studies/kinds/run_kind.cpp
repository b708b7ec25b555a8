#include "studies/kinds/run_kind.hpp"

#include "studies/circuit/circuit_study.hpp"
#include "studies/column/column_cells.hpp"
#include "studies/column/column_map.hpp"
#include "studies/converter/converter_study.hpp"
#include "studies/cost/cost_stage.hpp"
#include "studies/gain_cell/gain_cell_study.hpp"
#include "studies/model/accuracy_stage.hpp"
#include "studies/run/shard_parts.hpp"

namespace flare::studies {

namespace {

void write_stages(const StudyRun& run, const std::vector<StudiedColumn>& columns,
                  const std::filesystem::path& answers, const MakeAnswers& others, H5::H5File& file,
                  const ResultFile::SavePart& save) {
  write_column_results(file, columns);
  if (run.study.map) analysis::write_map(file, {map_rows(columns), run.study.map->claim});
  const ColumnResult& column = columns.front().result;
  if (run.study.accuracy) {
    const std::unique_ptr<SharedAnswers> besides = others ? others() : nullptr;
    analysis::write_accuracy(file,
                             table_rows(run_accuracy_stage(run, save(), column, answers, besides.get())));
  }
  if (run.study.cost) {
    write_read_energies(run.study, column, file);
    write_cost_stage(run, save(), file);
  }
}

}  // namespace

WriteTables run_kind(const StudyRun& run, const std::filesystem::path& answers, const MakeAnswers& others) {
  if (run.study.circuit) {
    CircuitResult circuit = run_circuit_study(run);
    if (is_part(run.shard)) return {};
    return [run, circuit = std::move(circuit)](H5::H5File& file, const auto&) {
      write_circuit_result(file, run.study, circuit);
    };
  }
  if (run.study.adc) {
    ConverterResult converters = run_converter_study(run);
    if (is_part(run.shard)) return {};
    return [converters = std::move(converters)](H5::H5File& file, const auto&) {
      write_converter_result(file, converters);
    };
  }
  if (run.study.gain_cell) {
    GainCellResult cell = run_gain_cell_study(run);
    if (is_part(run.shard)) return {};
    return [cell = std::move(cell)](H5::H5File& file, const auto&) { write_gain_cell_result(file, cell); };
  }
  std::vector<StudiedColumn> columns = run_columns(run);
  if (is_part(run.shard)) return {};
  return [run, columns = std::move(columns), answers, others](H5::H5File& file,
                                                              const ResultFile::SavePart& save) {
    write_stages(run, columns, answers, others, file, save);
  };
}

}  // namespace flare::studies
