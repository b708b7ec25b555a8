#include "studies/run/counted_batches.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/content_hash.hpp"

namespace flare::studies {

namespace {

constexpr std::size_t most_coordinates = 4'000'000;  // of a batch: 32 MB

std::size_t rows_of_batch(std::size_t dimension, std::size_t most_rows) {
  const std::size_t fitting = most_coordinates / std::max<std::size_t>(1, dimension);
  return std::clamp(fitting, std::min<std::size_t>(64, most_rows), most_rows);
}

/// What a batch of runs said, as the numbers that are kept of it.
struct Batch {
  std::vector<std::size_t> counts;
  std::vector<std::uint64_t> failing;  // indices of those whose runs are kept

  std::vector<double> numbers() const {
    std::vector<double> all(counts.begin(), counts.end());
    for (const std::uint64_t index : failing) all.push_back(static_cast<double>(index));
    return all;
  }
  static Batch of(const std::vector<double>& numbers, std::size_t counts) {
    Batch batch;
    for (std::size_t i = 0; i < counts; ++i) batch.counts.push_back(static_cast<std::size_t>(numbers.at(i)));
    for (std::size_t i = counts; i < numbers.size(); ++i)
      batch.failing.push_back(static_cast<std::uint64_t>(numbers[i]));
    return batch;
  }
};

class BatchCounter {
 public:
  BatchCounter(const StudyRun& run, const Counting& counting)
      : run_(run), counting_(counting), bench_(engine::fingerprint(*counting.testbench)) {
    counted_.sums.resize(counting.counts);
    counted_.failing.stream = counting.source.stream;
    counted_.failing.testbench = counting.testbench;
  }

  CountedBatches count() {
    const std::size_t rows = rows_of_batch(bench().dimension(), counting_.most_rows);
    const std::size_t total = counting_.source.total;
    for (std::size_t at = counting_.first; at < total; at += rows) {
      if (counting_.on_batch) counting_.on_batch(at);
      take(at, std::min<std::size_t>(rows, total - at));
    }
    join_points();
    return std::move(counted_);
  }

 private:
  const engine::Testbench& bench() const { return *counting_.testbench; }
  std::string stream_of(const char* what) const { return counting_.source.stream + "/" + what; }

  void take(std::size_t first, std::size_t rows) {
    const std::uint64_t print = engine::fnv1a(fmt::format("{} {}", first, rows), counting_.question);
    const std::string counted = stream_of("counted");
    const engine::RunResult* known = run_.store.find(counted, first, print);
    const Batch batch = known != nullptr ? Batch::of(known->measures, counting_.counts) : make(first, rows);
    if (known == nullptr) {
      engine::RunResult sums;
      sums.measures = batch.numbers();
      run_.store.add(counted, first, print, sums);
    }
    for (std::size_t i = 0; i < batch.counts.size(); ++i) counted_.sums[i] += batch.counts[i];
    for (const std::uint64_t index : batch.failing) keep(index);
  }

  /// Simulates a batch, and puts aside those of its failing runs that are kept.
  Batch make(std::size_t first, std::size_t rows) {
    const engine::RunRequest request{counting_.source.stream, first, counting_.testbench,
                                     engine::draw(counting_.source, first, rows, bench().dimension()),
                                     bench_};
    const std::vector<engine::RunResult> runs = simulate(request);
    Batch batch;
    batch.counts = counting_.count(first, runs);
    for (std::size_t r = 0; r < rows && counted_.failing.runs.size() + batch.failing.size() < kept_failures;
         ++r) {
      if (!counting_.fails(first + r, runs[r])) continue;
      batch.failing.push_back(first + r);
      run_.store.add(stream_of("failing"), first + r,
                     engine::fingerprint(bench_, request.points.row(static_cast<Eigen::Index>(r))), runs[r]);
    }
    return batch;
  }

  /// What a stop kept of the batch is not made again, and what one finds finished is kept.
  std::vector<engine::RunResult> simulate(const engine::RunRequest& request) {
    engine::RunStore batch;
    copy_runs(request, run_.store, batch);
    const StudyRun alone{run_.study, run_.evaluator, batch, run_.progress, run_.stop, run_.shard};
    try {
      return counting_.make ? counting_.make(alone, request)
                            : engine::run_all(run_.evaluator, batch, {&request, 1}, run_.stop).front();
    } catch (...) {
      copy_runs(request, batch, run_.store);
      throw;
    }
  }

  void copy_runs(const engine::RunRequest& request, const engine::RunStore& from,
                 engine::RunStore& to) const {
    for (Eigen::Index r = 0; r < request.points.rows(); ++r) {
      const std::uint64_t index = request.first + static_cast<std::uint64_t>(r);
      const std::uint64_t print = engine::fingerprint(bench_, request.points.row(r));
      if (const engine::RunResult* made = from.find(request.stream, index, print))
        to.add(request.stream, index, print, *made);
    }
  }

  void keep(std::uint64_t index) {
    engine::Matrix point = engine::draw(counting_.source, index, 1, bench().dimension());
    const engine::RunResult* found =
        run_.store.find(stream_of("failing"), index, engine::fingerprint(bench_, point.row(0)));
    if (found == nullptr) {
      throw StudyError(fmt::format("{}: run {} that failed is not kept", counting_.source.stream, index));
    }
    counted_.failing.runs.push_back(*found);
    counted_.failing_indices.push_back(index);
    points_.push_back(std::move(point));
  }

  void join_points() {
    counted_.failing.points.resize(static_cast<Eigen::Index>(points_.size()),
                                   static_cast<Eigen::Index>(bench().dimension()));
    for (std::size_t i = 0; i < points_.size(); ++i)
      counted_.failing.points.row(static_cast<Eigen::Index>(i)) = points_[i].row(0);
  }

  const StudyRun& run_;
  const Counting& counting_;
  std::uint64_t bench_;
  CountedBatches counted_;
  std::vector<engine::Matrix> points_;  // of the failing runs, a row each
};

}  // namespace

std::size_t runs_kept(const Study& study) {
  const auto runs = static_cast<std::size_t>(study.estimator.runs);
  return study.estimator.method == "monte_carlo" ? std::min(runs, kept_runs) : runs;
}

CountedBatches count_batches(const StudyRun& run, const Counting& counting) {
  return BatchCounter(run, counting).count();
}

}  // namespace flare::studies
