// The plain twin of the kernels of cell_kernels.hpp: what the vectors are tested against, and what runs where they
// cannot.
#pragma once

#include "flare_arch/gain_cell/cell_kernels.hpp"

namespace flare::arch::scalar {

void sum_keys(const KeyBlock& keys, const KeyPulses& pulses, std::size_t position, int ages, float* sums);
void add_values(const ValueBlock& values, const ValueReads& reads, float* sums);
void add_counts(const CounterErrors& errors, float steps, const float* charges, int lines,
                std::int32_t* counts);

}  // namespace flare::arch::scalar
