// The verdict of a circuit: a row a spec, at its worst corner, and which spec is the limiting one.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "analysis/verdict/held_limit.hpp"
#include "analysis/verdict/verdict.hpp"

namespace flare::analysis {

/// A spec's failure at one corner.
struct FailureRow {
  std::string corner;
  TailProbability tail;
  std::string spec;  // empty in files of earlier versions
};

/// One row of /specs.
struct SpecRow {
  std::string spec;
  std::string measure;
  std::string unit;
  double min = std::numeric_limits<double>::quiet_NaN();  // in the unit; NaN: none
  double max = std::numeric_limits<double>::quiet_NaN();
  std::string corner;  // the worst
  TailProbability failure;
  double target = six_sigma_probability();  // largest P(fail) that passes
  bool passes = false;
  bool limiting = false;  // no other spec is worse
};

/// One row of /limits: a limit that was asked for, at one corner.
struct LimitRow {
  std::string spec;
  std::string measure;
  std::string unit;
  Side side = Side::below;
  std::string corner;
  HeldLimit held;
  double target = six_sigma_probability();
  bool worst = false;  // the limit that holds at every corner
};

/// Fills corner, failure, passes and limiting of `specs` (with a name and limits) from their failures at all corners.
std::vector<SpecRow> make_spec_verdict(std::vector<SpecRow> specs, const std::vector<FailureRow>& failures,
                                       PassRule rule = PassRule::upper_bound);

/// Marks the worst corner of each spec's limits: a refused one, else the limit that asks least.
void mark_worst(std::vector<LimitRow>& limits);

/// Whether every spec passes, and the one that limits, in a sentence; "" without specs.
std::string spec_sentence(const std::vector<SpecRow>& specs, const Target& target);
/// "snm >= 41.2 mV (95 % interval 40.9 mV to 41.5 mV) holds 6 sigma at every corner, worst at ...": a line a spec.
std::string limit_sentences(const std::vector<LimitRow>& limits, const Target& target);

/// "min", "max".
std::string_view limit_word(Side side);

}  // namespace flare::analysis
