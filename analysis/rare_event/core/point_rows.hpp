// Points as the rows of a matrix, the form in which evaluators and samplers take them.
#pragma once

#include <vector>

#include "engine/base/matrix.hpp"

namespace flare::analysis {

/// One row a point; `dimension` columns, also where there is no point.
inline engine::Matrix as_rows(const std::vector<engine::Vector>& points, Eigen::Index dimension) {
  engine::Matrix rows(static_cast<Eigen::Index>(points.size()), dimension);
  for (std::size_t i = 0; i < points.size(); ++i) rows.row(static_cast<Eigen::Index>(i)) = points[i];
  return rows;
}

/// `more` below `rows`, of as many columns or still empty.
inline void append_rows(const engine::Matrix& more, engine::Matrix& rows) {
  rows.conservativeResize(rows.rows() + more.rows(), more.cols());
  rows.bottomRows(more.rows()) = more;
}

}  // namespace flare::analysis
