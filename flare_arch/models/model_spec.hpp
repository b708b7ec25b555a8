// What a transformer is, apart from its numbers: a plain struct that a family's table and the model's config.json
// fill in, and one Transformer runs. What it cannot say is refused where it is read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flare_arch/attention/rotary.hpp"

namespace flare::arch {

enum class NormKind {
  layer,  // (x - mean) / deviation * weight + bias
  rms,    // x / root mean square * weight
};

enum class NormPlace {
  pre,   // x += f(norm(x))
  post,  // x = norm(x + f(x))
};

enum class Activation { none, gelu, gelu_tanh, relu, silu, tanh };

enum class Pooling {
  first,  // the class token
  mean,   // of all true tokens, extra tokens in front left out
  last,   // the last true token
  every,  // each token: a language model
};

/// What comes before the classifier reads a token: patches, or nothing for models of text.
struct ImageInput {
  int channels = 0, size = 0, patch = 0;
  bool pixels_last = false;  // within a patch, channels vary fastest
  // A raw value v of channel c is fed as (v * scale - mean[c]) / deviation[c]. Empty: 0 and 1.
  double scale = 1;
  std::vector<double> mean, deviation;

  int patches() const { return (size / patch) * (size / patch); }
};

struct RotarySpec {
  double theta = 10'000;
  RotaryTable::Pairs pairs = RotaryTable::Pairs::halves;
};

struct ModelSpec {
  std::string family, name;

  ImageInput image;         // channels 0: a model of text
  int vocabulary = 0;       // of text
  int token_types = 0;      // rows of the table of segments; 0: none
  int positions = 0;        // longest sequence; rows of the position table less the offset
  int position_offset = 0;  // row of a sequence's first token
  bool position_table = true;
  std::optional<RotarySpec> rotary;
  int extra_tokens = 0;  // in front of the patches: class token, distillation token
  bool embedding_norm = false;

  int width = 0, layers = 0, heads = 0;
  int kv_heads = 0;    // 0: as many as heads
  int head_width = 0;  // 0: width / heads
  int mlp_width = 0;
  NormKind norm = NormKind::layer;
  NormPlace place = NormPlace::pre;
  double epsilon = 1e-5;
  bool causal = false;
  Activation activation = Activation::gelu;
  bool gated = false;  // down(activation(gate(x)) * up(x))

  bool final_norm = true;
  Pooling pooling = Pooling::first;
  bool norm_after_pooling = false;
  Activation pre_head = Activation::none;  // of the dense layer before the head, where there is one
  int classes = 0;                         // or the vocabulary
  bool tied_head = false;                  // the head is the token table
  bool two_heads = false;                  // distilled: the mean of the class and the distillation token's

  bool is_image() const { return image.channels > 0; }
  bool is_language_model() const { return pooling == Pooling::every; }
  /// Tokens of the longest sequence; of every image.
  int tokens() const { return is_image() ? image.patches() + extra_tokens : positions; }
};

}  // namespace flare::arch
