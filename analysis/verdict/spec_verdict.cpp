#include "analysis/verdict/spec_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/tails/tail_text.hpp"
#include "engine/base/units.hpp"

namespace flare::analysis {
namespace {

/// The worst failure of a spec; nullptr where it has none.
const FailureRow* worst_of(const std::string& spec, const std::vector<FailureRow>& failures) {
  const FailureRow* worst = nullptr;
  for (const FailureRow& row : failures) {
    if (row.spec == spec && (worst == nullptr || worse(row.tail, worst->tail))) worst = &row;
  }
  return worst;
}

/// The failure of a spec that is known to be the largest; nullptr where none has a number.
const FailureRow* known_of(const std::string& spec, const std::vector<FailureRow>& failures) {
  const FailureRow* known = nullptr;
  for (const FailureRow& row : failures) {
    if (row.spec != spec || !row.tail.is_known()) continue;
    if (known == nullptr || row.tail.low > known->tail.low) known = &row;
  }
  return known;
}

/// Where the worst corner has no number and another one alone misses the target, the row becomes that one.
void take_miss(const FailureRow* known, SpecRow& row) {
  if (known == nullptr || row.failure.status != TailStatus::refused) return;
  const TailProbability missed =
      missed_anyway(row.failure, known->tail, corner_text(known->corner), row.target);
  if (missed.status == TailStatus::refused) return;
  row.failure = missed;
  row.corner = known->corner;
}

/// Which of two limits of a spec asks less of the circuit; a refused one may ask nothing at all.
bool asks_less(const LimitRow& a, const LimitRow& b) {
  const bool a_refused = std::isnan(a.held.limit);
  if (a_refused || std::isnan(b.held.limit)) return a_refused && !std::isnan(b.held.limit);
  return a.side == Side::below ? a.held.limit < b.held.limit : a.held.limit > b.held.limit;
}

std::string limit_sentence(const LimitRow& row, const Target& target) {
  const char* sign = row.side == Side::below ? ">=" : "<=";
  if (std::isnan(row.held.limit)) {
    return fmt::format("{}: no limit, refused at {}: {}.", row.spec, corner_text(row.corner),
                       row.held.method);
  }
  const auto text = [&](double value) { return engine::format_quantity(value, row.unit, 4); };
  return fmt::format("{}: {} {} {} (95 % interval {} to {}, {}) holds {}, worst at {}.", row.spec,
                     row.measure, sign, text(row.held.limit), text(row.held.low), text(row.held.high),
                     to_string(row.held.status), target.text(), corner_text(row.corner));
}

}  // namespace

std::string_view limit_word(Side side) { return side == Side::below ? "min" : "max"; }

std::vector<SpecRow> make_spec_verdict(std::vector<SpecRow> specs, const std::vector<FailureRow>& failures,
                                       PassRule rule) {
  std::erase_if(specs, [&](const SpecRow& row) { return worst_of(row.spec, failures) == nullptr; });
  SpecRow* limiting = nullptr;
  for (SpecRow& row : specs) {
    const FailureRow& worst = *worst_of(row.spec, failures);
    row.corner = worst.corner;
    row.failure = worst.tail;
    take_miss(known_of(row.spec, failures), row);
    row.passes = passes(row.failure, rule, row.target);
    if (limiting == nullptr || worse(row.failure, limiting->failure)) limiting = &row;
  }
  if (limiting != nullptr) limiting->limiting = true;
  return specs;
}

void mark_worst(std::vector<LimitRow>& limits) {
  for (LimitRow& row : limits) {
    row.worst = std::none_of(limits.begin(), limits.end(), [&](const LimitRow& other) {
      return other.spec == row.spec && (asks_less(other, row) || (!asks_less(row, other) && &other < &row));
    });
  }
}

std::string spec_sentence(const std::vector<SpecRow>& specs, const Target& target) {
  const auto at = std::find_if(specs.begin(), specs.end(), [](const SpecRow& row) { return row.limiting; });
  if (at == specs.end()) return {};
  const auto failed =
      std::count_if(specs.begin(), specs.end(), [](const SpecRow& row) { return !row.passes; });
  std::string text;
  if (failed == 0) {
    text = fmt::format("{} {}", specs.size() == 1 ? at->spec + " holds" : "every spec holds", target.text());
  } else if (specs.size() == 1) {
    text = fmt::format("{} does not hold {}", at->spec, target.text());
  } else {
    text = fmt::format("{} of {} specs do not hold {}", failed, specs.size(), target.text());
  }
  const std::string what =
      at->failure.status == TailStatus::refused ? "refused" : sigma_sentence(at->failure);
  const std::string name = specs.size() == 1 ? std::string() : at->spec + " limits: ";
  return fmt::format("{}: {}{} at {}.", text, name, what, corner_text(at->corner));
}

std::string limit_sentences(const std::vector<LimitRow>& limits, const Target& target) {
  std::string text;
  for (const LimitRow& row : limits) {
    if (!row.worst) continue;
    if (!text.empty()) text += '\n';
    text += limit_sentence(row, target);
  }
  return text;
}

}  // namespace flare::analysis
