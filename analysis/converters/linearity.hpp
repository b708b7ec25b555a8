// How even a converter's steps are, from its thresholds: the static tests of IEEE Std 1241-2010, clause 8 and 9.
//
// A converter without memory is its thresholds (code transition levels): T[1] ... T[C-1] for C codes, code = how many of
// them lie below the input. So a ramp costs no simulation: measure the thresholds, and the rest is arithmetic.
//
//   DNL[k] = (T[k+1] - T[k])/Q - 1         of the C - 2 codes between two thresholds
//   INL[k] = (T[k] - fit(k))/Q             of the C - 1 thresholds, LSB
//   terminal:    the line through the first and the last threshold
//   best_line:   the line of least squares ("independently based" in the standard)
//
// Q, the LSB, is the slope of that line.
#pragma once

#include <cstddef>
#include <vector>

namespace flare::analysis {

enum class InlLine { terminal, best_line };

struct Linearity {
  double lsb = 0.0;         // Q, unit of the thresholds, signed as they run
  double offset = 0.0;      // the line at threshold number 0, unit of the thresholds
  std::vector<double> dnl;  // LSB, one a code between two thresholds
  std::vector<double> inl;  // LSB, one a threshold
  double worst_dnl = 0.0;   // largest |DNL|; 0 where there is none
  double worst_inl = 0.0;
};

/// Of thresholds in the order of their numbers; they may cross one another. Throws std::invalid_argument for fewer than
/// two, for values that are not finite and for a line without slope.
Linearity linearity(const std::vector<double>& thresholds, InlLine line = InlLine::terminal);

/// A ramp of `samples` evenly spaced values in [low, high] (each in the middle of its share): how often each code comes,
/// thresholds.size() + 1 counts. Throws std::invalid_argument unless low < high and samples > 0.
std::vector<std::size_t> ramp_code_density(const std::vector<double>& thresholds, double low, double high,
                                           std::size_t samples);

/// DNL and INL (terminal) from the counts of a ramp that reaches beyond the outer thresholds; as fine as the ramp is. Throws
/// std::invalid_argument for fewer than three codes, or where no code between the outer ones was met.
Linearity linearity_of_ramp(const std::vector<std::size_t>& counts);

}  // namespace flare::analysis
