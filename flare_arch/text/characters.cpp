#include "flare_arch/text/characters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#ifdef FLARE_HAS_ICU
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#endif

namespace flare::arch {
namespace {

constexpr char32_t replacement = 0xfffd, first_surrogate = 0xd800, last_surrogate = 0xdfff,
                   last_character = 0x10ffff;

bool is_ascii(char32_t c) { return c < 0x80; }

/// Controls that stand for a space; others, vertical tabs and form feeds with them, are dropped by BERT's cleaning.
bool is_plain_break(char32_t c) { return c == U'\t' || c == U'\n' || c == U'\r'; }

/// Length of the sequence that begins with this byte; 0: none does.
int sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

constexpr char32_t smallest_of_length[] = {0, 0, 0x80, 0x800, 0x10000};

#ifdef FLARE_HAS_ICU
int category(char32_t c) { return u_charType(static_cast<UChar32>(c)); }
bool is_in(char32_t c, std::uint32_t mask) { return (U_MASK(category(c)) & mask) != 0; }

icu::UnicodeString icu_text(const std::vector<char32_t>& text) {
  icu::UnicodeString s;
  for (const char32_t c : text) s.append(static_cast<UChar32>(c));
  return s;
}

std::vector<char32_t> own_text(const icu::UnicodeString& s) {
  std::vector<char32_t> text;
  for (int i = 0; i < s.length(); i = s.moveIndex32(i, 1))
    text.push_back(static_cast<char32_t>(s.char32At(i)));
  return text;
}
#else
[[noreturn]] void refuse(char32_t c) {
  throw std::runtime_error(
      fmt::format("character U+{:04X}: this build knows ASCII text alone; install libicu-dev and build again",
                  static_cast<std::uint32_t>(c)));
}
#endif

}  // namespace

std::vector<char32_t> characters_of(std::string_view utf8) {
  std::vector<char32_t> all;
  for (std::size_t i = 0; i < utf8.size();) {
    const int length = sequence_length(static_cast<unsigned char>(utf8[i]));
    char32_t c = length == 1 ? static_cast<unsigned char>(utf8[i])
                             : static_cast<unsigned char>(utf8[i]) & (0xffU >> (length + 1));
    int read = 1;
    while (read < length && i + read < utf8.size() && (utf8[i + read] & 0xc0) == 0x80)
      c = (c << 6) | (static_cast<unsigned char>(utf8[i + read++]) & 0x3fU);
    const bool good = length > 0 && read == length && c >= smallest_of_length[length] &&
                      c <= last_character && (c < first_surrogate || c > last_surrogate);
    all.push_back(good ? c : replacement);
    i += good ? length : std::max(1, length > 0 ? read : 1);
  }
  return all;
}

std::string utf8_of(char32_t c) {
  std::string s;
  const auto tail = [&](int shift) { s += static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) {
    s += static_cast<char>(c);
  } else if (c < 0x800) {
    s += static_cast<char>(0xc0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    s += static_cast<char>(0xe0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    s += static_cast<char>(0xf0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
  return s;
}

bool is_chinese(char32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
         (c >= 0x2a700 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

#ifdef FLARE_HAS_ICU
bool is_letter(char32_t c) { return is_in(c, U_GC_L_MASK); }
bool is_number(char32_t c) { return is_in(c, U_GC_N_MASK); }
bool is_space(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; }
/// Code points that no character has yet stay, as BERT's cleaning keeps them.
bool is_control(char32_t c) {
  return !is_plain_break(c) && is_in(c, U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK);
}
bool is_punctuation(char32_t c) {
  if (is_ascii(c)) return c > 0x20 && c < 0x7f && !is_letter(c) && !is_number(c);
  return is_in(c, U_GC_P_MASK);
}

std::vector<char32_t> lower_case(const std::vector<char32_t>& text) {
  return own_text(icu_text(text).toLower(icu::Locale::getRoot()));
}

std::vector<char32_t> without_accents(const std::vector<char32_t>& text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* decompose = icu::Normalizer2::getNFDInstance(error);
  const icu::UnicodeString apart = decompose->normalize(icu_text(text), error);
  if (U_FAILURE(error) != 0) throw std::runtime_error("the text cannot be decomposed");
  std::vector<char32_t> kept;
  for (const char32_t c : own_text(apart))
    if (category(c) != U_NON_SPACING_MARK) kept.push_back(c);
  return kept;
}
#else
bool is_letter(char32_t c) {
  if (!is_ascii(c)) refuse(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_number(char32_t c) {
  if (!is_ascii(c)) refuse(c);
  return c >= '0' && c <= '9';
}
bool is_space(char32_t c) {
  if (!is_ascii(c)) refuse(c);
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_control(char32_t c) { return !is_plain_break(c) && (c < 0x20 || c == 0x7f); }
bool is_punctuation(char32_t c) { return c > 0x20 && c < 0x7f && !is_letter(c) && !is_number(c); }

std::vector<char32_t> lower_case(const std::vector<char32_t>& text) {
  std::vector<char32_t> lower = text;
  for (char32_t& c : lower) {
    if (!is_ascii(c)) refuse(c);
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  }
  return lower;
}

std::vector<char32_t> without_accents(const std::vector<char32_t>& text) { return text; }
#endif

}  // namespace flare::arch
