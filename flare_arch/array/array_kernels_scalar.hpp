// The plain twin of every kernel of array_kernels.hpp: what the definitions say, one bit line after the other. What
// the vectors are tested against, and what runs where there are none.
#pragma once

#include "flare_arch/array/array_kernels.hpp"

namespace flare::arch::scalar {

void sum_codes(const DensePlane& plane, const PlaneReads& reads, std::int32_t* code_sums,
               std::int64_t* wrong);
void sum_die_codes(const DieBlock& block, const PlaneReads& reads, std::int32_t* code_sums,
                   std::vector<NearRead>* near);
void fill_random_bytes(StreamKey key, std::uint32_t token, std::uint32_t plane, std::uint32_t read, int lines,
                       std::uint8_t* bytes);
bool within_range(const std::int32_t* values, std::size_t size, std::int32_t lowest, std::int32_t highest);
bool narrow_to_bytes(const std::int32_t* values, std::size_t size, std::int32_t lowest, std::int32_t highest,
                     std::uint8_t* bytes);

}  // namespace flare::arch::scalar
