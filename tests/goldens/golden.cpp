#include "tests/goldens/golden.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "engine/base/hdf5_io.hpp"

namespace flare::goldens {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// A word that is a number with a point or an exponent.
std::optional<double> real(const std::string& word) {
  if (word.find_first_of(".e") == std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(word.c_str(), &end);
  return end == word.c_str() + word.size() ? std::optional(value) : std::nullopt;
}

bool alike(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto x = real(a);
  const auto y = real(b);
  return x && y && std::fabs(*x - *y) <= 1e-9 * std::fmax(std::fabs(*x), std::fabs(*y));
}

bool alike_lines(const std::string& a, const std::string& b) {
  const auto x = words_of(a);
  const auto y = words_of(b);
  return x.size() == y.size() && std::equal(x.begin(), x.end(), y.begin(), alike);
}

std::string cell_text(const engine::Column& column, std::size_t row) {
  return std::visit(
      [&](const auto& values) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(values)>, std::vector<double>>) {
          return fmt::format("{:.12e}", values[row]);
        } else {
          return fmt::format("{}", values[row]);
        }
      },
      column.values);
}

void add_table(const H5::H5File& file, const std::string& path, std::string& text) {
  const engine::Table table = engine::read_table(file, path);
  text += fmt::format("{}\n ", path);
  for (const engine::Column& column : table.columns) {
    text += fmt::format(" {}{}", column.name,
                        column.unit.empty() ? std::string() : fmt::format("[{}]", column.unit));
  }
  text += '\n';
  for (std::size_t row = 0; row < table.rows(); ++row) {
    std::string line(" ");
    for (const engine::Column& column : table.columns) line += fmt::format(" {}", cell_text(column, row));
    text += fmt::format("{}\n", line);
  }
}

void add_matrix(const H5::H5File& file, const std::string& path, std::string& text) {
  const engine::Matrix matrix = engine::read_matrix(file, path);
  text += fmt::format("{}\n", path);
  for (Eigen::Index row = 0; row < matrix.rows(); ++row) {
    std::string line(" ");
    for (const double value : matrix.row(row)) line += fmt::format(" {:.12e}", value);
    text += fmt::format("{}\n", line);
  }
}

void add_group(const H5::H5File& file, const std::string& path, std::string& text) {
  for (const std::string& name : engine::members(file, path)) {
    const std::string member = fmt::format("{}/{}", path == "/" ? "" : path, name);
    if (name == "inputs" || name == "samples" || name == "tail_samples") continue;
    const H5O_type_t type = file.childObjType(member);
    if (type == H5O_TYPE_GROUP) {
      add_group(file, member, text);
    } else if (file.openDataSet(member).getTypeClass() == H5T_COMPOUND) {
      add_table(file, member, text);
    } else {
      add_matrix(file, member, text);
    }
  }
}

}  // namespace

void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = std::filesystem::path(FLARE_SOURCE_DIR) / "tests/goldens" / name;
  if (std::getenv("FLARE_RENEW_GOLDENS") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream golden(path);
  ASSERT_TRUE(golden) << path;
  std::istringstream now(text);
  std::string expected;
  std::string found;
  for (int line = 1; std::getline(golden, expected); ++line) {
    ASSERT_TRUE(std::getline(now, found)) << path << ":" << line << ": ends before\n" << expected;
    ASSERT_TRUE(alike_lines(expected, found)) << path << ":" << line << ": expected\n"
                                              << expected << "\nfound\n"
                                              << found;
  }
  EXPECT_FALSE(std::getline(now, found)) << path << ": goes on with\n" << found;
}

std::string tables_text(const std::filesystem::path& result) {
  const H5::H5File file = engine::open_result(result);
  std::string text;
  add_group(file, "/", text);
  return text;
}

}  // namespace flare::goldens
