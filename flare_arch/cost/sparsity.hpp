// How many zeros bit-serial inputs hold, by the grain at which they could be skipped (FLARE, Fig. 7), and how
// many cycles BitSift saves (Fig. 16).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "flare_arch/array/bit_planes.hpp"
#include "flare_arch/array/bitsift.hpp"
#include "flare_arch/attention/integer_attention.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {

/// Shares of zeros, each 0 to 1.
struct Sparsity {
  double bits = 0;           // zero bits among all bits of all planes
  double values = 0;         // zero values
  double value_groups = 0;   // groups of N neighbouring values that are all zero
  double column_slices = 0;  // groups of N neighbouring bits of one plane that are all zero
};

/// values: tokens x depth. Sign-magnitude counts the `bits` planes of the paper's baseline (sign and
/// magnitude), not the two passes. The last group of a row may be shorter than `group`.
Sparsity measure_sparsity(const MatrixI& values, const PlaneFormat& format, int group = 8);

/// Cycles with fixed groups of SAWL rows (`bits` planes) over cycles with `segmentation`.
double bitsift_boost(const MatrixI& values, const PlaneFormat& format,
                     const SegmentationOptions& segmentation);

/// Cycles that one way of packing needs.
struct SiftedCycles {
  Packing packing = Packing::next_fit;
  int slice_length = 0;  // L; 0 for ideal, which has no slices
  std::int64_t cycles = 0;
};

/// One line of the study's table: a tensor over all layers, heads and images.
///   input     8-bit input words, fed to the arrays of W_Q
///   input_kv  12-bit input words, fed to those of W_K and W_V
///   query     fed to K; key, value: stored in their arrays, not fed to any
///   scores    softmax outputs, unsigned, fed to V
///   output    weighted sums of values, fed to W_O
///   all       every cycle of the layers: input once, input_kv twice, query, scores, output
struct SparsityRow {
  std::string tensor;
  Encoding encoding = Encoding::twos_complement;  // "all": of the signed tensors
  int bits = 0;                                   // 0 for "all"
  std::int64_t values = 0;                        // counted
  std::int64_t longest = 0;                       // vector that was packed: rows that a plane may drive
  Sparsity sparsity;
  std::int64_t fixed_cycles = 0;  // groups of SAWL rows one after the other; 0: not fed to an array
  std::int64_t fed_bits = 0;      // values fed x bits
  std::int64_t driven_ones = 0;   // rows driven over all planes; sign-magnitude drives no sign bits
  std::vector<SiftedCycles> sifted;

  bool is_fed() const { return fixed_cycles > 0; }
  /// fixed_cycles over the cycles of a packing. Throws std::out_of_range for one that was not asked for.
  double boost(Packing packing, int slice_length = 0) const;
  /// The paper's 1 / (1 - bit sparsity): what reads that are always full would give.
  double expected_boost() const;
};

struct SparsityOptions {
  int images = 50;  // test images, those an accuracy run of the seed takes (sample_of); 0: all
  std::uint64_t seed = 1;
  int group = 8;          // N
  int rows_per_read = 8;  // SAWL
  std::vector<int> slice_lengths = {8, 16, 32, 64};
  /// 0: cycles of the vectors as they are. Else each tensor's vectors are laid end to end to vectors of this
  /// many rows (what does not fill one is left out): what taller arrays would see in data like this.
  int depth = 0;
  IntegerAttentionOptions attention;
  int calibration_examples = 64;
  /// Sees every tensor that is counted: "input", "query" (per head) ... of one image's layer.
  std::function<void(int image, int layer, const std::string& tensor, const MatrixI&)> visit;
  std::function<void(std::int64_t done, std::int64_t total)> progress;  // after each image

  /// False, with the reason in `error`, for options that make no sense.
  bool is_valid(std::string* error) const;
};

/// Runs the model with FLARE's arithmetic, free of errors, and measures what it feeds to its arrays and
/// stores in them. Throws std::invalid_argument for an empty data set or options that are not valid.
std::vector<SparsityRow> sparsity_study(const Transformer& model, const Dataset& dataset,
                                        const SparsityOptions& options = {});

/// The paper's average (Fig. 7 e, f): the mean of the shares of input, query, key, value and output.
Sparsity average_sparsity(const std::vector<SparsityRow>& rows, Encoding encoding);

/// "twos_complement", "sign_magnitude" or "unsigned".
std::string encoding_name(Encoding encoding);

}  // namespace flare::arch
