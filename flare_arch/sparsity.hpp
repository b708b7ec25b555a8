// How many zeros bit-serial inputs hold, by the grain at which they could be skipped (FLARE, Fig. 7), and how
// many cycles BitSift saves (Fig. 16).
#pragma once

#include <string>
#include <vector>

#include "flare_arch/bit_planes.hpp"
#include "flare_arch/bitsift.hpp"
#include "flare_arch/integer_attention.hpp"
#include "flare_arch/vit.hpp"

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

/// One line of the study's table: a tensor that is fed to arrays, or stored in them, over all layers, heads
/// and images.
struct SparsityRow {
  std::string tensor;  // input, query, key, value, scores, output
  Encoding encoding = Encoding::twos_complement;
  Sparsity sparsity;
  double boost_next_fit = 0, boost_first_fit = 0, boost_ideal = 0;
};

struct SparsityOptions {
  int images = 50;  // test images, from the first
  int group = 8;    // N
  IntegerAttentionOptions attention;
  int calibration_examples = 64;
};

/// Runs the model with FLARE's arithmetic, free of errors, and measures what it feeds to its arrays.
/// Throws std::invalid_argument for an empty data set or options out of range.
std::vector<SparsityRow> sparsity_study(const VitModel& model, const Dataset& dataset,
                                        const SparsityOptions& options = {});

/// "twos_complement", "sign_magnitude" or "unsigned".
std::string encoding_name(Encoding encoding);

}  // namespace flare::arch
