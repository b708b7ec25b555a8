// How many reads the planes of a token take, without saying which rows they drive: what counters need of every token, and all
// that the sparse path needs of most. Slices of 16 rows, all planes side by side.
#pragma once

#include <cstdint>
#include <span>

#include "flare_arch/array/bit_planes.hpp"
#include "flare_arch/array/bitsift.hpp"

namespace flare::arch {

constexpr int slice_rows = 16, most_planes = 32;  // bits: [slice][plane], bit i of a slice is its row i

/// values: of `format`; bits: most_planes for each begun slice of values.
void slice_planes(std::span<const std::int32_t> values, const PlaneFormat& format, std::uint16_t* bits);

/// True where count_reads() knows the packing: next fit on slices of 16 rows with a SAWL of 2 or more.
bool counts_without_plan(const SegmentationOptions& options, int depth);

/// Reads that plan_reads() would make of each plane, and its ones. reads, ones: most_planes each; the first `planes` count.
void count_reads(const std::uint16_t* bits, int slices, int planes, const SegmentationOptions& options,
                 std::uint16_t* reads, std::uint16_t* ones);

/// full_reads(n, inverse_of(SAWL)) is n / SAWL, for up to 16 ones.
constexpr unsigned inverse_of(int sawl) { return 65536u / static_cast<unsigned>(sawl) + 1; }
constexpr int full_reads(int ones, unsigned inverse) {
  return static_cast<int>((static_cast<unsigned>(ones) * inverse) >> 16);
}

namespace scalar {
/// The same in plain loops: what the vectors are tested against.
void slice_planes(std::span<const std::int32_t> values, const PlaneFormat& format, std::uint16_t* bits);
void count_reads(const std::uint16_t* bits, int slices, int planes, const SegmentationOptions& options,
                 std::uint16_t* reads, std::uint16_t* ones);
}  // namespace scalar

}  // namespace flare::arch
