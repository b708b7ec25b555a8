#include "analysis/verdict/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <regex>
#include <stdexcept>

#include "analysis/tails/tail_table.hpp"
#include "analysis/tails/tail_text.hpp"

namespace flare::analysis {
namespace {

using engine::column_of;
using engine::Table;

bool same_column(const ModelKey& a, const ModelKey& b) {
  return a.cell == b.cell && a.sawl == b.sawl && a.adc == b.adc;
}

std::string limit_text(const VerdictRow& row) {
  return fmt::format("level {} read as too {} at {}", row.level,
                     row.direction == Direction::down ? "low" : "high", corner_text(row.key.corner));
}

std::string why_not(const VerdictRow& row, const VerdictOptions& options) {
  if (row.error.status == TailStatus::refused) return "has no number, refused: " + row.error.method;
  const double share = static_cast<double>(row.error.unknown) /
                       static_cast<double>(std::max<std::size_t>(row.error.runs + row.error.unknown, 1));
  if (row.error.p > options.target)
    return "misses: " + sigma_sentence(row.error) + ", limited by " + limit_text(row);
  if (share > options.target) {
    return fmt::format(
        "is not shown to hold: {} of {} runs have no answer and could all be failures; otherwise {}",
        row.error.unknown, row.error.runs + row.error.unknown, sigma_sentence(row.error));
  }
  return "is not shown to hold: " + sigma_sentence(row.error) + ", limited by " + limit_text(row);
}

Direction direction_of(const std::string& word) {
  if (word == "down") return Direction::down;
  if (word == "up") return Direction::up;
  throw engine::FileError("direction \"" + word + "\" is neither down nor up; the file is damaged");
}

template <typename Rows, typename Get>
std::vector<TailProbability> tails_of(const Rows& rows, const Get& get) {
  std::vector<TailProbability> tails;
  for (const auto& row : rows) tails.push_back(get(row));
  return tails;
}

std::size_t count_of(std::int64_t value) {
  if (value < 0) throw engine::FileError("a count is negative; the file is damaged");
  return static_cast<std::size_t>(value);
}

}  // namespace

NamedPoint named_point(const ModelKey& key, const ConvertedPoint& point) {
  return {key, point.converter.enob, point.worst(), point.worst_level, point.worst_direction};
}

bool passes(const TailProbability& error, const VerdictOptions& options) {
  if (error.status == TailStatus::refused) return false;
  return (options.rule == PassRule::upper_bound ? error.high : error.p) <= options.target;
}

std::vector<VerdictRow> make_verdict(const std::vector<NamedPoint>& points, const VerdictOptions& options) {
  std::vector<VerdictRow> rows;
  for (const NamedPoint& point : points) {
    const auto at = std::find_if(rows.begin(), rows.end(),
                                 [&](const VerdictRow& row) { return same_column(row.key, point.key); });
    const VerdictRow row{point.key, point.enob, point.error, point.level, point.direction, false, {}};
    if (at == rows.end()) {
      rows.push_back(row);
    } else if (worse(point.error, at->error)) {
      *at = row;
    }
  }
  for (VerdictRow& row : rows) row.passes = passes(row.error, options);
  return rows;
}

std::optional<VerdictRow> pick(const std::vector<VerdictRow>& rows, const std::string& cell,
                               const std::string& adc, const VerdictOptions& options) {
  std::optional<VerdictRow> best;
  for (const VerdictRow& row : rows) {
    if (row.key.cell != cell || row.key.adc != adc || !passes(row.error, options)) continue;
    if (!best || row.key.sawl > best->key.sawl) best = row;
  }
  return best;
}

std::string coverage_text(const CornerCoverage& corners) {
  if (corners.corners == 0) return "at every corner run";
  const std::size_t screened = corners.corners - corners.full;
  if (screened == 0) return "at every corner";
  const std::string share = fmt::format("{} of {} only screened", screened, corners.corners);
  if (!corners.every_corner()) return "at every corner run (" + share + ": one of them may be worse)";
  const std::string chance =
      corners.chance_worse < 0.001 ? "below 0.1 %" : fmt::format("{:.1f} %", 100.0 * corners.chance_worse);
  return fmt::format("at every corner ({}, chance that one of them is worse: {})", share, chance);
}

std::string pick_sentence(const std::vector<VerdictRow>& rows, const std::string& cell,
                          const std::string& adc, const VerdictOptions& options) {
  const std::optional<VerdictRow> best = pick(rows, cell, adc, options);
  const double sigma = sigma_of_probability(options.target);
  // The nearest miss: the smallest failing SAWL above the pick, or the smallest of all.
  const VerdictRow* miss = nullptr;
  for (const VerdictRow& row : rows) {
    if (row.key.cell != cell || row.key.adc != adc || passes(row.error, options)) continue;
    if (best && row.key.sawl < best->key.sawl) continue;
    if (miss == nullptr || row.key.sawl < miss->key.sawl) miss = &row;
  }
  std::string text;
  if (best) {
    text = fmt::format("{} with {}: pick SAWL {}, the largest that holds {:.3g} sigma {}: {}, worst at {}.",
                       cell, adc, best->key.sawl, sigma, coverage_text(best->corners),
                       sigma_sentence(best->error), corner_text(best->key.corner));
  } else {
    text = fmt::format("{} with {}: no SAWL holds {:.3g} sigma.", cell, adc, sigma);
  }
  if (miss != nullptr) text += fmt::format(" SAWL {} {}.", miss->key.sawl, why_not(*miss, options));
  return text;
}

std::string pick_text(const std::vector<VerdictRow>& rows, const VerdictOptions& options) {
  std::vector<std::pair<std::string, std::string>> seen;
  std::string text;
  for (const VerdictRow& row : rows) {
    const std::pair<std::string, std::string> name(row.key.cell, row.key.adc);
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    seen.push_back(name);
    if (!text.empty()) text += '\n';
    text += pick_sentence(rows, name.first, name.second, options);
  }
  return text;
}

std::string rule_text(const VerdictOptions& options) {
  const std::string what =
      options.rule == PassRule::upper_bound ? "the upper end of the 95 % interval of" : "the estimate of";
  return fmt::format(
      "passes where {} the error per read of the worst level at the worst corner is at most {:.4g} ({:.3g} "
      "sigma)",
      what, options.target, sigma_of_probability(options.target));
}

std::string corner_text(const std::string& corner) {
  static const std::regex pattern(R"(([A-Za-z]+)_([0-9.]+)V_(-?[0-9.]+)C)");
  std::smatch match;
  if (corner.size() > 64 || !std::regex_match(corner, match, pattern)) return corner;
  return match[1].str() + " " + match[2].str() + " V " + match[3].str() + " degC";
}

void write_verdict(H5::H5File& file, const std::vector<VerdictRow>& rows, const VerdictOptions& options) {
  using Row = VerdictRow;
  Table table;
  table.add("cell", "", column_of(rows, [](const Row& r) { return r.key.cell; }))
      .add("sawl", "", column_of(rows, [](const Row& r) { return std::int64_t{r.key.sawl}; }))
      .add("adc", "", column_of(rows, [](const Row& r) { return r.key.adc; }))
      .add("enob", "bit", column_of(rows, [](const Row& r) { return r.enob; }))
      .add("corner", "", column_of(rows, [](const Row& r) { return r.key.corner; }));
  add_tail_columns(table, tails_of(rows, [](const Row& r) { return r.error; }), "p_error", "1/read");
  table.add("passes", "", column_of(rows, [](const Row& r) { return std::int64_t{r.passes ? 1 : 0}; }))
      .add("level", "", column_of(rows, [](const Row& r) { return static_cast<std::int64_t>(r.level); }))
      .add("direction", "", column_of(rows, [](const Row& r) { return to_string(r.direction); }))
      .add("corners", "",
           column_of(rows, [](const Row& r) { return static_cast<std::int64_t>(r.corners.corners); }))
      .add("corners_full", "",
           column_of(rows, [](const Row& r) { return static_cast<std::int64_t>(r.corners.full); }))
      .add("p_screened_worse", "1", column_of(rows, [](const Row& r) { return r.corners.chance_worse; }));
  engine::write_table(file, "/verdict", table);
  engine::write_attribute(file, "/verdict", "rule", rule_text(options));
  engine::write_attribute(file, "/verdict", "target", options.target);
  engine::write_attribute(file, "/verdict", "pick", pick_text(rows, options));
}

std::vector<VerdictRow> read_verdict(const H5::H5File& file) {
  const Table table = engine::read_table(file, "/verdict");
  const std::vector<TailProbability> errors = read_tail_columns(table, "p_error");
  std::vector<VerdictRow> rows(table.rows());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    VerdictRow& row = rows[i];
    row.error = errors[i];
    row.key = {table.texts("cell")[i], static_cast<int>(table.integers("sawl")[i]), table.texts("adc")[i],
               table.texts("corner")[i]};
    row.enob = table.numbers("enob")[i];
    row.passes = table.integers("passes")[i] != 0;
    if (table.has("level")) row.level = count_of(table.integers("level")[i]);
    if (table.has("direction")) row.direction = direction_of(table.texts("direction")[i]);
    if (!table.has("corners")) continue;
    row.corners = {count_of(table.integers("corners")[i]), count_of(table.integers("corners_full")[i]),
                   table.numbers("p_screened_worse")[i]};
  }
  return rows;
}

void write_levels(H5::H5File& file, const ModelKey& key, const std::vector<LevelFit>& levels) {
  Table table;
  std::vector<std::int64_t> k(levels.size());
  for (std::size_t i = 0; i < k.size(); ++i) k[i] = static_cast<std::int64_t>(i);
  const auto moment = [&](const char* name, const char* unit, double Moments::*value) {
    table.add(name, unit, column_of(levels, [&](const LevelFit& level) { return level.moments().*value; }));
  };
  const auto count = [&](const char* name, std::size_t Moments::*value) {
    table.add(name, "", column_of(levels, [&](const LevelFit& level) {
                return static_cast<std::int64_t>(level.moments().*value);
              }));
  };
  const auto interval = [&](const std::string& name, const char* unit, Interval (Moments::*of)() const) {
    const auto end = [&](double Interval::*which) {
      return column_of(levels, [&](const LevelFit& level) {
        return level.moments().runs < min_moment_runs ? std::nan("") : (level.moments().*of)().*which;
      });
    };
    table.add(name + "_low", unit, end(&Interval::low)).add(name + "_high", unit, end(&Interval::high));
  };
  table.add("k", "", k);
  moment("mean", "V", &Moments::mean);
  moment("sigma", "V", &Moments::sigma);
  moment("skewness", "1", &Moments::skewness);
  moment("kurtosis", "1", &Moments::kurtosis);
  count("runs", &Moments::runs);
  count("unknown", &Moments::unknown);
  interval("mean", "V", &Moments::mean_interval);
  interval("sigma", "V", &Moments::sigma_interval);
  interval("skewness", "1", &Moments::skewness_interval);
  interval("kurtosis", "1", &Moments::kurtosis_interval);
  engine::write_table(file, key.point_path() + "/levels", table);
}

void write_tails(H5::H5File& file, const ModelKey& key, const std::vector<TailRow>& tails) {
  using Row = TailRow;
  Table table;
  table.add("adc", "", column_of(tails, [](const Row& r) { return r.adc; }))
      .add("k", "", column_of(tails, [](const Row& r) { return static_cast<std::int64_t>(r.tail.k); }))
      .add("direction", "", column_of(tails, [](const Row& r) { return to_string(r.tail.direction); }));
  add_tail_columns(table, tails_of(tails, [](const Row& r) { return r.tail.probability; }), "p", "1/read");
  engine::write_table(file, key.point_path() + "/tails", table);
}

std::vector<TailRow> read_tails(const H5::H5File& file, const ModelKey& key) {
  const Table table = engine::read_table(file, key.point_path() + "/tails");
  const std::vector<TailProbability> probabilities = read_tail_columns(table, "p");
  std::vector<TailRow> rows(table.rows());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].adc = table.texts("adc")[i];
    rows[i].tail.k = count_of(table.integers("k")[i]);
    rows[i].tail.direction = direction_of(table.texts("direction")[i]);
    rows[i].tail.probability = probabilities[i];
  }
  return rows;
}

}  // namespace flare::analysis
