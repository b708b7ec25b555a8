// Which runs a study of a gain cell makes, corner by corner: benches with mismatch, the same cells and converters at every corner,
// and benches without.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/store/run_store.hpp"
#include "studies/gain_cell/cell_bench.hpp"
#include "studies/gain_cell/cell_column_bench.hpp"
#include "studies/gain_cell/pulse_bench.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// Pulses have as many widths above 0 as a 4-bit code: w/15 of the longest.
inline constexpr int pulse_codes = 15;
/// Rows of the column that is compared with its cells, and how many columns are.
inline constexpr int column_rows = 64;
inline constexpr int column_patterns = 4;

/// What is measured with mismatch, in the order of its testbenches.
enum class CellSample { read, write, hold, rectifier, with_sign };
inline constexpr int cell_samples = 5;
/// "read", "write", "hold", "rectifier", "signed": the group of its samples in the result file.
std::string to_string(CellSample sample);

/// Levels of a corner, V: evenly from 0 to the supply.
std::vector<double> level_voltages(const GainCellStudy& study, const Corner& corner);
/// Read widths of samples, s: one and all parts of the longest.
std::vector<double> sample_widths(const GainCellStudy& study);
/// Every code's width, s.
std::vector<double> code_widths(const GainCellStudy& study);

CellBench cell_bench(const Study& study, const Corner& corner);
/// Charges of the samples: of the rectifier, of both signs with sign.
PulseBench sample_pulse_bench(const Study& study, const Corner& corner, bool with_sign);
/// Charges over the whole range: for the curve without mismatch.
PulseBench curve_pulse_bench(const Study& study, const Corner& corner, bool with_sign);
/// Half the full-scale charge alone: for its energy.
PulseBench energy_pulse_bench(const Study& study, const Corner& corner, bool with_sign);
/// Column number `pattern`: random codes and levels, drawn from the study's seed.
CellColumnBench column_bench(const Study& study, const Corner& corner, int pattern);
/// The code (0 ... 15) and level of every row of column number `pattern`.
struct ColumnPattern {
  std::vector<int> codes;
  std::vector<int> levels;
};
ColumnPattern column_pattern(const Study& study, int pattern);

/// The circuit of one sample with the study's variation on its devices.
std::shared_ptr<const engine::Testbench> sample_testbench(const Study& study, engine::Evaluator& evaluator,
                                                          const Corner& corner, CellSample sample);

/// All samples of a corner, a request each: the cells of one study are the same for read, write and hold.
std::vector<engine::RunRequest> sample_requests(const Study& study, engine::Evaluator& evaluator,
                                                const Corner& corner);

/// Without mismatch, one run each: reads of every code, energy of a read, curves of rectifier and signed, their energies.
std::vector<engine::RunRequest> nominal_requests(const Study& study, const Corner& corner);
inline constexpr int nominal_count = 6;
/// The columns, one run each.
std::vector<engine::RunRequest> column_requests(const Study& study, const Corner& corner);

}  // namespace flare::studies
