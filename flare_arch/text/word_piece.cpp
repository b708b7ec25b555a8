#include <stdexcept>

#include "flare_arch/text/characters.hpp"
#include "flare_arch/text/tokenizer.hpp"

namespace flare::arch {
namespace {

constexpr std::size_t longest_word = 100;  // characters; longer ones are unknown

/// Controls dropped, spaces made plain, Chinese characters set apart.
std::vector<char32_t> cleaned(const std::vector<char32_t>& text) {
  std::vector<char32_t> clean;
  for (const char32_t c : text) {
    if (c == 0 || c == 0xfffd || is_control(c)) continue;
    if (is_chinese(c)) {
      clean.insert(clean.end(), {U' ', c, U' '});
    } else {
      clean.push_back(is_space(c) ? U' ' : c);
    }
  }
  return clean;
}

std::string text_of(const std::vector<char32_t>& word, std::size_t from, std::size_t to) {
  std::string text;
  for (std::size_t i = from; i < to; ++i) text += utf8_of(word[i]);
  return text;
}

}  // namespace

WordPiece::WordPiece(Vocabulary vocabulary, bool lower, const std::string& unknown)
    : vocabulary_(std::move(vocabulary)), lower_(lower) {
  const auto at = vocabulary_.find(unknown);
  if (at == vocabulary_.end()) throw std::runtime_error("the vocabulary has no '" + unknown + "'");
  unknown_ = at->second;
}

std::vector<std::string> WordPiece::words(std::string_view text) const {
  std::vector<char32_t> clean = cleaned(characters_of(text));
  if (lower_) clean = without_accents(lower_case(clean));
  std::vector<std::string> all;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) all.push_back(word);
    word.clear();
  };
  for (const char32_t c : clean) {
    if (c == U' ') {
      end_word();
    } else if (is_punctuation(c)) {
      end_word();
      all.push_back(utf8_of(c));
    } else {
      word += utf8_of(c);
    }
  }
  end_word();
  return all;
}

void WordPiece::split(const std::string& word, std::vector<TokenId>& ids) const {
  const std::vector<char32_t> characters = characters_of(word);
  if (characters.size() > longest_word) {
    ids.push_back(unknown_);
    return;
  }
  std::vector<TokenId> own;
  for (std::size_t from = 0; from < characters.size();) {
    std::size_t to = characters.size();
    auto found = vocabulary_.end();
    for (; to > from; --to) {
      found = vocabulary_.find((from > 0 ? "##" : "") + text_of(characters, from, to));
      if (found != vocabulary_.end()) break;
    }
    if (to == from) {
      ids.push_back(unknown_);
      return;
    }
    own.push_back(found->second);
    from = to;
  }
  ids.insert(ids.end(), own.begin(), own.end());
}

std::vector<TokenId> WordPiece::pieces(std::string_view text) const {
  std::vector<TokenId> ids;
  for (const std::string& word : words(text)) split(word, ids);
  return ids;
}

}  // namespace flare::arch
