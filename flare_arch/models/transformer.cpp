#include "flare_arch/models/transformer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "flare_arch/base/float_functions.hpp"
#include "flare_arch/base/float_product.hpp"

namespace flare::arch {
namespace {

float gelu(float v) { return 0.5f * v * (1.0f + std::erf(v * 0.70710678f)); }

float gelu_tanh(float v) {
  constexpr float root = 0.7978845608f;  // sqrt(2 / pi)
  return 0.5f * v * (1.0f + std::tanh(root * (v + 0.044715f * v * v * v)));
}

float silu(float v) { return v / (1.0f + std::exp(-v)); }

/// (x - mean) / deviation, row by row; mean and deviation in double precision.
void centre_rows(const MatrixF& x, double epsilon, const NormWeights& norm, MatrixF& y) {
  Eigen::RowVectorXd row(x.cols()), centred(x.cols());
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    row = x.row(t).cast<double>();
    centred = row.array() - row.mean();
    const double deviation = std::sqrt(centred.squaredNorm() / static_cast<double>(x.cols()) + epsilon);
    y.row(t) =
        (centred / deviation).cast<float>().cwiseProduct(norm.weight.transpose()) + norm.bias.transpose();
  }
}

void scale_rows(const MatrixF& x, double epsilon, const NormWeights& norm, MatrixF& y) {
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    const double squares = x.row(t).cast<double>().squaredNorm() / static_cast<double>(x.cols());
    y.row(t) = (x.row(t).cast<double>() / std::sqrt(squares + epsilon))
                   .cast<float>()
                   .cwiseProduct(norm.weight.transpose());
  }
}

void check_finite(const ImageTensor& image) {
  for (const float v : image.values)
    if (!std::isfinite(v)) throw std::invalid_argument("model: the image holds a value that is not finite");
}

}  // namespace

namespace {

/// Large matrices on vectors. False where the activation is none of theirs, or the matrix is small.
bool apply_if_large(Activation activation, MatrixF& values) {
  if (!is_worth_vectors(values)) return false;
  switch (activation) {
    case Activation::gelu:
      apply_vectors(Elementwise::gelu_erf, values);
      return true;
    case Activation::gelu_tanh:
      apply_vectors(Elementwise::gelu_tanh, values);
      return true;
    case Activation::silu:
      apply_vectors(Elementwise::silu, values);
      return true;
    default:
      return false;
  }
}

}  // namespace

void apply(Activation activation, MatrixF& values) {
  if (apply_if_large(activation, values)) return;
  switch (activation) {
    case Activation::none:
      return;
    case Activation::gelu:
      values = values.unaryExpr([](float v) { return gelu(v); });
      return;
    case Activation::gelu_tanh:
      values = values.unaryExpr([](float v) { return gelu_tanh(v); });
      return;
    case Activation::relu:
      values = values.cwiseMax(0.0f);
      return;
    case Activation::silu:
      values = values.unaryExpr([](float v) { return silu(v); });
      return;
    case Activation::tanh:
      values = values.unaryExpr([](float v) { return std::tanh(v); });
      return;
  }
}

Transformer::Transformer(ModelSpec spec, TransformerWeights weights, RecordedAccuracy recorded)
    : spec_(std::move(spec)), weights_(std::move(weights)), recorded_(recorded) {
  if (weights_.layers.size() != static_cast<std::size_t>(spec_.layers))
    throw std::invalid_argument("model: the weights are of another number of layers");
  for (const LayerWeights& layer : weights_.layers) layer.attention->check();
}

MatrixF Transformer::embed_patches(const ImageTensor& image) const {
  const ImageInput& in = spec_.image;
  if (image.channels != in.channels || image.height != in.size || image.width != in.size ||
      image.values.size() != static_cast<std::size_t>(in.channels) * in.size * in.size)
    throw std::invalid_argument(fmt::format("model: images of {} channels and {} x {} pixels are expected",
                                            in.channels, in.size, in.size));
  check_finite(image);
  const int patch = in.patch, side = in.size / patch, area = patch * patch;
  MatrixF patches(side * side, in.channels * area);
  for (int c = 0; c < in.channels; ++c) {
    const double mean = in.mean.empty() ? 0 : in.mean[c],
                 deviation = in.deviation.empty() ? 1 : in.deviation[c];
    const float* plane = image.values.data() + static_cast<std::size_t>(c) * in.size * in.size;
    for (int row = 0; row < in.size; ++row)
      for (int column = 0; column < in.size; ++column) {
        const int within = (row % patch) * patch + column % patch;
        const float v = plane[row * in.size + column];
        patches((row / patch) * side + column / patch,
                in.pixels_last ? within * in.channels + c : c * area + within) =
            image.normalised ? v : static_cast<float>((v * in.scale - mean) / deviation);
      }
  }
  MatrixF x(spec_.tokens(), spec_.width);
  x.topRows(spec_.extra_tokens) = weights_.extra_tokens;
  auto rest = x.bottomRows(side * side);
  rest = product(patches, weights_.patch_embedding.weight);
  if (weights_.patch_embedding.bias.size() > 0) rest.rowwise() += weights_.patch_embedding.bias.transpose();
  return weights_.position_table.size() > 0 ? MatrixF(x + weights_.position_table) : x;
}

MatrixF Transformer::embed_tokens(const Example& example) const {
  const auto tokens = static_cast<Eigen::Index>(example.tokens.size());
  if (tokens < 1 || tokens > spec_.positions)
    throw std::invalid_argument(
        fmt::format("model: sequences of 1 to {} tokens are expected, not {}", spec_.positions, tokens));
  if (!example.token_types.empty() && example.token_types.size() != example.tokens.size())
    throw std::invalid_argument("model: as many token types as tokens are expected");
  MatrixF x(tokens, spec_.width);
  for (Eigen::Index t = 0; t < tokens; ++t) {
    const std::int32_t id = example.tokens[t],
                       type = example.token_types.empty() ? 0 : example.token_types[t];
    if (id < 0 || id >= spec_.vocabulary)
      throw std::invalid_argument(
          fmt::format("model: token {} is {}, outside a vocabulary of {}", t, id, spec_.vocabulary));
    x.row(t) = weights_.token_table.row(id);
    if (spec_.token_types > 0) {
      if (type < 0 || type >= spec_.token_types)
        throw std::invalid_argument(
            fmt::format("model: the type of token {} is {}, of {} types", t, type, spec_.token_types));
      x.row(t) += weights_.type_table.row(type);
    }
    if (weights_.position_table.size() > 0)
      x.row(t) += weights_.position_table.row(t + spec_.position_offset);
  }
  return x;
}

MatrixF Transformer::embed(const Example& example) const {
  const bool is_image = !example.image.values.empty();
  if (is_image != spec_.is_image() || is_image != example.tokens.empty())
    throw std::invalid_argument(spec_.is_image() ? "model: examples with an image are expected"
                                                 : "model: examples with tokens are expected");
  const MatrixF x = is_image ? embed_patches(example.image) : embed_tokens(example);
  return spec_.embedding_norm ? normalise(x, weights_.embedding_norm) : x;
}

MatrixF Transformer::normalise(const MatrixF& x, const NormWeights& norm) const {
  MatrixF y(x.rows(), x.cols());
  if (spec_.norm == NormKind::layer)
    centre_rows(x, spec_.epsilon, norm, y);
  else
    scale_rows(x, spec_.epsilon, norm, y);
  return y;
}

MatrixF Transformer::mlp_product(int layer, MlpProduct which, const MatrixF& x,
                                 const LayerProducts& products) const {
  return products.mlp ? products.mlp(layer, which, x) : product(x, weights_.layers[layer].mlp(which).weight);
}

/// What the last product of the feed-forward part sees.
MatrixF Transformer::hidden(int layer, const MatrixF& x, const LayerProducts& products) const {
  const LayerWeights& w = weights_.layers[layer];
  MatrixF up = mlp_product(layer, MlpProduct::up, x, products);
  add_bias(up, w.up.bias);
  if (!spec_.gated) {
    apply(spec_.activation, up);
    return up;
  }
  MatrixF gate = mlp_product(layer, MlpProduct::gate, x, products);
  add_bias(gate, w.gate.bias);
  apply(spec_.activation, gate);
  return gate.cwiseProduct(up);
}

void Transformer::run_layer(int layer, MatrixF& x, const LayerProducts& products) const {
  const LayerWeights& w = weights_.layers[layer];
  const bool pre = spec_.place == NormPlace::pre;
  x += products.attention(layer, pre ? normalise(x, w.attention_norm) : x);
  if (!pre) x = normalise(x, w.attention_norm);
  x += mlp_product(layer, MlpProduct::down, hidden(layer, pre ? normalise(x, w.mlp_norm) : x, products),
                   products);
  add_bias(x, w.down.bias);
  if (!pre) x = normalise(x, w.mlp_norm);
}

MatrixF Transformer::pool(const MatrixF& x) const {
  const bool early = spec_.final_norm && !spec_.norm_after_pooling;
  const auto normed = [&](const MatrixF& rows) {
    return early ? normalise(rows, weights_.final_norm) : rows;
  };
  MatrixF pooled;
  switch (spec_.pooling) {
    case Pooling::first:
      pooled = normed(x.topRows(spec_.two_heads ? 2 : 1));
      break;
    case Pooling::last:
      pooled = normed(x.bottomRows(1));
      break;
    case Pooling::mean:
      pooled = normed(x).bottomRows(x.rows() - spec_.extra_tokens).colwise().mean();
      break;
    case Pooling::every:
      pooled = normed(x);
      break;
  }
  return spec_.norm_after_pooling ? normalise(pooled, weights_.final_norm) : pooled;
}

MatrixF Transformer::classify(const MatrixF& pooled) const {
  if (spec_.tied_head) return product_with_transposed(pooled, weights_.token_table);
  MatrixF features = pooled;
  if (weights_.pre_head.weight.size() > 0) {
    features = product(pooled, weights_.pre_head.weight);
    add_bias(features, weights_.pre_head.bias);
    apply(spec_.pre_head, features);
  }
  MatrixF logits = product(spec_.two_heads ? MatrixF(features.topRows(1)) : features, weights_.head.weight);
  add_bias(logits, weights_.head.bias);
  if (!spec_.two_heads) return logits;
  MatrixF second = product(features.bottomRows(1), weights_.second_head.weight);
  add_bias(second, weights_.second_head.bias);
  return (logits + second) / 2;
}

MatrixF Transformer::logits(const Example& example, const LayerProducts& products) const {
  MatrixF x = embed(example);
  for (int i = 0; i < spec_.layers; ++i) run_layer(i, x, products);
  return classify(pool(x));
}

MatrixF Transformer::logits(const Example& example) const {
  std::vector<FloatAttention> attention;
  for (const LayerWeights& layer : weights_.layers) attention.emplace_back(layer.attention);
  return logits(example, {[&](int layer, const MatrixF& x) { return attention[layer].forward(x, {}); }});
}

LayerInputs Transformer::layer_inputs(const ExampleSet& set, std::int64_t examples, bool mlp) const {
  std::vector<FloatAttention> attention;
  for (const LayerWeights& layer : weights_.layers) attention.emplace_back(layer.attention);
  const std::vector<std::vector<MatrixF>> none(spec_.layers);
  LayerInputs inputs{none, {none, none, none}};
  LayerProducts products;
  products.attention = [&](int layer, const MatrixF& x) {
    inputs.attention[layer].push_back(x);
    return attention[layer].forward(x, {});
  };
  if (mlp)
    products.mlp = [&](int layer, MlpProduct which, const MatrixF& x) {
      inputs.mlp[static_cast<std::size_t>(which)][layer].push_back(x);
      return product(x, weights_.layers[layer].mlp(which).weight);
    };
  for (std::int64_t i = 0; i < std::min(examples, set.size()); ++i) try {
      logits(set.example(i), products);
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument(fmt::format("calibration example {}: {}", i, e.what()));
    }
  return inputs;
}

}  // namespace flare::arch
