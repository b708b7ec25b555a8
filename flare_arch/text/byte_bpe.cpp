#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "flare_arch/text/characters.hpp"
#include "flare_arch/text/tokenizer.hpp"

namespace flare::arch {
namespace {

/// Bytes that print stand for themselves; the others for the characters from U+0100 on, in order.
std::vector<std::string> byte_characters() {
  std::vector<std::string> all(256);
  char32_t next = 0x100;
  for (unsigned b = 0; b < 256; ++b) {
    const bool prints = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
    all[b] = utf8_of(prints ? b : next++);
  }
  return all;
}

enum class Kind { letter, number, space, other };

Kind kind_of(char32_t c) {
  if (is_letter(c)) return Kind::letter;
  if (is_number(c)) return Kind::number;
  return is_space(c) ? Kind::space : Kind::other;
}

/// Length of an English ending at `at`: 's 't 're 've 'm 'll 'd; 0: none.
std::size_t ending_length(const std::vector<char32_t>& text, std::size_t at) {
  if (text[at] != U'\'') return 0;
  for (const std::u32string_view e : {U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"})
    if (text.size() - at >= e.size() &&
        std::equal(e.begin(), e.end(), text.begin() + static_cast<std::ptrdiff_t>(at)))
      return e.size();
  return 0;
}

/// End of the word that begins at `at`.
std::size_t word_end(const std::vector<char32_t>& text, const std::vector<Kind>& kinds, std::size_t at) {
  const std::size_t ending = ending_length(text, at);
  if (ending > 0) return at + ending;
  std::size_t from = at;
  if (text[at] == U' ' && at + 1 < text.size() && kinds[at + 1] != Kind::space) ++from;
  std::size_t to = from;
  while (to < text.size() && kinds[to] == kinds[from]) ++to;
  // Of several spaces the last belongs to the word that follows.
  return kinds[from] == Kind::space && to < text.size() && to - from > 1 ? to - 1 : to;
}

}  // namespace

std::vector<std::string> gpt2_words(std::string_view text) {
  const std::vector<char32_t> characters = characters_of(text);
  std::vector<Kind> kinds;
  kinds.reserve(characters.size());
  for (const char32_t c : characters) kinds.push_back(kind_of(c));
  std::vector<std::string> words;
  for (std::size_t at = 0; at < characters.size();) {
    const std::size_t end = word_end(characters, kinds, at);
    words.emplace_back();
    for (; at < end; ++at) words.back() += utf8_of(characters[at]);
  }
  return words;
}

ByteBpe::ByteBpe(Vocabulary vocabulary, const std::vector<Pair>& merges, bool space_before_the_first)
    : vocabulary_(std::move(vocabulary)),
      bytes_(byte_characters()),
      space_before_the_first_(space_before_the_first) {
  for (const Pair& pair : merges) {
    if (vocabulary_.count(pair.first + pair.second) == 0)
      throw std::runtime_error(
          fmt::format("merge '{} {}' makes a token that the vocabulary has not", pair.first, pair.second));
    ranks_.emplace(pair, ranks_.size());
  }
}

std::vector<TokenId> ByteBpe::merged(std::string_view word) const {
  std::vector<std::string> parts;
  for (const char c : word) parts.push_back(bytes_[static_cast<unsigned char>(c)]);
  while (parts.size() > 1) {
    std::size_t best_at = 0, best = ranks_.size();
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto rank = ranks_.find({parts[i], parts[i + 1]});
      if (rank != ranks_.end() && rank->second < best) {
        best = rank->second;
        best_at = i;
      }
    }
    if (best == ranks_.size()) break;
    parts[best_at] += parts[best_at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
  std::vector<TokenId> ids;
  for (const std::string& part : parts) {
    const auto at = vocabulary_.find(part);
    if (at == vocabulary_.end())
      throw std::runtime_error(fmt::format("'{}' is not in the tokenizer's vocabulary", part));
    ids.push_back(at->second);
  }
  return ids;
}

std::vector<TokenId> ByteBpe::pieces(std::string_view text) const {
  const bool add = space_before_the_first_ && !text.empty() && text.front() != ' ';
  std::vector<TokenId> ids;
  for (const std::string& word : gpt2_words(fmt::format("{}{}", add ? " " : "", text))) {
    const std::vector<TokenId> own = merged(word);
    ids.insert(ids.end(), own.begin(), own.end());
  }
  return ids;
}

}  // namespace flare::arch
