// The screening of the corners as a report shows it: every converter its own rows.
#pragma once

#include <string>
#include <vector>

#include "analysis/verdict/corner_screening.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

/// One row of /screening.
struct ReportScreening {
  std::string cell;
  int sawl = 0;
  std::string corner;
  std::string adc;
  double sigma = 0.0;      // screened
  double estimated = 0.0;  // not a number where there is none
  bool full = false;
};
/// Empty where the file has no screening, or one that does not tell the converters apart.
std::vector<ReportScreening> read_screening(const H5::H5File& file);

/// How far the screening of one converter was off.
struct ReportScreeningError {
  std::string adc;
  ScreeningError error;  // without the freedom
};
std::vector<ReportScreeningError> read_screening_error(const H5::H5File& file);

/// "Screening of flash: the estimate is 0.990 to 1.031 of it at 27 corners run in full (scatter 0.8 %)."
std::string screening_text(const ReportScreeningError& screening);

}  // namespace flare::analysis
