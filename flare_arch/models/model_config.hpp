// config.json to ModelSpec, by a family's table of keys.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "flare_arch/models/families.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {

/// What a model's description says, before its tensors are looked at. Sizes that it leaves to them are 0.
struct ModelConfig {
  const Family* family = nullptr;  // null: to be told by the tensors' names
  ModelSpec spec;
  RecordedAccuracy recorded;
  std::vector<TensorName> own_names;  // tensor_names: rows that replace the family's
  std::optional<bool> qkv_bias;       // said to be there, or not to be
  std::optional<bool> tied_head;
};

/// Reads a document, of the family it names or of `family`. Throws std::runtime_error "key: what is wrong" for a value
/// out of range, a key that the family does not know, and one whose value the spec cannot say.
ModelConfig parse_model_config(const nlohmann::json& document, const Family* family);

/// model.json of data/models/train_digits_vit.py ("flare-vit/1"): every key is needed, and no other is taken.
ModelConfig parse_digits_config(const nlohmann::json& document);

/// Throws std::runtime_error for a spec that no model can have.
void check_spec(const ModelSpec& spec);

}  // namespace flare::arch
