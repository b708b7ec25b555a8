// How a head's numbers are laid over the ranges of its cells: x becomes a x + b, one pair for the queries, keys, values and
// the output of every head.
#pragma once

#include <array>
#include <filesystem>
#include <vector>

#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

enum class ScaledOperand { query, key, value, output };
constexpr std::array<ScaledOperand, 4> scaled_operands = {ScaledOperand::query, ScaledOperand::key,
                                                          ScaledOperand::value, ScaledOperand::output};
const char* scaled_operand_name(ScaledOperand operand);

/// a x + b.
struct Scaler {
  double a = 1, b = 0;
};

/// Of one layer.
struct LayerScalers {
  std::array<std::vector<Scaler>, 4> heads;  // by ScaledOperand: one a head

  std::vector<Scaler>& of(ScaledOperand operand) { return heads[static_cast<std::size_t>(operand)]; }
  const std::vector<Scaler>& of(ScaledOperand operand) const {
    return heads[static_cast<std::size_t>(operand)];
  }
};

/// a = 1, b = 0 throughout.
std::vector<LayerScalers> reset_scalers(int layers, int heads);

/// The file of a model's folder that holds them; it need not exist.
std::filesystem::path scaler_file(const std::filesystem::path& model);
/// Tensors "h.{layer}.attn.{query, key, value, output}_scaler", heads x 2. Throws engine::FileError, with the remedy where
/// there is no such file.
std::vector<LayerScalers> load_scalers(const std::filesystem::path& model, int layers, int heads);

}  // namespace flare::arch
