#include "studies/sweep/sweep_study.hpp"

#include <fmt/format.h>

#include "engine/base/hdf5_copy.hpp"
#include "engine/base/hdf5_memory.hpp"
#include "studies/cost/cost_stage.hpp"
#include "studies/model/accuracy_stage.hpp"

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

}  // namespace

std::vector<SweptStudy> sweep_studies(const Study& whole) {
  std::vector<SweptStudy> points;
  const std::size_t count = sweep_points(whole.sweep);
  for (std::size_t p = 0; p < count; ++p) {
    const std::string label = label_of(whole.sweep, p);
    try {
      points.push_back({sweep_point(whole, sweep_assignments(whole.sweep, p)), label});
      const Study& point = points.back().study;
      if (point.accuracy) check_accuracy_inputs(*point.accuracy);
      check_cost_stage(point);
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

WriteTables run_sweep(const StudyRun& run, const std::filesystem::path& scratch, const MakeAnswers& others) {
  const std::vector<SweptStudy> points = sweep_studies(run.study);
  analysis::Sweep sweep = empty_sweep(run.study.sweep);
  auto all = std::make_shared<H5::H5File>(engine::memory_file(scratch.string() + ".all"));
  bool share = false;
  for (std::size_t p = 0; p < points.size(); ++p) {
    run.progress.note(fmt::format("point {} of {}: {}", p + 1, points.size(), points[p].label));
    const StudyRun at{points[p].study, run.evaluator, run.store, run.progress, run.stop, run.shard};
    const WriteTables write = run_kind(at, {}, others);
    share = !write;
    if (share) continue;
    // Files in memory must differ in name as well.
    H5::H5File result = engine::memory_file(fmt::format("{}.{}", scratch.string(), p));
    write_study_attributes(result, at.study);
    write(result, [&] {
      engine::save_whole(result, scratch);
      return scratch;
    });
    std::filesystem::remove(scratch);
    analysis::take_point(result, p, sweep);
    engine::copy_members(result, *all, fmt::format("/sweep/results/{}", p));
  }
  if (share) return {};
  analysis::write_sweep(*all, sweep);
  return [all](H5::H5File& file, const auto&) { engine::copy_members(*all, file, ""); };
}

}  // namespace flare::studies
