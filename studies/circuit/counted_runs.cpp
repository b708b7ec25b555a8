#include "studies/circuit/counted_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/content_hash.hpp"

namespace flare::studies {

namespace {

constexpr std::size_t counts_of_a_spec = 4;

/// All that counts depend on besides the runs themselves.
std::uint64_t question_of(const CircuitStudy& circuit, const engine::SampleSource& source,
                          const engine::Testbench& bench) {
  std::uint64_t question = engine::fnv1a(fmt::format("{} {} {} {}", engine::fingerprint(bench), source.seed,
                                                     static_cast<int>(source.design), source.total));
  for (const Spec& spec : circuit.specs) {
    question = engine::fnv1a(fmt::format("{} {} {} {} ", spec.measure, spec.below.value_or(NAN),
                                         spec.above.value_or(NAN), static_cast<int>(spec.unmeasured)),
                             question);
  }
  return question;
}

std::vector<std::size_t> counts_of(const CircuitStudy& circuit, const std::vector<engine::RunResult>& runs,
                                   const std::string& where) {
  std::vector<std::size_t> all;
  for (const Spec& spec : circuit.specs) {
    const FailureCounts c = count_failures(circuit, spec, runs, where);
    all.insert(all.end(), {c.failed, c.answered, c.bare, c.unknown});
  }
  return all;
}

}  // namespace

CountedRuns count_runs(const StudyRun& run, const engine::SampleSource& source,
                       const std::shared_ptr<const engine::Testbench>& testbench, std::size_t first,
                       const std::string& where) {
  const CircuitStudy& circuit = *run.study.circuit;
  Counting counting;
  counting.source = source;
  counting.testbench = testbench;
  counting.first = first;
  counting.question = question_of(circuit, source, *testbench);
  counting.counts = counts_of_a_spec * circuit.specs.size();
  counting.count = [&](std::uint64_t, const Counting::Runs& runs) { return counts_of(circuit, runs, where); };
  counting.fails = [&](std::uint64_t, const engine::RunResult& result) {
    return std::any_of(circuit.specs.begin(), circuit.specs.end(), [&](const Spec& spec) {
      return count_failures(circuit, spec, {result}, where).failed > 0;
    });
  };
  counting.on_batch = [&](std::size_t at) {
    const auto done = static_cast<double>(at - first) / static_cast<double>(source.total - first);
    run.progress.update(done, fmt::format("{} of {} runs {}", at, source.total, where));
  };
  CountedBatches batches = count_batches(run, counting);
  CountedRuns counted;
  counted.runs = source.total - std::min<std::size_t>(first, source.total);
  for (std::size_t s = 0; s < batches.sums.size(); s += counts_of_a_spec)
    counted.specs.push_back({batches.sums[s], batches.sums[s + 1], batches.sums[s + 2], batches.sums[s + 3]});
  counted.failing = std::move(batches.failing);
  counted.failing_indices = std::move(batches.failing_indices);
  return counted;
}

}  // namespace flare::studies
