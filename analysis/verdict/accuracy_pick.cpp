#include "analysis/verdict/accuracy_pick.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flare::analysis {
namespace {

/// The last of `ordered` before the first that does not hold.
std::optional<AccuracyPick> last_that_holds(const std::vector<AccuracyPoint>& ordered, double allowed) {
  std::optional<AccuracyPick> pick;
  for (const AccuracyPoint& point : ordered) {
    if (!(point.drop_high <= allowed)) {  // NaN does not hold
      if (pick) pick->next = point;
      break;
    }
    pick = AccuracyPick{point, std::nullopt};
  }
  return pick;
}

std::string amount(double value, const std::string& unit) {
  return unit == "%" ? fmt::format("{:.2f} %", 100 * value) : fmt::format("{:.4f} {}", value, unit);
}

std::string high_text(const AccuracyPoint& p, const std::string& unit) {
  return fmt::format("drop {}, at most {} with 95 % confidence", amount(p.drop, unit),
                     amount(p.drop_high, unit));
}

std::string errors_text(const std::string& mode) {
  return mode == "die" ? "errors frozen per die" : "errors drawn per read";
}

/// Ends the sentence.
std::string target_text(int accuracy, const TargetPick& held) {
  if (!held.sawl) return ".";
  if (*held.sawl == 0) return "; " + held.target + " is held by no SAWL.";
  if (*held.sawl == accuracy) return "; " + held.target + " asks for the same.";
  return fmt::format("; {} allows SAWL {}.", held.target, *held.sawl);
}

}  // namespace

std::optional<AccuracyPick> largest_sawl(std::vector<AccuracyPoint> points, double allowed) {
  std::stable_sort(points.begin(), points.end(),
                   [](const AccuracyPoint& a, const AccuracyPoint& b) { return a.sawl < b.sawl; });
  return last_that_holds(points, allowed);
}

std::optional<AccuracyPick> least_enob(std::vector<AccuracyPoint> points, double allowed) {
  std::erase_if(points, [](const AccuracyPoint& p) { return !(p.enob > 0); });
  std::stable_sort(points.begin(), points.end(),
                   [](const AccuracyPoint& a, const AccuracyPoint& b) { return a.enob > b.enob; });
  return last_that_holds(points, allowed);
}

std::string accuracy_sentence(const std::vector<AccuracyPoint>& points, double allowed,
                              const TargetPick& held, const std::string& unit) {
  if (points.empty()) return {};
  const AccuracyPoint& any = points.front();
  const std::string who = fmt::format("{} ({}) on {} with {}, {}", any.model, any.quantizer, any.cell,
                                      any.adc, errors_text(any.mode));
  const auto pick = largest_sawl(points, allowed);
  if (!pick) {
    const auto smallest = std::min_element(points.begin(), points.end(),
                                           [](const auto& a, const auto& b) { return a.sawl < b.sawl; });
    return fmt::format("{}: accuracy allows no SAWL: at SAWL {} a drop above {} is not ruled out ({}){}", who,
                       smallest->sawl, amount(allowed, unit), high_text(*smallest, unit),
                       target_text(0, held));
  }
  const std::string next = pick->next ? fmt::format("; SAWL {} is not shown to ({})", pick->next->sawl,
                                                    high_text(*pick->next, unit))
                                      : std::string("; no larger one was evaluated");
  return fmt::format("{}: accuracy allows SAWL {} (drop {}, at most {} with 95 % confidence, {} allowed){}{}",
                     who, pick->at.sawl, amount(pick->at.drop, unit), amount(pick->at.drop_high, unit),
                     amount(allowed, unit), next, target_text(pick->at.sawl, held));
}

std::string enob_sentence(const std::vector<AccuracyPoint>& points, double allowed, const std::string& unit) {
  const auto known = std::count_if(points.begin(), points.end(), [](const auto& p) { return p.enob > 0; });
  if (known < 2) return {};
  const AccuracyPoint& any = points.front();
  const std::string where = fmt::format("At SAWL {} on {}, {}", any.sawl, any.cell, errors_text(any.mode));
  const auto pick = least_enob(points, allowed);
  if (!pick)
    return fmt::format("{}: none of {} converters keeps the drop within {}.", where, known,
                       amount(allowed, unit));
  return fmt::format("{}: {:.2f} effective bits ({}) are the least that keep the drop within {} ({}).", where,
                     pick->at.enob, pick->at.adc, amount(allowed, unit), high_text(pick->at, unit));
}

}  // namespace flare::analysis
