// /screening of the result file: what the screening said of every corner, converter by converter.
#pragma once

#include <string>
#include <vector>

#include "analysis/verdict/corner_screening.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

struct ScreeningRow {
  std::string cell;
  int sawl = 0;
  std::string corner, adc;
  double wordline_off = 0.0;  // s
  double sigma = 0.0;         // screened: least margin over first-order spread
  bool full = false;          // run in full
  double estimated = 0.0;     // sigma; not a number where there is none
};

/// How far the screening of one converter was off: in the attributes of the table, an entry a converter.
struct ConverterScreening {
  std::string adc;
  ScreeningError error;  // as read, without the freedom
};

void write_screening(H5::H5File& file, const std::vector<ScreeningRow>& rows,
                     const std::vector<ConverterScreening>& errors);
/// Empty where the file has no screening, or one that does not tell the converters apart.
std::vector<ScreeningRow> read_screening(const H5::H5File& file);
/// Empty where the file does not say it. Throws engine::FileError where its attributes do not fit each other.
std::vector<ConverterScreening> read_screening_error(const H5::H5File& file);

}  // namespace flare::analysis
