#include "studies/circuit/counted_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/base/content_hash.hpp"

namespace flare::studies {

namespace {

constexpr std::size_t most_rows = 4'096;             // of a batch
constexpr std::size_t most_coordinates = 4'000'000;  // of a batch: 32 MB

std::size_t rows_of_batch(std::size_t dimension) {
  return std::clamp(most_coordinates / std::max<std::size_t>(1, dimension), std::size_t{64}, most_rows);
}

/// What a batch of runs said, as the numbers that are kept of it.
struct Batch {
  std::vector<FailureCounts> specs;
  std::vector<std::uint64_t> failing;  // indices of those whose runs are kept

  std::vector<double> numbers() const {
    std::vector<double> all;
    for (const FailureCounts& c : specs) {
      for (const std::size_t n : {c.failed, c.answered, c.bare, c.unknown})
        all.push_back(static_cast<double>(n));
    }
    for (const std::uint64_t index : failing) all.push_back(static_cast<double>(index));
    return all;
  }
  static Batch of(const std::vector<double>& numbers, std::size_t spec_count) {
    const auto at = [&](std::size_t i) { return static_cast<std::size_t>(numbers.at(i)); };
    Batch batch;
    for (std::size_t s = 0; s < spec_count; ++s)
      batch.specs.push_back({at(4 * s), at(4 * s + 1), at(4 * s + 2), at(4 * s + 3)});
    for (std::size_t i = 4 * spec_count; i < numbers.size(); ++i) batch.failing.push_back(at(i));
    return batch;
  }
};

class RunCounter {
 public:
  RunCounter(const StudyRun& run, const engine::SampleSource& source,
             std::shared_ptr<const engine::Testbench> testbench, std::string where)
      : run_(run),
        circuit_(*run.study.circuit),
        source_(source),
        where_(std::move(where)),
        bench_(engine::fingerprint(*testbench)) {
    counted_.specs.resize(circuit_.specs.size());
    counted_.failing.stream = source.stream;
    counted_.failing.testbench = std::move(testbench);
    question_ = engine::fnv1a(
        fmt::format("{} {} {} {}", bench_, source.seed, static_cast<int>(source.design), source.total));
    for (const Spec& spec : circuit_.specs) {
      question_ = engine::fnv1a(fmt::format("{} {} {} {} ", spec.measure, spec.below.value_or(NAN),
                                            spec.above.value_or(NAN), static_cast<int>(spec.unmeasured)),
                                question_);
    }
  }

  CountedRuns count(std::size_t first) {
    const std::size_t rows = rows_of_batch(bench().dimension());
    for (std::size_t at = first; at < source_.total; at += rows) {
      take(at, std::min<std::size_t>(rows, source_.total - at));
      const auto done = static_cast<double>(at - first) / static_cast<double>(source_.total - first);
      run_.progress.update(done, fmt::format("{} of {} runs {}", at, source_.total, where_));
    }
    join_points();
    return std::move(counted_);
  }

 private:
  const engine::Testbench& bench() const { return *counted_.failing.testbench; }
  std::string stream_of(const char* what) const { return source_.stream + "/" + what; }

  void take(std::size_t first, std::size_t rows) {
    const std::uint64_t print = engine::fnv1a(fmt::format("{} {}", first, rows), question_);
    const std::string counted = stream_of("counted");
    const engine::RunResult* known = run_.store.find(counted, first, print);
    const Batch batch =
        known != nullptr ? Batch::of(known->measures, circuit_.specs.size()) : make(first, rows);
    if (known == nullptr) {
      engine::RunResult sums;
      sums.measures = batch.numbers();
      run_.store.add(counted, first, print, sums);
    }
    counted_.runs += rows;
    for (std::size_t s = 0; s < batch.specs.size(); ++s) counted_.specs[s] += batch.specs[s];
    for (const std::uint64_t index : batch.failing) keep(index);
  }

  /// Simulates a batch, and puts aside those of its failing runs that are kept.
  Batch make(std::size_t first, std::size_t rows) {
    const engine::RunRequest request{source_.stream, first, counted_.failing.testbench,
                                     engine::draw(source_, first, rows, bench().dimension()), bench_};
    const std::vector<engine::RunResult> runs = simulate(request);
    Batch batch;
    for (const Spec& spec : circuit_.specs)
      batch.specs.push_back(count_failures(circuit_, spec, runs, where_));
    for (std::size_t r = 0; r < rows && counted_.failing.runs.size() + batch.failing.size() < kept_failures;
         ++r) {
      if (!fails(runs[r])) continue;
      batch.failing.push_back(first + r);
      run_.store.add(stream_of("failing"), first + r,
                     engine::fingerprint(bench_, request.points.row(static_cast<Eigen::Index>(r))), runs[r]);
    }
    return batch;
  }

  /// What a stop kept of the batch is not made again, and what one finds finished is kept.
  std::vector<engine::RunResult> simulate(const engine::RunRequest& request) {
    engine::RunStore batch;
    for (Eigen::Index r = 0; r < request.points.rows(); ++r) {
      const std::uint64_t index = request.first + static_cast<std::uint64_t>(r);
      const std::uint64_t print = engine::fingerprint(bench_, request.points.row(r));
      if (const engine::RunResult* kept = run_.store.find(request.stream, index, print))
        batch.add(request.stream, index, print, *kept);
    }
    try {
      return engine::run_all(run_.evaluator, batch, {&request, 1}, run_.stop).front();
    } catch (...) {
      for (Eigen::Index r = 0; r < request.points.rows(); ++r) {
        const std::uint64_t index = request.first + static_cast<std::uint64_t>(r);
        const std::uint64_t print = engine::fingerprint(bench_, request.points.row(r));
        if (const engine::RunResult* made = batch.find(request.stream, index, print))
          run_.store.add(request.stream, index, print, *made);
      }
      throw;
    }
  }

  bool fails(const engine::RunResult& result) const {
    return std::any_of(circuit_.specs.begin(), circuit_.specs.end(), [&](const Spec& spec) {
      return count_failures(circuit_, spec, {result}, where_).failed > 0;
    });
  }

  void keep(std::uint64_t index) {
    engine::Matrix point = engine::draw(source_, index, 1, bench().dimension());
    const engine::RunResult* found =
        run_.store.find(stream_of("failing"), index, engine::fingerprint(bench_, point.row(0)));
    if (found == nullptr) throw StudyError(fmt::format("{}: run {} that failed is not kept", where_, index));
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
  const CircuitStudy& circuit_;
  engine::SampleSource source_;
  std::string where_;
  std::uint64_t bench_;
  std::uint64_t question_ = 0;  // all that the counts depend on
  CountedRuns counted_;
  std::vector<engine::Matrix> points_;  // of the failing runs, a row each
};

}  // namespace

std::size_t runs_kept(const Study& study) {
  const auto runs = static_cast<std::size_t>(study.estimator.runs);
  return study.estimator.method == "monte_carlo" ? std::min(runs, kept_runs) : runs;
}

CountedRuns count_runs(const StudyRun& run, const engine::SampleSource& source,
                       const std::shared_ptr<const engine::Testbench>& testbench, std::size_t first,
                       const std::string& where) {
  return RunCounter(run, source, testbench, where).count(first);
}

}  // namespace flare::studies
