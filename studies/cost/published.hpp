// What others measured: GPUs, digital in-memory arrays, analog macros. Tables with their sources: data/cost.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "flare_arch/cost/silicon.hpp"

namespace flare::studies {

struct GpuFigure {
  std::string device;
  int node = 0;              // nm
  std::string model, scope;  // scope: encoder, attention; any: a peak
  int tokens = 0, batch = 0;
  std::string precision, kind,
      quantity;  // kind: measured, peak; quantity: token/s, image/s, sequence/s, op/s
  double value = 0, watt = 0;
  double bandwidth = 0;           // byte/s, of a peak
  std::string watt_kind, source;  // watt_kind: TDP, wall, measured, none

  bool is_measured() const { return kind == "measured"; }
  /// Token/s; 0 where it is not known (sequences without padding, peaks).
  double tokens_per_second() const;
  /// "A100 40G INT8, batch 128, length 384, measured": what a bar must say; `how`: measured, estimate, peak.
  std::string label(const std::string& how) const;
};

struct DigitalFigure {
  std::string name;
  int node = 0;
  double low = 0, high = 0;  // J a MAC
  std::string source;
};

struct MacroFigure {
  int number = 0;
  std::string name;
  arch::MacroDesign design;
  double energy = 0;  // J a column read, from its headline as collected by others
  std::string source;
  double own_energy = 0;  // J, from its publication's own words; 0: none at hand
  std::string own_source;
  std::string reason;  // what the model's prediction of it rests on, or why it misses

  /// What a prediction is held to: its own words where there are any.
  double published() const { return own_energy > 0 ? own_energy : energy; }
};

/// The folder of the tables: of the installed program, else of the sources.
std::filesystem::path published_folder();

// Each throws StudyError "file:line: what".
std::vector<GpuFigure> read_gpus(const std::filesystem::path& folder = published_folder());
DigitalFigure read_digital(const std::filesystem::path& folder = published_folder());
std::vector<MacroFigure> read_macros(const std::filesystem::path& folder = published_folder());

}  // namespace flare::studies
