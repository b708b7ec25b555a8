#include "analysis/report/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flare::analysis {

std::string printable(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    safe += (byte < 0x20 && c != '\n') || byte == 0x7f ? '?' : c;
  }
  return safe;
}

// On the terminal: UTF-8's continuation bytes take none.
static std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void print_table(std::ostream& out, const TextRow& head, const std::vector<TextRow>& rows) {
  std::vector<std::size_t> width(head.size());
  for (std::size_t c = 0; c < head.size(); ++c) {
    width[c] = columns_of(head[c]);
    for (const TextRow& row : rows) width[c] = std::max(width[c], columns_of(row[c]));
  }
  const auto line = [&](const TextRow& row) {
    std::string text = " ";
    for (std::size_t c = 0; c < row.size(); ++c) text += fmt::format(" {:<{}} ", row[c], width[c]);
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << '\n';
  };
  line(head);
  TextRow rule;
  for (const std::size_t w : width) rule.push_back(std::string(w, '-'));
  line(rule);
  for (const TextRow& row : rows) line(row);
}

}  // namespace flare::analysis
