#include "flare_arch/text/tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "flare_arch/text/characters.hpp"

namespace flare::arch {
namespace {

void append(std::vector<TokenId>& to, const std::vector<TokenId>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

void check_room(std::size_t frame, std::size_t most) {
  if (most > 0 && most <= frame)
    throw std::runtime_error(
        fmt::format("{} tokens leave no room for a text: {} stand around it", most, frame));
}

}  // namespace

TokenizedText Tokenizer::encode(std::string_view text, std::size_t most) const {
  std::vector<TokenId> own = pieces(text);
  const std::size_t around = frame.first.size() + frame.last.size();
  check_room(around, most);
  if (most > 0) own.resize(std::min(own.size(), most - around));
  TokenizedText t;
  append(t.ids, frame.first);
  append(t.ids, own);
  append(t.ids, frame.last);
  if (frame.second_type) t.types.assign(t.ids.size(), 0);
  return t;
}

TokenizedText Tokenizer::encode(std::string_view first, std::string_view second, std::size_t most) const {
  std::vector<TokenId> a = pieces(first), b = pieces(second);
  const std::size_t around = frame.first.size() + frame.between.size() + frame.last.size();
  check_room(around, most);
  while (most > 0 && a.size() + b.size() + around > most) (a.size() > b.size() ? a : b).pop_back();
  TokenizedText t;
  append(t.ids, frame.first);
  append(t.ids, a);
  append(t.ids, frame.between);
  const std::size_t of_first = t.ids.size();
  append(t.ids, b);
  append(t.ids, frame.last);
  if (!frame.second_type) return t;
  t.types.assign(t.ids.size(), 1);
  std::fill_n(t.types.begin(), of_first, 0);
  return t;
}

LongestMatch::LongestMatch(Vocabulary vocabulary, TokenId unknown)
    : vocabulary_(std::move(vocabulary)), unknown_(unknown) {
  for (const auto& [entry, id] : vocabulary_) longest_ = std::max(longest_, entry.size());
}

std::vector<TokenId> LongestMatch::pieces(std::string_view text) const {
  std::vector<TokenId> ids;
  while (!text.empty()) {
    std::size_t length = std::min(longest_, text.size());
    auto found = vocabulary_.end();
    for (; length > 0 && found == vocabulary_.end(); length -= found == vocabulary_.end() ? 1 : 0)
      found = vocabulary_.find(std::string(text.substr(0, length)));
    if (found == vocabulary_.end()) {
      const std::string character = utf8_of(characters_of(text).front());
      if (unknown_ < 0)
        throw std::runtime_error(fmt::format("'{}' is not in the tokenizer's vocabulary", character));
      ids.push_back(unknown_);
      text.remove_prefix(std::min(text.size(), character.size()));
      continue;
    }
    ids.push_back(found->second);
    text.remove_prefix(length);
  }
  return ids;
}

}  // namespace flare::arch
