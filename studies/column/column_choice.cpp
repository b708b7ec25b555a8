#include "studies/column/column_choice.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>

#include "studies/run/counted_batches.hpp"
#include "studies/run/work_estimate.hpp"

namespace flare::studies {

namespace {

/// The corners of a SAWL that are not run in full, worst first as the screening saw them.
std::vector<std::size_t> worst_first(const analysis::ScreenedCorners& corners) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    if (!corners[i].full()) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return corners[a].screened < corners[b].screened; });
  return order;
}

analysis::CornerState state_of(analysis::TailStatus status) {
  switch (status) {
    case analysis::TailStatus::refused:
      return analysis::CornerState::refused;
    case analysis::TailStatus::bound:
      return analysis::CornerState::bound;
    default:
      return analysis::CornerState::estimated;
  }
}

bool has_tails(const Study& study) {
  return study.estimator.method != "fit" && !asking_converters(study).empty();
}

/// Whether tails start from what was learnt of the nominal corner's full-scale level.
bool learns(const Study& study) { return has_tails(study) && study.estimator.method == "auto"; }

// A level without an on-cell has a neighbour on one side only, as that of full scale.
constexpr double lowest_tail_runs = 170.0;

// Of ln(estimated / screened): 0.2 to 0.5 % in the shipped studies.
constexpr double usual_scatter = 0.005;

std::vector<std::size_t> next_choice(const CornerRecord& record, double least_scatter) {
  std::set<std::size_t> chosen;
  for (std::size_t s = 0; s < record.sawls().size(); ++s) {
    for (std::size_t c = 0; c < record.converters(); ++c) {
      if (record.coverage(c, s, least_scatter).every_corner()) continue;
      const std::vector<std::size_t> order = worst_first(record.corners(c, s));
      if (!order.empty()) chosen.insert(record.points(s)[order.front()]);
    }
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace

CornerRecord::CornerRecord(const Study& study, const std::vector<ColumnPoint>& points,
                           const ScreenedSigma& screened)
    : sawl_(study.column->sawl), points_(sawl_.size()) {
  for (std::size_t s = 0; s < sawl_.size(); ++s) {
    for (std::size_t p = 0; p < points.size(); ++p) {
      if (points[p].sawl == sawl_[s]) points_[s].push_back(p);
    }
  }
  corners_.assign(study.converters.size(), std::vector<analysis::ScreenedCorners>(sawl_.size()));
  for (std::size_t c = 0; c < corners_.size(); ++c) {
    for (std::size_t s = 0; s < sawl_.size(); ++s) {
      for (const std::size_t p : points_[s])
        corners_[c][s].push_back({screened[p][c], std::numeric_limits<double>::quiet_NaN(), {}});
    }
  }
}

void CornerRecord::add(std::size_t p, std::size_t converter, const analysis::TailProbability& error) {
  const auto [s, i] = place_of(p);
  analysis::ScreenedCorner& corner = corners_[converter][s][i];
  corner.state = state_of(error.status);
  if (corner.state != analysis::CornerState::refused) corner.estimated = error.sigma();
}

const analysis::ScreenedCorner& CornerRecord::corner(std::size_t p, std::size_t converter) const {
  const auto [s, i] = place_of(p);
  return corners_[converter][s][i];
}

std::pair<std::size_t, std::size_t> CornerRecord::place_of(std::size_t p) const {
  for (std::size_t s = 0; s < points_.size(); ++s) {
    const auto at = std::find(points_[s].begin(), points_[s].end(), p);
    if (at != points_[s].end()) return {s, static_cast<std::size_t>(at - points_[s].begin())};
  }
  throw std::out_of_range("a point of another study");
}

analysis::ScreeningError CornerRecord::error(std::size_t converter) const {
  return analysis::screening_error(corners_[converter]);
}

analysis::CornerCoverage CornerRecord::coverage(std::size_t converter, std::size_t sawl) const {
  return analysis::corner_coverage(corners_[converter][sawl], error(converter));
}

analysis::CornerCoverage CornerRecord::coverage(std::size_t converter, std::size_t sawl,
                                                double least_scatter) const {
  analysis::ScreeningError assumed = error(converter);
  if (!(assumed.scatter >= least_scatter)) assumed.scatter = least_scatter;
  return analysis::corner_coverage(corners_[converter][sawl], assumed);
}

void CornerRecord::expect(std::size_t p) {
  const auto [s, i] = place_of(p);
  for (std::vector<analysis::ScreenedCorners>& by_sawl : corners_) {
    analysis::ScreenedCorner& corner = by_sawl[s][i];
    corner.state = analysis::CornerState::estimated;
    corner.estimated = corner.screened;
  }
}

std::vector<std::size_t> first_choice(const Study& study, const std::vector<ColumnPoint>& points,
                                      const CornerRecord& record) {
  constexpr int enough_to_start = 2;
  const auto worst = static_cast<std::size_t>(study.full_corners.value_or(enough_to_start));
  std::set<std::size_t> chosen;
  for (std::size_t s = 0; s < record.sawls().size(); ++s) {
    chosen.insert(nominal_point(study, points, record.sawls()[s]));
    for (std::size_t c = 0; c < record.converters(); ++c) {
      const std::vector<std::size_t> order = worst_first(record.corners(c, s));
      for (std::size_t i = 0; i < std::min(worst, order.size()); ++i)
        chosen.insert(record.points(s)[order[i]]);
    }
  }
  return {chosen.begin(), chosen.end()};
}

std::vector<std::size_t> next_choice(const CornerRecord& record) { return next_choice(record, 0.0); }

std::vector<std::size_t> expected_choice(const Study& study, const std::vector<ColumnPoint>& points,
                                         CornerRecord record) {
  std::vector<std::size_t> more = first_choice(study, points, record);
  std::set<std::size_t> chosen(more.begin(), more.end());
  while (!study.full_corners && !more.empty()) {
    for (const std::size_t p : more) record.expect(p);
    more = next_choice(record, usual_scatter);
    chosen.insert(more.begin(), more.end());
  }
  return {chosen.begin(), chosen.end()};
}

std::vector<LevelItem> items_of_shard(const Study& study, const ColumnDesign& design,
                                      const std::vector<std::size_t>& chosen, const Shard& shard) {
  const std::vector<LevelItem> all = levels_of(design, chosen);
  std::vector<double> weights;
  weights.reserve(all.size());
  for (const LevelItem& item : all) weights.push_back(level_weight(study, design.points[item.point], item.k));
  std::vector<LevelItem> mine;
  for (const std::size_t i : items_of(weights, shard)) mine.push_back(all[i]);
  return mine;
}

// Two devices of every row read vary in two ways; timing and nominal levels come on top.
double screening_weight(int sawl) { return run_weight(sawl) * (5.0 * sawl + 4.0); }

double level_weight(const Study& study, const ColumnPoint& point, int k) {
  const bool nominal = point.corner == study.nominal;
  // Sampled with the screening, but for what a shard has to look up.
  const double sampled = nominal ? 1.0 : static_cast<double>(runs_kept(study));
  if (!has_tails(study)) return run_weight(point.sawl) * sampled;
  const bool learnt = nominal && k == point.sawl && learns(study);
  return run_weight(point.sawl) * (sampled + (learnt ? 0.0 : k == 0 ? lowest_tail_runs : usual_tail_runs));
}

double learning_weight(const Study& study) {
  double weight = 1.0;
  if (!learns(study)) return weight;
  for (const int sawl : study.column->sawl)
    weight += run_weight(sawl) * (static_cast<double>(runs_kept(study)) + lowest_tail_runs);
  return weight;
}

}  // namespace flare::studies
