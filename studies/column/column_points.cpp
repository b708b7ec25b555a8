#include "studies/column/column_points.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace flare::studies {

std::vector<ColumnPoint> column_points(const Study& study) {
  std::vector<Corner> corners = study.corners;
  if (std::find(corners.begin(), corners.end(), study.nominal) == corners.end()) {
    corners.insert(corners.begin(), study.nominal);
  }
  std::vector<ColumnPoint> points;
  for (const int sawl : study.column->sawl) {
    for (const Corner& corner : corners) points.push_back({sawl, corner});
  }
  return points;
}

std::string point_name(const Study& study, const ColumnPoint& point) {
  return fmt::format("{}/sawl{}/{}", study.column->setup.cell.name, point.sawl, point.corner.name());
}

std::size_t nominal_point(const Study& study, const std::vector<ColumnPoint>& points, int sawl) {
  for (std::size_t p = 0; p < points.size(); ++p) {
    if (points[p].sawl == sawl && points[p].corner == study.nominal) return p;
  }
  throw std::logic_error("the nominal corner is always among the points");
}

}  // namespace flare::studies
