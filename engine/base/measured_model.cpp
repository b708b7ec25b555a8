#include "engine/base/measured_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "engine/base/averages.hpp"
#include "engine/base/file_error.hpp"

namespace flare::engine {
namespace {

constexpr int most_levels = 65, most_codes = 1024;
constexpr std::size_t most_bytes = 4u << 20, most_named = 5;

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r"), end = text.find_last_not_of(" \t\r");
  return begin == std::string::npos ? std::string() : text.substr(begin, end - begin + 1);
}

/// Fields of a line: commas or blanks part them.
std::vector<std::string> fields(const std::string& line) {
  const bool commas = line.find(',') != std::string::npos;
  std::vector<std::string> parts;
  std::size_t from = 0;
  while (from <= line.size()) {
    const std::size_t to = std::min(line.find_first_of(commas ? "," : " \t", from), line.size());
    const std::string field = trimmed(line.substr(from, to - from));
    if (commas || !field.empty()) parts.push_back(field);
    from = to + 1;
  }
  return parts;
}

double number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, value);
  if (failed != std::errc() || rest != end || !std::isfinite(value))
    throw std::runtime_error(fmt::format("'{}' is not a number", text.substr(0, 40)));
  return value;
}

std::vector<double> numbers(const std::string& text) {
  std::vector<double> values;
  for (const std::string& field : fields(text)) values.push_back(number(field));
  return values;
}

/// "0.05", "0.05 step" or "5 %".
double steps(const std::string& text) {
  for (const auto& [unit, factor] : {std::pair<std::string, double>{"%", 0.01}, {"step", 1.0}})
    if (text.size() > unit.size() && text.compare(text.size() - unit.size(), unit.size(), unit) == 0)
      return factor * number(trimmed(text.substr(0, text.size() - unit.size())));
  return number(text);
}

bool truth(const std::string& text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  throw std::runtime_error(fmt::format("'{}' is neither true nor false", text));
}

int whole(const std::string& text) {
  const double value = number(text);
  if (value != std::floor(value) || std::abs(value) > 1e6)
    throw std::runtime_error(fmt::format("'{}' is not a whole number", text));
  return static_cast<int>(value);
}

using Setter = std::function<void(MatrixDescription&, const std::string&)>;

const std::vector<std::pair<std::string, Setter>>& setters() {
  using D = MatrixDescription;
  using S = const std::string&;
  static const std::vector<std::pair<std::string, Setter>> all = {
      {"counts", [](D& d, S text) { d.counts = truth(text); }},
      {"reconstruct", [](D& d, S text) { d.reconstruct = numbers(text); }},
      {"thresholds", [](D& d, S text) { d.thresholds = numbers(text); }},
      {"level_mean", [](D& d, S text) { d.level_mean = numbers(text); }},
      {"cell_sigma_step", [](D& d, S text) { d.cell_sigma_step = steps(text); }},
      {"off_cell_sigma_step", [](D& d, S text) { d.off_cell_sigma_step = steps(text); }},
      {"threshold_offset_sigma_step", [](D& d, S text) { d.threshold_offset_sigma_step = steps(text); }},
      {"threshold_offset_sigmas_step", [](D& d, S text) { d.threshold_offset_sigmas_step = numbers(text); }},
      {"threshold_offset_common", [](D& d, S text) { d.threshold_offset_common = truth(text); }},
      {"read_noise_sigma_step", [](D& d, S text) { d.read_noise_sigma_step = steps(text); }},
      {"frozen", [](D& d, S text) { d.frozen = text; }},
      {"per_read", [](D& d, S text) { d.per_read = text; }},
      {"status", [](D& d, S text) { d.status = text; }},
      {"sawl", [](D& d, S text) { d.sawl = whole(text); }},
      {"cell", [](D& d, S text) { d.cell = text; }},
      {"adc", [](D& d, S text) { d.adc = text; }},
      {"corner", [](D& d, S text) { d.corner = text; }}};
  return all;
}

/// What is wrong, all of it: a user mends a file once, not once a mistake.
class Problems {
 public:
  void add(std::string what) { what_.push_back(std::move(what)); }
  void throw_if_any() const {
    if (!what_.empty()) throw std::runtime_error(fmt::format("{}", fmt::join(what_, "; ")));
  }

 private:
  std::vector<std::string> what_;
};

/// Rows as probabilities.
Matrix probabilities(Matrix matrix, bool counts, Problems& problems) {
  std::vector<std::string> sums;
  bool all_large = true;
  for (Eigen::Index k = 0; k < matrix.rows(); ++k) {
    const double sum = matrix.row(k).sum();
    if (!matrix.row(k).allFinite() || matrix.row(k).minCoeff() < 0) {
      problems.add(fmt::format("row {} (k = {}) holds a number that is negative or not finite", k + 1, k));
      continue;
    }
    // A little more, for what adding up decimal fractions leaves.
    const bool right = counts ? sum > 0 : std::abs(sum - 1) <= row_sum_tolerance * (1 + 1e-6);
    if (!right) sums.push_back(fmt::format("row {} (k = {}) sums to {:g}", k + 1, k, sum));
    all_large = all_large && sum > 1.5;
    if (right && (counts || std::abs(sum - 1) > 1e-9)) matrix.row(k) /= sum;
  }
  if (sums.empty()) return matrix;
  const std::size_t named = std::min(most_named, sums.size());
  problems.add(fmt::format(
      "{}{}, {}{}", fmt::join(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(named), ", "),
      sums.size() > named ? fmt::format(" and {} more do so", sums.size() - named) : "",
      counts ? "where reads were counted" : fmt::format("not to 1 (within {:g})", row_sum_tolerance),
      all_large && !counts ? "; for counts say counts = true" : ""));
  return matrix;
}

std::vector<double> listed(const std::optional<std::vector<double>>& given, const char* name,
                           std::size_t size, std::vector<double> otherwise, Problems& problems) {
  if (!given) return otherwise;
  if (given->size() != size)
    problems.add(fmt::format("{} has {} values, {} are needed", name, given->size(), size));
  return *given;
}

/// Where nobody said what codes stand for, the level that gives a code must be near what is assumed: a converter
/// of 16 codes of which 9 are used counts on-cells, it does not spread them.
void check_default_codes(const ErrorModel& m, Problems& problems) {
  if (m.codes() == m.rows_per_read + 1) return;
  const double spacing = static_cast<double>(m.rows_per_read) / (m.codes() - 1);
  for (int k = 0; k <= m.rows_per_read; ++k) {
    const int code = m.likely_code(k);
    if (std::abs(m.reconstruct[static_cast<std::size_t>(code)] - k) <= 1.5 * spacing) continue;
    problems.add(fmt::format(
        "{} codes for levels 0 to {}: spread evenly, code {} would stand for {:.3g} on-cells, but "
        "level {} gives it; say what codes stand for: reconstruct = ...",
        m.codes(), m.rows_per_read, code, m.reconstruct[static_cast<std::size_t>(code)], k));
    return;
  }
}

}  // namespace

const std::vector<std::string>& description_keys() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, set] : setters()) all.push_back(name);
    return all;
  }();
  return names;
}

void describe(MatrixDescription& description, const std::string& name, const std::string& text) {
  for (const auto& [key, set] : setters()) {
    if (key != name) continue;
    try {
      return set(description, text);
    } catch (const std::runtime_error& e) {
      throw std::runtime_error(name + ": " + e.what());
    }
  }
  throw std::runtime_error(
      fmt::format("'{}' is unknown; known: {}", name.substr(0, 40), fmt::join(description_keys(), ", ")));
}

ErrorModel model_of_matrix(const Matrix& matrix, const MatrixDescription& d, const std::string& name) {
  const auto levels = static_cast<std::size_t>(matrix.rows()),
             codes = static_cast<std::size_t>(matrix.cols());
  if (levels < 2 || levels > most_levels || codes < 2 || codes > most_codes)
    throw std::runtime_error(
        fmt::format("a matrix of {} x {}: 2 to {} rows (levels 0 to SAWL) and 2 to {} codes are supported",
                    levels, codes, most_levels, most_codes));
  Problems problems;
  ErrorModel m;
  m.name = name;
  m.rows_per_read = static_cast<int>(levels) - 1;
  if (d.sawl && *d.sawl != m.rows_per_read)
    problems.add(fmt::format("sawl = {}, but {} rows are levels 0 to {}", *d.sawl, levels, m.rows_per_read));
  m.confusion = probabilities(matrix, d.counts, problems);
  const double spacing = static_cast<double>(m.rows_per_read) / static_cast<double>(codes - 1);
  std::vector<double> even, halves, means;
  for (std::size_t c = 0; c < codes; ++c) even.push_back(static_cast<double>(c) * spacing);
  for (std::size_t k = 0; k < levels; ++k) means.push_back(static_cast<double>(k));
  m.reconstruct = listed(d.reconstruct, "reconstruct", codes, even, problems);
  for (std::size_t c = 1; c < m.reconstruct.size(); ++c)
    halves.push_back((m.reconstruct[c - 1] + m.reconstruct[c]) / 2);
  std::sort(halves.begin(), halves.end());
  m.thresholds = listed(d.thresholds, "thresholds", codes - 1, halves, problems);
  m.level_mean = listed(d.level_mean, "level_mean", levels, means, problems);
  m.frozen = {d.cell_sigma_step.value_or(0), d.off_cell_sigma_step.value_or(0), 0.0,
              listed(d.threshold_offset_sigmas_step, "threshold_offset_sigmas_step", codes - 1, {}, problems),
              d.threshold_offset_common};
  m.frozen.threshold_offset_sigma =
      d.threshold_offset_sigma_step.value_or(root_mean_square(m.frozen.threshold_offset_sigmas));
  std::vector<double>& offsets = m.frozen.threshold_offset_sigmas;
  const double alike = m.frozen.threshold_offset_sigma;
  if (std::all_of(offsets.begin(), offsets.end(), [&](double s) { return s == alike; })) offsets.clear();
  m.per_read = {d.read_noise_sigma_step.value_or(0)};
  m.frozen_text = d.frozen.value_or(m.freezes_nothing() ? "nothing" : "deviations of cells and thresholds");
  m.per_read_text = d.per_read.value_or(m.freezes_nothing() ? "every error" : "read noise");
  m.status = d.status;
  problems.throw_if_any();
  if (!d.reconstruct) check_default_codes(m, problems);
  std::string error;
  if (!m.is_valid(&error)) problems.add(error);
  problems.throw_if_any();
  return m;
}

MeasuredModel parse_measured_model(const std::string& text, const std::string& name) {
  MeasuredModel measured;
  std::vector<std::vector<double>> rows;
  Problems problems;
  std::size_t from = text.rfind("\xEF\xBB\xBF", 0) == 0 ? 3 : 0;
  for (std::size_t at = 1; from < text.size(); ++at) {
    const std::size_t to = std::min(text.find('\n', from), text.size());
    const std::string line = trimmed(text.substr(from, to - from));
    from = to + 1;
    if (line.empty() || line.rfind("##", 0) == 0) continue;
    try {
      const std::size_t equals = line.find('=');
      if (line[0] == '#') {
        if (equals != std::string::npos)
          describe(measured.description, trimmed(line.substr(1, equals - 1)),
                   trimmed(line.substr(equals + 1)));
        continue;
      }
      rows.push_back(numbers(line));
      if (rows.back().size() != rows.front().size())
        throw std::runtime_error(
            fmt::format("{} numbers, the rows above have {}", rows.back().size(), rows.front().size()));
    } catch (const std::runtime_error& e) {
      problems.add(fmt::format("line {}: {}", at, e.what()));
    }
  }
  problems.throw_if_any();
  if (rows.empty()) throw std::runtime_error("holds no rows of numbers: P(code | k), a row a level");
  Matrix matrix(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(rows.front().size()));
  for (std::size_t k = 0; k < rows.size(); ++k)
    std::copy(rows[k].begin(), rows[k].end(), matrix.row(static_cast<Eigen::Index>(k)).data());
  measured.model = model_of_matrix(matrix, measured.description, name);
  return measured;
}

MeasuredModel load_measured_model(const std::filesystem::path& csv) {
  std::ifstream in(csv, std::ios::binary);
  if (!in || std::filesystem::is_directory(csv)) throw FileError(csv.string() + ": cannot be read");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  if (text.size() > most_bytes) throw FileError(csv.string() + ": longer than 4 MiB; a matrix is expected");
  try {
    return parse_measured_model(text, csv.filename().string());
  } catch (const std::runtime_error& e) {
    throw FileError(csv.string() + ": " + e.what());
  }
}

}  // namespace flare::engine
