// Tables of sentences, and plain text.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/json_object.hpp"
#include "flare_arch/models/dataset.hpp"
#include "flare_arch/models/dataset_parts.hpp"
#include "flare_arch/text/tokenizer.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_lines = 100'000'000, longest_line = 1 << 20;
constexpr std::uint64_t most_text = std::uint64_t{1} << 32;

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == '\t')
      fields.emplace_back();
    else
      fields.back() += c;
  }
  return fields;
}

/// Which columns hold what.
struct Columns {
  std::size_t first = 0, label = 0;
  std::optional<std::size_t> second;
  bool has_head = true;
};

std::optional<std::size_t> column(const std::vector<std::string>& head, const std::string& name) {
  const auto at = std::find(head.begin(), head.end(), name);
  return at == head.end() ? std::nullopt : std::optional<std::size_t>(at - head.begin());
}

bool is_number(const std::string& text) {
  double value = 0;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && rest == text.data() + text.size();
}

/// CoLA's: source, label, mark, sentence; or a text and its label.
std::optional<Columns> without_head(const std::vector<std::string>& fields) {
  if (fields.size() == 4 && is_number(fields[1])) return Columns{3, 1, {}, false};
  if (fields.size() == 2 && is_number(fields[1])) return Columns{0, 1, {}, false};
  return std::nullopt;
}

Columns columns_of(const std::vector<std::string>& head) {
  if (const auto plain = without_head(head)) return *plain;
  Columns c;
  std::optional<std::size_t> label;
  for (const char* name : {"label", "gold_label", "is_duplicate", "Quality", "score"})
    if (!label) label = column(head, name);
  constexpr std::pair<const char*, const char*> pairs[] = {
      {"sentence1", "sentence2"}, {"question1", "question2"}, {"premise", "hypothesis"},
      {"#1 String", "#2 String"}, {"question", "passage"},    {"question", "sentence"}};
  std::optional<std::size_t> first;
  for (const auto& [a, b] : pairs) {
    if (first || !column(head, a) || !column(head, b)) continue;
    first = column(head, a);
    c.second = column(head, b);
  }
  for (const char* name : {"sentence", "text"})
    if (!first) first = column(head, name);
  if (!first || !label)
    throw std::runtime_error(fmt::format(
        "the first line names no text and label (sentence, sentence1 and sentence2, ...; label, ...): {}",
        fmt::join(head, ", ")));
  c.first = *first;
  c.label = *label;
  return c;
}

/// Words of labels, from the model's config.json.
std::map<std::string, int> label_words(const fs::path& folder) {
  std::map<std::string, int> words;
  const fs::path file = folder / "config.json";
  if (!fs::exists(file)) return words;
  const nlohmann::json ids = read_json_object(file).value("label2id", nlohmann::json::object());
  for (const auto& [word, id] : ids.items())
    if (id.is_number_integer()) words[word] = id.get<int>();
  return words;
}

/// A tokenizer of another model would name rows that the model's table has not.
void check_tokens(const std::vector<TokenId>& tokens, const ModelSpec& spec) {
  for (const TokenId token : tokens)
    if (token < 0 || token >= spec.vocabulary)
      throw std::runtime_error(fmt::format(
          "the tokenizer gives token {}, outside the model's vocabulary of {}; is it the model's tokenizer?",
          token, spec.vocabulary));
}

/// Turns lines into examples.
class TableReader {
 public:
  TableReader(const ModelSpec& spec, const fs::path& model_folder, const DatasetOptions& options)
      : words_(label_words(model_folder)), spec_(spec) {
    tokenizer_ = load_tokenizer(options.tokenizer.empty() ? model_folder : options.tokenizer);
  }

  Example example(const std::vector<std::string>& fields, const Columns& columns) const {
    const std::size_t needed = std::max({columns.first, columns.label, columns.second.value_or(0)}) + 1;
    if (fields.size() < needed)
      throw std::runtime_error(fmt::format("{} columns, at least {} are expected", fields.size(), needed));
    const auto most = static_cast<std::size_t>(spec_.positions);
    const TokenizedText t = columns.second
                                ? tokenizer_->encode(fields[columns.first], fields[*columns.second], most)
                                : tokenizer_->encode(fields[columns.first], most);
    Example e;
    e.tokens = t.ids;
    if (spec_.token_types > 1) e.token_types = t.types;
    if (e.tokens.empty()) throw std::runtime_error("the text is empty");
    check_tokens(e.tokens, spec_);
    set_label(fields[columns.label], e);
    return e;
  }

 private:
  void set_label(const std::string& text, Example& e) const {
    if (spec_.classes == 1) {
      const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), e.target);
      if (failed != std::errc() || rest != text.data() + text.size() || !std::isfinite(e.target))
        throw std::runtime_error(
            fmt::format("'{}' is no number, as a model with one output is asked for", text));
      return;
    }
    const auto word = words_.find(text);
    if (word != words_.end()) {
      e.label = word->second;
    } else {
      const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), e.label);
      if (failed != std::errc() || rest != text.data() + text.size())
        throw std::runtime_error(
            fmt::format("label '{}' is neither a number nor in label2id of the model's config.json", text));
    }
    if (e.label < 0 || e.label >= spec_.classes)
      throw std::runtime_error(
          fmt::format("label {} is not one of the model's {} classes", text, spec_.classes));
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  std::map<std::string, int> words_;
  const ModelSpec& spec_;
};

/// At most `most` examples, from the first on.
std::vector<Example> read_table(const fs::path& file, const TableReader& reader,
                                std::size_t most = most_lines) {
  std::ifstream in(file);
  if (!in || fs::is_directory(file)) throw engine::FileError(file.string() + ": cannot be read");
  std::vector<Example> examples;
  std::optional<Columns> columns;
  std::string line;
  for (std::size_t number = 1; examples.size() < most && std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    try {
      if (line.size() > longest_line) throw std::runtime_error("the line is too long");
      const std::vector<std::string> fields = fields_of(line);
      if (!columns) {
        columns = columns_of(fields);
        if (columns->has_head) continue;
      }
      examples.push_back(reader.example(fields, *columns));
    } catch (const std::runtime_error& e) {
      throw engine::FileError(fmt::format("{}:{}: {}", file.string(), number, e.what()));
    }
  }
  if (examples.empty()) throw engine::FileError(file.string() + ": no examples");
  return examples;
}

std::string whole_text(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  if (error || !in) throw engine::FileError(file.string() + ": cannot be read");
  if (size > most_text) throw engine::FileError(file.string() + ": larger than 4 GB");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Example> windows_of(const std::vector<TokenId>& tokens, std::size_t length) {
  std::vector<Example> examples;
  for (std::size_t from = 0; from + 1 < tokens.size(); from += length) {
    Example e;
    const std::size_t to = std::min(tokens.size(), from + length);
    e.tokens.assign(tokens.begin() + static_cast<std::ptrdiff_t>(from),
                    tokens.begin() + static_cast<std::ptrdiff_t>(to));
    if (e.tokens.size() > 1) examples.push_back(std::move(e));
  }
  return examples;
}

std::vector<Example> lines_of(const std::string& text, const Tokenizer& tokenizer, std::size_t most) {
  std::vector<Example> examples;
  std::size_t from = 0;
  for (std::size_t number = 1; from < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    std::string line = text.substr(from, end - from);
    from = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    Example e;
    try {
      e.tokens = tokenizer.encode(line, most).ids;
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(fmt::format("line {}: {}", number, error.what()));
    }
    if (e.tokens.size() > 1) examples.push_back(std::move(e));
  }
  return examples;
}

}  // namespace

fs::path training_table(const fs::path& file) {
  const std::string name = file.filename().string();
  for (const std::string split : {"dev", "test", "validation"}) {
    const std::size_t at = name.rfind(split);
    if (at == std::string::npos) continue;
    fs::path train = file.parent_path() / (name.substr(0, at) + "train" + name.substr(at + split.size()));
    if (fs::exists(train)) return train;
  }
  return {};
}

Dataset load_tsv(const fs::path& file, const ModelSpec& spec, const fs::path& model_folder,
                 const DatasetOptions& options) {
  if (spec.is_image() || spec.is_language_model())
    throw engine::FileError(file.string() + ": a table of labelled text, for a model that classifies none");
  constexpr std::size_t enough = 1000;  // to calibrate with
  const TableReader reader(spec, model_folder, options);
  const auto set = std::make_shared<const KeptExamples>(read_table(file, reader));
  Dataset dataset{file.stem().string(), spec.classes == 1 ? Metric::pearson : Metric::top1, set, set};
  const fs::path train = options.calibration.empty() ? training_table(file) : fs::path();
  if (!train.empty()) dataset.train = std::make_shared<const KeptExamples>(read_table(train, reader, enough));
  return dataset;
}

Dataset load_text(const fs::path& file, const ModelSpec& spec, const fs::path& model_folder,
                  const DatasetOptions& options) {
  if (!spec.is_language_model())
    throw engine::FileError(file.string() +
                            ": plain text is for language models; other data end in .csv, .tsv, "
                            ".safetensors or .h5, or are a folder");
  const auto tokenizer = load_tokenizer(options.tokenizer.empty() ? model_folder : options.tokenizer);
  const auto length = static_cast<std::size_t>(options.window > 0 ? std::min(options.window, spec.positions)
                                                                  : spec.positions);
  try {
    const std::string text = whole_text(file);
    std::vector<Example> examples =
        options.lines ? lines_of(text, *tokenizer, length) : windows_of(tokenizer->pieces(text), length);
    if (examples.empty()) throw std::runtime_error("no text of two tokens");
    for (const Example& e : examples) check_tokens(e.tokens, spec);
    const auto set = std::make_shared<const KeptExamples>(std::move(examples));
    return {file.stem().string(), Metric::loss, set, set};
  } catch (const engine::FileError&) {
    throw;
  } catch (const std::runtime_error& e) {
    throw engine::FileError(file.string() + ": " + e.what());
  }
}

}  // namespace flare::arch
