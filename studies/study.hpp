// A study as the user wrote it (TOML), checked and in SI units. What may stand in it: studies/README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/measure.hpp"
#include "engine/sampling.hpp"
#include "engine/testbench.hpp"
#include "engine/variation.hpp"
#include "studies/toml_section.hpp"

namespace flare::studies {

/// Process section, supply (V) and temperature (degC).
struct Corner {
  std::string process = "tt";
  double supply = 0.9;
  double temperature = 27.0;

  std::string name() const;  // "tt_0.90V_27C"
  bool operator==(const Corner&) const = default;
};

/// Which devices vary, in what, by which law.
struct DeviceVariation {
  std::string place;          // "file:line: key" of the pattern, for errors
  std::string devices = "*";  // pattern over flat device names
  std::string polarity;       // "nmos", "pmos" or empty for both
  std::string parameter;      // simulator's instance parameter: "delvto" (V), "mulu0" (ratio), ...
  std::string label;          // as the user wrote it: "vth", "beta", ...
  engine::Law law;            // scale is unused where pelgrom > 0
  double pelgrom = 0.0;       // sigma * sqrt(W L m), SI; sizes are read from the circuit
  engine::Scope scope = engine::Scope::instance;
};

/// A supply or another source, or the temperature, that varies from die to die.
struct DieVariation {
  std::string source;  // flat name of the source; empty: the temperature
  double sigma = 0.0;  // V or K
};

struct ColumnStudy {
  std::string cell = "sram8t";
  std::vector<int> sawl;
  int rows = 256;
  double swing = 0.4;           // V, of the full-scale level at the sense time
  bool tracking_timing = true;  // sense time from a replica column at the same corner
  bool tracking_die = false;    // references and that timing follow the die, not its corner
};

struct CircuitStudy {
  std::filesystem::path netlist;
  engine::Analysis analysis;
  std::vector<engine::Measure> measures;
  std::string supply_source;  // moved by the corners' supply; empty: none
  // What counts as failing: measure below or above a limit. margin = measure - below, or above - measure.
  std::string failing_measure;
  std::optional<double> below;
  std::optional<double> above;
};

enum class ConverterKind { ideal, enob };

struct ConverterStudy {
  std::string name;
  ConverterKind kind = ConverterKind::ideal;
  double offset_sigma_volt = 0.0;  // of one comparator, V ...
  double offset_sigma_step = 0.0;  // ... or in steps of the mean level spacing
  double enob = 0.0;
  bool tracking_references = true;
  bool fit_only = false;  // tails from the fit to the plain samples: "extrapolated"
};

struct EstimatorStudy {
  std::string method = "auto";  // "fit" (extrapolated), "monte_carlo", or a rare-event method
  engine::Design design = engine::Design::random;
  int runs = 300;         // per level: moments and fit
  double accuracy = 0.1;  // half-width of the 95 % interval, in sigma
  int budget = 5000;      // runs per point (all levels of one SAWL at one corner) or per margin
};

struct AccuracyStudy {
  std::filesystem::path model;
  std::filesystem::path dataset;
  std::vector<std::string> modes;  // "read", "die"
  int repeats = 2;
  int examples = 0;                 // 0: all of the test split
  std::string quantizer = "emsbq";  // arithmetic of attention (flare_arch/accuracy.hpp)
  std::string converter;            // name of the converter whose error models are used
};

struct Study {
  std::filesystem::path file;
  std::string text;  // as run: with the overrides applied
  std::string title;
  std::uint64_t seed = 1;
  bool allow_commands = false;  // netlist .control blocks

  std::filesystem::path cards;  // card file; sections are the corners' processes
  std::string process_place;    // "file:line: key" of the corners' processes, for errors
  std::vector<Corner> corners;
  Corner nominal;
  /// How many of each converter's worst corners are run in full, besides the nominal one; nothing ("auto"): until no
  /// other can be worse.
  std::optional<int> full_corners;
  std::vector<DeviceVariation> devices;
  std::vector<DieVariation> die;
  engine::SimulatorOptions simulator;
  double run_time_limit = 60.0;  // s

  std::optional<ColumnStudy> column;  // exactly one of the two
  std::optional<CircuitStudy> circuit;
  std::vector<ConverterStudy> converters;
  EstimatorStudy estimator;
  std::optional<AccuracyStudy> accuracy;
};

/// Reads and checks a study; `overrides` are "a.b=value" texts (TOML values; a bare word is a text).
/// Throws StudyError.
Study read_study(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

/// The same for the text of a study, e.g. the one kept in a result file; `file` anchors relative paths.
Study parse_study(const std::string& text, const std::filesystem::path& file);

}  // namespace flare::studies
