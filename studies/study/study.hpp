// A study as the user wrote it (TOML), checked and in SI units. What may stand in it: studies/README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analysis/converters/converter.hpp"
#include "analysis/results/adc_table.hpp"
#include "analysis/verdict/target.hpp"
#include "engine/base/sampling.hpp"
#include "engine/measures/measure.hpp"
#include "engine/simulate/testbench.hpp"
#include "flare_arch/models/dataset.hpp"
#include "studies/parts/column_setup.hpp"
#include "studies/parts/converter_part.hpp"
#include "studies/parts/kit.hpp"
#include "studies/parts/reference_part.hpp"
#include "studies/study/study_corners.hpp"
#include "studies/study/study_gain_cell.hpp"
#include "studies/study/study_measures.hpp"
#include "studies/study/study_sweep.hpp"
#include "studies/study/study_swing.hpp"
#include "studies/study/study_variation.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

struct ColumnStudy {
  ColumnSetup setup;
  std::vector<int> sawl;
  Swing swing;                  // of the full-scale level at the sense time
  bool tracking_timing = true;  // sense time from a replica column at the same corner
  bool tracking_die = false;    // references and that timing follow the die, not its corner
  int timing_rows = 0;  // of the replica that closes the word line; 0: a calculated one, without mismatch
  std::vector<std::string> converters;  // that read it; empty: all
};

struct CircuitStudy {
  std::filesystem::path netlist;
  engine::Analysis analysis;
  std::optional<bool> uic;  // start from .ic and ic= values; not said: as the netlist's own .tran has it
  std::vector<engine::Measure> measures;
  std::vector<std::string> measure_places;  // "file:line: table", for errors
  // What the corners' supply moves: sources, or a .param of the netlist; both empty: nothing.
  std::vector<std::string> supply_sources;
  std::string supply_parameter;
  std::vector<std::string> fixed_sources;  // at the supply's level, and meant to stay there
  std::vector<Spec> specs;                 // at least one
};

/// Converters as circuits, on a bitline that falls by `swing` over its levels.
struct AdcStudy {
  int thresholds = 8;
  Swing swing;
  double bitline_capacitance = 80e-15;  // F, without what converters add
};

/// How levels are read: by a formula (kind), or, in a study of converters, by a circuit.
struct ConverterStudy {
  std::string name;
  std::optional<ConverterPart> circuit;
  std::optional<analysis::AdcResult> measured;  // of kind measured: what a study of its circuit found
  std::filesystem::path measured_file;
  std::optional<Trim> trim;  // of the circuit's comparators; nothing: none is used
  analysis::ConverterKind kind = analysis::ConverterKind::ideal;
  double offset_sigma_volt = 0.0;  // of one comparator, V ...
  double offset_sigma_step = 0.0;  // ... or in steps of the mean level spacing
  double enob = 0.0;
  bool tracking_references = true;
  std::optional<ReferencePart> reference;  // replicas in place of calculated references
  int average = 1;                         // replicas at each of the two levels beside a threshold
  bool fit_only = false;                   // tails from the fit to the plain samples: "extrapolated"
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
  int examples = 0;                     // 0: all of the test split
  std::string quantizer = "emsbq";      // arithmetic of attention (flare_arch/models/accuracy.hpp)
  std::vector<std::string> converters;  // whose error models are used
  /// Errors of the arrays that hold weights, and of those of keys and values, as `flare accuracy` takes them; empty: each
  /// SAWL's own.
  std::string weight_arrays, dynamic_arrays;
  double allowed_drop = 0.01;  // of the metric, against floating point
  arch::DatasetOptions data;   // how files become examples
};

/// What the pick costs (studies/cost/cost_stage.hpp).
struct CostStudy {
  std::filesystem::path architecture, model, dataset;
  int examples = 50;  // counted; 0: all
};

/// A table of all cells, SAWLs and converters with what they cost.
struct MapStudy {
  std::string claim;  // what somebody else has said of it, shown beside what was found
};

/// Numerical options the study asks for; what it leaves open is the netlist's, else the engine's default.
struct SimulatorStudy {
  std::optional<std::string> method;
  std::optional<double> reltol;
  std::optional<double> abstol;
  std::optional<double> vntol;
  std::optional<double> chgtol;
  std::optional<double> trtol;
  std::string compatibility;  // ngspice's compatibility modes
};

struct Study {
  std::filesystem::path file;
  std::string text;  // as run: with the overrides applied
  std::string title;
  std::uint64_t seed = 1;
  analysis::Target target;                               // what a design is held to
  engine::Commands commands = engine::Commands::refuse;  // what becomes of .control blocks

  std::optional<Kit> kit;
  std::filesystem::path
      cards;  // card file, the kit's where there is one; sections are the corners' processes
  /// Values of .params at the netlist's top level, at every corner that sets no other: the switches of a kit.
  std::map<std::string, double> parameters;
  std::string cards_place;    // "file:line: key", for errors
  std::string process_place;  // of the corners' processes
  std::string supply_place;   // of the corners' supply
  std::vector<Corner> corners;
  Corner nominal;
  /// How many of each converter's worst corners are run in full, besides the nominal one; nothing ("auto"): until no
  /// other can be worse.
  std::optional<int> full_corners;
  std::vector<DeviceVariation> devices;
  std::vector<DieVariation> die;
  SimulatorStudy simulator;
  double run_time_limit = 60.0;  // s

  std::optional<ColumnStudy> column;  // exactly one of the four
  std::vector<ColumnStudy> columns;  // of [[columns]]: several in one study (column is the first); else empty
  std::optional<MapStudy> map;
  std::optional<CircuitStudy> circuit;
  std::optional<AdcStudy> adc;
  std::optional<GainCellStudy> gain_cell;
  std::vector<ConverterStudy> converters;
  EstimatorStudy estimator;
  std::optional<AccuracyStudy> accuracy;
  std::optional<CostStudy> cost;
  std::vector<SweepAxis> sweep;  // empty: one study
};

/// Reads and checks a study; `overrides` are "a.b=value" texts (overrides.hpp).
/// Throws StudyError.
Study read_study(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

/// The same for the text of a study, e.g. the one kept in a result file; `file` anchors relative paths. `log` takes in
/// what is asked of every key.
Study parse_study(const std::string& text, const std::filesystem::path& file, KeyLog* log = nullptr);

/// One point of a study's sweep: the study without it, changed by "a.b=value" texts. Throws StudyError.
Study sweep_point(const Study& whole, const std::vector<std::string>& assignments);

}  // namespace flare::studies
