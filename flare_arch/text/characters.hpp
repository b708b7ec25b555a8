// Characters of a text, as tokenizers see them. What a character is comes from ICU; a build without it takes ASCII alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flare::arch {

/// Code points. Bytes that are no UTF-8 become U+FFFD, as in the readers that models were trained with.
std::vector<char32_t> characters_of(std::string_view utf8);
std::string utf8_of(char32_t character);

bool is_letter(char32_t c);
bool is_number(char32_t c);
bool is_space(char32_t c);
bool is_control(char32_t c);
/// Unicode's category P, and every ASCII character that is neither letter, number, space nor control.
bool is_punctuation(char32_t c);
/// The blocks of Chinese characters, which BERT takes one by one.
bool is_chinese(char32_t c);

/// Lower case; accents taken off (decomposed, marks dropped).
std::vector<char32_t> lower_case(const std::vector<char32_t>& text);
std::vector<char32_t> without_accents(const std::vector<char32_t>& text);

}  // namespace flare::arch
