// Costs side by side: a BERT-base-sized workload from counts at hand, a sweep of 200 architectures, counting on data beside the
// array simulator alone on the same inputs.
#include <benchmark/benchmark.h>

#include <ctime>
#include <filesystem>
#include <random>

#include "flare_arch/cost/cost_model.hpp"
#include "flare_arch/cost/layer_reads.hpp"
#include "flare_arch/cost/workload_counts.hpp"
#include "flare_arch/models/accuracy.hpp"

namespace flare::arch {
namespace {

const std::filesystem::path data_folder = std::filesystem::path(FLARE_SOURCE_DIR) / "data";

void bert_base_from_counts(benchmark::State& state) {
  const Architecture a;
  const Workload work = closed_form(*known_shape("bert_base"), a);
  for (auto _ : state)
    for (const Bound bound : bounds) benchmark::DoNotOptimize(cost_of(work, a, bound));
}
BENCHMARK(bert_base_from_counts)->Unit(benchmark::kMillisecond);

void sweep_of_200(benchmark::State& state) {
  for (auto _ : state)
    for (int point = 0; point < 200; ++point) {
      Architecture a;
      a.weights.sawl = a.dynamic.sawl = 1 + point % 20;
      a.copies = 1 + point / 20;
      a.weights.converter.law = a.dynamic.converter.law = ConverterLaw::flash_untrimmed;
      for (const Bound bound : bounds)
        benchmark::DoNotOptimize(cost_of(closed_form(*known_shape("bert_base"), a, bound), a, bound));
    }
}
BENCHMARK(sweep_of_200)->Unit(benchmark::kMillisecond);

struct Digits {
  Transformer model = Transformer::load(data_folder / "models/digits_vit");
  Dataset data = load_digits(data_folder / "digits/digits.csv");
};

/// CPU seconds of all threads of this process.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Runs `plain` and `counted` in turns, so that both meet the same machine, and reports the CPU time of each and their ratio.
template <class Plain, class Counted>
void side_by_side(benchmark::State& state, const Plain& plain, const Counted& counted) {
  double one = 0, other = 0;
  for (auto _ : state) {
    const double begin = cpu_seconds();
    plain();
    const double middle = cpu_seconds();
    counted();
    one += middle - begin;
    other += cpu_seconds() - middle;
  }
  const auto turns = static_cast<double>(state.iterations());
  state.counters["simulator_ms"] = 1e3 * one / turns;
  state.counters["counting_ms"] = 1e3 * other / turns;
  state.counters["ratio"] = other / one;
}

/// Examples of the shipped model: attention on arrays without errors, and the same with its reads counted.
void counting_digits(benchmark::State& state) {
  const Digits digits;
  AccuracyOptions options;
  options.attention = attention_options(Architecture{});
  CountOptions count;
  options.examples = count.examples = static_cast<int>(state.range(0));
  side_by_side(
      state, [&] { benchmark::DoNotOptimize(evaluate_accuracy(digits.model, digits.data, options)); },
      [&] { benchmark::DoNotOptimize(count_workload(digits.model, digits.data, Architecture{}, count)); });
}
BENCHMARK(counting_digits)->Arg(100)->Arg(500)->Unit(benchmark::kMillisecond);

/// A layer of BERT-base's width on 128 tokens, on one thread. Beside counting: the simulator where a read in ten thousand errs
/// (the exact product, and errors where they fall), or every read is drawn (one in ten).
void counting_wide(benchmark::State& state) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal(0, 1);
  const auto random = [&](Eigen::Index rows, Eigen::Index columns) {
    return MatrixF(MatrixF::NullaryExpr(rows, columns, [&] { return normal(generator); }));
  };
  constexpr int width = 768, tokens = 128;
  AttentionWeights w;
  w.heads = 12;
  for (MatrixF* matrix : {&w.query, &w.key, &w.value, &w.output}) *matrix = random(width, width);
  w.output_bias = VectorF::Zero(width);
  const MatrixF x = random(tokens, width);
  const Architecture a;
  const IntegerAttention attention(w, 0, {x}, attention_options(a));
  const CodeSampler sampler(ErrorModel::neighbour_errors(8, state.range(0) == 0 ? 1e-4 : 0.1));
  ModelShape shape;
  shape.width = width;
  shape.tokens = tokens;
  shape.heads = w.heads;
  side_by_side(
      state,
      [&] {
        AttentionErrors errors;
        errors.stationary = errors.dynamic = &sampler;
        benchmark::DoNotOptimize(attention.forward(x, errors));
      },
      [&] {
        LayerReads reads(shape, a);
        AttentionCounters counters;
        AttentionErrors errors;
        errors.counters = &counters;
        errors.observer = &reads;
        attention.forward(x, errors);
        benchmark::DoNotOptimize(reads.finish(tokens, counters));
      });
}
BENCHMARK(counting_wide)->Arg(0)->Arg(1)->ArgName("every_read_drawn")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace flare::arch

BENCHMARK_MAIN();
