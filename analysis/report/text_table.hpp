// Tables on a terminal.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace flare::analysis {

using TextRow = std::vector<std::string>;

/// Text of a file, without the control characters that would act on a terminal.
std::string printable(const std::string& text);

/// Columns as wide as they need.
void print_table(std::ostream& out, const TextRow& head, const std::vector<TextRow>& rows);

}  // namespace flare::analysis
