// From converted points to the answer: which SAWL holds 6 sigma, and what limits the next one.
//
// Rules, all in one place:
// - p_error of a (cell, SAWL, converter, corner) is max over k of P(wrong code | k): the error per read of
//   the worst level. A read of mixed data errs less often; a design rule cannot count on its data.
// - The worst corner is the one with the largest p_error among those run in full. "At every corner" is said only where
//   all were, or where the screening, by its own error, leaves a chance of at most 5 % that another one is worse.
// - `passes` means p_high <= Phi(-6) = 9.866e-10: the whole 95 % interval lies beyond 6 sigma. An estimate
//   beyond 6 sigma with an interval that reaches back is "not shown", not passed. A refused number never passes.
//   PassRule::estimate compares p_error instead; the rule used is written beside the table.
// - The pick is the largest SAWL that passes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/converters/error_model.hpp"
#include "analysis/verdict/corner_screening.hpp"

namespace flare::analysis {

enum class PassRule { upper_bound, estimate };

struct VerdictOptions {
  PassRule rule = PassRule::upper_bound;
  double target = six_sigma_probability();  // largest error per read that passes
};

/// One converted point with its name.
struct NamedPoint {
  ModelKey key;
  double enob = 0.0;
  TailProbability error;  // of the worst level
  std::size_t level = 0;  // that level's k
  Direction direction = Direction::down;
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
};

bool passes(const TailProbability& error, const VerdictOptions& options);

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
std::string rule_text(const VerdictOptions& options);
/// "worst corner tt 0.90 V 27 degC" from "tt_0.90V_27C"; other names unchanged.
std::string corner_text(const std::string& corner);

/// "at every corner (24 of 27 only screened: ...)", "at every corner run (...)": what a row's worst corner rests on.
std::string coverage_text(const CornerCoverage& corners);

// Tables of the result file. /verdict has the columns of the contract and more: `level` (the worst level's k) and
// `direction` ("down", "up"); `corners`, `corners_full` and `p_screened_worse`, a bound on the chance that a corner
// which was only screened is worse. Its attributes `rule`, `target`, `pick` say how to read it.
void write_verdict(H5::H5File& file, const std::vector<VerdictRow>& rows, const VerdictOptions& options = {});
std::vector<VerdictRow> read_verdict(const H5::H5File& file);

/// /points/.../levels: k, mean, sigma, skewness, kurtosis (3 for a normal law), runs, unknown and the ends of
/// the 95 % intervals (mean_low, mean_high, ...). `levels` in V, index k.
void write_levels(H5::H5File& file, const ModelKey& key, const std::vector<LevelFit>& levels);

/// What one converter's tails are called in the tails table.
struct TailRow {
  std::string adc;
  LevelTail tail;
};
/// /points/.../tails: adc, k, direction and the columns of tail_table.hpp.
void write_tails(H5::H5File& file, const ModelKey& key, const std::vector<TailRow>& tails);
std::vector<TailRow> read_tails(const H5::H5File& file, const ModelKey& key);

}  // namespace flare::analysis
