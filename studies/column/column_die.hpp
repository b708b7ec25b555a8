// Column studies whose references and timing follow the die (tracking = "die").
//
// Die-wide variables move every cell of a die alike. A replica column on the same die sees them too: it closes the word
// line when its own full-scale level has fallen by the swing, and the references of the converters are levels of columns
// of that die. What is left of such a variable is what it does to the mismatch of the cells. So for every sample, with
// the die coordinates of the sample,
//
//   timing      a column without mismatch on that die gives the end of its word-line pulse
//   references  columns without mismatch on that die, read with that pulse, give level k and its neighbours
//   level       the column of the sample is read with that pulse
//
// each an exact simulation of its own: there is nothing between them to be fitted or interpolated, however far out the
// die lies. The level is then told on the scale of the corner: the two thresholds beside it (midway between references)
// come to lie where those of the corner are,
//
//   level = t_down + (v - t_down(die)) (t_up - t_down) / (t_up(die) - t_down(die)),
//
// so that all converters ask it the questions they ask at the corner. A converter's deviation, which is stated in steps
// there, is by this in steps of the die. The first and the last level have one threshold: they are shifted.
#pragma once

#include "studies/column/column_design.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// True where references and timing follow the die: the study asks for it and has a die-wide variable.
bool follows_die(const Study& study);

/// "references and timing follow the corner, not the die" or how they follow the die; empty without die-wide variables.
std::string tracking_text(const Study& study);

inline constexpr std::string_view simulated_level_measure = "simulated_level";
inline constexpr std::string_view wordline_off_measure = "wordline_off";
/// Measures of a level that follows its die: "level" (on the corner's scale, V), "simulated_level" (V) and
/// "wordline_off" (end of the die's word-line pulse, s). They name what LevelRunner gives; no simulator evaluates them.
void add_die_measures(engine::Testbench& bench);

/// Makes the runs of a level.
class LevelRunner {
 public:
  /// Run and design must outlive the runner.
  LevelRunner(const StudyRun& run, const ColumnDesign& design) : run_(run), design_(design) {}

  /// Runs of level `k` of point `p` as `request` asks: as they are where references follow the corner; else on their
  /// dies, and each result then has the measures of add_die_measures(). A die without a pulse or a reference gives no answer. Throws
  /// engine::Stopped.
  std::vector<engine::RunResult> make(std::size_t p, int k, const engine::RunRequest& request) const;

 private:
  const StudyRun& run_;
  const ColumnDesign& design_;
};

}  // namespace flare::studies
