// What was met must count: how much of a tail could hang on runs that a model of the margin does not expect.
//
// A jump or a kink across the axis moves few runs at 1 sigma, and may still hold most of a tail: with
// y = u + 3 [v > 2.5] and a limit 8 sigma out along u, failures lie at u = 5.1, v = 2.5, where a proposal that
// follows u makes no run. Draws at an inflated sigma s meet them. Let e be how much nearer to failing a run is than the
// model says, in sigma, and k of n runs have an excess of e or more. Were the set {excess >= e} a
// half-space across the axis, it would lie at s z(k/n), z = -Phi^-1, and hold G(e) = Phi(-s z(k/n)) at 1 sigma;
// together with a shift along the axis it adds
//     H = sum over excesses of dG(e) [Phi(-(beta - e)) - Phi(-beta)]
// to a tail of Phi(-beta). k/n is taken at its upper 99 % limit (Clopper-Pearson); a look at a smaller scale, which
// needs to assume less, and nothing at 1 sigma, has the word over a larger one where that says more than its limit or
// less than it met. Where H/P is small nothing that was met matters; it is a limit on what was met, and no estimate.
//
// An excess met on the way to the limit may be another one there: it stays as it is (a jump), or it grows with the way (a
// slope along the axis that is another one in a part of the space: y = u (1 + [v > 2.5]/5) has an excess of 0.6 at u = 3
// and of 1.2 where it fails). The second is asked of the looks that were made near the limit: far from it every bend
// would be taken for one that grows.
//
// What most runs of the looks are off by is no surprise: bends grow as the square of the scale, and are small where the
// failures are. One alike in all directions across the axis is taken out, and an excess counts beyond three standard
// deviations of what the others leave (by the lower half: what jumps up is not in it), beyond four where it is carried with
// the way.
#pragma once

#include <vector>

namespace flare::analysis {

/// What becomes of an excess on the way from where it was met to the limit.
enum class Carried {
  unchanged,    // a jump, a kink
  with_the_way  // a slope along the axis that is another one there
};

/// How much nearer to failing one run is than expected.
struct Excess {
  double value;  // sigma
  double shell;  // what a bend alike in all directions across the axis grows with: |x across|^2 - (d - 1)
  double way;    // to where the question is decided, 1 there
};

/// Runs whose coordinates across the axis are draws of scale * N(0, I).
struct ExcessLook {
  double scale = 1.0;
  std::vector<Excess> runs;
  bool near_limit = false;  // made along the axis where the question is decided
};

/// The tail that is asked about.
struct ExpectedTail {
  double beta = 0.0;   // sigma
  double log_p = 0.0;  // ln Phi(-beta)
  double least = 0.0;  // sigma: what the model is off by anyway
};

/// What unexpected runs may be worth to it.
struct UnexpectedWorth {
  double limit = 0.0;                    // H/P with the upper limits; 0 where no run exceeds what is expected
  double middle = 0.0;                   // with the shares as they were met
  Carried carried = Carried::unchanged;  // where it is worth more
  // Where the largest part of the limit lies:
  double excess = 0.0;    // sigma
  double distance = 0.0;  // across the axis, sigma
};

/// Whether a run at `way` says something of the question: beyond the limit, and on the other side, the model is not
/// made for.
bool is_on_the_way(double way, Carried carried);

/// Looks in falling order of their scale.
UnexpectedWorth worth_of_excesses(std::vector<ExcessLook> looks, const ExpectedTail& tail, Carried carried);

}  // namespace flare::analysis
