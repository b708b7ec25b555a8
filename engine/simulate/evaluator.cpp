#include "engine/simulate/evaluator.hpp"

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
