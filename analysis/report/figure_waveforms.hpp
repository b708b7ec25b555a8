// Waveforms of several runs over one another.
#pragma once

#include <string>
#include <vector>

#include "analysis/report/figure.hpp"

namespace flare::analysis {

/// One run: its axis and one vector.
struct Trace {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;
  bool nominal = false;  // drawn thick, above the others
};

/// One panel a vector, all over the same axis. `axis` ("time (s)"); `logarithmic`: of the axis. Throws FigureError.
std::string draw_waveforms(const std::string& axis, bool logarithmic,
                           const std::vector<std::pair<std::string, std::vector<Trace>>>& panels);

}  // namespace flare::analysis
