// How far may a screening of corners be trusted? From the corners that were run in full one knows by how much the
// screened sigma is off; that says how probable it is that a corner which was only screened is worse than the worst
// one estimated.
//
// Model: ln(estimated / screened) = mean of the SAWL + error, errors normal with one variance over the SAWLs of a
// converter. The error of one more corner of a SAWL with n known ratios is then distributed as
//     s sqrt(1 + 1/n) t_f,    f = ratios - SAWLs,
// Student's t (prediction of a further observation). s is the scatter seen, but while few ratios are known no smaller
// than if four more corners had scattered by 1 %: a few ratios that agree by chance must not look like certainty.
#pragma once

#include <cstddef>
#include <vector>

namespace flare::analysis {

enum class CornerState {
  screened,   // not run in full
  estimated,  // run in full, with a number
  bound,      // run in full, no failure seen: sigma is at least `estimated`
  refused,    // run in full, without a number: no corner ranks below it
};

/// One corner as one converter sees it, sigma.
struct ScreenedCorner {
  double screened = 0.0;   // minus infinity: the screening got no answer
  double estimated = 0.0;  // not a number where there is none
  CornerState state = CornerState::screened;

  bool full() const { return state != CornerState::screened; }
};
using ScreenedCorners = std::vector<ScreenedCorner>;  // of one SAWL

/// What the corners run in full say of a converter's screening.
struct ScreeningError {
  std::size_t corners = 0;  // with a screened and an estimated sigma above 0
  double least = 0.0;       // estimated / screened; not a number without corners
  double most = 0.0;
  double freedom = 0.0;  // corners - SAWLs that have any
  /// Standard deviation of ln(estimated / screened) about the SAWLs' means; not a number where freedom is 0.
  double scatter = 0.0;
};
ScreeningError screening_error(const std::vector<ScreenedCorners>& by_sawl);

/// On what "the worst corner" of one SAWL and converter rests.
struct CornerCoverage {
  std::size_t corners = 0;
  std::size_t full = 0;
  /// Bound on the chance that a corner not run in full is worse than the worst estimated.
  double chance_worse = 0.0;

  /// The chance below which "at every corner" is said.
  static constexpr double accepted = 0.05;
  bool every_corner() const { return corners > 0 && (full == corners || chance_worse <= accepted); }
};
/// The chance is the sum over the corners not run in full; 1 where nothing is known of them, 0 where a refused corner
/// is the worst already.
CornerCoverage corner_coverage(const ScreenedCorners& corners, const ScreeningError& error);

}  // namespace flare::analysis
