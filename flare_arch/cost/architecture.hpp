// What a model is costed on: arrays for weights and for what changes, their converters, how much runs at once, the clock,
// where layers live, what is counted. Numbers with a doubt stand in `parameters`.
#pragma once

#include <string>
#include <vector>

#include "flare_arch/array/bitsift.hpp"
#include "flare_arch/cost/parameter.hpp"

namespace flare::arch {

enum class MemoryTechnology { sram, mram };

/// How the cost of a conversion is known (converter_cost.hpp).
enum class ConverterLaw {
  flash,            // comparators at their own size, each trimmed; the trim's area counted
  flash_untrimmed,  // comparators as large as the offset asks for
  sar,              // one trimmed comparator, a capacitor array
  zigzag,           // a published law for column converters
  survey,           // stand-alone converters' envelope: far too dear for a column
  enob,             // the paper's 2^ENOB, from the trimmed flash
};

struct ConverterChoice {
  ConverterLaw law = ConverterLaw::flash;
  double enob = 0;  // bits; 0: log2(SAWL + 1), what SAWL + 1 levels need
  double offset_sigma =
      1.5e-3;  // V, that the error model allows a comparator: 0.03 step of 0.4 V over 8 steps
  double trim_residue = 0.6e-3;  // V, sigma that the trim leaves: 64 mV to either side in 6 bits
  double swing = 0.4;            // V, over all levels
};

struct ArrayChoice {
  MemoryTechnology technology = MemoryTechnology::sram;
  int sawl = 8;
  int word_lines = 0;  // of one array; 0: as many as the model needs
  bool full_parallelism =
      true;  // all rows of a vector lie in one array; else it is cut into arrays one below another
  int columns_per_converter = 1;  // M: they are read one after the other
  /// Energy of a bitline over its k = 0 ... SAWL on-cells. sram: over that without any, as a share of what all add; mram:
  /// over that of the mean of them. Empty: a line in k.
  std::vector<double> read_shape;
  /// Energy of the word lines over k, over that at k = SAWL / 2: conducting cells pull at them. Empty: all alike.
  std::vector<double> wordline_shape;
  ConverterChoice converter;
};

/// Device copies DC1 .. DC16, and what they share out.
enum class Sharing {
  tokens,  // k copies of everything, each with tokens of its own
  planes,  // k copies, each with bit planes of its own; the slowest counts
  split,   // rows in k parts, each with converters of its own; cells are not copied
};

enum class Clock {
  paper,  // 10 ns
  spice,  // word line + pulse + conversion + restore, of the slower kind of arrays
};

enum class Residency {
  one,       // the arrays of one layer, rewritten for the next
  resident,  // all layers; sequences follow each other through them
};

enum class Scope { attention, encoder };

struct Architecture {
  std::string name = "flare";
  ArrayChoice weights = {MemoryTechnology::mram, 8, 0, true, 1, {}, {}, {}}, dynamic;
  Sharing sharing = Sharing::tokens;
  int copies = 8;  // DC
  Clock clock = Clock::paper;
  Residency residency = Residency::one;
  int batch = 1;  // sequences per loading of weights (residency one)
  Scope scope = Scope::attention;
  int activation_bits = 8, kv_bits = 12, weight_bits = 8, probability_bits = 8;
  // kv_bits: of the words that keys and values are made from, and of the cells that hold them.
  Packing packing = Packing::next_fit;  // fixed: no BitSift
  int slice_length = 16;
  bool fused = true;          // end to end; else every tensor leaves the device
  bool float_stages = false;  // dequantisation, quantisation and softmax in floating point
  int float_lanes = 64;
  int softmax_cycles = 4;  // latency of a token in the pipeline
  double supply = 0.9;     // V
  ParameterSet parameters = default_parameters();

  /// False, with the reason in `error` ("key: what; remedy"), for what makes no sense by itself.
  bool is_valid(std::string* error) const;
};

/// The paper's baseline on the same parts: fixed groups, every tensor leaves the device, floating-point stages.
Architecture conventional(Architecture architecture);

std::string_view to_string(MemoryTechnology value);
std::string_view to_string(ConverterLaw value);
std::string_view to_string(Sharing value);
std::string_view to_string(Clock value);
std::string_view to_string(Residency value);
std::string_view to_string(Scope value);
std::string_view to_string(Packing value);

}  // namespace flare::arch
