// What accuracy asks for, beside what 6 sigma asks for: the largest SAWL, and the least converter, under whose errors a
// model's drop stays within what is allowed.
//
// "Stays within" is said of the upper end of the drop's 95 % interval, not of the drop: few examples allow little. SAWLs are
// asked in order, the smallest first, and the first that does not hold ends the row (fixed sequence: no adjustment for
// asking many). Converters likewise, from the best downward.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace flare::analysis {

/// One evaluation of a model under the errors of a (cell, SAWL, converter).
struct AccuracyPoint {
  std::string model, quantizer, cell, adc, mode;
  int sawl = 0;
  double enob = 0;  // of the converter; 0: not known
  double drop = 0, drop_high = 0;
};

struct AccuracyPick {
  AccuracyPoint at;
  std::optional<AccuracyPoint> next;  // the first that does not hold
};

/// The largest SAWL of points of one cell, converter and mode; nothing where the smallest does not hold.
std::optional<AccuracyPick> largest_sawl(std::vector<AccuracyPoint> points, double allowed);
/// The least ENOB of points of one cell, SAWL and mode whose ENOB is known; nothing where the best does not hold.
std::optional<AccuracyPick> least_enob(std::vector<AccuracyPoint> points, double allowed);

/// What the target of a study picks for a cell and a converter.
struct TargetPick {
  std::string target;       // "6 sigma"
  std::optional<int> sawl;  // 0: none holds it; nothing: no verdict speaks of that cell and converter
};

/// One sentence for every (cell, converter, mode), with what the study's target picks beside it.
/// `unit`: "%" of shares (values are multiplied by 100), or "nat".
std::string accuracy_sentence(const std::vector<AccuracyPoint>& points, double allowed,
                              const TargetPick& held, const std::string& unit);
/// The same for the least ENOB at one SAWL; empty with fewer than two converters.
std::string enob_sentence(const std::vector<AccuracyPoint>& points, double allowed, const std::string& unit);

}  // namespace flare::analysis
