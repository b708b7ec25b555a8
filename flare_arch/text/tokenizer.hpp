// Text to the ids that a model was trained with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flare::arch {

using TokenId = std::int32_t;
using Vocabulary = std::unordered_map<std::string, TokenId>;

/// A text, or a pair of texts, as a model is fed.
struct TokenizedText {
  std::vector<TokenId> ids;
  std::vector<TokenId> types;  // segment of each token; empty where the tokenizer has none
};

/// The tokens around texts: [CLS] a [SEP] b [SEP].
struct TextFrame {
  std::vector<TokenId> first, between, last;
  bool second_type = false;  // the second text and what follows it are of type 1
};

/// Splits one text, without what stands around it.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual std::vector<TokenId> pieces(std::string_view text) const = 0;

  TextFrame frame;
  /// At most `most` ids (0: as many as there are): the longer text loses its end first, the second of two that are equally
  /// long. Throws std::runtime_error for fewer than the frame takes.
  TokenizedText encode(std::string_view text, std::size_t most = 0) const;
  TokenizedText encode(std::string_view first, std::string_view second, std::size_t most = 0) const;
};

/// BERT's: cleaned, split at spaces and punctuation, then the longest pieces of the vocabulary from the front, "##" before
/// those inside a word (Devlin et al. 2019; Wu et al. 2016).
class WordPiece : public Tokenizer {
 public:
  /// Throws std::runtime_error for a vocabulary without `unknown`.
  WordPiece(Vocabulary vocabulary, bool lower, const std::string& unknown = "[UNK]");
  std::vector<TokenId> pieces(std::string_view text) const override;

 private:
  std::vector<std::string> words(std::string_view text) const;
  void split(const std::string& word, std::vector<TokenId>& ids) const;

  Vocabulary vocabulary_;
  bool lower_;
  TokenId unknown_;
};

/// GPT-2's: words with the space before them, as bytes, joined pair by pair in the order of the merges (Radford et al. 2019;
/// Sennrich et al. 2016).
class ByteBpe : public Tokenizer {
 public:
  using Pair = std::pair<std::string, std::string>;
  /// merges: the most urgent first. Throws std::runtime_error where a byte or a join is not in the vocabulary.
  ByteBpe(Vocabulary vocabulary, const std::vector<Pair>& merges, bool space_before_the_first = false);
  std::vector<TokenId> pieces(std::string_view text) const override;

 private:
  std::vector<TokenId> merged(std::string_view word) const;

  Vocabulary vocabulary_;
  std::map<Pair, std::size_t> ranks_;
  std::vector<std::string> bytes_;  // the printable character that stands for each byte
  bool space_before_the_first_;
};

/// The words of a text as GPT-2 splits it, each with the space before it.
std::vector<std::string> gpt2_words(std::string_view text);

/// Entries of a vocabulary, the longest first, from the front; characters that begin none are unknown.
class LongestMatch : public Tokenizer {
 public:
  /// unknown: -1 where the vocabulary has none; then pieces() throws std::runtime_error.
  LongestMatch(Vocabulary vocabulary, TokenId unknown);
  std::vector<TokenId> pieces(std::string_view text) const override;

 private:
  Vocabulary vocabulary_;
  TokenId unknown_;
  std::size_t longest_ = 0;
};

/// The tokenizer of a folder: tokenizer.json (WordPiece, byte-level BPE, or words without a rule where words end:
/// LongestMatch), else vocab.txt (WordPiece), else vocab.json and merges.txt (byte-level BPE). Throws engine::FileError for
/// a folder without one, or with one that this cannot do (SentencePiece).
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder);
/// Its files.
std::vector<std::filesystem::path> tokenizer_files(const std::filesystem::path& folder);

}  // namespace flare::arch
