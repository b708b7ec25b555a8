#include "studies/circuit/spec_estimate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <set>

#include "analysis/levels/level_fit.hpp"
#include "engine/base/random_stream.hpp"
#include "studies/circuit/circuit_margin.hpp"

namespace flare::studies {

namespace {

using analysis::LimitTail;
using analysis::Side;
using analysis::TailProbability;

/// A limit of one spec.
struct Question {
  std::size_t spec = 0;
  Side side = Side::below;
  double limit = 0.0;
};

/// What a question was answered.
struct Answer {
  TailProbability tail;
  engine::Vector nearest;
  std::string search;

  bool refused() const { return tail.status == analysis::TailStatus::refused; }
};

/// Independent draws with what every measure was in them.
struct Draws {
  double scale = 1.0;
  engine::Matrix points;
  std::vector<engine::RunResult> runs;
};

/// A spec with one limit alone.
Spec one_limit(const Spec& spec, const Question& question) {
  Spec single = spec;
  single.below.reset();
  single.above.reset();
  (question.side == Side::below ? single.below : single.above) = question.limit;
  // What the other side counts already passes here.
  if (question.side == Side::above && spec.below && spec.unmeasured == Unmeasured::fails)
    single.unmeasured = Unmeasured::passes;
  return single;
}

/// Where plain samples expect a limit at `sigma`, and how far it moves a sigma.
struct Expected {
  double limit = 0.0;
  double a_sigma = 0.0;  // above 0
};

Expected expected_limit(const std::vector<double>& values, Side side, double sigma) {
  const double out = side == Side::below ? -1.0 : 1.0;
  const auto fit = analysis::LevelFit::from_samples(values);
  if (!fit.refused()) {
    const double limit = fit.shape().level(out * sigma);
    const double step =
        std::fabs(fit.shape().level(out * (sigma + 0.5)) - fit.shape().level(out * (sigma - 0.5)));
    if (step > 0.0) return {limit, step};
  }
  double mean = 0.0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  double square = 0.0;
  for (const double v : values) square += (v - mean) * (v - mean) / static_cast<double>(values.size());
  return {mean + out * sigma * std::sqrt(square), std::sqrt(square)};
}

/// A limit that is asked for: where tails are taken around the expected one, and how often at most.
constexpr std::array<double, 5> limit_steps{-1.0, -0.5, 0.0, 0.5, 1.0};
constexpr std::size_t limit_questions = limit_steps.size();
constexpr std::size_t limit_rounds = 4;

class SpecEstimator {
 public:
  SpecEstimator(const StudyRun& run, const SampleSet& plain, std::string where)
      : run_(run),
        circuit_(*run.study.circuit),
        plain_(plain),
        where_(std::move(where)),
        evaluator_(run, "tails/" + plain.stream, plain.testbench) {
    known_.push_back({1.0, plain.points, plain.runs});
  }

  SpecEstimates estimate() {
    SpecEstimates made;
    made.answers.resize(circuit_.specs.size());
    const bool alone = circuit_.specs.size() == 1 && !circuit_.specs.front().asked;
    if (alone) {
      take(ask_alone(circuit_.specs.front(), ""), made.answers.front());
    } else {
      answer_limits(made.answers);
      for (std::size_t s = 0; s < circuit_.specs.size(); ++s) {
        if (circuit_.specs[s].asked) made.answers[s].limit = find_limit(s);
      }
    }
    made.tail_samples = evaluator_.take_samples();
    return made;
  }

 private:
  static void take(Answer&& answer, SpecAnswer& spec) {
    spec.failure = std::move(answer.tail);
    spec.nearest = std::move(answer.nearest);
    spec.search = std::move(answer.search);
  }

  /// Every limit that the specs give.
  void answer_limits(std::vector<SpecAnswer>& answers) {
    std::vector<Question> questions;
    for (std::size_t s = 0; s < circuit_.specs.size(); ++s) {
      const Spec& spec = circuit_.specs[s];
      if (spec.below) questions.push_back({s, Side::below, *spec.below});
      if (spec.above) questions.push_back({s, Side::above, *spec.above});
    }
    std::vector<bool> done(questions.size(), false);
    std::vector<Answer> given(questions.size());
    for (std::size_t q = 0; q < questions.size(); ++q) {
      if (done[q]) continue;
      std::vector<std::size_t> group;
      for (std::size_t other = q; other < questions.size(); ++other) {
        if (!done[other] && one_output(questions[q], questions[other])) group.push_back(other);
      }
      std::vector<Question> asked;
      for (const std::size_t g : group) asked.push_back(questions[g]);
      std::vector<Answer> together = ask(asked);
      for (std::size_t i = 0; i < group.size(); ++i) {
        done[group[i]] = true;
        given[group[i]] = std::move(together[i]);
      }
    }
    join(questions, given, answers);
  }

  /// Both sides of a spec are one failure; its nearest point is that of the likelier side.
  static void join(const std::vector<Question>& questions, std::vector<Answer>& given,
                   std::vector<SpecAnswer>& answers) {
    std::vector<bool> begun(answers.size(), false);
    for (std::size_t q = 0; q < questions.size(); ++q) {
      SpecAnswer& answer = answers[questions[q].spec];
      if (!begun[questions[q].spec]) {
        begun[questions[q].spec] = true;
        take(std::move(given[q]), answer);
        continue;
      }
      const TailProbability both = sum_of(answer.failure, given[q].tail);
      if (analysis::worse(given[q].tail, answer.failure)) take(std::move(given[q]), answer);
      const std::string method = answer.failure.method;
      answer.failure = both;
      answer.failure.method = method;
    }
  }

  /// Questions about the same numbers: one output in the words of the shared estimator.
  bool one_output(const Question& a, const Question& b) const {
    const Spec& first = circuit_.specs[a.spec];
    const Spec& second = circuit_.specs[b.spec];
    if (first.measure != second.measure || first.unmeasured != second.unmeasured) return false;
    const bool sided = first.unmeasured == Unmeasured::fails || first.unmeasured == Unmeasured::passes;
    return !sided || (a.side == b.side && one_limit(first, a).unmeasured == one_limit(second, b).unmeasured);
  }

  /// Questions about one output: together, and what is refused alone.
  std::vector<Answer> ask(const std::vector<Question>& questions) {
    std::vector<Answer> answers(questions.size());
    if (run_.study.estimator.method == "auto") answers = share(questions);
    for (std::size_t q = 0; q < questions.size(); ++q) {
      if (answers[q].refused()) answers[q] = ask_alone(questions[q]);
    }
    return answers;
  }

  std::vector<Answer> share(const std::vector<Question>& questions) {
    const Spec single = one_limit(circuit_.specs[questions.front().spec], questions.front());
    const auto read = [&](const std::vector<engine::RunResult>& runs) {
      return outputs(circuit_, single, questions.front().side, runs, where_);
    };
    analysis::OutputTailsOptions options;
    options.target_half_width = run_.study.estimator.accuracy;
    options.max_runs = budget() * std::min<std::uint64_t>(questions.size(), 3) * 2 / 3;
    options.seed = seed_of(fmt::format("{}/shared{}", plain_.stream, shared_++));
    for (const Draws& draws : known_) options.known.push_back({draws.scale, draws.points, read(draws.runs)});
    std::vector<analysis::TailQuestion> asked;
    for (const Question& question : questions) asked.push_back({question.limit, question.side, 0.0});
    const analysis::OutputTailsSummary summary = analysis::estimate_output_tails(
        plain_.testbench->dimension(), [&](const engine::Matrix& points) { return read(evaluate(points)); },
        asked, options, run_.stop);
    if (run_.stop.stop_requested()) throw engine::Stopped();
    for (const analysis::OutputDraws& draws : summary.draws) keep(draws.scale, draws.points);
    evaluator_.weigh(summary.estimate);
    std::vector<Answer> answers;
    for (const analysis::OutputTail& tail : summary.tails) {
      answers.push_back({probability_of(tail, summary.runs), tail.nearest.x,
                         fmt::format("{}", fmt::join(summary.search, "; "))});
    }
    return answers;
  }

  Answer ask_alone(const Question& question) {
    const Spec& spec = circuit_.specs[question.spec];
    return ask_alone(one_limit(spec, question),
                     fmt::format("/{}/{}{}", spec.name, limit_word(question.side),
                                 spec.asked ? std::to_string(alone_++) : std::string()));
  }

  /// `name` tells its random numbers from those of other questions.
  Answer ask_alone(const Spec& spec, const std::string& name) {
    analysis::RareEventOptions options;
    options.method = rare_event_method(run_.study.estimator.method);
    options.target_half_width = run_.study.estimator.accuracy;
    options.max_runs = budget();
    options.seed = seed_of(plain_.stream + name);
    for (const Draws& draws : known_) {
      options.known.push_back({draws.scale, draws.points, responses(circuit_, spec, draws.runs, where_)});
    }
    const analysis::RareEventSummary summary = analysis::estimate_failure_probability(
        plain_.testbench->dimension(),
        [&](const engine::Matrix& points) { return responses(circuit_, spec, evaluate(points), where_); },
        options, run_.stop);
    if (run_.stop.stop_requested()) throw engine::Stopped();
    for (const analysis::ScaledDraws& draws : summary.draws) keep(draws.scale, draws.points);
    return {probability_of(summary),
            summary.regions.empty() ? engine::Vector() : summary.regions.front().most_probable_point,
            summary.brief_report()};
  }

  analysis::HeldLimit find_limit(std::size_t s) {
    const Spec& spec = circuit_.specs[s];
    const Side side = *spec.asked;
    const double target = run_.study.target.largest();
    Expected expected =
        expected_limit(plain_.values(spec.measure), side, analysis::sigma_of_probability(target));
    if (!(expected.a_sigma > 0.0)) return {};
    analysis::HeldLimit held;
    for (std::size_t round = 0; round < limit_rounds; ++round) {
      const std::vector<LimitTail> tails = tails_around(s, side, expected, round == 0 ? 0.5 : 0.3);
      held = analysis::held_limit(tails, side, target);
      if (!std::isnan(held.limit)) break;
      const std::optional<double> crossing = analysis::expected_crossing(tails, side, target);
      if (!crossing) break;
      expected.limit = *crossing;
    }
    held.runs = evaluator_.runs();
    return held;
  }

  /// Tails at five limits, up to `reach` sigma from the expected one each way.
  std::vector<LimitTail> tails_around(std::size_t s, Side side, const Expected& expected, double reach) {
    std::vector<Question> questions;
    for (const double step : limit_steps)
      questions.push_back({s, side, expected.limit + step * reach * expected.a_sigma});
    const std::vector<Answer> answers = ask(questions);
    std::vector<LimitTail> tails;
    for (std::size_t q = 0; q < questions.size(); ++q) tails.push_back({questions[q].limit, answers[q].tail});
    return tails;
  }

  std::vector<engine::RunResult> evaluate(const engine::Matrix& points) {
    const auto most = static_cast<double>(budget() * circuit_.specs.size());
    run_.progress.update(std::min(1.0, static_cast<double>(evaluator_.runs()) / most),
                         fmt::format("{} runs of at most {:.0f}", evaluator_.runs(), most));
    return evaluator_.evaluate(points);
  }

  void keep(double scale, const engine::Matrix& points) {
    known_.push_back({scale, points, evaluator_.runs_at(points)});
  }

  std::uint64_t budget() const { return static_cast<std::uint64_t>(run_.study.estimator.budget); }
  std::uint64_t seed_of(const std::string& name) const { return run_.study.seed ^ engine::stream_key(name); }

  const StudyRun& run_;
  const CircuitStudy& circuit_;
  const SampleSet& plain_;
  std::string where_;
  StoredEvaluator evaluator_;
  std::vector<Draws> known_;
  int shared_ = 0;  // shared estimates made, for their seeds
  int alone_ = 0;
};

}  // namespace

SpecEstimates estimate_specs(const StudyRun& run, const SampleSet& plain, const std::string& where) {
  return SpecEstimator(run, plain, where).estimate();
}

TailRuns expected_tail_runs(const Study& study) {
  constexpr std::size_t usual_search = 1000, usual_shared = 250, usual_limit = 500;
  const auto budget = static_cast<std::size_t>(study.estimator.budget);
  const std::vector<Spec>& specs = study.circuit->specs;
  if (specs.size() == 1 && !specs.front().asked) return {std::min(usual_search, budget), budget};
  TailRuns runs;
  std::set<std::size_t> measures;
  for (const Spec& spec : specs) {
    // A question has a budget of its own where those of its output together, with two thirds of theirs, refuse it.
    const std::size_t questions = spec.asked ? limit_rounds * limit_questions
                                             : static_cast<std::size_t>(spec.below.has_value()) +
                                                   static_cast<std::size_t>(spec.above.has_value());
    runs.most += questions * budget + questions * budget * 2 / 3;
    if (spec.asked) {
      runs.likely += std::min(usual_limit, budget);
    } else if (measures.insert(spec.measure).second) {
      runs.likely += std::min(usual_shared, budget);
    }
  }
  return runs;
}

analysis::HeldLimit fitted_limit(const CircuitStudy& circuit, const Spec& spec, const SampleSet& plain,
                                 double target) {
  const Side side = *spec.asked;
  const double sigma = analysis::sigma_of_probability(target);
  const Expected expected = expected_limit(plain.values(spec.measure), side, sigma);
  std::vector<LimitTail> tails;
  constexpr int steps = 40;
  // Outwards further than inwards: there the interval of a law is wide.
  const int outwards = side == Side::below ? -1 : 1;
  for (int i = -steps; i <= 2 * steps; ++i) {
    Spec single = spec;
    const double limit = expected.limit + outwards * i * expected.a_sigma * 0.5 * sigma / steps;
    (side == Side::below ? single.below : single.above) = limit;
    tails.push_back({limit, fitted_failure(circuit, single, plain)});
    // Where the law ends, or the runs end, there is no more than a bound.
    const analysis::TailStatus status = tails.back().tail.status;
    if (status == analysis::TailStatus::bound) tails.pop_back();
  }
  return analysis::held_limit(tails, side, target);
}

}  // namespace flare::studies
