#include "engine/evaluator.hpp"

namespace flare::engine {

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
