#include "studies/column/column_die.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "studies/column/column_timing.hpp"

namespace flare::studies {

namespace {

using engine::RunRequest;
using engine::RunResult;
using engine::Testbench;

bool has_die_variables(const Study& study) {
  const auto die = [](const DeviceVariation& v) { return v.scope == engine::Scope::die; };
  return !study.die.empty() || std::any_of(study.devices.begin(), study.devices.end(), die);
}

/// The study without mismatch.
Study die_wide(const Study& study) {
  Study only = study;
  std::erase_if(only.devices, [](const DeviceVariation& v) { return v.scope != engine::Scope::die; });
  return only;
}

/// The coordinates of the samples that `bench` has too, found by their names.
engine::Matrix coordinates_of(const Testbench& bench, const RunRequest& request) {
  const std::vector<engine::Variable>& all = request.testbench->variables;
  engine::Matrix points(request.points.rows(), static_cast<Eigen::Index>(bench.dimension()));
  for (std::size_t v = 0; v < bench.variables.size(); ++v) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const engine::Variable& other) {
      return other.name == bench.variables[v].name;
    });
    points.col(static_cast<Eigen::Index>(v)) = request.points.col(at - all.begin());
  }
  return points;
}

/// A level of the corner's or of a die's column with its neighbours, where there are any.
struct Neighbours {
  std::optional<double> before;
  double self = 0.0;
  std::optional<double> after;

  /// Where the level's range begins, and how wide it is: thresholds lie midway between references.
  double origin() const { return 0.5 * (self + (before ? *before : *after)); }
  double width() const {
    if (before && after) return 0.5 * (*after - *before);
    return before ? self - *before : *after - self;
  }
};

RunResult no_answer(const Testbench& bench, engine::Outcome outcome, const std::string& message) {
  RunResult result;
  result.outcome = outcome;
  result.measures.assign(bench.measures.size(), std::numeric_limits<double>::quiet_NaN());
  result.message = message;
  return result;
}

/// One batch of samples of one level, each on its die.
class DieBatch {
 public:
  DieBatch(const StudyRun& run, const ColumnDesign& design, std::size_t p, int k, const RunRequest& request)
      : run_(run),
        study_(run.study),
        design_(design),
        p_(p),
        k_(k),
        request_(request),
        die_wide_(die_wide(run.study)) {}

  std::vector<RunResult> make() {
    find_pulses();
    std::vector<RunRequest> requests;
    for (Eigen::Index i = 0; i < request_.points.rows(); ++i) add_requests(i, requests);
    const auto results = engine::run_all(run_.evaluator, run_.store, requests, run_.stop);
    std::vector<RunResult> levels;
    std::size_t next = 0;
    for (std::size_t i = 0; i < pulses_.size(); ++i) {
      if (std::isfinite(pulses_[i])) {
        levels.push_back(on_the_corners_scale(pulses_[i], results, next));
        next += 1 + references().size();
      } else {
        levels.push_back(no_answer(*request_.testbench, engine::Outcome::unmeasured,
                                   "a replica column of this die closes no word-line pulse"));
      }
    }
    return levels;
  }

 private:
  const ColumnPoint& point() const { return design_.points[p_]; }

  /// Level k and its neighbours.
  std::vector<int> references() const {
    std::vector<int> levels;
    for (int j = std::max(k_ - 1, 0); j <= std::min(k_ + 1, point().sawl); ++j) levels.push_back(j);
    return levels;
  }

  // s; not a number where the die has none.
  void find_pulses() {
    pulses_.assign(static_cast<std::size_t>(request_.points.rows()), design_.wordline_off[p_]);
    if (!study_.column->tracking_timing) return;
    const TimingBench timing = timing_testbench(study_, point());
    auto bench = std::make_shared<Testbench>(*timing.bench);
    vary(timing.run.options, *bench);
    // A die's supply is its own.
    bench->measures.front().reference = "v(vdd)";
    bench->measures.front().level = -study_.column->swing.at(point().corner);
    const RunRequest request{request_.stream + "/timing", request_.first, bench,
                             coordinates_of(*bench, request_)};
    const auto results = engine::run_all(run_.evaluator, run_.store, {&request, 1}, run_.stop).front();
    for (std::size_t i = 0; i < results.size(); ++i) {
      const double off = results[i].outcome == engine::Outcome::ok
                             ? timing.run.wordline_off(results[i].measures.front())
                             : std::numeric_limits<double>::quiet_NaN();
      ColumnOptions options = column_options(study_, point().sawl, k_, point().corner);
      options.wordline_off = off;
      pulses_[i] = options.is_valid(nullptr) ? off : std::numeric_limits<double>::quiet_NaN();
    }
  }

  void vary(const ColumnOptions& options, Testbench& bench) const {
    add_variation(die_wide_, design_.circuit_of(p_), varying_elements(options), bench);
  }

  // The sample's column, then the references of its die.
  void add_requests(Eigen::Index i, std::vector<RunRequest>& requests) const {
    const double off = pulses_[static_cast<std::size_t>(i)];
    if (!std::isfinite(off)) return;
    const std::uint64_t index = request_.first + static_cast<std::uint64_t>(i);
    requests.push_back({request_.stream, index,
                        level_testbench(study_, point(), off, k_, &design_.circuit_of(p_)),
                        request_.points.row(i)});
    for (const int j : references()) {
      auto bench = level_testbench(study_, point(), off, j, nullptr);
      vary(column_options(study_, point().sawl, j, point().corner), *bench);
      engine::Matrix die = coordinates_of(*bench, request_).row(i);
      requests.push_back(
          {fmt::format("{}/reference{}", request_.stream, j), index, std::move(bench), std::move(die)});
    }
  }

  RunResult on_the_corners_scale(double off, const std::vector<std::vector<RunResult>>& results,
                                 std::size_t next) const {
    const RunResult& sampled = results[next].front();
    Neighbours die;
    Neighbours corner;
    for (const int j : references()) {
      const RunResult& reference = results[++next].front();
      if (reference.outcome != engine::Outcome::ok) {
        return no_answer(*request_.testbench, reference.outcome,
                         "a reference column of this die: " + reference.message);
      }
      place(die, j, reference.measures.front());
      place(corner, j, design_.nominal[p_][static_cast<std::size_t>(j)]);
    }
    if (sampled.outcome != engine::Outcome::ok)
      return no_answer(*request_.testbench, sampled.outcome, sampled.message);
    const double scale = corner.width() / die.width();
    if (!(scale > 0.0) || !std::isfinite(scale)) {
      return no_answer(*request_.testbench, engine::Outcome::unmeasured,
                       "the reference levels of this die are out of order");
    }
    RunResult result = sampled;
    const double level = sampled.measures.front();
    result.measures = {corner.origin() + (level - die.origin()) * scale, level, off};
    return result;
  }

  void place(Neighbours& neighbours, int j, double volt) const {
    if (j == k_) {
      neighbours.self = volt;
    } else {
      (j < k_ ? neighbours.before : neighbours.after) = volt;
    }
  }

  const StudyRun& run_;
  const Study& study_;
  const ColumnDesign& design_;
  std::size_t p_;
  int k_;
  const RunRequest& request_;
  Study die_wide_;
  std::vector<double> pulses_;
};

}  // namespace

bool follows_die(const Study& study) { return study.column->tracking_die && has_die_variables(study); }

std::string tracking_text(const Study& study) {
  if (!has_die_variables(study)) return "";
  if (!study.column->tracking_die) return "references and timing follow the corner, not the die";
  return study.column->tracking_timing ? "references and timing follow each die"
                                       : "references follow each die; the timing is fixed";
}

std::vector<RunResult> LevelRunner::make(std::size_t p, int k, const RunRequest& request) const {
  if (!follows_die(run_.study))
    return engine::run_all(run_.evaluator, run_.store, {&request, 1}, run_.stop).front();
  return DieBatch(run_, design_, p, k, request).make();
}

void add_die_measures(Testbench& bench) {
  engine::Measure simulated = bench.measures.front();
  simulated.name = simulated_level_measure;
  engine::Measure off;
  off.name = wordline_off_measure;
  off.unit = std::string("s");
  bench.measures.push_back(std::move(simulated));
  bench.measures.push_back(std::move(off));
}

}  // namespace flare::studies
