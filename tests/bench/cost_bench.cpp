// Costs side by side: a BERT-base-sized workload from counts at hand, a sweep of 200 architectures, counting on data against the
// array simulator alone on the same examples.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "flare_arch/cost/cost_model.hpp"
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

void array_simulator_alone(benchmark::State& state) {
  const Digits digits;
  AccuracyOptions options;
  options.examples = 100;
  options.attention = attention_options(Architecture{});
  for (auto _ : state) benchmark::DoNotOptimize(evaluate_accuracy(digits.model, digits.data, options));
}
BENCHMARK(array_simulator_alone)->Unit(benchmark::kMillisecond);

void counting(benchmark::State& state) {
  const Digits digits;
  CountOptions options;
  options.examples = 100;
  for (auto _ : state)
    benchmark::DoNotOptimize(count_workload(digits.model, digits.data, Architecture{}, options));
}
BENCHMARK(counting)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace flare::arch

BENCHMARK_MAIN();
