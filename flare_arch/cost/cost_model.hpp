// Energy, time and area of a workload on an architecture, part by part. Pure arithmetic: the same workload and parameters
// give the same numbers, and every total is the sum of its parts.
//
//   E_layer = sum over products (bitline + word lines + converter + code to sum + controller)
//             + quantiser + softmax (or floating point) + writes + buffers + DRAM + leakage * time
//   bitline: over the reads by their number of on-cells, where the energy of each is known (ArrayChoice::read_shape)
//   fused:   t_layer = max(kv cycles * t_cycle, traffic in) + max(fused cycles * t_cycle, traffic in and out)
//   unfused: every product by itself, each max(cycles * t_cycle, its traffic), floating point after it
// Copies by tokens share out the time, not the energy (architecture.hpp). FLARE, sections 2.3, 3.3 and 4.5.
#pragma once

#include <string>
#include <vector>

#include "flare_arch/cost/architecture.hpp"
#include "flare_arch/cost/workload.hpp"

namespace flare::arch {

/// A part of a layer's energy, J for one sequence.
struct EnergyPart {
  std::string where;      // "weights", "dynamic", "digital", "memory"
  std::string component;  // "bitline", "word lines", "converter", ...
  std::string stage;      // the stage whose time it is spent in (StageCost::name)
  std::string product;    // or "all"
  bool is_static = false;
  double energy = 0;
};

/// A stage of a layer. s, J.
struct StageCost {
  std::string name;   // "key_value", "fused"; unfused: by product
  double cycles = 0;  // of arrays, before copies share them out
  double array_time = 0;
  double traffic_time = 0;  // of which only what outlasts the arrays counts
  double float_time = 0;    // of floating-point stages
  double time = 0;          // of the stage
  double energy = 0;        // of the parts spent in it
  double power() const { return time > 0 ? energy / time : 0; }
};

struct LayerCost {
  std::vector<EnergyPart> parts;
  std::vector<StageCost> stages;
  double time = 0;    // s for one sequence
  double energy = 0;  // J
};

/// A part of the area, m^2, all copies and resident layers.
struct AreaPart {
  std::string where, component;
  std::string product;  // or "all"
  double arrays = 0;    // that share it alike; 0: none
  double count = 0;     // cells, converters, word lines, heads, bits
  double area = 0;
};

struct CostReport {
  std::vector<LayerCost> layers;
  std::vector<AreaPart> area_parts;
  double cycle = 0;          // s
  double sequence_time = 0;  // s, the latency of one sequence through all layers
  double interval = 0;       // s between sequences: the latency, or, resident, the slowest layer
  double sequence_energy = 0;
  double area = 0;
  double tokens = 0, macs = 0;  // of a sequence

  double tokens_per_second() const { return tokens / interval; }
  double token_energy() const { return sequence_energy / tokens; }
  double mac_energy() const { return sequence_energy / macs; }
  double tokens_per_joule() const { return tokens / sequence_energy; }
  double power() const { return sequence_energy / interval; }
};

/// Throws std::invalid_argument for an architecture that is not valid.
CostReport cost_of(const Workload& workload, const Architecture& architecture, Bound bound = Bound::nominal);

/// A cycle of the architecture's clock, s: word line + pulse + conversion + restore + margin of the slower kind of arrays,
/// or the paper's.
double cycle_time(const Architecture& architecture, Bound bound);

/// Energy of one column read of an array at `on_cells` and `driven` rows, J: bitline, word lines, converter, code to sum.
double read_energy(const ArrayChoice& array, const Architecture& architecture, double on_cells, double driven,
                   Bound bound);

}  // namespace flare::arch
