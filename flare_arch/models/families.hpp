// Families of models as tables: what config.json calls the fields of a ModelSpec, and what the files call the tensors.
// A new family is a new table in families_image.cpp or families_text.cpp.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "flare_arch/models/model_spec.hpp"

namespace flare::arch {

/// What a tensor, or a weight with its bias, is for. {} in a name: the layer's number.
enum class Part {
  patch_embedding,
  class_token,
  distillation_token,
  token_table,
  position_table,
  type_table,
  embedding_norm,
  query_key_value,  // fused, in this order
  query,
  key,
  value,
  attention_output,
  attention_norm,  // before attention (pre) or after it (post)
  mlp_gate,
  mlp_up,
  mlp_down,
  mlp_norm,
  final_norm,
  pooled_norm,
  pre_head,
  head,
  second_head,
};
/// "query_key_value", ...: how config.json's tensor_names calls it.
const char* part_name(Part part);

/// Where a name begins: with the model's prefix, or at the start.
enum class NameScope { body, whole };

/// A row of the name table. name: of a table or token in full; of a linear layer or norm up to "weight" and "bias".
/// Several rows for a part are alternatives; the first that the file holds is taken.
struct TensorName {
  Part part;
  std::string name;
  NameScope scope = NameScope::body;
};

/// A key of config.json that sets a field of the spec.
struct ConfigKey {
  const char* key;
  std::variant<int ModelSpec::*, double ModelSpec::*, Activation ModelSpec::*, int ImageInput::*,
               double ImageInput::*>
      field;
};

/// A key that may have these values only (JSON text), since the spec cannot say another.
struct FixedKey {
  const char* key;
  std::vector<const char*> values;
};

struct Family {
  std::string name;
  std::vector<const char*> model_types;  // of config.json
  ModelSpec common;                      // what all models of the family share
  std::vector<ConfigKey> keys;
  std::vector<FixedKey> fixed;
  std::vector<const char*> ignored;   // keys that change no number
  std::vector<const char*> prefixes;  // "" among them: bare
  std::vector<TensorName> tensors;
  std::vector<const char*>
      skipped;  // tensors beside the model, * for any text: buffers, heads of the pretraining
  bool stored_transposed = false;  // linear weights of the body are (inputs, outputs), not (outputs, inputs)
  std::vector<Part> without_bias;  // parts that may have no bias: where the file holds none, there is none
  bool tied_head = false;          // a head that is missing is the token table
};

const std::vector<Family>& families();
/// Null for a model type that no table has.
const Family* family_of(const std::string& model_type);
std::vector<std::string> model_types();

/// True where `text` is `pattern`, in which * stands for any text.
bool matches(const std::string& pattern, const std::string& text);

}  // namespace flare::arch
