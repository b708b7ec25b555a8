// /cost of a result file: what a model costs on an architecture. Every cost at the low, nominal and high ends of the
// parameters. Units are SI; areas m^2.
#pragma once

#include <string>
#include <vector>

#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

/// A cost at the three ends of its parameters.
struct CostRange {
  double low = 0, nominal = 0, high = 0;
};

/// /cost/summary.
struct CostSummaryRow {
  std::string quantity, unit;
  CostRange value;
};

/// /cost/layers: a row a layer and stage.
struct CostLayerRow {
  int layer = 0;
  std::string stage;
  double cycles = 0;
  CostRange time, energy;  // s, J for one sequence
  double power = 0;        // W, nominal
};

/// /cost/components: of one sequence over all layers.
struct CostComponentRow {
  std::string where, component, product, kind;  // kind: dynamic, static
  CostRange energy;                             // J
};

/// /cost/area.
struct CostAreaRow {
  std::string where, component;
  double count = 0;
  CostRange area;
  std::string product = "all";  // or whose arrays it is of
  double arrays = 0;            // that share it alike; 0: none
};

/// /cost/parameters.
struct CostParameterRow {
  std::string name;
  CostRange value;
  std::string unit, kind, source;
  bool changed = false;  // from the default
};

/// /cost/baselines: others, and the same parts without the techniques.
struct CostBaselineRow {
  std::string name, scope, kind;              // kind: computed, measured, estimate, peak
  CostRange tokens_per_second, token_energy;  // 0: not known
  std::string detail, source;
};

/// /cost/conclusions: a sentence and whether it holds at each end.
struct CostConclusionRow {
  std::string sentence;
  bool low = false, nominal = false, high = false;
  bool flips() const { return low != nominal || nominal != high; }
};

/// /cost/workload: a row a layer and product, for one sequence.
struct CostWorkloadRow {
  int layer = 0;
  std::string product;
  double cycles = 0, fixed_cycles = 0, conversions = 0, driven_cells = 0, on_cells = 0, scanned_rows = 0,
         stage_cycles = 0;
};

/// /cost/levels: reads of bit lines by their number of on-cells, for one sequence.
struct CostLevelRow {
  int layer = 0;
  std::string product;
  int k = 0;
  double reads = 0;
};

/// /cost/workload_layers.
struct CostWorkloadLayerRow {
  int layer = 0;
  double kv_cycles = 0, fused_cycles = 0, fused_words = 0, unfused_words = 0, written_bits = 0, quantised = 0,
         scores = 0, macs = 0;
};

/// /cost/sweep: an architecture with one or two things changed.
struct CostSweepRow {
  std::string point;  // "arrays.weights.sawl = 4"
  double x = 0;
  CostRange tokens_per_second, token_energy, mac_energy, area;
};

struct CostResult {
  std::string architecture, model, origin, counting;  // counting: what the counts hold for
  double tokens = 0, sequences = 0;
  std::vector<CostSummaryRow> summary;
  std::vector<CostLayerRow> layers;
  std::vector<CostComponentRow> components;
  std::vector<CostAreaRow> area;
  std::vector<CostParameterRow> parameters;
  std::vector<CostBaselineRow> baselines;
  std::vector<CostConclusionRow> conclusions;
  std::vector<CostWorkloadRow> workload;
  std::vector<CostLevelRow> levels;
  std::vector<CostWorkloadLayerRow> workload_layers;
  std::vector<CostSweepRow> sweep;
  std::vector<std::string> notes;

  bool empty() const { return summary.empty(); }
};

void write_cost(H5::H5File& file, const CostResult& result);
/// Empty where the file has none. Throws engine::FileError.
CostResult read_cost(const H5::H5File& file);

/// /points/.../read_energy: what a read of the column takes without variation, a row a k. J.
struct ReadEnergyRow {
  int k = 0;
  double bitline = 0;     // from the supply, over the read and the precharge after it
  double word_lines = 0;  // this column's share, all driven rows
  double swing = 0;       // V, by which the bitline had fallen
};

void write_read_energy(H5::H5File& file, const std::string& point, const std::vector<ReadEnergyRow>& rows);
/// Empty where the point has none.
std::vector<ReadEnergyRow> read_read_energy(const H5::H5File& file, const std::string& point);

}  // namespace flare::analysis
