// A pre-norm vision transformer encoder around the attention layers. What is outside attention - patch
// embedding, layer norms, MLPs, classification head - is floating point.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "flare_arch/attention/attention.hpp"
#include "flare_arch/models/dataset.hpp"

namespace flare::arch {

struct VitConfig {
  int image_size = 0, patch_size = 0, width = 0, layers = 0, heads = 0, mlp_width = 0, classes = 0;
  double layer_norm_epsilon = 0;
  double pixel_scale = 0;  // value of one grey step

  int tokens() const { return (image_size / patch_size) * (image_size / patch_size) + 1; }
};

/// What the model's training recorded about it, on the test images.
struct RecordedAccuracy {
  double full = 0, uniform_attention = 0, attention_removed = 0;
};

/// Attention of layer `layer` for `x` (tokens x width).
using AttentionFunction = std::function<MatrixF(int layer, const MatrixF& x)>;

class VitModel {
 public:
  /// folder: holds model.json and model.safetensors, as data/models/train_digits_vit.py writes them.
  /// Throws engine::FileError "file: what is wrong, what was expected", also for a tensor or a key of config that
  /// no part of the model reads.
  static VitModel load(const std::filesystem::path& folder);
  /// The files of a model: what a result computed with it depends on.
  static std::vector<std::filesystem::path> files(const std::filesystem::path& folder);

  const std::string& name() const { return name_; }
  const VitConfig& config() const { return config_; }
  const RecordedAccuracy& recorded() const { return recorded_; }
  const AttentionWeights& attention(int layer) const { return layers_[layer].attention; }

  /// Logits of one image (image_size^2 grey values, row by row).
  VectorF logits(std::span<const std::uint8_t> pixels, const AttentionFunction& attention) const;

  /// Inputs of every layer's attention for the first `images` images of a set, attention in floating point:
  /// [layer][image], tokens x width. What integer layers are calibrated with.
  std::vector<std::vector<MatrixF>> attention_inputs(const ImageSet& set, Eigen::Index images) const;

 private:
  struct Norm {
    VectorF weight, bias;
  };
  struct Linear {
    MatrixF weight;
    VectorF bias;
  };
  struct Layer {
    Norm norm1, norm2;
    AttentionWeights attention;
    Linear up, down;
  };

  MatrixF embed(std::span<const std::uint8_t> pixels) const;
  MatrixF normalise(const MatrixF& x, const Norm& norm) const;

  std::string name_;
  VitConfig config_;
  RecordedAccuracy recorded_;
  Linear patch_embedding_, head_;
  VectorF class_token_;
  MatrixF position_embedding_;
  Norm norm_;
  std::vector<Layer> layers_;
};

}  // namespace flare::arch
