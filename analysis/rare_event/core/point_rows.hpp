// Points as the rows of a matrix, the form in which evaluators and samplers take them.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/matrix.hpp"

namespace flare::analysis {

/// One row a point; `dimension` columns, also where there is no point.
inline engine::Matrix as_rows(const std::vector<engine::Vector>& points, Eigen::Index dimension) {
  engine::Matrix rows(static_cast<Eigen::Index>(points.size()), dimension);
  for (std::size_t i = 0; i < points.size(); ++i) rows.row(static_cast<Eigen::Index>(i)) = points[i];
  return rows;
}

/// `more` below `rows`; one that is empty may lack the columns, too.
inline void append_rows(const engine::Matrix& more, engine::Matrix& rows) {
  engine::Matrix grown(rows.rows() + more.rows(), std::max(rows.cols(), more.cols()));
  if (rows.rows() > 0) grown.topRows(rows.rows()) = rows;
  grown.bottomRows(more.rows()) = more;
  rows = std::move(grown);
}

}  // namespace flare::analysis
