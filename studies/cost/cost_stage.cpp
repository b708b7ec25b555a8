#include "studies/cost/cost_stage.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "studies/cost/architecture_file.hpp"
#include "studies/cost/study_figures.hpp"

namespace flare::studies {

void check_cost_stage(const Study& study) {
  if (!study.cost) return;
  const std::string file = study.cost->architecture.string();
  const arch::Architecture a = read_architecture(study.cost->architecture);
  const CostModel model = CostModel::load(study.cost->model.string(), study.cost->dataset, {});
  const bool mram = study.column->setup.cell.read == ReadKind::clamp;
  for (const arch::ArrayChoice* array : {&a.weights, &a.dynamic}) {
    if ((array->technology == arch::MemoryTechnology::mram) != mram) continue;
    const std::vector<int>& sawl = study.column->sawl;
    if (std::find(sawl.begin(), sawl.end(), array->sawl) == sawl.end())
      throw StudyError(
          fmt::format("{}: asks for SAWL {}, the study has {}; change arrays.*.sawl, or [column] sawl", file,
                      array->sawl, fmt::join(sawl, ", ")));
  }
  try {
    arch::check_fit(model.shape, a);
  } catch (const std::invalid_argument& e) {
    throw StudyError(file + ": " + e.what());
  }
}

void write_read_energies(const Study& study, const ColumnResult& column, H5::H5File& file) {
  for (const auto& [p, full] : column.full) {
    const ColumnPoint& point = column.design.points[p];
    const analysis::ModelKey key{study.column->setup.cell.name, point.sawl, "", point.corner.name()};
    std::vector<analysis::ReadEnergyRow> rows;
    for (const ReadDraw& draw : full.energies) {
      const int k = static_cast<int>(rows.size());
      if (std::isnan(draw.energy()) || std::isnan(draw.level))
        throw std::runtime_error(fmt::format(
            "{} k {}: a read without any variation gave no answer; the energy of reads is not known",
            point_name(study, point), k));
      rows.push_back({k, draw.volt * draw.bitline, draw.volt * draw.word_lines,
                      full.energies.front().level - draw.level});
    }
    analysis::write_read_energy(file, key.point_path(), rows);
  }
}

void write_cost_stage(const StudyRun& run, const std::filesystem::path& models, H5::H5File& file) {
  const CostStudy& study = *run.study.cost;
  arch::Architecture a = read_architecture(study.architecture);
  std::vector<std::string> notes = apply_study(a, models);
  std::string error;
  if (!a.is_valid(&error)) throw StudyError(study.architecture.string() + ": " + error);
  CostModel model = CostModel::load(study.model.string(), study.dataset, {});
  model.options.examples = study.examples;
  model.options.seed = run.study.seed;
  model.options.stop = run.stop;
  run.progress.stage("cost");
  model.options.progress = [&](std::int64_t done, std::int64_t total) {
    run.progress.update(static_cast<double>(done) / static_cast<double>(total),
                        fmt::format("{} of {} sequences counted", done, total));
  };
  CostRun cost;
  try {
    cost = run_cost(model, a);
  } catch (const arch::CountStopped&) {
    throw engine::Stopped();
  }
  run.progress.finish(fmt::format("{:.0f} sequences counted", cost.workload().sequences));
  analysis::write_cost(file, cost_result(cost, read_gpus(), read_digital(), notes));
}

}  // namespace flare::studies
