// The comparator of a converter by itself: what is simulated of it, and what is measured.
//
// The clock rises from `clock_start` within `edge`; reference and input stand at the common mode, the input `input` above it.
// d = v(output) - v(output_bar) grows exponentially from what the input is off the comparator's offset, until the supply
// ends it: where d is looked at while it is small it is linear in the input, and its zero is the offset.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/simulate/testbench.hpp"
#include "studies/parts/converter_part.hpp"

namespace flare::studies {

struct Study;

/// What drives a converter's circuit. SI.
struct ConverterDrive {
  const Study* study = nullptr;  // its kit's switches, simulator settings and draws of the cards; null: none
  std::filesystem::path card;    // device cards, absolute
  std::string section;           // process
  double supply = 0.9;
  double temperature = 27.0;  // degC
  double load = 1e-15;        // F, on each output of a comparator
  double edge = 20e-12;       // of the clock
};

struct ComparatorBench {
  ConverterPart part;
  ConverterDrive drive;
  double common_mode = 0.7;  // V
};

inline constexpr double clock_start = 20e-12;  // s
/// Unit of the first coordinate of every testbench here, V.
inline constexpr double input_unit = 10e-3;

/// Card, netlist, supply: the first lines of every circuit of a converter.
std::string converter_header(const ConverterPart& part, const ConverterDrive& drive,
                             const std::string& title);
/// A comparator called `name` with its loads, from node `input` against `reference` to `name`p and `name`n.
std::string comparator_lines(const ConverterPart& part, const ConverterDrive& drive, const std::string& name,
                             const std::string& input, const std::string& reference);

/// The circuit, without analysis; `clock_end` > 0: the clock falls there again. `more`: lines appended.
std::string comparator_netlist(const ComparatorBench& bench, double clock_end = 0.0,
                               const std::string& more = "");

/// A testbench of `text` with the numerical options that latches are simulated with (engine/README.md compares them for
/// columns), where the study says nothing else: a trapezoid of 4 ps at most, trtol 1, chgtol as given. Throws
/// engine::DeckError; StudyError where the cards make draws that cannot be taken over.
engine::Testbench latch_testbench(const std::string& name, const std::string& text,
                                  const ConverterDrive& drive, double stop, double chgtol = 1e-16);

/// Lets coordinate 0, in units of input_unit, replace the value of a source: to be called before variation is added.
void add_input(engine::Testbench& bench, const std::string& source);

/// d at `time`, as measure "d".
engine::Measure difference_at(const std::string& comparator, double time);
/// When d first rises through `level`.
engine::Measure difference_reaches(const std::string& name, const std::string& comparator, double level);

/// Ready to run: circuit, input and measures.
engine::Testbench decision_testbench(const ComparatorBench& bench, double time);
/// Measures "early" (d = 0.1 V) and "decided" (d = half the supply), s.
engine::Testbench timing_testbench(const ComparatorBench& bench, double stop);
/// A whole cycle of the clock, high until `clock_end` and as long low. Measures, J: "supply", what the supply gave; "clock", what a
/// driver that charges the clock from the supply takes for it; "input", what the two input sources gave; "clock_source",
/// what the ideal source of the clock gave, which takes back what it put on a gate.
engine::Testbench energy_testbench(const ComparatorBench& bench, double clock_end);
/// decision_testbench with a charge of 1 aC times the last coordinate put on `node` at `when`.
engine::Testbench impulse_testbench(const ComparatorBench& bench, double time, const std::string& node,
                                    double when);

/// Elements that mismatch moves, by their path from the top level: "x0.mip".
std::vector<std::string> comparator_elements(const ConverterPart& part, const std::string& name = "x0");

}  // namespace flare::studies
