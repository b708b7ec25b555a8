#include "analysis/report/report_screening.hpp"

#include <fmt/format.h>

#include <cmath>

namespace flare::analysis {

std::string screening_text(const ConverterScreening& screening) {
  const ScreeningError& error = screening.error;
  if (error.corners == 0)
    return fmt::format("Screening of {}: no corner has an estimate to compare with.", screening.adc);
  std::string text = fmt::format(
      "Screening of {}: the estimate is {:.3f} to {:.3f} of it at {} {} run in full", screening.adc,
      error.least, error.most, error.corners, error.corners == 1 ? "corner" : "corners");
  if (std::isfinite(error.scatter)) {
    text += fmt::format(", with a scatter of {:.1f} % about the mean of each SAWL", 100.0 * error.scatter);
  }
  return text + ".";
}

}  // namespace flare::analysis
