#include "analysis/tails/tail_text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace flare::analysis {
namespace {

std::string number(const Probability& p, int digits) {
  if (p.below_shown()) return fmt::format("< {:.0e}", least_shown_probability);
  return p == Probability(0.0) ? "0" : fmt::format("{:.{}e}", p.value(), digits);
}

bool refused(const TailProbability& tail) { return tail.status == TailStatus::refused; }

// No pass was seen: the truth lies above.
bool is_lower_bound(const TailProbability& tail) {
  return tail.status == TailStatus::bound && tail.p == tail.low && tail.low < tail.high;
}

constexpr std::string_view separator = ": ";

}  // namespace

std::string probability_text(const TailProbability& tail, int digits) {
  if (refused(tail)) return no_number;
  const std::string text = number(tail.p, digits);
  if (tail.is_upper_bound() && !tail.p.below_shown()) return "< " + text;
  return is_lower_bound(tail) ? "> " + text : text;
}

std::string probability_interval_text(const TailProbability& tail) {
  return refused(tail) ? no_number : number(tail.low, 1) + " .. " + number(tail.high, 1);
}

std::string sigma_text(const TailProbability& tail) {
  if (refused(tail)) return no_number;
  const std::string text = fmt::format("{:.2f}", tail.sigma());
  if (tail.is_upper_bound()) return "> " + text;
  return is_lower_bound(tail) ? "< " + text : text;
}

std::string sigma_interval_text(const TailProbability& tail) {
  if (refused(tail)) return no_number;
  const std::string low = std::isinf(tail.sigma_low()) ? "" : fmt::format("{:.2f}", tail.sigma_low());
  const std::string high = std::isinf(tail.sigma_high()) ? "" : fmt::format("{:.2f}", tail.sigma_high());
  return low + (low.empty() ? ".. " : " ..") + (low.empty() || high.empty() ? "" : " ") + high;
}

std::string sigma_sentence(const TailProbability& tail) {
  if (refused(tail)) return "no estimate (refused)";
  if (tail.is_upper_bound()) return fmt::format("at least {:.2f} sigma (bound)", tail.sigma());
  if (is_lower_bound(tail)) return fmt::format("at most {:.2f} sigma (bound)", tail.sigma());
  return fmt::format("{:.2f} sigma (95 % interval {:.2f} to {:.2f}, {})", tail.sigma(), tail.sigma_low(),
                     tail.sigma_high(), to_string(tail.status));
}

std::string method_name(const TailProbability& tail) {
  return tail.method.substr(0, tail.method.find(separator));
}

std::string method_reason(const TailProbability& tail) {
  const std::size_t at = tail.method.find(separator);
  return at == std::string::npos ? "" : tail.method.substr(at + separator.size());
}

}  // namespace flare::analysis
