// What a design is held to: so many sigma, or a yield of macros.
//
// A macro works where at most `spare_columns` of its columns + spare_columns columns are bad. With q the chance that a
// column is bad, alike and independent for all columns,
//
//     yield = P(B <= s), B ~ Binomial(n + s, q)     so     q = I^-1(1 - yield; s + 1, n)
//
// with I the regularised incomplete beta function. A column is bad where any of its m chances fails: q = 1 - (1 - p)^m,
// and p = 1 - (1 - q)^(1/m) is the largest error that is allowed. What m is follows from when an error is drawn:
//   frozen on a die   a pattern of cells that is read twice errs twice: m counts the distinct patterns of a column. A
//                     group of SAWL rows has up to 2^SAWL of them, and there are no more than reads.
//   per read          noise is drawn afresh: m counts reads.
// Chances of one column share devices and fail together more often than independent ones would: m is an upper limit, and so
// is the yield's shortfall (union bound).
#pragma once

#include <optional>
#include <string>

#include "analysis/tails/tail.hpp"

namespace flare::analysis {

struct Macro {
  double columns = 1.0;
  double spare_columns = 0.0;
  double rows = 1.0;               // of a column; of a circuit: how often it stands in a column
  double reads = 1.0;              // of a column, over the life that the yield speaks of
  std::optional<double> patterns;  // distinct ones of a column; nothing: rows / SAWL groups of 2^SAWL

  bool operator==(const Macro&) const = default;
};

/// When a failure is drawn, and so how often a column has the chance.
struct Chances {
  int sawl = 0;           // rows of a pattern; 0: a circuit by itself, one pattern each
  bool per_read = false;  // part of the error is drawn afresh in every read
};

struct Target {
  /// Without a macro: the largest error per read, or P(fail) of a circuit, that passes.
  double p = six_sigma_probability();
  std::optional<Macro> macro;
  double yield = 0.0;  // share of macros that must work

  /// The largest p that passes.
  double largest(const Chances& chances = {}) const;
  /// "6 sigma", "99 % of macros".
  std::string text() const;
  /// One line, how a macro's yield becomes a p: "..."; empty without a macro.
  std::string arithmetic(const Chances& chances) const;

  static Target of_sigma(double sigma);
};

/// Largest chance that a column is bad. `yield` in (0, 1).
double column_allowance(const Macro& macro, double yield);
/// m of a column.
double chances_of_column(const Macro& macro, const Chances& chances);

}  // namespace flare::analysis
