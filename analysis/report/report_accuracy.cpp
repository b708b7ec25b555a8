#include "analysis/report/report_accuracy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <tuple>

namespace flare::analysis {
namespace {

using Group = std::tuple<std::string, std::string, std::string, std::string, std::string>;

bool has_errors(const AccuracyRow& row) { return !row.mode.empty() && row.sawl > 0; }

double enob_of(const AccuracyRow& row, const std::vector<VerdictRow>& verdict) {
  for (const VerdictRow& v : verdict)
    if (v.key.cell == row.cell && v.key.sawl == row.sawl && v.key.adc == row.adc) return v.enob;
  return 0;
}

TargetPick target_pick(const AccuracyPoint& point, const std::vector<VerdictRow>& verdict,
                       const std::string& target) {
  const bool spoken_of = std::any_of(verdict.begin(), verdict.end(), [&](const VerdictRow& row) {
    return row.key.cell == point.cell && row.key.adc == point.adc;
  });
  if (!spoken_of) return {target, std::nullopt};
  const std::optional<VerdictRow> best = pick(verdict, point.cell, point.adc);
  return {target, best ? best->key.sawl : 0};
}

/// Points apart by all but what is asked for.
template <class Key>
std::map<Key, std::vector<AccuracyPoint>> grouped(const std::vector<AccuracyPoint>& points,
                                                  const std::function<Key(const AccuracyPoint&)>& key) {
  std::map<Key, std::vector<AccuracyPoint>> groups;
  for (const AccuracyPoint& p : points) groups[key(p)].push_back(p);
  return groups;
}

std::string yield_text(const AccuracyRow& row) {
  if (row.mode != "die" || std::isnan(row.yield_low)) return {};
  return fmt::format(" {} of {} dies stay within {}: yield [{:.1f} %, {:.1f} %].", row.dies_within,
                     row.repeats, accuracy_text(row, row.allowed), 100 * row.yield_low, 100 * row.yield_high);
}

std::string difference_line(const AccuracyRow& row) {
  const std::string where = has_errors(row)
                                ? fmt::format("{}, SAWL {}, {}", row.quantizer, row.sawl, row.mode)
                                : row.quantizer + ", no errors";
  return fmt::format("{}: {}.{}", where, row.difference, yield_text(row));
}

}  // namespace

std::vector<AccuracyPoint> accuracy_points(const std::vector<AccuracyRow>& rows,
                                           const std::vector<VerdictRow>& verdict) {
  std::vector<AccuracyPoint> points;
  for (const AccuracyRow& r : rows)
    if (has_errors(r))
      points.push_back(
          {r.model, r.quantizer, r.cell, r.adc, r.mode, r.sawl, enob_of(r, verdict), r.drop, r.drop_high});
  return points;
}

std::vector<std::string> accuracy_picks(const std::vector<AccuracyRow>& rows,
                                        const std::vector<VerdictRow>& verdict, const std::string& target) {
  std::vector<std::string> lines;
  if (rows.empty() || std::isnan(rows.front().allowed)) return lines;
  const double allowed = rows.front().allowed;
  const std::string unit = rows.front().is_loss() ? "nat" : "%";
  const std::vector<AccuracyPoint> points = accuracy_points(rows, verdict);
  const auto by_converter = grouped<Group>(points, [](const AccuracyPoint& p) {
    return Group{p.model, p.quantizer, p.cell, p.adc, p.mode};
  });
  for (const auto& [group, its] : by_converter)
    lines.push_back(accuracy_sentence(its, allowed, target_pick(its.front(), verdict, target), unit));
  const auto by_sawl = grouped<Group>(points, [](const AccuracyPoint& p) {
    return Group{p.model, p.quantizer, p.cell, std::to_string(p.sawl), p.mode};
  });
  for (const auto& [group, its] : by_sawl) {
    const std::string sentence = enob_sentence(its, allowed, unit);
    if (!sentence.empty()) lines.push_back(sentence);
  }
  return lines;
}

std::vector<std::string> accuracy_notes(const std::vector<AccuracyRow>& rows) {
  const bool judged = std::any_of(rows.begin(), rows.end(), [](const AccuracyRow& row) {
    return row.calibration == AccuracyRow::judged_examples;
  });
  if (!judged) return {};
  return {
      "Note: static scales were calibrated with examples that they are judged on; a training split beside "
      "the data "
      "set, or a calibration set that is named, would be others."};
}

std::vector<std::string> accuracy_differences(const std::vector<AccuracyRow>& rows) {
  std::vector<std::string> lines;
  for (const AccuracyRow& row : rows)
    if (!row.difference.empty()) lines.push_back(difference_line(row));
  return lines;
}

}  // namespace flare::analysis
