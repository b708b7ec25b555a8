#include "studies/column/column_screening.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "studies/column/column_die.hpp"
#include "studies/column/column_references.hpp"
#include "studies/column/column_timing.hpp"

namespace flare::studies {

namespace {

/// One run per variable, each moved by one sigma. Where references follow the die, what a die-wide variable does to the
/// level it does to them too: it takes no part.
engine::Matrix one_by_one(const Study& study, const engine::Testbench& bench) {
  const bool follows = follows_die(study);
  std::vector<Eigen::Index> moved;
  for (std::size_t v = 0; v < bench.variables.size(); ++v) {
    if (!follows || bench.variables[v].scope != engine::Scope::die)
      moved.push_back(static_cast<Eigen::Index>(v));
  }
  engine::Matrix points = engine::Matrix::Zero(static_cast<Eigen::Index>(moved.size()),
                                               static_cast<Eigen::Index>(bench.dimension()));
  for (std::size_t i = 0; i < moved.size(); ++i) points(static_cast<Eigen::Index>(i), moved[i]) = 1.0;
  return points;
}

/// Standard deviation of a level to first order.
double first_order_sigma(const std::vector<engine::RunResult>& moved, double nominal) {
  double variance = 0.0;
  for (const engine::RunResult& run : moved) {
    variance += std::pow(measured(run, 0) - nominal, 2);  // NaN where a run has no level
  }
  return std::sqrt(variance);
}

constexpr double longer_pulse = 5e-12;  // s

/// What a replica that closes the word line is asked: when its level has fallen by the swing, nominally and with a variable moved
/// each; and where the level comes to lie with a longer pulse.
void ask_timing(const StudyRun& run, const ColumnDesign& design, std::size_t p,
                std::vector<engine::RunRequest>& requests) {
  const Study& study = run.study;
  const ColumnPoint& point = design.points[p];
  const TimingBench timing = timing_testbench(study, point);
  add_variation(study, design.circuit_of(p), varying_elements(timing.run.options), *timing.bench);
  const engine::Matrix moved = one_by_one(study, *timing.bench);
  engine::Matrix points = engine::Matrix::Zero(moved.rows() + 1, moved.cols());
  points.bottomRows(moved.rows()) = moved;
  const std::string stream = "screen/" + point_name(study, point);
  requests.push_back({stream + "/replica", 0, timing.bench, points});
  requests.push_back(
      {stream + "/longer", 0,
       level_testbench(study, point, design.wordline_off[p] + longer_pulse, point.sawl, nullptr),
       no_variation()});
}

/// V: how far a replica's spread, in time, moves the level.
double timing_spread(const std::vector<engine::RunResult>& replica,
                     const std::vector<engine::RunResult>& longer, double level) {
  const std::vector<engine::RunResult> moved(replica.begin() + 1, replica.end());
  const double slope = (measured(longer.front(), 0) - level) / longer_pulse;
  return std::fabs(slope) * first_order_sigma(moved, measured(replica.front(), 0));
}

}  // namespace

double screened_sigma(const SetConverter& set, const std::vector<double>& nominal, double full_scale_sigma) {
  // Infinite margins do not exist: every level has a neighbour.
  const analysis::Converter& converter = set.converter;
  double least = std::numeric_limits<double>::infinity();
  const double sigma_steps = full_scale_sigma / std::fabs(set.reference.step());
  for (std::size_t k = 0; k < nominal.size(); ++k) {
    const double level = set.reference.to_steps(nominal[k]);
    const double share = static_cast<double>(k) / static_cast<double>(nominal.size() - 1);
    const std::size_t code = converter.code_of_level[k];
    const auto consider = [&](std::size_t threshold, double margin) {
      const double spread = std::hypot(sigma_steps * std::sqrt(share), converter.threshold_sigma(threshold));
      if (margin < least * spread || spread == 0.0)
        least = spread > 0.0 ? margin / spread : std::min(least, 1e3 * margin);
    };
    if (code > 0) consider(code - 1, level - converter.thresholds[code - 1]);
    if (code < converter.thresholds.size()) consider(code, converter.thresholds[code] - level);
  }
  return least;
}

std::vector<std::vector<engine::RunResult>> run_screening(const StudyRun& run, const ColumnDesign& design) {
  const Study& study = run.study;
  std::vector<engine::RunRequest> requests;
  const auto ask = [&](std::size_t p, int k, const std::string& more) {
    auto bench = level_testbench(study, design, p, k);
    engine::Matrix moved = one_by_one(study, *bench);
    requests.push_back(
        {"screen/" + point_name(study, design.points[p]) + more, 0, std::move(bench), std::move(moved)});
  };
  for (std::size_t p = 0; p < design.points.size(); ++p) {
    ask(p, design.points[p].sawl, "");
    if (has_replicas(study)) ask(p, 0, "/k0");
    if (study.column->timing_rows > 0) ask_timing(run, design, p, requests);
  }
  return run.run("screening corners", requests);
}

std::vector<LevelSpread> level_spreads(const StudyRun& run, const ColumnDesign& design) {
  const bool zero = has_replicas(run.study);
  const auto results = run_screening(run, design);
  std::vector<LevelSpread> spreads;
  std::size_t next = 0;
  for (std::size_t p = 0; p < design.points.size(); ++p) {
    LevelSpread& spread = spreads.emplace_back();
    spread.full_scale = first_order_sigma(results[next++], design.nominal[p].back());
    if (zero) spread.zero = first_order_sigma(results[next++], design.nominal[p].front());
    if (run.study.column->timing_rows == 0) continue;
    spread.timing = timing_spread(results[next], results[next + 1], design.nominal[p].back());
    next += 2;
  }
  return spreads;
}

ScreenedSigma screen_corners(const Study& study, const ColumnDesign& design) {
  ScreenedSigma screened(design.points.size());
  for (std::size_t p = 0; p < design.points.size(); ++p) {
    const LevelSpread& spread = design.spread[p];
    for (const ConverterStudy& c : study.converters) {
      screened[p].push_back(
          std::isfinite(spread.full_scale + spread.zero + spread.timing)
              ? screened_sigma(set_converter(study, design, p, c), design.nominal[p], spread.full_scale)
              : -std::numeric_limits<double>::infinity());
    }
  }
  return screened;
}

}  // namespace flare::studies
