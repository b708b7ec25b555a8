#include "flare_arch/cost/model_shape.hpp"

#include <algorithm>

namespace flare::arch {

double ModelShape::macs(bool encoder) const {
  const double n = tokens, d = width, q = double(heads) * head(), kv = double(kv_heads()) * head();
  const double met = causal ? n * (n + 1) / 2 : n * n;
  double macs = n * d * (2 * q + 2 * kv) + 2 * met * q;
  if (encoder) macs += n * d * mlp_width * (gated ? 3 : 2);
  return macs;
}

ModelShape shape_of_model(const ModelSpec& spec) {
  ModelShape shape;
  shape.name = spec.name;
  shape.layers = spec.layers;
  shape.tokens = spec.tokens();
  shape.width = spec.width;
  shape.heads = spec.heads;
  shape.groups = spec.kv_heads;
  shape.head_width = spec.head_width;
  shape.mlp_width = spec.mlp_width;
  shape.gated = spec.gated;
  shape.causal = spec.causal;
  return shape;
}

namespace {

//                                    name          L   N    D     H   kv d_k mlp
const std::vector<ModelShape>& known() {
  static const std::vector<ModelShape> shapes = {
      {"bert_base", 12, 384, 768, 12, 0, 0, 3072}, {"bert_large", 24, 512, 1024, 16, 0, 0, 4096},
      {"vit_b16", 12, 197, 768, 12, 0, 0, 3072},   {"deit_tiny", 12, 197, 192, 3, 0, 0, 768},
      {"deit_small", 12, 197, 384, 6, 0, 0, 1536}, {"deit_base", 12, 197, 768, 12, 0, 0, 3072}};
  return shapes;
}

}  // namespace

std::optional<ModelShape> known_shape(const std::string& name, int tokens) {
  const auto at =
      std::find_if(known().begin(), known().end(), [&](const ModelShape& s) { return s.name == name; });
  if (at == known().end()) return std::nullopt;
  ModelShape shape = *at;
  if (tokens > 0) shape.tokens = tokens;
  return shape;
}

std::vector<std::string> known_shape_names() {
  std::vector<std::string> names;
  for (const ModelShape& shape : known()) names.push_back(shape.name);
  return names;
}

}  // namespace flare::arch
