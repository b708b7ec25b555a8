// One transformer for all families: runs what a ModelSpec says, on weights that a name table found.
//
// Attention and the products of the feed-forward part are asked for from outside, layer by layer, so that any of them
// may lie on arrays; the rest - embedding, norms, activations, head - is floating point.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flare_arch/attention/attention.hpp"
#include "flare_arch/models/dataset.hpp"
#include "flare_arch/models/model_spec.hpp"

namespace flare::arch {

struct NormWeights {
  VectorF weight, bias;  // width each; bias empty for a root mean square
};

/// y = x W + b.
struct LinearWeights {
  MatrixF weight;  // inputs x outputs; empty where the model has no such layer
  VectorF bias;    // empty: none
};

/// The products of a layer's feed-forward part.
enum class MlpProduct { gate, up, down };
constexpr std::array<MlpProduct, 3> mlp_products = {MlpProduct::gate, MlpProduct::up, MlpProduct::down};

struct LayerWeights {
  NormWeights attention_norm, mlp_norm;
  std::shared_ptr<const AttentionWeights> attention;
  LinearWeights gate, up, down;

  const LinearWeights& mlp(MlpProduct which) const {
    return which == MlpProduct::gate ? gate : which == MlpProduct::up ? up : down;
  }
};

struct TransformerWeights {
  LinearWeights patch_embedding;
  MatrixF extra_tokens;                             // class and distillation token
  MatrixF token_table, position_table, type_table;  // rows x width; empty where there is none
  NormWeights embedding_norm, final_norm;
  std::vector<LayerWeights> layers;
  LinearWeights pre_head, head, second_head;  // a tied head is left empty
};

/// What the model's training recorded about it, on the test images.
struct RecordedAccuracy {
  double full = 0, uniform_attention = 0, attention_removed = 0;
};

/// How the products of the layers are made.
struct LayerProducts {
  /// Attention of layer `layer` for `x` (tokens x width), biases included.
  std::function<MatrixF(int layer, const MatrixF& x)> attention;
  /// x W of a product of the feed-forward part, without the bias. Empty: floating point.
  std::function<MatrixF(int layer, MlpProduct which, const MatrixF& x)> mlp = {};
};

/// Inputs of products, for calibration: [layer][example], tokens x inputs.
struct LayerInputs {
  std::vector<std::vector<MatrixF>> attention;
  std::array<std::vector<std::vector<MatrixF>>, 3> mlp;  // by MlpProduct; empty unless asked for
};

class Transformer {
 public:
  /// A folder with config.json and model.safetensors, or shards and their *.safetensors.index.json, in the names of one
  /// of the families (families.hpp); or with the model.json of data/models/train_digits_vit.py. Throws
  /// engine::FileError "file: what is wrong, what was expected", for a tensor or key, too, that no part of the model
  /// reads.
  static Transformer load(const std::filesystem::path& folder);
  /// The files of a model: what a result computed with it depends on.
  static std::vector<std::filesystem::path> files(const std::filesystem::path& folder);

  /// Throws std::invalid_argument for weights that do not fit the spec.
  Transformer(ModelSpec spec, TransformerWeights weights, RecordedAccuracy recorded = {});

  const std::string& name() const { return spec_.name; }
  const ModelSpec& spec() const { return spec_; }
  const RecordedAccuracy& recorded() const { return recorded_; }
  const AttentionWeights& attention(int layer) const { return *weights_.layers[layer].attention; }
  const std::shared_ptr<const AttentionWeights>& shared_attention(int layer) const {
    return weights_.layers[layer].attention;
  }
  const LinearWeights& mlp(int layer, MlpProduct which) const { return weights_.layers[layer].mlp(which); }

  /// Logits of one example: one row, or for a language model one per token. Throws std::invalid_argument for an example
  /// that the model cannot take: another size, a token outside the vocabulary, too many of them, a value that is not
  /// finite.
  MatrixF logits(const Example& example, const LayerProducts& products) const;
  /// The same in floating point throughout.
  MatrixF logits(const Example& example) const;

  /// What the layers see for the first `examples` of a set, in floating point: what integer layers are calibrated with.
  LayerInputs layer_inputs(const ExampleSet& set, std::int64_t examples, bool mlp = false) const;

 private:
  MatrixF embed(const Example& example) const;
  MatrixF embed_patches(const ImageTensor& image) const;
  MatrixF embed_tokens(const Example& example) const;
  MatrixF normalise(const MatrixF& x, const NormWeights& norm) const;
  MatrixF mlp_product(int layer, MlpProduct which, const MatrixF& x, const LayerProducts& products) const;
  MatrixF hidden(int layer, const MatrixF& x, const LayerProducts& products) const;
  void run_layer(int layer, MatrixF& x, const LayerProducts& products) const;
  MatrixF pool(const MatrixF& x) const;
  MatrixF classify(const MatrixF& pooled) const;

  ModelSpec spec_;
  TransformerWeights weights_;
  RecordedAccuracy recorded_;
};

/// Every value through the activation, in place.
void apply(Activation activation, MatrixF& values);

}  // namespace flare::arch
