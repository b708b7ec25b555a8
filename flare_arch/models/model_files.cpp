// A model's folder: its description, its tensors, and how the one fills in what the other leaves out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/json_object.hpp"
#include "flare_arch/models/model_config.hpp"
#include "flare_arch/models/tensor_names.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;

constexpr const char* preprocessor_name = "preprocessor_config.json";

/// Where a folder keeps its model.
struct ModelFiles {
  fs::path description;  // model.json or config.json
  fs::path weights;      // a file, or the index of the shards
  bool is_digits = false;
  bool is_sharded = false;
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// The only file of the folder with this ending; empty for none or several.
fs::path only_file(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (ends_with(entry.path().filename().string(), ending)) found.push_back(entry.path());
  return found.size() == 1 ? found.front() : fs::path();
}

/// What to do about weights that only Python can unpack.
std::string pickled(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    for (const char* ending : {".bin", ".pt", ".pth", ".ckpt"})
      if (ends_with(name, ending))
        return fmt::format("; {} is not read: store its tensors with safetensors.torch.save_file", name);
  }
  return "";
}

ModelFiles find_files(const fs::path& folder) {
  std::error_code error;
  ModelFiles files;
  files.is_digits = fs::exists(folder / "model.json", error);
  files.description = folder / (files.is_digits ? "model.json" : "config.json");
  if (!fs::exists(files.description, error))
    throw engine::FileError(
        files.description.string() +
        ": cannot be opened; a model is a folder with config.json and model.safetensors (or "
        "*.safetensors.index.json and its shards), or with model.json and model.safetensors");
  files.weights = folder / "model.safetensors";
  if (files.is_digits || fs::exists(files.weights, error)) return files;
  files.weights = only_file(folder, ".safetensors.index.json");
  files.is_sharded = !files.weights.empty();
  if (!files.is_sharded) files.weights = only_file(folder, ".safetensors");
  if (files.weights.empty())
    throw engine::FileError(
        (folder / "model.safetensors").string() +
        ": cannot be opened, nor is there one *.safetensors or *.safetensors.index.json beside it" +
        pickled(folder));
  return files;
}

TensorFile load_tensors_of(const ModelFiles& files) {
  return files.is_sharded ? TensorFile::load_shards(files.weights) : TensorFile::load(files.weights);
}

int extent(const std::vector<std::int64_t>& shape, std::size_t dimension) {
  constexpr std::int64_t most = 1 << 24;
  return dimension < shape.size() ? static_cast<int>(std::min(shape[dimension], most)) : 0;
}

/// Outputs of a linear layer.
int outputs_of(const TensorNames& names, Part part) {
  return extent(names.shape(part), names.is_transposed(part) ? 1 : 0);
}

/// Rows of a table, leading dimensions of extent 1 left out.
int rows_of(const TensorNames& names, Part part) {
  const std::vector<std::int64_t> shape = names.shape(part);
  const std::size_t at = shape.size() == 3 && shape[0] == 1 ? 1 : 0;
  return extent(shape, at);
}

void set_if_zero(int& field, int value) {
  if (field == 0) field = value;
}

/// timm tells the heads by the architecture's name; they follow from the width.
int timm_heads(int width) {
  static const std::map<int, int> heads = {{192, 3},   {384, 6},   {768, 12},  {1024, 16},
                                           {1152, 16}, {1280, 16}, {1408, 16}, {1664, 16}};
  const auto at = heads.find(width);
  return at == heads.end() ? 0 : at->second;
}

/// Side of a square of so many values; 0: it is none.
int side_of(int values) {
  const auto side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(values))));
  return side * side == values ? side : 0;
}

void fill_image_sizes(const TensorNames& names, ModelSpec& spec) {
  const std::vector<std::int64_t> kernel = names.shape(Part::patch_embedding);
  if (kernel.size() == 4) {
    spec.image.channels = extent(kernel, 1);
    set_if_zero(spec.image.patch, extent(kernel, 3));
  } else if (kernel.size() == 2) {
    const int inputs = extent(kernel, names.is_transposed(Part::patch_embedding) ? 0 : 1);
    // Colours are told from grey by what makes a patch a square.
    if (spec.image.channels == 0 && spec.image.patch == 0)
      spec.image.channels = side_of(inputs) == 0 && inputs % 3 == 0 ? 3 : 1;
    if (spec.image.channels > 0) set_if_zero(spec.image.patch, side_of(inputs / spec.image.channels));
  }
  set_if_zero(spec.image.channels, 1);
  spec.extra_tokens = (names.has(Part::class_token) ? 1 : 0) + (names.has(Part::distillation_token) ? 1 : 0);
  const int patches = std::max(0, rows_of(names, Part::position_table) - spec.extra_tokens);
  const auto side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(patches))));
  set_if_zero(spec.image.size, std::min(side, 4'096) * spec.image.patch);
  const auto channels = static_cast<std::size_t>(spec.image.channels);
  // The family's defaults are for colours.
  if (spec.image.mean.size() == 3 && channels == 1) {
    spec.image.mean.clear();
    spec.image.deviation.clear();
  }
}

/// What the description leaves to the tensors.
void fill_sizes(const TensorNames& names, const ModelConfig& config, ModelSpec& spec) {
  set_if_zero(spec.width, extent(names.shape(Part::attention_norm), 0));
  if (spec.layers == 0)
    while (spec.layers < 1'024 && names.has(Part::attention_output, spec.layers)) ++spec.layers;
  if (config.family == family_of("timm")) set_if_zero(spec.heads, timm_heads(spec.width));
  set_if_zero(spec.kv_heads, spec.heads);
  if (spec.heads > 0) set_if_zero(spec.head_width, spec.width / spec.heads);
  set_if_zero(spec.mlp_width, outputs_of(names, Part::mlp_up));
  set_if_zero(spec.vocabulary, rows_of(names, Part::token_table));
  if (names.has(Part::patch_embedding))
    fill_image_sizes(names, spec);
  else
    spec.image = {};
  if (config.family == family_of("torch_encoder")) spec.position_table = names.has(Part::position_table);
  if (spec.is_image()) return;
  set_if_zero(spec.positions, std::max(0, rows_of(names, Part::position_table) - spec.position_offset));
  spec.extra_tokens = 0;
}

/// The head, and what is between it and the last layer, as far as the tensors decide.
void fill_head(const TensorNames& names, const ModelConfig& config, ModelSpec& spec) {
  const bool held = names.has(Part::head);
  if (held && names.is_named(Part::head, "score.weight")) spec.pooling = Pooling::last;
  spec.tied_head = !held && spec.is_language_model() && config.tied_head.value_or(config.family->tied_head);
  if (!held && !spec.tied_head)
    throw std::runtime_error(fmt::format("tensor '{}' is missing", names.tensor(Part::head)));
  if (held) spec.classes = outputs_of(names, Part::head);
  if (spec.tied_head) spec.classes = spec.vocabulary;
  spec.two_heads = names.has(Part::second_head);
  if (spec.two_heads && spec.extra_tokens != 2)
    throw std::runtime_error(
        fmt::format("tensor '{}' is missing, whose head is there", names.tensor(Part::distillation_token)));
  if (names.has(Part::pooled_norm)) spec.norm_after_pooling = true;
  const bool optional_norm = config.family == family_of("torch_encoder");
  if (optional_norm) spec.final_norm = names.has(Part::final_norm);
  if (optional_norm && names.has(Part::pre_head) && spec.pre_head == Activation::none)
    throw std::runtime_error(fmt::format("tensor '{}' is there, but not what follows it: pre_head_activation",
                                         names.tensor(Part::pre_head)));
}

/// Columns `at` to `at + count` of a fused layer.
LinearWeights part_of(const LinearWeights& fused, Eigen::Index at, Eigen::Index count) {
  LinearWeights part{fused.weight.middleCols(at, count), {}};
  if (fused.bias.size() > 0) part.bias = fused.bias.segment(at, count);
  return part;
}

std::array<LinearWeights, 3> query_key_value(TensorNames& names, int layer, const ModelSpec& spec) {
  const Eigen::Index across = Eigen::Index{spec.heads} * spec.head_width;
  const Eigen::Index shared = Eigen::Index{spec.kv_heads} * spec.head_width;
  if (!names.knows(Part::query_key_value))
    return {names.linear(Part::query, layer, spec.width, across),
            names.linear(Part::key, layer, spec.width, shared),
            names.linear(Part::value, layer, spec.width, shared)};
  const LinearWeights fused = names.linear(Part::query_key_value, layer, spec.width, across + 2 * shared);
  return {part_of(fused, 0, across), part_of(fused, across, shared), part_of(fused, across + shared, shared)};
}

void check_qkv_bias(const std::array<LinearWeights, 3>& qkv, const std::optional<bool>& said, int layer) {
  for (const LinearWeights& l : qkv)
    if (said && *said != (l.bias.size() > 0))
      throw std::runtime_error(
          fmt::format("layer {}: queries, keys and values have {}, the description says otherwise", layer,
                      l.bias.size() > 0 ? "a bias" : "no bias"));
}

LayerWeights read_layer(TensorNames& names, int layer, const ModelConfig& config,
                        const std::shared_ptr<const RotaryTable>& rotary) {
  const ModelSpec& s = config.spec;
  const std::array<LinearWeights, 3> qkv = query_key_value(names, layer, s);
  check_qkv_bias(qkv, config.qkv_bias, layer);
  const LinearWeights output =
      names.linear(Part::attention_output, layer, Eigen::Index{s.heads} * s.head_width, s.width);
  AttentionWeights attention{s.heads,       qkv[0].weight, qkv[1].weight,
                             qkv[2].weight, output.weight, output.bias};
  if (output.bias.size() == 0) attention.output_bias = VectorF::Zero(s.width);
  attention.query_bias = qkv[0].bias;
  attention.key_bias = qkv[1].bias;
  attention.value_bias = qkv[2].bias;
  attention.kv_heads = s.kv_heads;
  attention.causal = s.causal;
  attention.rotary = rotary;
  LayerWeights w;
  w.attention = std::make_shared<const AttentionWeights>(std::move(attention));
  w.attention_norm = names.norm(Part::attention_norm, layer, s.width, s.norm);
  w.mlp_norm = names.norm(Part::mlp_norm, layer, s.width, s.norm);
  if (s.gated) w.gate = names.linear(Part::mlp_gate, layer, s.width, s.mlp_width);
  w.up = names.linear(Part::mlp_up, layer, s.width, s.mlp_width);
  w.down = names.linear(Part::mlp_down, layer, s.mlp_width, s.width);
  return w;
}

void read_embedding(TensorNames& names, const ModelSpec& s, TransformerWeights& w) {
  if (s.is_image()) {
    const ImageInput& in = s.image;
    w.patch_embedding = names.patch_embedding(Eigen::Index{in.channels} * in.patch * in.patch, s.width);
    w.extra_tokens.resize(s.extra_tokens, s.width);
    if (names.has(Part::class_token))
      w.extra_tokens.row(0) = names.table(Part::class_token, 1, s.width).row(0);
    if (names.has(Part::distillation_token))
      w.extra_tokens.row(s.extra_tokens - 1) = names.table(Part::distillation_token, 1, s.width).row(0);
    if (s.position_table) w.position_table = names.table(Part::position_table, s.tokens(), s.width);
  } else {
    w.token_table = names.table(Part::token_table, s.vocabulary, s.width);
    if (s.position_table)
      w.position_table = names.table(Part::position_table, s.positions + s.position_offset, s.width);
    if (s.token_types > 0) w.type_table = names.table(Part::type_table, s.token_types, s.width);
  }
  if (s.embedding_norm) w.embedding_norm = names.norm(Part::embedding_norm, 0, s.width, s.norm);
}

void read_head(TensorNames& names, const ModelSpec& s, TransformerWeights& w) {
  if (s.final_norm)
    w.final_norm =
        names.norm(s.norm_after_pooling ? Part::pooled_norm : Part::final_norm, 0, s.width, s.norm);
  if (s.pre_head != Activation::none) w.pre_head = names.linear(Part::pre_head, 0, s.width, s.width);
  if (!s.tied_head) w.head = names.linear(Part::head, 0, s.width, s.classes);
  if (s.two_heads) w.second_head = names.linear(Part::second_head, 0, s.width, s.classes);
}

std::shared_ptr<const RotaryTable> rotary_table(const ModelSpec& s) {
  constexpr int longest = 8'192;  // what is tabulated; sequences beyond it are refused
  if (!s.rotary) return nullptr;
  return std::make_shared<const RotaryTable>(s.head_width, std::min(s.positions, longest), s.rotary->theta,
                                             s.rotary->pairs);
}

TransformerWeights read_weights(TensorNames& names, const ModelConfig& config) {
  const ModelSpec& s = config.spec;
  TransformerWeights w;
  read_embedding(names, s, w);
  const std::shared_ptr<const RotaryTable> rotary = rotary_table(s);
  for (int i = 0; i < s.layers; ++i) {
    w.layers.push_back(read_layer(names, i, config, rotary));
    w.layers.back().attention->check();
  }
  read_head(names, s, w);
  names.refuse_unread();
  return w;
}

/// What the description says; of the family `otherwise` where it names none.
ModelConfig read_description(const ModelFiles& files, const nlohmann::json& document,
                             const Family* otherwise) {
  try {
    return files.is_digits ? parse_digits_config(document) : parse_model_config(document, otherwise);
  } catch (const std::exception& e) {
    throw engine::FileError(files.description.string() + ": " + e.what());
  }
}

void read_preprocessor(const fs::path& file, ModelSpec& spec) {
  std::error_code error;
  if (!spec.is_image() || !fs::exists(file, error)) return;
  const nlohmann::json document = read_json_object(file);
  const auto list = [&](const char* key, std::vector<double>& values) {
    if (!document.contains(key) || !document[key].is_array()) return;
    values.clear();
    for (const nlohmann::json& v : document[key])
      values.push_back(v.is_number() ? v.get<double>() : std::nan(""));
  };
  list("image_mean", spec.image.mean);
  list("image_std", spec.image.deviation);
  if (document.contains("rescale_factor") && document["rescale_factor"].is_number())
    spec.image.scale = document["rescale_factor"].get<double>();
  for (const char* step : {"do_rescale", "do_normalize"}) {
    if (document.value(step, nlohmann::json(true)) == nlohmann::json(false))
      throw std::runtime_error(
          fmt::format("{}: {} = false is not supported", file.filename().string(), step));
  }
}

}  // namespace

std::vector<fs::path> Transformer::files(const fs::path& folder) {
  const ModelFiles files = find_files(folder);
  std::vector<fs::path> all = {files.description, files.weights};
  const fs::path preprocessor = folder / preprocessor_name;
  if (fs::exists(preprocessor)) all.push_back(preprocessor);
  if (!files.is_sharded) return all;
  const nlohmann::json index = read_json_object(files.weights);
  std::set<fs::path> shards;
  const nlohmann::json map = index.value("weight_map", nlohmann::json::object());
  for (const auto& [name, shard] : map.items())
    if (shard.is_string()) shards.insert(folder / fs::path(shard.get<std::string>()).filename());
  all.insert(all.end(), shards.begin(), shards.end());
  return all;
}

Transformer Transformer::load(const fs::path& folder) {
  const ModelFiles files = find_files(folder);
  const nlohmann::json document = read_json_object(files.description);
  ModelConfig config = read_description(files, document, nullptr);
  const TensorFile tensors = load_tensors_of(files);
  if (config.family == nullptr) config = read_description(files, document, family_of(tensors));
  if (config.family == nullptr)
    throw engine::FileError(files.description.string() +
                            ": model_type is missing, and the tensors have no family's names");
  if (config.spec.name.empty()) config.spec.name = folder.filename().string();
  try {
    TensorNames names(tensors, *config.family, config.own_names);
    fill_sizes(names, config, config.spec);
    fill_head(names, config, config.spec);
    read_preprocessor(folder / preprocessor_name, config.spec);
    check_spec(config.spec);
    TransformerWeights weights = read_weights(names, config);
    return Transformer(config.spec, std::move(weights), config.recorded);
  } catch (const engine::FileError&) {
    throw;
  } catch (const std::exception& e) {
    throw engine::FileError(files.weights.string() + ": " + e.what());
  }
}

}  // namespace flare::arch
