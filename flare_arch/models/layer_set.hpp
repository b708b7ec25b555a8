// A model's layers on one arithmetic, prepared once: quantised weights, static scales, arrays. What errs is said later.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "flare_arch/attention/conventional_attention.hpp"
#include "flare_arch/attention/integer_attention.hpp"
#include "flare_arch/attention/linear_layer.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {

/// Arithmetic of the attention layers:
///   "float"    floating point
///   "uniform"  floating point, scores ignored    (how much the scores matter)
///   "removed"  no attention output               (how much attention matters)
///   "emsbq"    FLARE: eMSB-Q and VDR-Softmax on arrays
///   "int8"     conventional: int8 on arrays, dequantised and quantised again at every stage, float softmax
///   "qrazor_w4a8", "qrazor_w4a4", "qrazor_w4a8kv4", "qrazor_w4a4kv4"
///              significant data razoring, digital (no error models)
std::vector<std::string> quantizer_names();
bool runs_on_arrays(const std::string& quantizer);

/// Operand widths of a "qrazor_..." quantiser; false for another name.
bool qrazor_options(const std::string& quantizer, int group, QrazorOptions* options);

/// All that prepared layers depend on, beside the model and the calibration examples.
struct LayerSettings {
  std::string quantizer = "emsbq";
  IntegerAttentionOptions attention;  // widths, packing, rows per read
  int calibration_examples = 64;      // training examples that fix static scales
  bool feed_forward = false;          // the feed-forward products lie on arrays (qrazor: are razored), too
  int qrazor_group = 16;              // values that share a flag

  bool operator==(const LayerSettings&) const = default;
};

/// What a model's layers run on.
class LayerSet {
 public:
  /// Throws std::invalid_argument for settings that do not fit the model.
  LayerSet(const Transformer& model, const ExampleSet& calibration, const LayerSettings& settings);

  const LayerSettings& settings() const { return settings_; }
  const AttentionLayer& attention(int layer) const { return *attention_[static_cast<std::size_t>(layer)]; }
  /// Null: in floating point.
  const LinearLayer* mlp(int layer, MlpProduct which) const {
    return mlp_[static_cast<std::size_t>(which)][static_cast<std::size_t>(layer)].get();
  }
  /// What is frozen of all layers' arrays on a die.
  std::vector<LayerDie> make_dies(const AttentionErrors& errors, int tokens) const;

 private:
  LayerSettings settings_;
  std::vector<std::unique_ptr<AttentionLayer>> attention_;
  std::array<std::vector<std::unique_ptr<LinearLayer>>, mlp_products.size()> mlp_;
};

/// The layers of one model, prepared when settings are met for the first time. Keeps the last few sets: evaluations of one
/// model mostly differ in their errors alone.
class LayerCache {
 public:
  LayerCache(const Transformer& model, std::shared_ptr<const ExampleSet> calibration)
      : model_(model), calibration_(std::move(calibration)) {}
  std::shared_ptr<const LayerSet> layers(const LayerSettings& settings);

 private:
  const Transformer& model_;
  std::shared_ptr<const ExampleSet> calibration_;
  std::vector<std::shared_ptr<const LayerSet>> sets_;  // the latest last
};

}  // namespace flare::arch
