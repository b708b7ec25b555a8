// What was met must count: how much of a tail could hang on outputs that the stand-in does not expect.
//
// A jump or a kink across the axis moves few runs at 1 sigma, and may still hold most of a tail: with
// y = u + 3 [v > 2.5] and a limit 8 sigma out along u, failures lie at u = 5.1, v = 2.5, where a proposal that
// follows u makes no run. Draws at an inflated sigma s meet them. Let e be a run's output beyond what the stand-in
// says, in sigma of the question, and k of n runs have an excess of e or more. Were the set {excess >= e} a
// half-space across the axis, it would lie at s z(k/n), z = -Phi^-1, and hold G(e) = Phi(-s z(k/n)) at 1 sigma;
// together with a shift along the axis it adds
//     H = sum over excesses of dG(e) [Phi(-(beta - e)) - Phi(-beta)]
// to a tail of Phi(-beta). k/n is taken at its upper 99 % limit (Clopper-Pearson); a look at a smaller scale, which
// needs to assume less, and nothing at 1 sigma, has the word over a larger one where that says more than its limit or
// less than it met. Where H/P is small nothing that was met matters; it is a limit on what was met, and no estimate.
//
// An excess met on the way to the limit may be another one there. Two things are asked, and the dearer one counts: it
// stays as it is (a jump), or it grows with the way (a slope along the axis that is another one in a part of the space:
// y = u (1 + [v > 2.5]/5) has an excess of 0.6 at u = 3 and of 1.2 where it fails). The second is asked of the looks that
// were made near the limit: far from it every bend would be taken for one that grows.
//
// What most runs of the looks are off by is no surprise: bends grow as the square of the scale, are small where the
// failures are, and the fresh runs there weigh them. One alike in all directions across the axis is taken out, and an
// excess counts beyond three standard deviations of what the others leave (by the lower half: what jumps up is not in it), beyond
// four where it is carried with the way.
#pragma once

#include <vector>

#include "analysis/output_tails/output_session.hpp"
#include "analysis/output_tails/shared_estimate.hpp"

namespace flare::analysis {

/// Runs whose coordinates across the axis are draws of scale * N(0, I).
struct OutputLook {
  double scale = 1.0;
  KnownOutputs runs;
  bool near_limit = false;  // made along the axis where questions are decided
};

/// What becomes of an excess on the way from where it was met to the limit.
enum class Carried {
  unchanged,    // a jump, a kink
  with_the_way  // a slope along the axis that is another one there
};

/// What unexpected outputs may be worth to one question.
struct UnexpectedWorth {
  double limit = 0.0;                    // H/P with the upper limits; 0 where no run exceeds what is expected
  double middle = 0.0;                   // with the shares as they were met
  Carried carried = Carried::unchanged;  // where it is worth more
  // Where the largest part of the limit lies:
  double excess = 0.0;    // units of y
  double distance = 0.0;  // across the axis, sigma
};

/// Looks in falling order of their scale.
UnexpectedWorth worth_of_unexpected(const FrozenQuestion& frozen, const TailQuestion& question,
                                    const std::vector<OutputLook>& looks);

}  // namespace flare::analysis
