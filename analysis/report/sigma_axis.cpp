#include "analysis/report/sigma_axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"

namespace flare::analysis {

TailAxis sigma_axis(double target, double beyond, const std::vector<double>& sigmas) {
  double most = target + beyond;
  for (const double sigma : sigmas) {
    if (!std::isnan(sigma)) most = std::max(most, sigma + 0.5);
  }
  return {TailAxis::Quantity::sigma, 0.0, std::min(most, most_sigma_drawn)};
}

std::string target_clause(double target, const std::string& title, const std::string& colour) {
  return fmt::format("{:.6g} with lines lw 2 dt (8,4) lc rgb '{}' title {}", target, colour,
                     gnuplot_text(title));
}

std::string target_clause(double target) {
  return target_clause(target, fmt::format("target, {:.3g} sigma", target));
}

}  // namespace flare::analysis
