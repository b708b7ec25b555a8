// Texts that are kept beside the code.
#pragma once

#include <filesystem>
#include <string>

namespace flare::goldens {

/// Compares `text` with the file tests/goldens/`name`, word by word: words that are numbers with a point or an exponent
/// to nine digits, all others alike. Fails the test with the first line that differs. With FLARE_RENEW_GOLDENS set the
/// file is written instead.
void expect_golden(const std::string& name, const std::string& text);

/// All tables of a result file as text, one row a line, under their paths; without samples and what holds paths or times.
std::string tables_text(const std::filesystem::path& result);

}  // namespace flare::goldens
