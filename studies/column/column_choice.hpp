// Which corners of a column study are run in full.
#pragma once

#include <utility>
#include <vector>

#include "analysis/verdict/corner_screening.hpp"
#include "studies/column/column_levels.hpp"
#include "studies/column/column_screening.hpp"

namespace flare::studies {

/// What every SAWL, converter and corner has come to: screened and estimated sigma.
class CornerRecord {
 public:
  CornerRecord() = default;
  CornerRecord(const Study& study, const std::vector<ColumnPoint>& points, const ScreenedSigma& screened);

  /// The point was run in full: the worst level's error as one converter reads it.
  void add(std::size_t p, std::size_t converter, const analysis::TailProbability& error);

  std::size_t converters() const { return corners_.size(); }
  const std::vector<int>& sawls() const { return sawl_; }
  /// Indices of the points of a SAWL (by its place in sawls()), in the order of the corners.
  const std::vector<std::size_t>& points(std::size_t sawl) const { return points_[sawl]; }
  const analysis::ScreenedCorners& corners(std::size_t converter, std::size_t sawl) const {
    return corners_[converter][sawl];
  }
  const analysis::ScreenedCorner& corner(std::size_t p, std::size_t converter) const;

  analysis::ScreeningError error(std::size_t converter) const;
  analysis::CornerCoverage coverage(std::size_t converter, std::size_t sawl) const;
  /// The same where the screening is taken to scatter by no less than this (of the logarithm).
  analysis::CornerCoverage coverage(std::size_t converter, std::size_t sawl, double least_scatter) const;

  /// The point as if it had been run and every converter's estimate were what the screening says.
  void expect(std::size_t p);

 private:
  std::pair<std::size_t, std::size_t> place_of(std::size_t p) const;  // SAWL, corner

  std::vector<int> sawl_;
  std::vector<std::vector<std::size_t>> points_;                 // by SAWL
  std::vector<std::vector<analysis::ScreenedCorners>> corners_;  // by converter, SAWL
};

/// The points run first, ascending: at every SAWL the nominal corner and, for every converter, the worst ones as the
/// screening saw them: as many as the study says, two where it says "auto".
std::vector<std::size_t> first_choice(const Study& study, const std::vector<ColumnPoint>& points,
                                      const CornerRecord& record);

/// What "auto" runs next, ascending: the worst corner not yet run of every SAWL and converter where one of them may
/// still be worse than the worst one estimated. Empty: nothing is left to be shown.
std::vector<std::size_t> next_choice(const CornerRecord& record);

/// What will have been run when "auto" ends, as far as the screening tells, ascending: the first choice, and what
/// next_choice() adds if estimates are as the screening says but for the scatter that columns have shown. Shards share
/// this out, who cannot see one another's estimates: what is missing from it is run by whoever joins them, what is too
/// much in it costs runs and moves no number.
std::vector<std::size_t> expected_choice(const Study& study, const std::vector<ColumnPoint>& points,
                                         CornerRecord record);

/// A shard's levels of the points chosen, by weight; without shards all of them.
std::vector<LevelItem> items_of_shard(const Study& study, const ColumnDesign& design,
                                      const std::vector<std::size_t>& chosen, const Shard& shard);

/// About what is left of a level once the screening is shared out, the screening of a point, and what tails start from, in
/// the measure of run_weight().
double level_weight(const Study& study, const ColumnPoint& point, int k);
double screening_weight(int sawl);
double learning_weight(const Study& study);

}  // namespace flare::studies
