#include "studies/column/column_counted.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/levels/level_fit.hpp"
#include "analysis/rare_event/sampling/plain_monte_carlo.hpp"
#include "engine/base/content_hash.hpp"
#include "studies/column/column_die.hpp"
#include "studies/column/column_questions.hpp"
#include "studies/run/counted_batches.hpp"

namespace flare::studies {

namespace {

class LevelCounter {
 public:
  LevelCounter(const StudyRun& run, const TailLevel& level, const std::vector<SetConverter>& converters,
               const TailOptions& options)
      : run_(run),
        level_(level),
        options_(options),
        converters_(converters.size()),
        questions_(questions_of(level.k, converters)),
        stream_(fmt::format("{}/k{}", options.stream, level.k)) {}

  LevelTails count() const {
    LevelTails level;
    level.by_converter.resize(converters_);
    level.surrogates = options_.warm_starts;
    Counting counting = counting_of(runs_wanted());
    CountedBatches counted = count_batches(run_, counting);
    const std::size_t unknown = counted.sums.front();
    const std::size_t answered = counting.source.total - unknown;
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      EstimatedTail tail;
      tail.tail = {level_.k, questions_[q].direction,
                   analysis::counted_tail(counted.sums[1 + q], answered, unknown)};
      tail.search = fmt::format("{} of {} counted", counted.sums[1 + q], answered);
      level.by_converter[questions_[q].converter].push_back(std::move(tail));
    }
    level.counted.runs = counting.source.total;
    level.counted.failing = std::move(counted.failing);
    level.counted.indices = std::move(counted.failing_indices);
    return level;
  }

 private:
  /// Draws of the converters' deviations beside runs first, first + 1, ... of a stream.
  engine::Matrix deviations(const std::string& stream, std::uint64_t first, std::size_t rows) const {
    const engine::SampleSource source{run_.study.seed, stream + "/converter", engine::Design::random, 0};
    return engine::draw(source, first, rows, 1);
  }

  /// Runs without a level, and for every question those that fail.
  std::vector<std::size_t> counts_of(const std::string& stream, std::uint64_t first,
                                     const std::vector<engine::RunResult>& runs) const {
    std::vector<std::size_t> counts(1 + questions_.size(), 0);
    const engine::Matrix noise = deviations(stream, first, runs.size());
    for (std::size_t r = 0; r < runs.size(); ++r) {
      const double volt = measured(runs[r], 0);
      if (std::isnan(volt)) {
        ++counts.front();
        continue;
      }
      for (std::size_t q = 0; q < questions_.size(); ++q)
        counts[1 + q] +=
            questions_[q].ask.margin(volt, noise(static_cast<Eigen::Index>(r), 0)) <= 0.0 ? 1 : 0;
    }
    return counts;
  }

  std::size_t runs_wanted() const {
    const std::vector<std::size_t> seen = counts_of(level_.plain->stream, 0, level_.plain->runs);
    const auto samples = static_cast<double>(level_.plain->runs.size());
    std::uint64_t most = 1;
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      // The share that is expected of a further run, never 0 nor 1.
      const double p = (static_cast<double>(seen[1 + q]) + 1.0) / (samples + 2.0);
      most = std::max(
          most, seen[1 + q] == 0 ? options_.budget : analysis::monte_carlo_runs_for(p, options_.accuracy));
    }
    const auto asked = static_cast<std::uint64_t>(run_.study.estimator.runs);
    const std::uint64_t further = asked - std::min(asked, static_cast<std::uint64_t>(runs_kept(run_.study)));
    return std::max(std::min(most, options_.budget), further);
  }

  /// A sample on its die is several runs, each of a testbench of its own.
  std::size_t most_rows() const { return follows_die(run_.study) ? 128 : 4'096; }

  std::uint64_t question_hash() const {
    std::uint64_t hash =
        engine::fnv1a(fmt::format("{} {}", engine::fingerprint(*level_.plain->testbench), run_.study.seed));
    for (const LevelQuestion& question : questions_) {
      hash = engine::fnv1a(fmt::format("{} {} {} ", question.ask.limit, static_cast<int>(question.ask.side),
                                       question.ask.noise),
                           hash);
    }
    return hash;
  }

  Counting counting_of(std::size_t runs) const {
    Counting counting;
    counting.source = {run_.study.seed, stream_, engine::Design::random, runs};
    counting.testbench = level_.plain->testbench;
    counting.most_rows = most_rows();
    counting.question = question_hash();
    counting.counts = 1 + questions_.size();
    counting.count = [this](std::uint64_t first, const Counting::Runs& made) {
      return counts_of(stream_, first, made);
    };
    counting.fails = [this](std::uint64_t index, const engine::RunResult& run) {
      const std::vector<std::size_t> counts = counts_of(stream_, index, {run});
      return std::any_of(counts.begin() + 1, counts.end(), [](std::size_t n) { return n > 0; });
    };
    counting.make = level_.make;
    return counting;
  }

  const StudyRun& run_;
  const TailLevel& level_;
  const TailOptions& options_;
  std::size_t converters_;
  std::vector<LevelQuestion> questions_;
  std::string stream_;
};

}  // namespace

LevelTails count_level(const StudyRun& run, const TailLevel& level,
                       const std::vector<SetConverter>& converters, const TailOptions& options) {
  return LevelCounter(run, level, converters, options).count();
}

}  // namespace flare::studies
