#include "flare_arch/models/vit.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/safetensors.hpp"

namespace flare::arch {
namespace {

using nlohmann::json;

int integer(const json& object, const char* name, int least, int most) {
  if (!object.contains(name) || !object[name].is_number_integer())
    throw std::runtime_error(fmt::format("config.{} is missing or not a whole number", name));
  const auto value = object[name].get<std::int64_t>();
  if (value < least || value > most)
    throw std::runtime_error(fmt::format("config.{} = {} is outside {} to {}", name, value, least, most));
  return static_cast<int>(value);
}

double positive(const json& object, const char* name) {
  if (!object.contains(name) || !object[name].is_number() || !(object[name].get<double>() > 0))
    throw std::runtime_error(fmt::format("config.{} is missing or not positive", name));
  return object[name].get<double>();
}

VitConfig parse_config(const json& c) {
  if (!c.is_object()) throw std::runtime_error("config is missing");
  constexpr std::array<const char*, 9> known = {"image_size", "patch_size", "width",   "layers",
                                                "heads",      "mlp_width",  "classes", "layer_norm_epsilon",
                                                "pixel_scale"};
  for (const auto& [name, value] : c.items())
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw std::runtime_error(fmt::format("config.{} is unknown; known: {}", name, fmt::join(known, ", ")));
  VitConfig v;
  v.image_size = integer(c, "image_size", 1, 1024);
  v.patch_size = integer(c, "patch_size", 1, 1024);
  v.width = integer(c, "width", 1, 8192);
  v.layers = integer(c, "layers", 1, 256);
  v.heads = integer(c, "heads", 1, 48);
  v.mlp_width = integer(c, "mlp_width", 1, 65536);
  v.classes = integer(c, "classes", 1, 100'000);
  v.layer_norm_epsilon = positive(c, "layer_norm_epsilon");
  v.pixel_scale = positive(c, "pixel_scale");
  if (v.image_size % v.patch_size != 0) throw std::runtime_error("config: patches do not tile the image");
  return v;
}

json read_json(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw engine::FileError(file.string() +
                            ": cannot be opened; a model is a folder with model.json and model.safetensors");
  std::string text(1 << 20, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  json document = json::parse(text, nullptr, false);
  if (!document.is_object()) throw engine::FileError(file.string() + ": not a JSON object of at most 1 MiB");
  return document;
}

/// Reads tensors and remembers which. One that a model holds and nobody reads (a bias of the queries, a mask)
/// means something else is computed than was trained.
class TensorReader {
 public:
  explicit TensorReader(const TensorFile& file) : file_(file) {}

  MatrixF floats(const std::string& name, Eigen::Index rows, Eigen::Index columns) {
    read_.insert(name);
    MatrixF values = file_.floats(name, rows, columns);
    if (!values.allFinite())
      throw std::runtime_error(fmt::format("tensor '{}' holds a value that is not finite", name));
    return values;
  }
  VectorF vector(const std::string& name, Eigen::Index length) {
    return floats(name, 1, length).row(0).transpose();
  }
  /// Throws std::runtime_error where a tensor was not read.
  void refuse_unread() const {
    constexpr std::size_t most_named = 8;
    std::vector<std::string> unread;
    for (const std::string& name : file_.names())
      if (read_.count(name) == 0)
        unread.push_back(fmt::format("'{}' ({})", name.substr(0, 100), file_.tensor(name).dtype));
    if (unread.empty()) return;
    const std::size_t named = std::min(most_named, unread.size());
    throw std::runtime_error(
        fmt::format("{} no part of this model reads: {}{}; take {} out of the file if it means nothing",
                    unread.size() == 1 ? "a tensor that" : "tensors that",
                    fmt::join(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(named), ", "),
                    unread.size() > named ? fmt::format(" and {} more", unread.size() - named) : "",
                    unread.size() == 1 ? "it" : "them"));
  }

 private:
  const TensorFile& file_;
  std::set<std::string> read_;
};

float gelu(float v) { return 0.5f * v * (1.0f + std::erf(v * 0.70710678f)); }

}  // namespace

std::vector<std::filesystem::path> VitModel::files(const std::filesystem::path& folder) {
  return {folder / "model.json", folder / "model.safetensors"};
}

VitModel VitModel::load(const std::filesystem::path& folder) {
  const std::filesystem::path description = folder / "model.json", weights = folder / "model.safetensors";
  VitModel m;
  const json document = read_json(description);
  try {
    if (document.value("format", "") != "flare-vit/1")
      throw std::runtime_error("format is not \"flare-vit/1\"");
    m.name_ = document.value("name", folder.filename().string());
    m.config_ = parse_config(document.value("config", json()));
    const json recorded = document.value("test_accuracy", json::object());
    m.recorded_ = {recorded.value("float", 0.0), recorded.value("uniform_attention", 0.0),
                   recorded.value("attention_removed", 0.0)};
  } catch (const std::exception& e) {
    throw engine::FileError(description.string() + ": " + e.what());
  }
  const TensorFile file = TensorFile::load(weights);
  TensorReader f(file);
  const VitConfig& c = m.config_;
  const auto norm = [&](const std::string& name) {
    return Norm{f.vector(name + ".weight", c.width), f.vector(name + ".bias", c.width)};
  };
  const auto linear = [&](const std::string& name, int in, int out) {
    return Linear{f.floats(name + ".weight", in, out), f.vector(name + ".bias", out)};
  };
  try {
    m.patch_embedding_ = linear("patch_embedding", c.patch_size * c.patch_size, c.width);
    m.class_token_ = f.vector("class_token", c.width);
    m.position_embedding_ = f.floats("position_embedding", c.tokens(), c.width);
    for (int i = 0; i < c.layers; ++i) {
      const std::string name = fmt::format("layers.{}.", i);
      Layer layer;
      layer.norm1 = norm(name + "norm1");
      layer.norm2 = norm(name + "norm2");
      const auto projection = [&](const char* which) {
        return f.floats(name + "attention." + which + ".weight", c.width, c.width);
      };
      layer.attention = {c.heads,
                         projection("query"),
                         projection("key"),
                         projection("value"),
                         projection("output"),
                         f.vector(name + "attention.output.bias", c.width)};
      layer.attention.check();
      layer.up = linear(name + "mlp.up", c.width, c.mlp_width);
      layer.down = linear(name + "mlp.down", c.mlp_width, c.width);
      m.layers_.push_back(std::move(layer));
    }
    m.norm_ = norm("norm");
    m.head_ = linear("head", c.width, c.classes);
    f.refuse_unread();
  } catch (const std::exception& e) {
    throw engine::FileError(weights.string() + ": " + e.what());
  }
  return m;
}

MatrixF VitModel::embed(std::span<const std::uint8_t> pixels) const {
  const int patch = config_.patch_size, side = config_.image_size / patch;
  MatrixF patches(side * side, patch * patch);
  for (int row = 0; row < config_.image_size; ++row)
    for (int column = 0; column < config_.image_size; ++column)
      patches((row / patch) * side + column / patch, (row % patch) * patch + column % patch) =
          static_cast<float>(pixels[row * config_.image_size + column] * config_.pixel_scale);
  MatrixF x(config_.tokens(), config_.width);
  x.row(0) = class_token_.transpose();
  x.bottomRows(side * side) = patches * patch_embedding_.weight;
  x.bottomRows(side * side).rowwise() += patch_embedding_.bias.transpose();
  return x + position_embedding_;
}

MatrixF VitModel::normalise(const MatrixF& x, const Norm& norm) const {
  MatrixF y(x.rows(), x.cols());
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    const Eigen::RowVectorXd row = x.row(t).cast<double>();
    const Eigen::RowVectorXd centred = row.array() - row.mean();
    const double deviation =
        std::sqrt(centred.squaredNorm() / static_cast<double>(x.cols()) + config_.layer_norm_epsilon);
    y.row(t) =
        (centred / deviation).cast<float>().cwiseProduct(norm.weight.transpose()) + norm.bias.transpose();
  }
  return y;
}

VectorF VitModel::logits(std::span<const std::uint8_t> pixels, const AttentionFunction& attention) const {
  if (pixels.size() != static_cast<std::size_t>(config_.image_size) * config_.image_size)
    throw std::invalid_argument("model: the image has another size");
  MatrixF x = embed(pixels);
  for (int i = 0; i < config_.layers; ++i) {
    const Layer& layer = layers_[i];
    x += attention(i, normalise(x, layer.norm1));
    MatrixF hidden = normalise(x, layer.norm2) * layer.up.weight;
    hidden.rowwise() += layer.up.bias.transpose();
    hidden = hidden.unaryExpr([](float v) { return gelu(v); });
    x.noalias() += hidden * layer.down.weight;
    x.rowwise() += layer.down.bias.transpose();
  }
  const MatrixF pooled = normalise(x.topRows(1), norm_);
  return (pooled * head_.weight).row(0).transpose() + head_.bias;
}

std::vector<std::vector<MatrixF>> VitModel::attention_inputs(const ImageSet& set, Eigen::Index images) const {
  std::vector<FloatAttention> attention;
  for (int i = 0; i < config_.layers; ++i) attention.emplace_back(layers_[i].attention);
  std::vector<std::vector<MatrixF>> inputs(config_.layers);
  for (Eigen::Index image = 0; image < std::min(images, set.size()); ++image)
    logits({set.pixels.row(image).data(), static_cast<std::size_t>(set.pixels.cols())},
           [&](int layer, const MatrixF& x) {
             inputs[layer].push_back(x);
             return attention[layer].forward(x, {});
           });
  return inputs;
}

}  // namespace flare::arch
