#include "engine/simulate/evaluator.hpp"

#include <poll.h>

#include <algorithm>
#include <bit>

namespace flare::engine {

bool Rehearsal::remembers() const {
  return nominal.outcome != again.outcome ||
         !std::equal(nominal.measures.begin(), nominal.measures.end(), again.measures.begin(),
                     again.measures.end(), [](double a, double b) {
                       return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
                     });
}

// For those that take a batch at a time: what has come up is evaluated before anybody asks for more.
// NOLINTNEXTLINE(performance-unnecessary-value-param): a token of its own while jobs come
void Evaluator::serve(JobSource& source, std::stop_token stop) {
  constexpr int milliseconds_to_notice_a_stop = 50;
  std::size_t first = 0;
  while (!stop.stop_requested()) {
    const std::vector<const Job*> jobs = source.more();
    for (const Job* job : jobs) {
      // The source's own may be gone once its last run is told, before evaluate() returns.
      const Job kept = *job;
      evaluate(
          std::span(&kept, 1),
          [&](std::size_t, std::size_t row, const RunResult& result) { source.on_run(first, row, result); },
          stop);
      ++first;
    }
    if (!jobs.empty()) continue;
    if (source.ended()) return;
    pollfd news{source.descriptor(), POLLIN, 0};
    poll(&news, 1, milliseconds_to_notice_a_stop);
  }
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::unconverged:
      return "unconverged";
    case Outcome::timed_out:
      return "timed out";
    case Outcome::crashed:
      return "crashed";
    case Outcome::unmeasured:
      return "unmeasured";
  }
  return "unknown";
}

}  // namespace flare::engine
