// From converted points to the answer: which SAWL holds 6 sigma, and what limits the next one.
//
// Rules, all in one place:
// - p_error of a (cell, SAWL, converter, corner) is max over k of P(wrong code | k): the error per read of
//   the worst level. A read of mixed data errs less often; a design rule cannot count on its data.
// - The worst corner is the one with the largest p_error among those run in full. "At every corner" is said only where
//   all were, or where the screening, by its own error, leaves a chance of at most 5 % that another one is worse.
// - `passes` means p_high <= the target's p, Phi(-6) = 9.866e-10 unless the study says another: the whole 95 % interval
//   lies beyond it. An estimate beyond it with an interval that reaches back is "not shown", not passed. A refused
//   number never passes; where a tail with an answer alone misses the target, the row says so instead: a bound, at most
//   so many sigma, with that tail's level and corner.
//   PassRule::estimate compares p_error instead; the rule used is written beside the table.
// - The pick is the largest SAWL that passes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/converters/error_model.hpp"
#include "analysis/verdict/corner_screening.hpp"
#include "analysis/verdict/target.hpp"

namespace flare::analysis {

enum class PassRule { upper_bound, estimate };

struct VerdictOptions {
  PassRule rule = PassRule::upper_bound;
  Target target;
};

/// One converted point with its name.
struct NamedPoint {
  ModelKey key;
  double enob = 0.0;
  TailProbability error;  // of the worst level
  std::size_t level = 0;  // that level's k
  Direction direction = Direction::down;
  bool per_read = false;  // part of the error is drawn afresh in every read
  LevelTail known{};      // of the tails with an answer the one with the largest lower end; else refused
};
NamedPoint named_point(const ModelKey& key, const ConvertedPoint& point);

/// One row of /verdict.
struct VerdictRow {
  ModelKey key;  // with the worst corner
  double enob = 0.0;
  TailProbability error;
  std::size_t level = 0;
  Direction direction = Direction::down;
  bool passes = false;
  CornerCoverage corners;  // 0 corners: not known
  bool per_read = false;
  double target = six_sigma_probability();  // largest error per read that passes

  Chances chances() const { return {key.sawl, per_read}; }
};

/// `target`: the largest p that passes.
bool passes(const TailProbability& error, PassRule rule, double target);

/// One row per (cell, SAWL, adc) in order of appearance, from its points at all corners.
std::vector<VerdictRow> make_verdict(const std::vector<NamedPoint>& points,
                                     const VerdictOptions& options = {});

/// The pick of one (cell, adc): the row, or nothing where no SAWL passes.
std::optional<VerdictRow> pick(const std::vector<VerdictRow>& rows, const std::string& cell,
                               const std::string& adc, const VerdictOptions& options = {});

/// One sentence per (cell, adc): the pick and why, the nearest miss and what limits it (corner, level, direction).
std::string pick_sentence(const std::vector<VerdictRow>& rows, const std::string& cell,
                          const std::string& adc, const VerdictOptions& options = {});
/// The sentences of all (cell, adc) in the rows, one a line.
std::string pick_text(const std::vector<VerdictRow>& rows, const VerdictOptions& options = {});
/// What passes, and how a macro's yield becomes an error per read: a line for each way to count in the rows.
std::string rule_text(const VerdictOptions& options, const std::vector<VerdictRow>& rows = {});
/// "worst corner tt 0.90 V 27 degC" from "tt_0.90V_27C"; other names unchanged.
std::string corner_text(const std::string& corner);

/// "at every corner (24 of 27 only screened: ...)", "at every corner run (...)": what a row's worst corner rests on.
std::string coverage_text(const CornerCoverage& corners);

}  // namespace flare::analysis
