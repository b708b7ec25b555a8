#include "studies/column_choice.hpp"

#include <algorithm>

namespace flare::studies {

std::vector<bool> choose_full(const Study& study, const std::vector<ColumnPoint>& points,
                              const ScreenedSigma& screened) {
  std::vector<double> least;
  for (const std::vector<double>& sigma : screened)
    least.push_back(*std::min_element(sigma.begin(), sigma.end()));
  std::vector<bool> chosen(points.size(), false);
  for (const int sawl : study.column->sawl) {
    std::vector<std::size_t> corners;
    for (std::size_t p = 0; p < points.size(); ++p) {
      if (points[p].sawl == sawl) corners.push_back(p);
    }
    std::stable_sort(corners.begin(), corners.end(),
                     [&](std::size_t a, std::size_t b) { return least[a] < least[b]; });
    for (std::size_t c = 0; c < corners.size(); ++c) {
      chosen[corners[c]] =
          static_cast<int>(c) < study.full_corners || points[corners[c]].corner == study.nominal;
    }
  }
  return chosen;
}

std::vector<std::size_t> points_of_shard(const std::vector<bool>& chosen, const Shard& shard) {
  std::vector<std::size_t> mine;
  std::size_t item = 0;
  for (std::size_t p = 0; p < chosen.size(); ++p) {
    if (chosen[p] && shard.mine(item++)) mine.push_back(p);
  }
  return mine;
}

}  // namespace flare::studies
