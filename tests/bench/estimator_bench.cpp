// What the estimator itself costs: whole estimates of problems whose evaluation is next to free. The counter
// `time_per_run` is the overhead to set beside one SPICE run (milliseconds).
#include <benchmark/benchmark.h>

#include <cmath>

#include "analysis/output_tails/output_tails.hpp"
#include "analysis/rare_event/rare_event.hpp"

namespace {

using flare::analysis::BatchEvaluator;
using flare::analysis::RareEventOptions;
using flare::analysis::RareEventSummary;
using flare::analysis::Response;

// `curvature` 0: a plane, the short way. Else two curved regions: the wide search with its clustering and fits.
BatchEvaluator problem(double curvature) {
  return [curvature](const flare::engine::Matrix& points) {
    std::vector<Response> responses;
    responses.reserve(static_cast<std::size_t>(points.rows()));
    for (Eigen::Index i = 0; i < points.rows(); ++i) {
      const double along = points.row(i).sum() / std::sqrt(static_cast<double>(points.cols()));
      const double bend = curvature * (points.row(i).squaredNorm() - along * along);
      responses.push_back(Response::margin(6.0 + bend - (curvature > 0.0 ? std::abs(along) : along)));
    }
    return responses;
  };
}

void run(benchmark::State& state, double curvature) {
  const auto d = static_cast<std::size_t>(state.range(0));
  const BatchEvaluator evaluator = problem(curvature);
  RareEventOptions options;
  options.max_runs = 10000;
  std::uint64_t runs = 0;
  for (auto _ : state) {
    const RareEventSummary summary = flare::analysis::estimate_failure_probability(d, evaluator, options);
    benchmark::DoNotOptimize(summary.log_p);
    runs += summary.runs.total();
    ++options.seed;
  }
  state.counters["runs"] = static_cast<double>(runs) / static_cast<double>(state.iterations());
  state.counters["time_per_run"] = benchmark::Counter(
      static_cast<double>(runs), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void plane(benchmark::State& state) { run(state, 0.0); }
void two_curved_regions(benchmark::State& state) { run(state, 0.01); }

// A bitline level asked by two converters in both directions.
void one_output_four_questions(benchmark::State& state) {
  const auto d = static_cast<std::size_t>(state.range(0));
  const flare::analysis::OutputEvaluator evaluator = [](const flare::engine::Matrix& points) {
    std::vector<double> y;
    for (Eigen::Index i = 0; i < points.rows(); ++i) {
      const double along = points.row(i).sum() / std::sqrt(static_cast<double>(points.cols()));
      y.push_back(along + 0.01 * along * along + 0.01 * along * points(i, 0));
    }
    return y;
  };
  using flare::analysis::Side;
  const std::vector<flare::analysis::TailQuestion> questions = {
      {-6.0, Side::below, 0.4}, {-6.0, Side::below, 1.0}, {6.0, Side::above, 0.4}, {6.0, Side::above, 1.0}};
  flare::analysis::OutputTailsOptions options;
  std::uint64_t runs = 0;
  for (auto _ : state) {
    const auto summary = flare::analysis::estimate_output_tails(d, evaluator, questions, options);
    benchmark::DoNotOptimize(summary.tails.front().log_p);
    runs += summary.runs.total();
    ++options.seed;
  }
  state.counters["runs"] = static_cast<double>(runs) / static_cast<double>(state.iterations());
  state.counters["time_per_run"] = benchmark::Counter(
      static_cast<double>(runs), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK(one_output_four_questions)->Arg(6)->Arg(40)->Arg(100)->Arg(200)->Unit(benchmark::kMillisecond);
BENCHMARK(plane)->Arg(6)->Arg(40)->Arg(100)->Arg(200)->Unit(benchmark::kMillisecond);
BENCHMARK(two_curved_regions)->Arg(6)->Arg(40)->Arg(100)->Arg(200)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
