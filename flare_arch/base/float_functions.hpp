// Functions of many values in floating point, vectorised by oneDNN, on the calling thread. For matrices of some size: below it
// the plain loops of the callers are as fast.
#pragma once

#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

enum class Elementwise { gelu_erf, gelu_tanh, silu, tanh };

/// True for a matrix that these functions are worth starting for.
bool is_worth_vectors(const MatrixF& values);
/// Every value through the function, in place. gelu_erf and silu are within 1e-6 of their definitions.
void apply_vectors(Elementwise function, MatrixF& values);
/// Softmax of every row, in place.
void softmax_vectors(MatrixF& rows);

}  // namespace flare::arch
