#include "studies/column/column_tails.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "engine/base/random_stream.hpp"
#include "studies/column/column_counted.hpp"
#include "studies/column/column_questions.hpp"

namespace flare::studies {

namespace {

using analysis::TailQuestion;

double volt_of(const engine::RunResult& run) { return measured(run, 0); }

std::vector<double> volts_of(const std::vector<engine::RunResult>& runs) {
  std::vector<double> volts;
  volts.reserve(runs.size());
  for (const engine::RunResult& run : runs) volts.push_back(volt_of(run));
  return volts;
}

MakeRuns made_by(const StudyRun& run, const TailLevel& level) {
  return [&](const engine::RunRequest& request) { return level.make(run, request); };
}

/// One question as a failure problem of its own: the bench's coordinates, and last the converter's deviation.
class OwnProblem {
 public:
  OwnProblem(const StudyRun& run, std::string stream, const TailLevel& level, const TailQuestion& question)
      : evaluator_(run, std::move(stream), level.plain->testbench, made_by(run, level)),
        question_(question) {}

  std::size_t dimension() const { return evaluator_.testbench().dimension() + 1; }

  std::vector<analysis::Response> operator()(const engine::Matrix& points) {
    const auto d = static_cast<Eigen::Index>(evaluator_.testbench().dimension());
    return read(volts_of(evaluator_.evaluate(points.leftCols(d))), points.col(d));
  }

  /// Draws of the level, with draws of the converter's deviation beside them.
  analysis::ScaledDraws read(const analysis::OutputDraws& draws, const engine::Matrix& deviations) const {
    analysis::ScaledDraws known{
        draws.scale, engine::Matrix(draws.points.rows(), draws.points.cols() + 1), {}};
    known.points.leftCols(draws.points.cols()) = draws.points;
    known.points.rightCols(1) = draws.scale * deviations;
    known.responses = read(draws.values, known.points.rightCols(1));
    return known;
  }

  /// Runs of the level that a proposal led to, with a converter that does not deviate.
  analysis::SeenRuns read(const analysis::DirectedOutputs& runs) const {
    const Eigen::Index n = runs.points.rows();
    analysis::SeenRuns seen{engine::Matrix::Zero(n, runs.points.cols() + 1), {}};
    seen.points.leftCols(runs.points.cols()) = runs.points;
    seen.responses = read(runs.values, engine::Vector::Zero(n));
    return seen;
  }

  /// Draws of this problem as draws of the level: `read`, backwards.
  analysis::OutputDraws volts_behind(const analysis::ScaledDraws& draws) const {
    const Eigen::Index d = draws.points.cols() - 1;
    analysis::OutputDraws level{draws.scale, draws.points.leftCols(d), {}};
    for (std::size_t i = 0; i < draws.responses.size(); ++i) {
      level.values.push_back(volts_behind(draws.responses[i], draws.points(static_cast<Eigen::Index>(i), d)));
    }
    return level;
  }

  SampleSet take_samples() { return evaluator_.take_samples(); }

 private:
  double volts_behind(const analysis::Response& response, double deviation) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const double outwards = question_.side == analysis::Side::below ? -1.0 : 1.0;
    switch (response.kind) {
      case analysis::ResponseKind::margin:
        return question_.limit - outwards * (response.value + question_.noise * deviation);
      case analysis::ResponseKind::pass:
        return -outwards * infinity;
      case analysis::ResponseKind::fail:
        return outwards * infinity;
      case analysis::ResponseKind::unknown:
        break;
    }
    return std::numeric_limits<double>::quiet_NaN();
  }

  std::vector<analysis::Response> read(const std::vector<double>& volts,
                                       const engine::Vector& deviations) const {
    std::vector<analysis::Response> responses;
    responses.reserve(volts.size());
    for (std::size_t i = 0; i < volts.size(); ++i) {
      const double deviation = deviations(static_cast<Eigen::Index>(i));
      responses.push_back(analysis::Response::margin(question_.margin(volts[i], deviation)));
    }
    return responses;
  }

  StoredEvaluator evaluator_;
  TailQuestion question_;
};

/// Estimates the tails of one level: the shared runs first, then what they refused.
class LevelEstimator {
 public:
  LevelEstimator(const StudyRun& run, const TailLevel& level, const std::vector<SetConverter>& converters,
                 const TailOptions& options)
      : run_(run),
        level_(level),
        converters_(converters),
        options_(options),
        questions_(questions_of(level.k, converters)),
        left_(options.budget),
        stream_(fmt::format("{}/k{}", options.stream, level.k)) {
    known_.push_back({1.0, level.plain->points, volts_of(level.plain->runs)});
  }

  LevelTails estimate() {
    LevelTails level;
    level.by_converter.resize(converters_.size());
    level.surrogates = options_.warm_starts;
    std::vector<EstimatedTail> tails(questions_.size());
    level.shared.stream = stream_;
    level.shared.testbench = level_.plain->testbench;
    level.shared.points.resize(0, level_.plain->points.cols());
    if (options_.method == "auto") level.shared = share(tails, level.surrogates);
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      const bool answered = tails[q].tail.probability.status == analysis::TailStatus::estimated;
      if (!answered) ask_alone(q, tails[q]);
      level.by_converter[questions_[q].converter].push_back(std::move(tails[q]));
    }
    return level;
  }

 private:
  SampleSet share(std::vector<EstimatedTail>& tails, std::vector<analysis::TailSurrogate>& surrogates) {
    StoredEvaluator evaluator(run_, stream_, level_.plain->testbench, made_by(run_, level_));
    std::vector<TailQuestion> asked;
    for (const LevelQuestion& question : questions_) asked.push_back(question.ask);
    analysis::OutputTailsOptions options;
    options.target_half_width = options_.accuracy;
    options.max_runs = left_ * 2 / 3;  // the rest for what is refused
    options.seed = run_.study.seed ^ engine::stream_key(stream_);
    options.known = known_;
    options.warm_starts = options_.warm_starts;
    const analysis::OutputTailsSummary summary = analysis::estimate_output_tails(
        evaluator.testbench().dimension(),
        [&](const engine::Matrix& points) { return volts_of(evaluator.evaluate(points)); }, asked, options,
        run_.stop);
    if (run_.stop.stop_requested()) throw engine::Stopped();
    for (std::size_t q = 0; q < tails.size(); ++q) {
      const analysis::OutputTail& answer = summary.tails[q];
      tails[q].tail = {level_.k, questions_[q].direction, probability_of(answer, summary.runs)};
      tails[q].search = fmt::format("{}", fmt::join(summary.search, "; "));
      if (answer.nearest.x.size() == 0) continue;
      tails[q].nearest.resize(answer.nearest.x.size() + 1);
      tails[q].nearest << answer.nearest.x, answer.nearest.noise;
    }
    if (!summary.surrogates.empty()) surrogates = summary.surrogates;
    known_.insert(known_.end(), summary.draws.begin(), summary.draws.end());
    seen_ = summary.directed;
    left_ -= std::min(left_, summary.runs.total());
    evaluator.weigh(summary.estimate);
    return evaluator.take_samples();
  }

  void ask_alone(std::size_t q, EstimatedTail& tail) {
    const LevelQuestion& question = questions_[q];
    const std::string stream =
        fmt::format("{}/{}/k{}_{}", options_.stream, converters_[question.converter].converter.name, level_.k,
                    to_string(question.direction));
    OwnProblem problem(run_, stream, level_, question.ask);
    analysis::RareEventOptions rare;
    rare.method = rare_event_method(options_.method);
    rare.target_half_width = options_.accuracy;
    // What one question leaves over goes to those after it. One that has too little for an estimate may take it from
    // them, never from beyond the budget.
    const std::uint64_t least = analysis::RareEventOptions::min_runs(problem.dimension());
    rare.max_runs = std::max(left_ / (questions_.size() - q), std::min(least, left_));
    if (rare.max_runs < least) {
      tail.tail = {level_.k, question.direction, no_budget(rare, least)};
      return;
    }
    rare.seed = run_.study.seed ^ engine::stream_key(stream);
    for (const analysis::OutputDraws& draws : known_) {
      const engine::SampleSource deviation{run_.study.seed, level_.plain->stream + "/converter",
                                           engine::Design::random, 0};
      rare.known.push_back(
          problem.read(draws, engine::draw(deviation, 0, static_cast<std::size_t>(draws.points.rows()), 1)));
    }
    rare.seen = problem.read(seen_);
    const analysis::RareEventSummary summary =
        analysis::estimate_failure_probability(problem.dimension(), std::ref(problem), rare, run_.stop);
    if (run_.stop.stop_requested()) throw engine::Stopped();
    tail.tail = {level_.k, question.direction, probability_of(summary)};
    tail.nearest = summary.regions.empty() ? engine::Vector() : summary.regions.front().most_probable_point;
    tail.search = fmt::format("{}", fmt::join(summary.diagnostics.search, "; "));
    tail.own = problem.take_samples();
    for (const analysis::ScaledDraws& draws : summary.draws) known_.push_back(problem.volts_behind(draws));
    left_ -= std::min<std::uint64_t>(left_, tail.own.runs.size());
  }

  analysis::TailProbability no_budget(const analysis::RareEventOptions& options, std::uint64_t least) const {
    analysis::RareEventSummary none;
    none.method = options.method;
    none.reason = fmt::format("the budget leaves {} runs, an estimate takes at least {}", left_, least);
    none.runs_wanted = options_.point_budget + least * questions_.size();
    return probability_of(none);
  }

  const StudyRun& run_;
  const TailLevel& level_;
  const std::vector<SetConverter>& converters_;
  const TailOptions& options_;
  std::vector<LevelQuestion> questions_;
  std::uint64_t left_;  // of the level
  std::string stream_;
  std::vector<analysis::OutputDraws> known_;
  analysis::DirectedOutputs seen_;  // by the shared estimator, beside its draws
};

}  // namespace

std::size_t LevelTails::runs() const {
  std::size_t runs = shared.runs.size() + counted.runs;
  for (const auto& tails : by_converter) {
    for (const EstimatedTail& tail : tails) runs += tail.own.runs.size();
  }
  return runs;
}

LevelTails estimate_level(const StudyRun& run, const TailLevel& level,
                          const std::vector<SetConverter>& converters, const TailOptions& options) {
  if (options.method == "monte_carlo") return count_level(run, level, converters, options);
  return LevelEstimator(run, level, converters, options).estimate();
}

bool LevelTails::refused() const {
  for (const auto& tails : by_converter) {
    for (const EstimatedTail& tail : tails) {
      if (tail.tail.probability.status == analysis::TailStatus::refused) return true;
    }
  }
  return false;
}

PointTails join_levels(std::vector<LevelTails> levels) {
  PointTails point;
  if (levels.empty()) return point;
  point.by_converter.resize(levels.front().by_converter.size());
  for (std::size_t i = levels.size(); i-- > 0;) {
    for (std::size_t c = 0; c < point.by_converter.size(); ++c) {
      auto& tails = levels[i].by_converter[c];
      std::move(tails.begin(), tails.end(), std::back_inserter(point.by_converter[c]));
    }
  }
  for (LevelTails& level : levels) {
    point.shared.push_back(std::move(level.shared));
    point.counted.push_back(std::move(level.counted));
  }
  return point;
}

}  // namespace flare::studies
