#include "flare_arch/gain_cell/cell_scalers.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/safetensors.hpp"

namespace flare::arch {

const char* scaled_operand_name(ScaledOperand operand) {
  switch (operand) {
    case ScaledOperand::query:
      return "query";
    case ScaledOperand::key:
      return "key";
    case ScaledOperand::value:
      return "value";
    case ScaledOperand::output:
      return "output";
  }
  throw std::invalid_argument("unknown operand");
}

std::vector<LayerScalers> reset_scalers(int layers, int heads) {
  LayerScalers layer;
  layer.heads.fill(std::vector<Scaler>(static_cast<std::size_t>(heads)));
  return std::vector<LayerScalers>(static_cast<std::size_t>(layers), layer);
}

std::filesystem::path scaler_file(const std::filesystem::path& model) {
  return model / "gain_cell.safetensors";
}

std::vector<LayerScalers> load_scalers(const std::filesystem::path& model, int layers, int heads) {
  const std::filesystem::path path = scaler_file(model);
  if (!std::filesystem::exists(path))
    throw engine::FileError(
        fmt::format("{}: missing, the model was not trained for gain cells; take one that was "
                    "(data/models/train_char_decoder.py makes them), or --attention softmax",
                    path.string()));
  const TensorFile file = TensorFile::load(path);
  std::vector<LayerScalers> scalers = reset_scalers(layers, heads);
  try {
    for (int layer = 0; layer < layers; ++layer)
      for (const ScaledOperand operand : scaled_operands) {
        const std::string name = fmt::format("h.{}.attn.{}_scaler", layer, scaled_operand_name(operand));
        const MatrixF pairs = file.floats(name, heads, 2);
        if (!pairs.allFinite())
          throw std::runtime_error("tensor '" + name + "' holds a value that is not finite");
        for (int head = 0; head < heads; ++head)
          scalers[static_cast<std::size_t>(layer)].of(operand)[static_cast<std::size_t>(head)] = {
              pairs(head, 0), pairs(head, 1)};
      }
  } catch (const std::runtime_error& e) {
    throw engine::FileError(path.string() + ": " + e.what());
  }
  return scalers;
}

}  // namespace flare::arch
