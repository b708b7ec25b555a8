// The plain twin of the kernels of cell_kernels.hpp: what the vectors are tested against, and what runs where they
// cannot.
#pragma once

#include "flare_arch/gain_cell/cell_kernels.hpp"

namespace flare::arch::scalar {

void sum_keys(const CellBlock& keys, const float* pulses, std::size_t position, int ages, float* sums);
void sum_values(const CellBlock& values, std::size_t position, const PulseRow* rows, std::size_t count,
                float* sums);

}  // namespace flare::arch::scalar
