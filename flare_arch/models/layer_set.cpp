#include "flare_arch/models/layer_set.hpp"

#include <algorithm>
#include <map>

#include "flare_arch/attention/layer_arrays.hpp"

namespace flare::arch {
namespace {

constexpr std::size_t kept_sets = 2;  // weights of large models are large

const std::map<std::string, QrazorOptions>& qrazor_variants() {
  static const std::map<std::string, QrazorOptions> variants = {{"qrazor_w4a8", {4, 8, 8}},
                                                                {"qrazor_w4a4", {4, 4, 8}},
                                                                {"qrazor_w4a8kv4", {4, 8, 4}},
                                                                {"qrazor_w4a4kv4", {4, 4, 4}}};
  return variants;
}

std::unique_ptr<AttentionLayer> make_layer(const std::shared_ptr<const AttentionWeights>& weights, int layer,
                                           const std::vector<MatrixF>& calibration, const LayerSettings& s) {
  const std::string& q = s.quantizer;
  if (q == "emsbq") return std::make_unique<IntegerAttention>(*weights, layer, calibration, s.attention);
  if (q == "int8") {
    const Int8Options int8{s.attention.input_encoding, s.attention.weight_encoding, s.attention.stationary,
                           s.attention.dynamic};
    return std::make_unique<Int8Attention>(*weights, layer, int8);
  }
  QrazorOptions razored;
  if (qrazor_options(q, s.qrazor_group, &razored))
    return std::make_unique<QrazorAttention>(*weights, razored);
  const Ablation ablation = q == "uniform"   ? Ablation::uniform
                            : q == "removed" ? Ablation::removed
                                             : Ablation::none;
  return std::make_unique<FloatAttention>(weights, ablation);
}

std::unique_ptr<LinearLayer> make_linear(const MatrixF& weight, int layer, MlpProduct which,
                                         const std::vector<MatrixF>& calibration, const LayerSettings& s) {
  const int number = mlp_arrays + static_cast<int>(which);
  if (weight.size() == 0) return nullptr;
  if (s.quantizer == "emsbq")
    return std::make_unique<EmsbLinear>(weight, layer, number, calibration, s.attention);
  if (s.quantizer == "int8")
    return std::make_unique<Int8Linear>(
        weight, layer, number,
        Int8Options{s.attention.input_encoding, s.attention.weight_encoding, s.attention.stationary});
  QrazorOptions razored;
  if (qrazor_options(s.quantizer, s.qrazor_group, &razored))
    return std::make_unique<QrazorLinear>(weight, razored);
  return nullptr;
}

}  // namespace

bool runs_on_arrays(const std::string& quantizer) { return quantizer == "emsbq" || quantizer == "int8"; }

std::vector<std::string> quantizer_names() {
  std::vector<std::string> names = {"float", "uniform", "removed", "emsbq", "int8"};
  for (const auto& [name, variant] : qrazor_variants()) names.push_back(name);
  return names;
}

bool qrazor_options(const std::string& quantizer, int group, QrazorOptions* options) {
  const auto at = qrazor_variants().find(quantizer);
  if (at == qrazor_variants().end()) return false;
  *options = at->second;
  options->group = group;
  return true;
}

LayerSet::LayerSet(const Transformer& model, const ExampleSet& calibration, const LayerSettings& settings)
    : settings_(settings) {
  const std::vector<std::vector<MatrixF>> none(model.spec().layers);
  LayerInputs inputs{none, {none, none, none}};
  if (settings.quantizer == "emsbq")
    inputs = model.layer_inputs(calibration, settings.calibration_examples, settings.feed_forward);
  for (int i = 0; i < model.spec().layers; ++i) {
    attention_.push_back(make_layer(model.shared_attention(i), i, inputs.attention[i], settings));
    for (const MlpProduct which : mlp_products) {
      const auto at = static_cast<std::size_t>(which);
      mlp_[at].push_back(settings.feed_forward
                             ? make_linear(model.mlp(i, which).weight, i, which, inputs.mlp[at][i], settings)
                             : nullptr);
    }
  }
}

std::vector<LayerDie> LayerSet::make_dies(const AttentionErrors& errors, int tokens) const {
  std::vector<LayerDie> dies;
  for (std::size_t layer = 0; layer < attention_.size(); ++layer) {
    LayerDie die = attention_[layer]->make_die(errors, tokens);
    for (const auto& products : mlp_)
      if (products[layer] != nullptr) products[layer]->add_to(die, errors);
    dies.push_back(std::move(die));
  }
  return dies;
}

std::shared_ptr<const LayerSet> LayerCache::layers(const LayerSettings& settings) {
  const auto known =
      std::find_if(sets_.begin(), sets_.end(), [&](const auto& set) { return set->settings() == settings; });
  if (known != sets_.end()) {
    std::rotate(known, known + 1, sets_.end());
  } else {
    if (sets_.size() == kept_sets) sets_.erase(sets_.begin());
    sets_.push_back(std::make_shared<const LayerSet>(model_, *calibration_, settings));
  }
  return sets_.back();
}

}  // namespace flare::arch
