#include "studies/sweep/sweep_study.hpp"

#include <fmt/format.h>

#include "engine/base/hdf5_memory.hpp"
#include "studies/circuit/circuit_study.hpp"
#include "studies/column/column_study.hpp"
#include "studies/converter/converter_study.hpp"
#include "studies/gain_cell/gain_cell_study.hpp"
#include "studies/model/accuracy_stage.hpp"
#include "studies/run/shard_parts.hpp"

namespace flare::studies {

namespace {

std::string unquoted(const std::string& toml) {
  const bool quoted = toml.size() >= 2 && (toml.front() == '"' || toml.front() == '\'');
  return quoted ? toml.substr(1, toml.size() - 2) : toml;
}

std::string label_of(const std::vector<SweepAxis>& axes, std::size_t p) {
  std::string label;
  const std::vector<std::size_t> place = sweep_place(axes, p);
  for (std::size_t a = 0; a < axes.size(); ++a)
    label += fmt::format("{}{} = {}", a > 0 ? ", " : "", axes[a].key, unquoted(axes[a].values[place[a]]));
  return label;
}

/// One point's study into a file of its own.
void run_point(const StudyRun& run, H5::H5File& file, const std::filesystem::path& scratch) {
  if (run.study.circuit) {
    const CircuitResult circuit = run_circuit_study(run);
    if (run.shard.count == 1) write_circuit_result(file, run.study, circuit);
  } else if (run.study.adc) {
    const ConverterResult converters = run_converter_study(run);
    if (!is_part(run.shard)) write_converter_result(file, converters);
  } else if (run.study.gain_cell) {
    write_gain_cell_result(file, run_gain_cell_study(run));
  } else {
    const ColumnResult column = run_column_study(run);
    if (is_part(run.shard)) return;
    write_column_results(file, {{run.study, column}});
    if (!run.study.accuracy) return;
    engine::save_whole(file, scratch);
    analysis::write_accuracy(file, table_rows(run_accuracy_stage(run, scratch, column, {})));
    std::filesystem::remove(scratch);
  }
}

}  // namespace

void copy_results(const H5::H5File& from, H5::H5File& to, const std::string& path) {
  const hid_t create = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(create, 1);
  for (const std::string& name : engine::members(from, "/")) {
    if (H5Ocopy(from.getId(), name.c_str(), to.getId(), (path + "/" + name).c_str(), H5P_DEFAULT, create) < 0)
      throw engine::FileError(fmt::format("{}: {} cannot be copied", to.getFileName(), name));
  }
  H5Pclose(create);
}

std::vector<SweepPoint> sweep_studies(const Study& whole) {
  std::vector<SweepPoint> points;
  const std::size_t count = sweep_points(whole.sweep);
  for (std::size_t p = 0; p < count; ++p) {
    const std::string label = label_of(whole.sweep, p);
    try {
      points.push_back({sweep_point(whole, sweep_assignments(whole.sweep, p)), label});
    } catch (const StudyError& error) {
      throw StudyError(fmt::format("{}: at {}: {}", whole.sweep.front().place, label, error.what()));
    }
  }
  return points;
}

analysis::Sweep empty_sweep(const std::vector<SweepAxis>& axes) {
  analysis::Sweep sweep;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    analysis::SweepColumn& column = sweep.columns.emplace_back();
    column.key = axes[a].key;
    column.unit = axes[a].unit;
    for (std::size_t p = 0; p < sweep_points(axes); ++p) {
      const std::size_t i = sweep_place(axes, p)[a];
      column.numbers.push_back(axes[a].numbers[i]);
      column.texts.push_back(unquoted(axes[a].values[i]));
    }
  }
  return sweep;
}

void run_sweep(const StudyRun& run, H5::H5File& file, const std::filesystem::path& scratch) {
  const std::vector<SweepPoint> points = sweep_studies(run.study);
  analysis::Sweep sweep = empty_sweep(run.study.sweep);
  for (std::size_t p = 0; p < points.size(); ++p) {
    run.progress.note(fmt::format("point {} of {}: {}", p + 1, points.size(), points[p].label));
    const StudyRun at{points[p].study, run.evaluator, run.store, run.progress, run.stop, run.shard};
    // Files in memory must differ in name as well.
    H5::H5File result = engine::memory_file(fmt::format("{}.{}", scratch.string(), p));
    run_point(at, result, scratch);
    if (is_part(run.shard)) continue;
    analysis::take_point(result, p, sweep);
    copy_results(result, file, fmt::format("/sweep/results/{}", p));
  }
  if (!is_part(run.shard)) analysis::write_sweep(file, sweep);
}

}  // namespace flare::studies
