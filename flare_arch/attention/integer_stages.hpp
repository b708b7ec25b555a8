// What FLARE's attention computes between its arrays besides eMSB-Q and VDR-Softmax, row by row, on plain
// memory: shifts, additions and one small multiplication. Together with emsb_quantizer, vdr_softmax and
// bitsift this is the integer path; its object files are searched for divisions and floating point by a test.
#pragma once

#include <cstdint>
#include <span>

#include "flare_arch/attention/rotary.hpp"
#include "flare_arch/attention/vdr_softmax.hpp"

namespace flare::arch {

/// Half the sum of every column of a row-major matrix, rounded up: what inputs that stand for the middle of
/// their step add to a product with it (Rounding::half_lsb). matrix: rows x halves.size() values.
void half_column_sums(std::span<const std::int32_t> matrix, std::span<std::int32_t> halves);

/// row += halves.
void add_halves(std::span<std::int32_t> row, std::span<const std::int32_t> halves);
void add_halves(std::span<std::int64_t> row, std::span<const std::int32_t> halves);

/// row += sum / 2, rounded up.
void add_half(std::span<std::int32_t> row, std::int64_t sum);
void add_half(std::span<std::int64_t> row, std::int64_t sum);

/// row += words / 2^shift, rounded: a constant in units of unshifted accumulators (the bias of the queries) meets a row whose
/// inputs were shifted.
void add_shifted(std::span<std::int32_t> row, std::span<const std::int64_t> words, int shift);
void add_shifted(std::span<std::int64_t> row, std::span<const std::int64_t> words, int shift);

/// Turns the pairs of one head by cosines and sines of `rotary_bits` bits after the point, rounded; a pair is (i, i + half)
/// or, neighbours, (2 i, 2 i + 1). Magnitudes grow by at most the root of 2.
void turn_head(std::span<std::int32_t> head, std::span<const std::int32_t> cosines,
               std::span<const std::int32_t> sines, bool neighbours);
void turn_head(std::span<std::int64_t> head, std::span<const std::int32_t> cosines,
               std::span<const std::int32_t> sines, bool neighbours);

/// n_e: the headroom of the three stages, `full` less `shift` each. A shift beyond the full one is possible
/// only where an array erred beyond its full scale; headroom is then 0.
struct StageShifts {
  int input = 0, query = 0, logit = 0;
};
int row_exponent(const StageShifts& full, const StageShifts& made);

/// A head's sums times the reciprocal of its row, with `fraction_bits` bits after the point: the scale that
/// all heads share. Lengths are the same. What does not fit 32 bits (an array erred far beyond its scale) saturates.
void normalise_row(std::span<const std::int32_t> sums, const Reciprocal& reciprocal, int fraction_bits,
                   std::span<std::int32_t> result);
void normalise_row(std::span<const std::int64_t> sums, const Reciprocal& reciprocal, int fraction_bits,
                   std::span<std::int32_t> result);

}  // namespace flare::arch
