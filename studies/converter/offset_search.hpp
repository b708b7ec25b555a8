// The offset of a comparator: the input at which d = v(output) - v(output_bar), looked at early, is zero.
//
// d grows with the input, steeply and linearly within a few mV of the offset and flat beyond, where the latch has decided. A
// bracketed secant finds the zero in 3 to 6 runs; many comparators are searched at once, a round of runs for all of them
// after the other, so that every worker has something to do.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/store/run_store.hpp"

namespace flare::studies {

/// Makes the runs of all requests, as engine::run_all.
using MakeAllRuns = std::function<std::vector<std::vector<engine::RunResult>>(
    const std::vector<engine::RunRequest>& requests)>;

/// The zero of one rising function. While !done(): evaluate at next(), then tell().
class OffsetSearch {
 public:
  /// `guess`, and the slope to begin with; stops within `tolerance` of the zero, or after `most` values without one.
  OffsetSearch(double guess, double slope, double tolerance, int most = 20);

  bool done() const { return done_; }
  bool found() const { return found_; }
  double next() const { return next_; }
  /// NaN where none was found.
  double offset() const;
  int runs() const { return runs_; }
  /// A value that is not a number ends the search without a zero.
  void tell(double value);

 private:
  void step();
  double expansion() const;

  double next_;
  double slope_;
  double tolerance_;
  int most_;
  int runs_ = 0;
  bool done_ = false;
  bool found_ = false;
  bool has_low_ = false;
  bool has_high_ = false;
  double low_ = 0.0, low_value_ = 0.0;    // the largest input with d < 0
  double high_ = 0.0, high_value_ = 0.0;  // the smallest with d > 0
  double last_ = 0.0, last_value_ = 0.0;
  double stride_ = 0.0;
};

/// Comparators that share a testbench: coordinate 0 is the input, measure 0 is d.
struct OffsetTask {
  std::string stream;  // names the runs
  std::shared_ptr<const engine::Testbench> testbench;
  engine::Matrix points;        // a row a comparator; coordinate 0 is set by the search
  std::vector<double> guesses;  // in the unit of coordinate 0
  double slope = 1.0;           // of d in coordinate 0, near the zero
};

struct OffsetResult {
  std::vector<double> offsets;  // NaN where there is none
  std::size_t runs = 0;
  std::vector<double> predicted =
      {};  // what first order says of each, in the unit of offsets; empty: not told
};

/// `tolerance` in the unit of coordinate 0.
std::vector<OffsetResult> find_offsets(const std::vector<OffsetTask>& tasks, double tolerance,
                                       const MakeAllRuns& make);

}  // namespace flare::studies
