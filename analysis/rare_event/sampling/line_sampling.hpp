// Importance line sampling over disjoint cells (after Koutsourelakis et al. 2004; Papaioannou & Straub 2021).
//
// Region k has a unit direction a_k. Space is cut into cones: a point belongs to the cell of the direction it
// reaches furthest along. Along a line y = x + t a_k, x orthogonal to a_k, the cell is t > cmin_k(x), with
//     cmin_k(x) = max_j (a_j . x) / (1 - a_j . a_k),
// and where failure begins at t = c_k(x) and goes on,
//     P = sum_k E_q [ phi(x)/q(x) Phi(-max(c_k(x), cmin_k(x))) ].
//
// Two things make it exact where that picture is not:
//   * A root known only to a bracket [lo passes, hi fails] (pass/fail, jumps, noise) is finished with one
//   random
//     point t of the bracket: Phi(-hi) + (Phi(-lo) - Phi(-hi)) I(t) is unbiased.
//   * A share of the lines is checked at one more random point, beyond or short of the root; a point that
//     contradicts the picture adds or subtracts what it stands for, so lines that fail in several pieces
//     (shells, bounded regions) stay unbiased and show up as variance instead of as a bias.
//   * Where failures short of a root were met their corrections are rare and large. Such a region is *in pieces*: its
//     lines are scanned at a dozen points with a random start, and what fails of them is summed.
#pragma once

#include <limits>
#include <vector>

#include "analysis/rare_event/core/evaluation_ledger.hpp"
#include "analysis/rare_event/core/shaped_normal.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::analysis {

/// Prediction of the root along a direction: offset + slope.x + bend |x|^2.
struct RootModel {
  double offset = 0.0;
  engine::Vector slope;
  double bend = 0.0;
  double spread = 1.0;  // typical error of the prediction

  double predict(const engine::Vector& x) const { return offset + slope.dot(x) + bend * x.squaredNorm(); }
};

struct LineRegion {
  engine::Vector direction;  // unit
  RootModel root;
  double steepness = 1.0;  // typical -d(margin)/dt at the root
  ShapedNormal law;        // of x in the hyperplane
  engine::Vector most_probable_point;
  double noise = 0.0;  // of a root from a margin, sigma: its standard deviation where margins are rough
  bool direction_known = false;  // by a gradient or a fitted plane
  bool in_pieces = false;        // its lines fail in several pieces: scanned, not searched
  double share = 1.0;            // of P, at most, once an estimate was made

  LineRegion(const engine::Vector& a, double beta);
};

/// The region whose direction x reaches furthest along; 0 where there is none.
std::size_t furthest_along(const std::vector<LineRegion>& regions, const engine::Vector& x);

/// Smallest offset; 1e300 where there is no region.
double nearest_offset(const std::vector<LineRegion>& regions);

/// Some region's root model says that x fails.
bool predicted_to_fail(const std::vector<LineRegion>& regions, const engine::Vector& x);

/// What one line told.
struct LineResult {
  std::size_t region = 0;
  engine::Vector x;         // in the hyperplane
  double log_weight = 0.0;  // ln phi/q
  double root = 0.0;        // max(c, cmin); infinite where the line does not fail
  bool root_free = true;    // root is the boundary itself, not the edge of the cell
  double steepness = 0.0;   // -d(margin)/dt seen by the search; 0 where none was
  double log_value = 0.0;   // ln(weight * Phi(-root)), without corrections
  double correction = 0.0;  // sum of corrections, in units of exp(log_scale)
  double log_scale = 0.0;
  double root_error = 0.05;  // at most, sigma: the bracket where there is one, six times the noise
  double log_scanned =
      -std::numeric_limits<double>::infinity();  // ln of a scanned line's failing probability
};

struct LineOptions {
  double log_scale = 0.0;          // unit of corrections
  double log_negligible = -1e300;  // lines whose largest possible value is below are not searched
  double check_share = 0.0;        // of lines checked at one more random point
  double tolerance = 0.02;         // of the root, sigma: the last step of a converged search is shorter
  int max_steps = 9;
  double reach = 0.0;  // look this far beyond the predicted root; 0: as far as probability matters
};

/// Draws counts[k] lines of each region and searches them all in step, one batch a step.
std::vector<LineResult> sample_lines(EvaluationLedger& ledger, const std::vector<LineRegion>& regions,
                                     const std::vector<std::size_t>& counts, const LineOptions& options,
                                     NormalStream& random, Purpose purpose);

/// The same along lines through given points (rows), each in the cell it lies in, with the value that the line would have
/// had, had it been drawn.
std::vector<LineResult> lines_through(EvaluationLedger& ledger, const std::vector<LineRegion>& regions,
                                      const engine::Matrix& points, const LineOptions& options,
                                      NormalStream& random, Purpose purpose);

/// A point behind the line's root, as far behind it as draws of N(0, I) beyond the root are, about.
engine::Vector behind_root(const LineResult& line, const LineRegion& region, NormalStream& random);

/// One look short of the root of each line that was searched before: where more than least_in_pieces of P fails short of
/// a region's roots, the region is in pieces from now on.
constexpr double least_in_pieces = 0.03;
void find_pieces(EvaluationLedger& ledger, std::vector<LineRegion>& regions,
                 const std::vector<LineResult>& lines, NormalStream& random, Purpose purpose);

/// Refits every region's root model and law to the lines drawn so far, and to `met`, lines that lead through failures in
/// proportion to their probability.
void adapt_regions(std::vector<LineRegion>& regions, const std::vector<LineResult>& lines,
                   const std::vector<LineResult>& met = {});

/// Values of lines as if they had been drawn from the laws of now.
void weigh_again(const std::vector<LineRegion>& regions, std::vector<LineResult>& lines);

/// The mean of phi/q over a region's lines, which is 1 in expectation whatever fails: 1 less it over its standard error.
/// 0 below ten lines, or where it is within a half of 1.
double weight_deficit(const std::vector<LineResult>& lines, std::size_t region);

/// One stratum a region.
std::vector<Stratum> line_strata(const std::vector<LineResult>& lines, std::size_t regions, double log_scale);

}  // namespace flare::analysis
