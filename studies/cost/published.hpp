// What others measured: GPUs, digital in-memory arrays, analog macros. Tables with their sources: data/cost.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace flare::studies {

struct GpuFigure {
  std::string device;
  int node = 0;              // nm
  std::string model, scope;  // scope: encoder, attention; any: a peak
  int tokens = 0, batch = 0;
  std::string precision, kind,
      quantity;  // kind: measured, peak; quantity: token/s, image/s, sequence/s, op/s
  double value = 0, watt = 0;
  std::string watt_kind, source;  // watt_kind: TDP, wall, measured, none

  bool is_measured() const { return kind == "measured"; }
  /// Token/s; 0 where it is not known (sequences without padding, peaks).
  double tokens_per_second() const;
  /// "A100 40G INT8, batch 128, length 384, measured": what a bar must say.
  std::string label() const;
};

struct DigitalFigure {
  std::string name;
  int node = 0;
  double low = 0, high = 0;  // J a MAC
  std::string source;
};

struct MacroFigure {
  int number = 0;
  std::string name, technology;
  int node = 0, rows = 0, adc_bits = 0, input_bits = 0;
  double volt = 0, cycle = 0, energy = 0;  // V, s, J a column read
  std::string source;
};

/// The folder of the tables: of the installed program, else of the sources.
std::filesystem::path published_folder();

// Each throws StudyError "file:line: what".
std::vector<GpuFigure> read_gpus(const std::filesystem::path& folder = published_folder());
DigitalFigure read_digital(const std::filesystem::path& folder = published_folder());
std::vector<MacroFigure> read_macros(const std::filesystem::path& folder = published_folder());

}  // namespace flare::studies
