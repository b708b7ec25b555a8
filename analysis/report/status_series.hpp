// One series of a figure whose points are told apart by what they rest on: filled where estimated, open where
// extrapolated, an arrowhead at the limit where only a bound is known. What lies outside the axis stands at its
// edge with its value beside it. Refused points are not drawn.
#pragma once

#include <string>
#include <vector>

#include "analysis/report/figure.hpp"
#include "analysis/tails/tail.hpp"

namespace flare::analysis {

/// What a figure draws of its tails, and from where to where.
struct TailAxis {
  enum class Quantity { probability, sigma } quantity = Quantity::probability;
  double bottom = 0.0;
  double top = 1.0;

  double of(const Probability& p) const { return quantity == Quantity::sigma ? p.sigma() : p.value(); }
};

class StatusSeries {
 public:
  explicit StatusSeries(TailAxis axis) : axis_(axis) {}

  void add(double x, const TailProbability& tail);
  bool empty() const {
    return solid_.empty() && open_.empty() && upper_limits_.empty() && lower_limits_.empty() &&
           clipped_.empty();
  }

  /// gnuplot's plot clauses, the last one the entry of the key; their data go to `files` under `prefix`.
  std::vector<std::string> plots(const std::string& prefix, const std::string& title,
                                 const std::string& colour, std::vector<DataFile>& files) const;

  /// Which kinds of points were drawn so far, by all series of a figure.
  struct Drawn {
    bool open = false, upper_limits = false, lower_limits = false, clipped = false;
  };
  void tell(Drawn& drawn) const;
  /// Entries of the key for these kinds.
  static std::vector<std::string> key(const Drawn& drawn, const TailAxis& axis);

 private:
  TailAxis axis_;
  // "x y low high" lines; of limits and clipped points "x y", the latter with a text
  std::string solid_, open_, upper_limits_, lower_limits_, clipped_;
  std::string values_;  // "x y text" of every point, shown under the pointer
};

}  // namespace flare::analysis
