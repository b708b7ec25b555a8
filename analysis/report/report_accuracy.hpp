// What accuracy asks for, from the rows of a result.
#pragma once

#include <string>
#include <vector>

#include "analysis/report/report_data.hpp"
#include "analysis/verdict/accuracy_pick.hpp"

namespace flare::analysis {

/// The evaluations under errors, with the ENOB that the verdict names for their converter.
std::vector<AccuracyPoint> accuracy_points(const std::vector<AccuracyRow>& rows,
                                           const std::vector<VerdictRow>& verdict);

/// One sentence for each cell, converter and mode, and for each SAWL that several converters were evaluated at. Empty for
/// rows that do not say what drop is allowed. `target`: of the verdict, as its study says it.
std::vector<std::string> accuracy_picks(const std::vector<AccuracyRow>& rows,
                                        const std::vector<VerdictRow>& verdict, const std::string& target);
/// How each row differs from floating point, and the yield over dies.
std::vector<std::string> accuracy_differences(const std::vector<AccuracyRow>& rows);
/// What a reader of the numbers must know besides.
std::vector<std::string> accuracy_notes(const std::vector<AccuracyRow>& rows);

}  // namespace flare::analysis
