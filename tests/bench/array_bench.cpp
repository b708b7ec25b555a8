// Error-injected products against plain int8 ones, side by side: 128 tokens x 768 x 768, 8 x 8 bit, SAWL 8,
// fixed groups: 6.04e8 reads a product. `reads/s` is the figure to compare; `vs_plain` the time over that of
// the plain oneDNN product measured in the same run (the first benchmark).
//
//   array_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <oneapi/dnnl/dnnl.hpp>
#include <random>

#include "flare_arch/array/array.hpp"

namespace flare::arch {
namespace {

constexpr int tokens = 128, depth = 768, columns = 768, sawl = 8;
constexpr double reads = double(tokens) * 8 * (depth / sawl) * columns * 8;

MatrixI random_matrix(int rows, int cols, unsigned seed) {
  std::mt19937 generator(seed);
  MatrixI m(rows, cols);
  for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<int>(generator() % 256) - 128;
  return m;
}

const MatrixI& inputs() {
  static const MatrixI m = random_matrix(tokens, depth, 1);
  return m;
}
const Array& array(Packing packing) {
  static const MatrixI w = random_matrix(depth, columns, 2);
  static const Array fixed(w, {}, {sawl, 16, Packing::fixed}), sifted(w, {}, {sawl, 16, Packing::next_fit});
  return packing == Packing::fixed ? fixed : sifted;
}

double plain_seconds = 0;

/// Runs the timed loop and returns the time of its fastest turn: on a machine that does other things as well, the
/// one least disturbed.
template <class Run>
double fastest(benchmark::State& state, const Run& run) {
  double best = 1e30;
  for (auto _ : state) {
    const double start = omp_get_wtime();
    run();
    best = std::min(best, omp_get_wtime() - start);
  }
  return best;
}

void report(benchmark::State& state, double reads_made, double seconds) {
  state.counters["reads/s"] = reads_made / seconds;
  state.counters["best_ms"] = 1e3 * seconds;
  if (plain_seconds > 0) state.counters["vs_plain"] = seconds / plain_seconds;
}

/// The plain product, buffers and packed weights made beforehand.
void plain_onednn(benchmark::State& state) {
  using dnnl::memory;
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const memory::desc source({tokens, depth}, memory::data_type::s8, memory::format_tag::ab);
  const memory::desc any({depth, columns}, memory::data_type::s8, memory::format_tag::any);
  const memory::desc plain({depth, columns}, memory::data_type::s8, memory::format_tag::ab);
  const memory::desc target({tokens, columns}, memory::data_type::s32, memory::format_tag::ab);
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(source, any, target), engine);
  memory x(source, engine), w(description.weights_desc(), engine), w_plain(plain, engine), y(target, engine);
  for (int i = 0; i < tokens * depth; ++i)
    static_cast<std::int8_t*>(x.get_data_handle())[i] = static_cast<std::int8_t>(inputs().data()[i]);
  for (int i = 0; i < depth * columns; ++i)
    static_cast<std::int8_t*>(w_plain.get_data_handle())[i] =
        static_cast<std::int8_t>(array(Packing::fixed).weights().data()[i]);
  dnnl::reorder(w_plain, w).execute(stream, w_plain, w);
  const dnnl::matmul product(description);
  const auto run = [&] {
    product.execute(stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y}});
    stream.wait();
  };
  run();
  plain_seconds = fastest(state, run);
  state.counters["best_ms"] = 1e3 * plain_seconds;
  state.counters["MAC/s"] = double(tokens) * depth * columns / plain_seconds;
}

void run_array(benchmark::State& state, const Array& a, const ErrorInjection& errors) {
  ArrayCounters counters;
  MatrixI result;
  a.multiply(inputs(), {}, errors, &counters, result);  // also makes what is made on first use
  a.multiply(inputs(), {}, errors, nullptr, result);
  const double best = fastest(state, [&] {
    a.multiply(inputs(), {}, errors, nullptr, result);
    benchmark::DoNotOptimize(result.data());
  });
  report(state, static_cast<double>(counters.conversions), best);
}

void read_mode(benchmark::State& state, double rate, ReadPath path, Packing packing) {
  const CodeSampler sampler(ErrorModel::neighbour_errors(sawl, rate));
  ErrorInjection errors;
  errors.sampler = &sampler;
  errors.path = path;
  errors.threads = omp_get_max_threads();
  run_array(state, array(packing), errors);
}

void coarse_converter(benchmark::State& state) {
  const CodeSampler sampler(ErrorModel::gaussian(sawl, 4, {0.03, 0.005, 0.03}, {0.02}));
  ErrorInjection errors;
  errors.sampler = &sampler;
  errors.threads = omp_get_max_threads();
  run_array(state, array(Packing::fixed), errors);
}

void die_mode(benchmark::State& state, double noise, Packing packing) {
  const CodeSampler sampler(ErrorModel::gaussian(sawl, 9, {0.03, 0.005, 0.03}, {noise}));
  static const ArrayDie die(sampler.model(), 1, 0, depth, array(Packing::fixed).bitlines());
  ErrorInjection errors;
  errors.sampler = &sampler;
  errors.mode = ErrorMode::die;
  errors.die = &die;
  errors.threads = omp_get_max_threads();
  run_array(state, array(packing), errors);
}

/// A smaller product of the same kind: numpy's rate does not depend on the number of tokens.
void numpy(benchmark::State& state) {
  double rate = 0;
  for (auto _ : state) {
    const std::string command = std::string("/usr/bin/python3 ") + FLARE_SOURCE_DIR +
                                "/tests/bench/array_numpy.py 128 768 768 8 0.01";
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr || std::fscanf(pipe, "%lf", &rate) != 1)
      state.SkipWithError("python3 with numpy is needed");
    if (pipe != nullptr) pclose(pipe);
  }
  state.counters["reads/s"] = rate;
}

void register_all() {
  const auto add = [](const std::string& name, auto run) {
    benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime()->Unit(benchmark::kMillisecond);
  };
  add("plain_onednn_int8", plain_onednn);
  for (const double rate : {1e-6, 1e-4, 1e-2})
    add("read/auto/rate:" + std::to_string(rate),
        [=](benchmark::State& s) { read_mode(s, rate, ReadPath::automatic, Packing::fixed); });
  add("read/sparse/rate:0.01",
      [](benchmark::State& s) { read_mode(s, 1e-2, ReadPath::sparse, Packing::fixed); });
  add("read/dense/rate:0.01",
      [](benchmark::State& s) { read_mode(s, 1e-2, ReadPath::dense, Packing::fixed); });
  add("read/dense/rate:0.3", [](benchmark::State& s) { read_mode(s, 0.3, ReadPath::dense, Packing::fixed); });
  add("read/dense/coarse_4_codes", coarse_converter);
  add("die/noise:0", [](benchmark::State& s) { die_mode(s, 0, Packing::fixed); });
  add("die/noise:0.02", [](benchmark::State& s) { die_mode(s, 0.02, Packing::fixed); });
  add("bitsift/read/auto/rate:1e-06",
      [](benchmark::State& s) { read_mode(s, 1e-6, ReadPath::automatic, Packing::next_fit); });
  add("bitsift/read/dense/rate:0.01",
      [](benchmark::State& s) { read_mode(s, 1e-2, ReadPath::dense, Packing::next_fit); });
  add("bitsift/die/noise:0.02", [](benchmark::State& s) { die_mode(s, 0.02, Packing::next_fit); });
  benchmark::RegisterBenchmark("numpy/read/rate:0.01", numpy)
      ->Iterations(1)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace flare::arch

int main(int argc, char** argv) {
  flare::arch::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
