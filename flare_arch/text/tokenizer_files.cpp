// Tokenizers as folders hold them.
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/json_object.hpp"
#include "flare_arch/text/tokenizer.hpp"

namespace flare::arch {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr TokenId largest_id = 1 << 24;
constexpr std::uint64_t most_bytes = 256u << 20;

TokenId id_of(const json& value) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0 || value.get<std::int64_t>() > largest_id)
    throw std::runtime_error("an id of the vocabulary is no number from 0 to 16777216");
  return value.get<TokenId>();
}

Vocabulary vocabulary_of(const json& object) {
  if (!object.is_object()) throw std::runtime_error("the vocabulary is no object of tokens and ids");
  Vocabulary v;
  for (const auto& [token, id] : object.items()) v.emplace(token, id_of(id));
  return v;
}

std::optional<TokenId> find(const Vocabulary& v, const std::string& token) {
  const auto at = v.find(token);
  return at == v.end() ? std::nullopt : std::optional(at->second);
}

TokenId needed(const Vocabulary& v, const std::string& token) {
  if (const auto id = find(v, token)) return *id;
  throw std::runtime_error("the vocabulary has no '" + token + "'");
}

ByteBpe::Pair pair_of(const std::string& line) {
  const std::size_t space = line.find(' ');
  if (space == std::string::npos || space == 0 || line.find(' ', space + 1) != std::string::npos)
    throw std::runtime_error(fmt::format("merge '{}' is not two tokens with a space between them", line));
  return {line.substr(0, space), line.substr(space + 1)};
}

std::vector<ByteBpe::Pair> merges_of(const json& list) {
  std::vector<ByteBpe::Pair> merges;
  for (const json& m : list) {
    if (m.is_string()) {
      merges.push_back(pair_of(m.get<std::string>()));
    } else if (m.is_array() && m.size() == 2 && m[0].is_string() && m[1].is_string()) {
      merges.emplace_back(m[0].get<std::string>(), m[1].get<std::string>());
    } else {
      throw std::runtime_error("a merge is not two tokens");
    }
  }
  return merges;
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot be read");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

TextFrame bert_frame(const Vocabulary& v) {
  const TokenId cls = needed(v, "[CLS]"), sep = needed(v, "[SEP]");
  return {{cls}, {sep}, {sep}, true};
}

/// RoBERTa's where the vocabulary has its marks; GPT-2 has none.
TextFrame bpe_frame(const Vocabulary& v) {
  const auto begin = find(v, "<s>"), end = find(v, "</s>");
  if (!begin || !end) return {};
  return {{*begin}, {*end, *end}, {*end}, false};
}

/// [CLS] and [SEP] of a "BertProcessing" or "RobertaProcessing": ["[CLS]", 101].
TokenId mark_of(const json& processor, const char* name) {
  const json mark = processor.value(name, json());
  if (!mark.is_array() || mark.size() != 2)
    throw std::runtime_error(fmt::format("post_processor.{} is no token", name));
  return id_of(mark[1]);
}

TokenId special_id(const json& document, const Vocabulary& v, const std::string& token) {
  for (const json& added : document.value("added_tokens", json::array()))
    if (added.is_object() && added.value("content", "") == token && added.contains("id"))
      return id_of(added["id"]);
  return needed(v, token);
}

/// The frame of a pair in a "TemplateProcessing": what stands before A, between A and B, after B.
TextFrame template_frame(const json& document, const Vocabulary& v, const json& processor) {
  TextFrame frame;
  int sequences = 0;
  const bool has_pair = !processor.value("pair", json::array()).empty();
  for (const json& part : processor.value(has_pair ? "pair" : "single", json::array())) {
    if (part.contains("Sequence")) {
      ++sequences;
      frame.second_type = frame.second_type || part["Sequence"].value("type_id", 0) == 1;
      continue;
    }
    if (!part.contains("SpecialToken"))
      throw std::runtime_error("post_processor: a part is neither token nor text");
    const TokenId id = special_id(document, v, part["SpecialToken"].value("id", ""));
    (sequences == 0 ? frame.first : sequences == 1 ? frame.between : frame.last).push_back(id);
  }
  if (!has_pair) std::swap(frame.between, frame.last);
  return frame;
}

/// What a template puts after a single text may differ from what ends a pair.
void take_single_end(const json& document, const Vocabulary& v, const json& processor, TextFrame& frame) {
  bool text_seen = false;
  frame.last.clear();
  for (const json& part : processor.value("single", json::array())) {
    text_seen = text_seen || part.contains("Sequence");
    if (text_seen && part.contains("SpecialToken"))
      frame.last.push_back(special_id(document, v, part["SpecialToken"].value("id", "")));
  }
}

TextFrame frame_of(const json& document, const Vocabulary& v) {
  const json processor = document.value("post_processor", json());
  if (!processor.is_object()) return {};
  const std::string type = processor.value("type", "");
  if (type == "ByteLevel") return {};
  if (type == "TemplateProcessing") {
    TextFrame frame = template_frame(document, v, processor);
    take_single_end(document, v, processor, frame);
    return frame;
  }
  const bool roberta = type == "RobertaProcessing";
  if (!roberta && type != "BertProcessing")
    throw std::runtime_error(fmt::format("post_processor '{}' is not supported", type));
  const TokenId cls = mark_of(processor, "cls"), sep = mark_of(processor, "sep");
  return {{cls}, roberta ? std::vector<TokenId>{sep, sep} : std::vector<TokenId>{sep}, {sep}, !roberta};
}

/// The pre-tokenizer of this type, alone or in a sequence.
std::optional<json> pre_tokenizer(const json& document, const std::string& type) {
  const json own = document.value("pre_tokenizer", json());
  if (!own.is_object()) return std::nullopt;
  if (own.value("type", "") == type) return own;
  for (const json& part : own.value("pretokenizers", json::array()))
    if (part.is_object() && part.value("type", "") == type) return part;
  return std::nullopt;
}

bool has_no_pre_tokenizer(const json& document) {
  const json own = document.value("pre_tokenizer", json());
  return !own.is_object() ||
         (own.value("type", "") == "Sequence" && own.value("pretokenizers", json::array()).empty());
}

std::unique_ptr<Tokenizer> from_model(const json& document, const json& model, Vocabulary v) {
  const std::string type = model.value("type", model.contains("merges") ? "BPE" : "");
  if (type == "WordPiece") {
    const json normalizer = document.value("normalizer", json());
    const bool lower = normalizer.is_object() && normalizer.value("lowercase", false);
    return std::make_unique<WordPiece>(std::move(v), lower, model.value("unk_token", "[UNK]"));
  }
  if (type == "BPE") {
    const auto bytes = pre_tokenizer(document, "ByteLevel");
    if (!bytes) throw std::runtime_error("BPE is supported on bytes (pre_tokenizer ByteLevel) alone");
    return std::make_unique<ByteBpe>(std::move(v), merges_of(model.value("merges", json::array())),
                                     bytes->value("add_prefix_space", false));
  }
  if (type == "WordLevel" && has_no_pre_tokenizer(document)) {
    const TokenId unknown = find(v, model.value("unk_token", "")).value_or(-1);
    return std::make_unique<LongestMatch>(std::move(v), unknown);
  }
  throw std::runtime_error(
      fmt::format("model '{}' is not supported; WordPiece and byte-level BPE are", type));
}

std::unique_ptr<Tokenizer> from_json(const fs::path& file) {
  const json document = read_json_object(file, most_bytes);
  const json model = document.value("model", json());
  if (!model.is_object() || !model.contains("vocab"))
    throw std::runtime_error("holds no model with a vocabulary");
  const Vocabulary v = vocabulary_of(model["vocab"]);
  std::unique_ptr<Tokenizer> tokenizer = from_model(document, model, v);
  tokenizer->frame = frame_of(document, v);
  return tokenizer;
}

std::unique_ptr<Tokenizer> from_vocabulary(const fs::path& file, bool lower) {
  Vocabulary v;
  TokenId id = 0;
  for (const std::string& line : lines_of(file)) v.emplace(line, id++);
  auto tokenizer = std::make_unique<WordPiece>(v, lower);
  tokenizer->frame = bert_frame(v);
  return tokenizer;
}

std::unique_ptr<Tokenizer> from_merges(const fs::path& vocabulary, const fs::path& merges) {
  const Vocabulary v = vocabulary_of(read_json_object(vocabulary, most_bytes));
  std::vector<ByteBpe::Pair> pairs;
  for (const std::string& line : lines_of(merges))
    if (!line.empty() && line.rfind("#version", 0) != 0) pairs.push_back(pair_of(line));
  auto tokenizer = std::make_unique<ByteBpe>(v, pairs);
  tokenizer->frame = bpe_frame(v);
  return tokenizer;
}

/// do_lower_case of tokenizer_config.json; BERT's default is true.
bool lowers(const fs::path& folder) {
  const fs::path file = folder / "tokenizer_config.json";
  if (!fs::exists(file)) return true;
  const json value = read_json_object(file).value("do_lower_case", json(true));
  return !value.is_boolean() || value.get<bool>();
}

}  // namespace

std::vector<fs::path> tokenizer_files(const fs::path& folder) {
  if (fs::exists(folder / "tokenizer.json")) return {folder / "tokenizer.json"};
  if (fs::exists(folder / "vocab.txt")) {
    std::vector<fs::path> files = {folder / "vocab.txt"};
    if (fs::exists(folder / "tokenizer_config.json")) files.push_back(folder / "tokenizer_config.json");
    return files;
  }
  if (fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt"))
    return {folder / "vocab.json", folder / "merges.txt"};
  throw engine::FileError(
      folder.string() +
      ": holds no tokenizer; tokenizer.json, vocab.txt, or vocab.json and merges.txt are expected" +
      (fs::exists(folder / "tokenizer.model") ? "; tokenizer.model (SentencePiece) is not read: tokenize "
                                                "first, and give input_ids in a .safetensors file"
                                              : ""));
}

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& folder) {
  const std::vector<fs::path> files = tokenizer_files(folder);
  const fs::path& first = files.front();
  try {
    if (first.filename() == "tokenizer.json") return from_json(first);
    if (first.filename() == "vocab.txt") return from_vocabulary(first, lowers(folder));
    return from_merges(first, files.back());
  } catch (const engine::FileError&) {
    throw;
  } catch (const std::exception& e) {
    throw engine::FileError(first.string() + ": " + e.what());
  }
}

}  // namespace flare::arch
