#include "studies/column_tails.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/random_stream.hpp"
#include "studies/rare_event_runs.hpp"

namespace flare::studies {

namespace {

using analysis::Direction;

/// A level towards one threshold, as a failure problem.
class TailProblem {
 public:
  TailProblem(const StudyRun& run, const TailLevel& level, Direction direction,
              const analysis::Converter& converter, const analysis::ReferenceLevels& reference,
              const std::string& stream)
      : evaluator_(run, fmt::format("{}/k{}_{}", stream, level.k, to_string(direction)), level.bench),
        direction_(direction),
        noise_(converter.threshold_sigma()),
        reference_(reference) {
    const std::size_t code = converter.code_of_level[level.k];
    threshold_ = converter.thresholds[direction == Direction::down ? code - 1 : code];
  }

  std::size_t dimension() const { return evaluator_.testbench().dimension() + 1; }

  std::vector<analysis::Response> operator()(const engine::Matrix& points) {
    const auto bench_dimension = static_cast<Eigen::Index>(evaluator_.testbench().dimension());
    const std::vector<engine::RunResult> results = evaluator_.evaluate(points.leftCols(bench_dimension));
    std::vector<analysis::Response> responses;
    responses.reserve(results.size());
    for (std::size_t r = 0; r < results.size(); ++r) {
      const engine::RunResult& result = results[r];
      const double volt = result.outcome == engine::Outcome::ok ? result.measures.front() : NAN;
      responses.push_back(response(volt, points(static_cast<Eigen::Index>(r), bench_dimension)));
    }
    return responses;
  }

  /// Draws of this level as this problem reads them, and back.
  analysis::ScaledDraws read(const LevelDraws& draws) const {
    analysis::ScaledDraws read{draws.scale, draws.points, {}};
    for (std::size_t r = 0; r < draws.volts.size(); ++r) {
      read.responses.push_back(
          response(draws.volts[r], draws.points(static_cast<Eigen::Index>(r), Eigen::last)));
    }
    return read;
  }
  LevelDraws unread(const analysis::ScaledDraws& draws) const {
    LevelDraws level{draws.scale, draws.points, {}};
    for (std::size_t r = 0; r < draws.responses.size(); ++r) {
      const analysis::Response& response = draws.responses[r];
      const double deviation = noise_ * draws.points(static_cast<Eigen::Index>(r), Eigen::last);
      const double distance = direction_ == Direction::down ? response.value : -response.value;
      level.volts.push_back(response.kind == analysis::ResponseKind::margin
                                ? reference_.to_volts(distance + threshold_ + deviation)
                                : NAN);
    }
    return level;
  }

  SampleSet take_samples() { return evaluator_.take_samples(); }

 private:
  /// The margin in steps (fails where it is <= 0) at the converter's coordinate e; unknown where volt is NaN.
  analysis::Response response(double volt, double e) const {
    const double distance = reference_.to_steps(volt) - (threshold_ + noise_ * e);
    return analysis::Response::margin(direction_ == Direction::down ? distance : -distance);
  }

  StoredEvaluator evaluator_;
  Direction direction_;
  double noise_;
  const analysis::ReferenceLevels& reference_;
  double threshold_ = 0.0;
};

struct Item {
  std::size_t level = 0;  // index into levels
  Direction direction = Direction::down;
};

/// Full scale first: the other levels start from what it showed.
std::vector<Item> items_of(const std::vector<TailLevel>& levels, const analysis::Converter& converter) {
  std::vector<Item> items;
  for (std::size_t i = levels.size(); i-- > 0;) {
    const std::size_t code = converter.code_of_level[levels[i].k];
    if (code > 0) items.push_back({i, Direction::down});
    if (code < converter.thresholds.size()) items.push_back({i, Direction::up});
  }
  return items;
}

}  // namespace

std::vector<EstimatedTail> estimate_tails(const StudyRun& run, std::vector<TailLevel>& levels,
                                          const analysis::Converter& converter,
                                          const analysis::ReferenceLevels& reference,
                                          const TailOptions& options) {
  std::vector<EstimatedTail> tails;
  const std::vector<Item> items = items_of(levels, converter);
  std::uint64_t left = options.budget;
  for (std::size_t i = 0; i < items.size(); ++i) {
    TailLevel& level = levels[items[i].level];
    TailProblem problem(run, level, items[i].direction, converter, reference, options.stream);
    analysis::RareEventOptions rare;
    rare.method = options.method;
    rare.target_half_width = options.accuracy;
    // What one item leaves over goes to those after it.
    rare.max_runs =
        std::max(left / (items.size() - i), analysis::RareEventOptions::min_runs(problem.dimension()));
    rare.seed = run.study.seed ^ engine::stream_key(options.stream);
    for (const LevelDraws& draws : level.known) rare.known.push_back(problem.read(draws));
    EstimatedTail tail;
    tail.summary =
        analysis::estimate_failure_probability(problem.dimension(), std::ref(problem), rare, run.stop);
    if (run.stop.stop_requested()) throw engine::Stopped();
    for (const analysis::ScaledDraws& draws : tail.summary.draws)
      level.known.push_back(problem.unread(draws));
    tail.tail = {level.k, items[i].direction, probability_of(tail.summary)};
    tail.samples = problem.take_samples();
    left -= std::min<std::uint64_t>(left, tail.samples.runs.size());
    tails.push_back(std::move(tail));
    if (options.on_tail) options.on_tail(tails.back());
  }
  return tails;
}

std::vector<VariableShare> variable_shares(const engine::Vector& point, const engine::Testbench& bench) {
  std::vector<VariableShare> shares;
  const double total = point.squaredNorm();
  for (Eigen::Index i = 0; i < point.size(); ++i) {
    const auto v = static_cast<std::size_t>(i);
    shares.push_back({v < bench.variables.size() ? bench.variables[v].name : "converter",
                      total > 0.0 ? point[i] * point[i] / total : 0.0});
  }
  return shares;
}

}  // namespace flare::studies
