// One head of attention on gain cells against plain products, side by side: width 64, window 1,024, 4,096 tokens.
//
//   cell_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
//
// `vs_plain` is the time over that of the same linear attention as plain oneDNN products, measured in the same run; `numpy` runs
// cell_numpy.py, the same law, and reports how many times slower it is. All on one thread, in its own time.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>

#include "flare_arch/base/float_product.hpp"
#include "flare_arch/gain_cell/cell_array.hpp"

namespace flare::arch {
namespace {

constexpr int tokens = 4'096, width = 64, window = 1'024, block = 128;
double plain_seconds = 0, cell_seconds = 0;

CodeMatrix random_codes(int below, unsigned seed) {
  std::mt19937 generator(seed);
  CodeMatrix codes(tokens, width);
  for (Eigen::Index i = 0; i < codes.size(); ++i)
    codes.data()[i] = static_cast<std::uint8_t>(generator() % static_cast<unsigned>(below));
  return codes;
}

const HeadCodes& head_codes() {
  static const HeadCodes codes{random_codes(16, 1), random_codes(8, 2), random_codes(8, 3)};
  return codes;
}

MatrixF voltages(const CodeMatrix& codes) { return (codes.cast<float>() * (0.9f / 7)).array() - 0.45f; }

/// 0 outside the window, else clamped to 0..1. Row i is token `first` + i, column j token `oldest` + j.
void clamp_to_window(MatrixF& scores, int first, int oldest) {
  for (Eigen::Index i = 0; i < scores.rows(); ++i) {
    const Eigen::Index end = first + i - oldest + 1, begin = std::max<Eigen::Index>(0, end - window);
    auto row = scores.row(i);
    row.head(begin).setZero();
    row.segment(begin, end - begin) = row.segment(begin, end - begin).cwiseMax(0.0f).cwiseMin(1.0f);
    row.tail(scores.cols() - end).setZero();
  }
}

/// P V with P = clamp(Q K^T / full scale), block by block over the keys that a block sees.
MatrixF plain_attention(const MatrixF& q, const MatrixF& k, const MatrixF& v) {
  MatrixF out(tokens, width);
  for (int first = 0; first < tokens; first += block) {
    const int oldest = std::max(0, first - window + 1), seen = first + block - oldest;
    MatrixF scores = product_with_transposed(q.middleRows(first, block), k.middleRows(oldest, seen));
    clamp_to_window(scores, first, oldest);
    out.middleRows(first, block) = product(scores, v.middleRows(oldest, seen));
  }
  return out;
}

/// Time of this thread on a core: what other programs do in between is not counted.
double thread_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

template <class Run>
double fastest(benchmark::State& state, const Run& run) {
  double best = 1e30;
  for (auto _ : state) {
    const double start = thread_seconds();
    run();
    best = std::min(best, thread_seconds() - start);
  }
  state.counters["best_ms"] = 1e3 * best;
  if (plain_seconds > 0) state.counters["vs_plain"] = best / plain_seconds;
  return best;
}

void plain(benchmark::State& state) {
  const MatrixF q = head_codes().query.cast<float>() * (19.3f / 80 / 15), k = voltages(head_codes().key),
                v = voltages(head_codes().value) * (19.3f / 40);
  plain_seconds = fastest(state, [&] { benchmark::DoNotOptimize(plain_attention(q, k, v)); });
}

CellArrayOptions options() {
  CellArrayOptions o;
  o.window = window;
  return o;
}

MatrixD currents(const CellLaw& law) {
  const StoredLevels stored;
  return level_currents(law, stored, exponential_retention(stored, 1.6e-4), window);
}

void linear_cells(benchmark::State& state) {
  const CellArray array(currents(linear_law()), options());
  fastest(state, [&] { benchmark::DoNotOptimize(array.forward(head_codes())); });
}

void paper_cells(benchmark::State& state) {
  const CellArray array(currents(paper_law()), options());
  cell_seconds = fastest(state, [&] { benchmark::DoNotOptimize(array.forward(head_codes())); });
}

void paper_cells_of_a_die(benchmark::State& state) {
  CellSpread spread;
  spread.covariance.diagonal() << 1e-14, 1e-12, 1e-12, 4e-12;
  const auto errors =
      std::make_shared<const HeadErrors>(draw_head_errors(spread, StoredLevels(), {}, window, 64, width));
  const CellArray array(currents(paper_law()), options(), errors);
  fastest(state, [&] { benchmark::DoNotOptimize(array.forward(head_codes())); });
}

void numpy(benchmark::State& state) {
  double seconds = 0;
  for (auto _ : state) {
    std::FILE* pipe =
        popen("OPENBLAS_NUM_THREADS=1 /usr/bin/python3 " FLARE_SOURCE_DIR "/tests/bench/cell_numpy.py", "r");
    if (pipe == nullptr || std::fscanf(pipe, "%lf", &seconds) != 1) state.SkipWithError("numpy is missing");
    if (pipe != nullptr) pclose(pipe);
  }
  state.counters["best_ms"] = 1e3 * seconds;
  if (cell_seconds > 0) state.counters["times_slower"] = seconds / cell_seconds;
}

BENCHMARK(plain)->Unit(benchmark::kMillisecond)->MinTime(1);
BENCHMARK(linear_cells)->Unit(benchmark::kMillisecond)->MinTime(1);
BENCHMARK(paper_cells)->Unit(benchmark::kMillisecond)->MinTime(1);
BENCHMARK(paper_cells_of_a_die)->Unit(benchmark::kMillisecond)->MinTime(1);
BENCHMARK(numpy)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace flare::arch

BENCHMARK_MAIN();
