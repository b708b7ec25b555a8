// Sigma as a figure's upright axis, with the line of the target: over corners, sweeps, SAWLs and runs alike.
#pragma once

#include <string>
#include <vector>

#include "analysis/report/status_series.hpp"

namespace flare::analysis {

/// The axis covers every point up to here; points beyond are marked at its edge.
inline constexpr double most_sigma_drawn = 16.0;

/// From 0 to above the target, by `beyond` at least, and above every one of `sigmas` that is a number.
TailAxis sigma_axis(double target, double beyond, const std::vector<double>& sigmas);

/// gnuplot's clause of the line at `target`; any text as its title.
std::string target_clause(double target, const std::string& title, const std::string& colour = "#b00020");
/// The same, called "target, 6 sigma".
std::string target_clause(double target);

}  // namespace flare::analysis
