// SINAD and effective bits of a converter, from its thresholds: the sine-wave test of IEEE Std 1241-2010, clause 9.
//
// A sine sampled coherently (a whole number of cycles, prime to the number of samples) meets every phase once, in some order.
// A converter without memory does not see the order, so the record is taken at the phases 2 pi (i + 1/2)/n. To the codes
// a sine of that frequency is fitted by least squares (three parameters); what it leaves is noise and distortion, NAD:
//
//   SINAD = rms of the fitted sine / NAD          ENOB = (SINAD_dB - 10 log10 1.5) / (20 log10 2)
//
// With noise no random number is drawn: the record is the expected code E[c|x], fitted likewise, and the variance of the
// code, averaged over the record, is added to NAD^2. An ideal converter of N bits does not have N: at N = 2 its quantisation
// error is not white, ENOB is 1.917; and ENOB hardly sees what decides a read error of one in 1e9.
#pragma once

#include <cstddef>
#include <vector>

namespace flare::analysis {

/// Where a noise of the same size enters.
enum class NoiseEntry {
  input,        // one draw per conversion, before all thresholds (kT/C)
  comparators,  // one draw per threshold, independent (flash)
};

struct SineTest {
  std::size_t samples = 65'536;
  double low = 0.0;   // the sine runs from `low` ...
  double high = 1.0;  // ... to `high`, in the unit of the thresholds
  double noise_sigma = 0.0;
  NoiseEntry entry = NoiseEntry::input;
  /// Of each threshold by itself, in their order, in place of noise_sigma; entry comparators only.
  std::vector<double> noise_sigmas = {};
};

struct SineFigures {
  double amplitude = 0.0;  // of the fitted sine, codes
  double offset = 0.0;     // codes
  double nad = 0.0;        // rms noise and distortion, codes
  double sinad_db = 0.0;
  double enob = 0.0;  // bits
};

/// Of thresholds in any order. Throws std::invalid_argument without thresholds, for one that is not finite, for low >= high,
/// fewer than 16 samples, a noise below zero, noise_sigmas that are not one a threshold, or a sine that crosses no threshold.
SineFigures sine_figures(const std::vector<double>& thresholds, const SineTest& test);

/// The same of a record of codes, taken at the phases above: what a simulated converter gave.
SineFigures sine_figures_of_codes(const std::vector<double>& codes);

/// The input at sample i of the record.
double sine_input(const SineTest& test, std::size_t i);

/// Full scale of thresholds that are evenly meant: half an LSB (of the terminal line) beyond the outer two on either side
/// of their codes, so C codes of one LSB each. `test` with low and high set.
SineTest full_scale(const std::vector<double>& thresholds, SineTest test = {});

}  // namespace flare::analysis
