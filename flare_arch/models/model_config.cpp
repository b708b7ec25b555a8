#include "flare_arch/models/model_config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

namespace flare::arch {
namespace {

using nlohmann::json;

constexpr int largest_size = 1 << 24;

/// Keys that change no number in any family.
constexpr const char* harmless[] = {"model_type",
                                    "architectures",
                                    "transformers_version",
                                    "torch_dtype",
                                    "dtype",
                                    "_*",
                                    "use_cache",
                                    "initializer_*",
                                    "*dropout*",
                                    "*drop",
                                    "*pdrop",
                                    "*_token_id",
                                    "id2label",
                                    "label2id",
                                    "num_labels",
                                    "problem_type",
                                    "finetuning_task",
                                    "task_specific_params",
                                    "gradient_checkpointing",
                                    "output_*",
                                    "return_dict*",
                                    "torchscript",
                                    "chunk_size_feed_forward",
                                    "name",
                                    "tie_word_embeddings"};

Activation activation_of(const std::string& name, const char* key) {
  static const std::map<std::string, Activation> known = {{"gelu", Activation::gelu},
                                                          {"gelu_new", Activation::gelu_tanh},
                                                          {"gelu_fast", Activation::gelu_tanh},
                                                          {"gelu_pytorch_tanh", Activation::gelu_tanh},
                                                          {"relu", Activation::relu},
                                                          {"silu", Activation::silu},
                                                          {"swish", Activation::silu},
                                                          {"tanh", Activation::tanh},
                                                          {"none", Activation::none}};
  const auto at = known.find(name);
  if (at != known.end()) return at->second;
  std::vector<std::string> names;
  names.reserve(known.size());
  for (const auto& [text, value] : known) names.push_back(text);
  throw std::runtime_error(fmt::format("{} = \"{}\" is not one of {}", key, name, fmt::join(names, ", ")));
}

int whole(const json& value, const char* key) {
  if (!value.is_number_integer()) throw std::runtime_error(fmt::format("{} is not a whole number", key));
  const bool huge = value.is_number_unsigned() && value.get<std::uint64_t>() > largest_size;
  if (huge || value.get<std::int64_t>() < 1 || value.get<std::int64_t>() > largest_size)
    throw std::runtime_error(fmt::format("{} = {} is outside 1 to {}", key, value.dump(), largest_size));
  return value.get<int>();
}

double positive(const json& value, const char* key) {
  if (!value.is_number() || !(value.get<double>() > 0) || !std::isfinite(value.get<double>()))
    throw std::runtime_error(fmt::format("{} is not a positive number", key));
  return value.get<double>();
}

std::string word(const json& value, const char* key) {
  if (!value.is_string()) throw std::runtime_error(fmt::format("{} is not a text", key));
  return value.get<std::string>().substr(0, 100);
}

bool truth(const json& value, const char* key) {
  if (!value.is_boolean()) throw std::runtime_error(fmt::format("{} is neither true nor false", key));
  return value.get<bool>();
}

/// A key's value, unless it is missing or null.
const json* find(const json& document, const char* key) {
  const auto at = document.find(key);
  return at == document.end() || at->is_null() ? nullptr : &*at;
}

/// Puts a value where a row of the table says. Image sizes may be a square's two sides.
struct Setter {
  ModelSpec& spec;
  const json& value;
  const char* key;

  void operator()(int ModelSpec::*field) const { spec.*field = whole(value, key); }
  void operator()(double ModelSpec::*field) const { spec.*field = positive(value, key); }
  void operator()(double ImageInput::*field) const { spec.image.*field = positive(value, key); }
  void operator()(Activation ModelSpec::*field) const { spec.*field = activation_of(word(value, key), key); }
  void operator()(int ImageInput::*field) const {
    const bool square = value.is_array() && value.size() == 2 && value[0] == value[1];
    if (value.is_array() && !square)
      throw std::runtime_error(fmt::format("{}: only squares can be said", key));
    spec.image.*field = whole(square ? value[0] : value, key);
  }
};

void set_fields(const json& document, const Family& family, ModelSpec& spec) {
  for (const ConfigKey& row : family.keys)
    if (const json* value = find(document, row.key)) std::visit(Setter{spec, *value, row.key}, row.field);
}

bool is_known(const std::string& key, const Family& family) {
  const auto equals = [&](const char* pattern) { return matches(pattern, key); };
  return std::any_of(std::begin(harmless), std::end(harmless), equals) ||
         std::any_of(family.ignored.begin(), family.ignored.end(), equals) ||
         std::any_of(family.keys.begin(), family.keys.end(),
                     [&](const ConfigKey& k) { return key == k.key; }) ||
         std::any_of(family.fixed.begin(), family.fixed.end(),
                     [&](const FixedKey& k) { return key == k.key; });
}

/// What a model has that the spec cannot say.
void refuse_others(const json& document, const Family& family) {
  for (const FixedKey& row : family.fixed) {
    const json* value = find(document, row.key);
    if (value == nullptr) continue;
    const std::string text = value->dump();
    if (std::none_of(row.values.begin(), row.values.end(), [&](const char* v) { return text == v; }))
      throw std::runtime_error(fmt::format("{} = {} is not supported; {} is", row.key, text.substr(0, 100),
                                           fmt::join(row.values, " or ")));
  }
  for (const auto& [key, value] : document.items())
    if (!value.is_null() && value != false && !is_known(key, family))
      throw std::runtime_error(fmt::format(
          "{} = {} is nothing that a model of family {} can have here; take it out of the file if it "
          "changes no number",
          key.substr(0, 100), value.dump().substr(0, 100), family.name));
}

std::vector<double> numbers(const json& value, const char* key) {
  if (!value.is_array() || value.empty() || value.size() > 64)
    throw std::runtime_error(fmt::format("{} is not a list of numbers", key));
  std::vector<double> list;
  for (const json& v : value) {
    if (!v.is_number()) throw std::runtime_error(fmt::format("{} is not a list of numbers", key));
    list.push_back(v.get<double>());
  }
  return list;
}

Pooling pooling_of(const std::string& name, const char* key) {
  static const std::map<std::string, Pooling> known = {
      {"token", Pooling::first}, {"first", Pooling::first}, {"cls", Pooling::first},  {"avg", Pooling::mean},
      {"mean", Pooling::mean},   {"last", Pooling::last},   {"every", Pooling::every}};
  const auto at = known.find(name);
  if (at == known.end()) throw std::runtime_error(fmt::format("{} = \"{}\" is not supported", key, name));
  return at->second;
}

void read_timm(const json& document, const Family& family, ModelSpec& spec) {
  if (const json* value = find(document, "architecture")) {
    const std::string name = word(*value, "architecture");
    const bool vit = name.rfind("vit_", 0) == 0 || name.rfind("deit_", 0) == 0;
    if (!vit || name.find("quickgelu") != std::string::npos || name.find("_rpn") != std::string::npos)
      throw std::runtime_error(
          fmt::format("architecture = \"{}\" is not supported; vit_* and deit_* are", name));
  }
  if (const json* value = find(document, "global_pool"))
    spec.pooling = pooling_of(word(*value, "global_pool"), "global_pool");
  if (const json* arguments = find(document, "model_args")) {
    if (!arguments->is_object()) throw std::runtime_error("model_args is not an object");
    refuse_others(*arguments, family);
    set_fields(*arguments, family, spec);
    if (const json* value = find(*arguments, "global_pool"))
      spec.pooling = pooling_of(word(*value, "global_pool"), "model_args.global_pool");
  }
  if (const json* settings = find(document, "pretrained_cfg"); settings != nullptr && settings->is_object()) {
    if (const json* mean = find(*settings, "mean")) spec.image.mean = numbers(*mean, "pretrained_cfg.mean");
    if (const json* deviation = find(*settings, "std"))
      spec.image.deviation = numbers(*deviation, "pretrained_cfg.std");
  }
}

void read_torch_encoder(const json& document, ModelConfig& config) {
  ModelSpec& spec = config.spec;
  if (const json* v = find(document, "norm_first"))
    spec.place = truth(*v, "norm_first") ? NormPlace::pre : NormPlace::post;
  if (const json* v = find(document, "causal")) spec.causal = truth(*v, "causal");
  if (const json* v = find(document, "pooling")) spec.pooling = pooling_of(word(*v, "pooling"), "pooling");
  const json* names = find(document, "tensor_names");
  if (names == nullptr) return;
  if (!names->is_object()) throw std::runtime_error("tensor_names is not an object");
  for (const auto& [name, value] : names->items()) {
    int part = 0;
    while (part <= static_cast<int>(Part::second_head) && name != part_name(static_cast<Part>(part))) ++part;
    if (part > static_cast<int>(Part::second_head))
      throw std::runtime_error(fmt::format("tensor_names.{} is no part of a model", name.substr(0, 100)));
    config.own_names.push_back({static_cast<Part>(part), word(value, "tensor_names"), NameScope::whole});
  }
}

/// Rotary positions: what is not plain (stretched positions) is refused. `key`: rope_parameters, or the older rope_scaling,
/// which may be there to say that there is none.
void read_rotary_group(const json& group, const char* key, RotarySpec& rotary) {
  if (!group.is_object()) throw std::runtime_error(fmt::format("{} is not an object", key));
  for (const auto& [name, value] : group.items()) {
    if (name == "rope_theta") {
      rotary.theta = positive(value, "rope_theta");
    } else if ((name != "rope_type" && name != "type") || value != "default") {
      throw std::runtime_error(fmt::format("{}.{} = {} is not supported; rope_type = \"default\" is", key,
                                           name.substr(0, 100), value.dump().substr(0, 100)));
    }
  }
}

void read_rotary(const json& document, RotarySpec& rotary) {
  if (const json* theta = find(document, "rope_theta")) rotary.theta = positive(*theta, "rope_theta");
  for (const char* key : {"rope_parameters", "rope_scaling"})
    if (const json* group = find(document, key)) read_rotary_group(*group, key, rotary);
  if (const json* pairs = find(document, "rope_interleaved"))
    if (truth(*pairs, "rope_interleaved")) rotary.pairs = RotaryTable::Pairs::neighbours;
}

/// Layers that all attend to everything before them may be listed one by one.
void check_layer_types(const json& document) {
  const json* types = find(document, "layer_types");
  if (types == nullptr) return;
  if (!types->is_array()) throw std::runtime_error("layer_types is not a list");
  for (const json& type : *types)
    if (type != "full_attention")
      throw std::runtime_error(
          fmt::format("layer_types: {} is not supported; \"full_attention\" is", type.dump().substr(0, 100)));
}

void read_positions(const json& document, ModelSpec& spec) {
  if (spec.position_offset > 0) {
    if (const json* pad = find(document, "pad_token_id"); pad != nullptr && *pad != 0)
      spec.position_offset = whole(*pad, "pad_token_id") + 1;
    else if (pad != nullptr)
      spec.position_offset = 1;
    if (spec.positions > 0 && spec.positions <= spec.position_offset)
      throw std::runtime_error("the position table is shorter than its offset");
    spec.positions = std::max(0, spec.positions - spec.position_offset);
  }
  if (spec.rotary) read_rotary(document, *spec.rotary);
}

}  // namespace

ModelConfig parse_model_config(const json& text, const Family* family) {
  ModelConfig config;
  json document = text;
  // A window that is switched off is none, whatever its size.
  if (document.value("use_sliding_window", json()) == false) document.erase("sliding_window");
  if (const json* type = find(document, "model_type")) {
    config.family = family_of(word(*type, "model_type"));
    if (config.family == nullptr)
      throw std::runtime_error(fmt::format("model_type = \"{}\" is not one of {}", word(*type, "model_type"),
                                           fmt::join(model_types(), ", ")));
  } else {
    config.family = find(document, "architecture") != nullptr ? family_of("timm") : family;
  }
  if (config.family == nullptr) return config;
  const Family& f = *config.family;
  config.spec = f.common;
  config.spec.family = f.name;
  refuse_others(document, f);
  set_fields(document, f, config.spec);
  if (f.name == family_of("timm")->name) read_timm(document, f, config.spec);
  if (f.name == family_of("torch_encoder")->name) read_torch_encoder(document, config);
  for (const char* key : {"qkv_bias", "attention_bias"})
    if (const json* v = find(document, key)) config.qkv_bias = truth(*v, key);
  if (const json* v = find(document, "tie_word_embeddings"))
    config.tied_head = truth(*v, "tie_word_embeddings");
  if (const json* v = find(document, "image_mean")) config.spec.image.mean = numbers(*v, "image_mean");
  if (const json* v = find(document, "image_std")) config.spec.image.deviation = numbers(*v, "image_std");
  read_positions(document, config.spec);
  check_layer_types(document);
  return config;
}

ModelConfig parse_digits_config(const json& document) {
  if (document.value("format", json()) != "flare-vit/1")
    throw std::runtime_error("format is not \"flare-vit/1\"");
  const json settings = document.value("config", json());
  if (!settings.is_object()) throw std::runtime_error("config is missing");
  ModelConfig config;
  config.family = family_of("flare-vit");
  const Family& f = *config.family;
  std::vector<std::string> known;
  for (const ConfigKey& row : f.keys) known.emplace_back(row.key);
  for (const auto& [name, value] : settings.items())
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw std::runtime_error(
          fmt::format("config.{} is unknown; known: {}", name.substr(0, 100), fmt::join(known, ", ")));
  for (const std::string& name : known)
    if (!settings.contains(name)) throw std::runtime_error(fmt::format("config.{} is missing", name));
  config.spec = f.common;
  config.spec.family = f.name;
  set_fields(settings, f, config.spec);
  if (const json* name = find(document, "name")) config.spec.name = word(*name, "name");
  const json recorded = document.value("test_accuracy", json::object());
  const auto accuracy = [&](const char* key) {
    return recorded.is_object() && recorded.contains(key) && recorded[key].is_number()
               ? recorded[key].get<double>()
               : 0.0;
  };
  config.recorded = {accuracy("float"), accuracy("uniform_attention"), accuracy("attention_removed")};
  return config;
}

namespace {

/// A size that neither the configuration nor the tensors may put outside its range.
void check_size(int value, int most, const char* what) {
  if (value == 0)
    throw std::runtime_error(
        fmt::format("{} is neither said by the model's description nor told by these tensors", what));
  if (value < 1 || value > most)
    throw std::runtime_error(fmt::format("{} = {} is outside 1 to {}", what, value, most));
}

/// Before anything is computed from its sizes.
void check_image(const ImageInput& image) {
  check_size(image.size, 4'096, "the image size");
  check_size(image.patch, image.size, "the patch size");
  if (image.size % image.patch != 0) throw std::runtime_error("patches do not tile the image");
  const auto channels = static_cast<std::size_t>(image.channels);
  for (const std::vector<double>* list : {&image.mean, &image.deviation})
    if (!list->empty() && list->size() != channels)
      throw std::runtime_error("mean and deviation are of another number of channels");
  for (const double m : image.mean)
    if (!std::isfinite(m)) throw std::runtime_error("a channel's mean is not a number");
  for (const double d : image.deviation)
    if (!(d > 0)) throw std::runtime_error("a channel's deviation is not positive");
  if (!(image.scale > 0)) throw std::runtime_error("the factor of the pixels is not positive");
}

}  // namespace

void check_spec(const ModelSpec& s) {
  check_size(s.width, 65'536, "the width");
  check_size(s.layers, 1'024, "the number of layers");
  check_size(s.heads, 48, "the number of heads");
  check_size(s.head_width, 4'096, "the width of a head");
  check_size(s.kv_heads, s.heads, "the number of heads of keys and values");
  if (s.heads % s.kv_heads != 0)
    throw std::runtime_error("the heads of keys and values do not divide the heads of queries");
  check_size(s.mlp_width, 1 << 20, "the width of the feed-forward part");
  if (s.is_image()) check_image(s.image);
  check_size(s.tokens(), 1 << 20, "the number of positions");
  if (!s.tied_head) check_size(s.classes, largest_size, "the number of classes");
  if (!s.is_image()) check_size(s.vocabulary, largest_size, "the vocabulary");
  // The next token's logit is looked up by its id.
  if (s.is_language_model() && !s.tied_head && s.classes < s.vocabulary)
    throw std::runtime_error(
        fmt::format("the head has {} outputs for a vocabulary of {}", s.classes, s.vocabulary));
}

}  // namespace flare::arch
