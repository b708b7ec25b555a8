#include "flare_arch/models/families.hpp"

#include <algorithm>

#include "flare_arch/models/family_tables.hpp"

namespace flare::arch {

std::vector<ConfigKey> hugging_face_keys() {
  using S = ModelSpec;
  using I = ImageInput;
  return {{"hidden_size", &S::width},
          {"num_hidden_layers", &S::layers},
          {"num_attention_heads", &S::heads},
          {"intermediate_size", &S::mlp_width},
          {"hidden_act", &S::activation},
          {"layer_norm_eps", &S::epsilon},
          {"vocab_size", &S::vocabulary},
          {"max_position_embeddings", &S::positions},
          {"type_vocab_size", &S::token_types},
          {"image_size", &I::size},
          {"patch_size", &I::patch},
          {"num_channels", &I::channels}};
}

const char* part_name(Part part) {
  constexpr const char* names[] = {"patch_embedding",
                                   "class_token",
                                   "distillation_token",
                                   "token_table",
                                   "position_table",
                                   "type_table",
                                   "embedding_norm",
                                   "query_key_value",
                                   "query",
                                   "key",
                                   "value",
                                   "attention_output",
                                   "attention_norm",
                                   "mlp_gate",
                                   "mlp_up",
                                   "mlp_down",
                                   "mlp_norm",
                                   "final_norm",
                                   "pooled_norm",
                                   "pre_head",
                                   "head",
                                   "second_head"};
  return names[static_cast<int>(part)];
}

const std::vector<Family>& families() {
  static const std::vector<Family> all = {digits_family(),     timm_family(),    hugging_face_vit_family(),
                                          bert_family(),       roberta_family(), distilbert_family(),
                                          gpt2_family(),       llama_family(),   torch_encoder_family(),
                                          vit_pytorch_family()};
  return all;
}

const Family* family_of(const std::string& model_type) {
  for (const Family& f : families())
    if (std::find(f.model_types.begin(), f.model_types.end(), model_type) != f.model_types.end()) return &f;
  return nullptr;
}

std::vector<std::string> model_types() {
  std::vector<std::string> names;
  for (const Family& f : families()) names.insert(names.end(), f.model_types.begin(), f.model_types.end());
  return names;
}

bool matches(const std::string& pattern, const std::string& text) {
  // Greedy with one way back: the last star takes one character more each time.
  std::size_t p = 0, t = 0, star = std::string::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace flare::arch
