// Shares of examples, and what two settings on the same examples differ by. Pure functions; all limits are of 95 %.
//
// Which one when:
//   share of right answers                      wilson
//   the same examples under two settings        mcnemar (is there a difference?), newcombe (how large?)
//   share of dies that pass                     clopper_pearson (analysis/tails/interval.hpp): 59 clean dies show 95 %
//   anything over examples, or over dies        crossed_bootstrap (bootstrap.hpp)
//   many differences at once                    holm
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace flare::analysis {

struct Limits {
  double low = 0, high = 0;
};

/// Wilson's score interval of `hits` of `all` (J. Am. Stat. Assoc. 22, 1927). Throws std::invalid_argument for none, or
/// more hits than all.
Limits wilson(std::int64_t hits, std::int64_t all);

/// The same examples under a reference and under what is tested.
struct PairedCounts {
  std::int64_t both = 0;    // right under both
  std::int64_t lost = 0;    // right under the reference alone
  std::int64_t gained = 0;  // right under what is tested alone
  std::int64_t neither = 0;

  std::int64_t all() const { return both + lost + gained + neither; }
  /// Share of right answers that is lost, less what is gained.
  double loss() const { return static_cast<double>(lost - gained) / static_cast<double>(all()); }
};

/// `reference` and `tested`: right or not, example by example. Throws std::invalid_argument for other lengths.
PairedCounts paired_counts(const std::vector<bool>& reference, const std::vector<bool>& tested);

/// Exact two-sided p of McNemar's test: of the examples whose answer changed as many lost as gained, by the binomial
/// law. 1 where none changed.
double mcnemar(const PairedCounts& counts);

/// Newcombe's interval of the loss, his method 10: two Wilson intervals squared and added, with the correlation of the
/// pairs corrected for continuity (Statistics in Medicine 17, 2635, 1998).
Limits newcombe(const PairedCounts& counts);

/// The smallest net loss that McNemar's exact test at 5 % shows with 80 % power on `examples` examples, where three are
/// lost for one that is gained: a number of examples over all of them. Above 1 where no loss would be seen.
double detectable_loss(std::int64_t examples);

/// "lost 12, gained 3 of 500: a loss of 1.80 % [0.20, 3.60], p = 0.035", or "no difference seen (...); a loss above
/// 3.40 % would have been" where p is above 5 %. `p` may be adjusted for many tests (holm).
std::string difference_text(const PairedCounts& counts, double p);

/// p values adjusted by Holm's step-down rule (Scand. J. Stat. 6, 65, 1979), in the order given: below 5 % means seen, at
/// 5 % for all tests together, however they depend on each other. NaN (no test) stays NaN and counts for none.
std::vector<double> holm(const std::vector<double>& p);

}  // namespace flare::analysis
