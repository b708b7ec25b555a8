#include "analysis/verdict/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <regex>

#include "analysis/tails/tail_text.hpp"

namespace flare::analysis {
namespace {

bool passes(const VerdictRow& row, const VerdictOptions& options) {
  return passes(row.error, options.rule, options.target.largest(row.chances()));
}

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
  const double target = options.target.largest(row.chances());
  if (row.error.p > target) return "misses: " + sigma_sentence(row.error) + ", limited by " + limit_text(row);
  if (share > target) {
    return fmt::format(
        "is not shown to hold: {} of {} runs have no answer and could all be failures; otherwise {}",
        row.error.unknown, row.error.runs + row.error.unknown, sigma_sentence(row.error));
  }
  return "is not shown to hold: " + sigma_sentence(row.error) + ", limited by " + limit_text(row);
}

/// Whether `a` is known to be more than `b` is.
bool is_more(const LevelTail& a, const LevelTail& b) {
  if (!a.probability.is_known()) return false;
  return b.probability.status == TailStatus::refused || a.probability.low > b.probability.low;
}

LevelTail largest_known(const std::vector<LevelTail>& tails) {
  LevelTail known;
  for (const LevelTail& tail : tails)
    if (is_more(tail, known)) known = tail;
  return known;
}

/// Where the row's error is refused and the point's known tail alone misses the target, the row becomes that tail.
void take_miss(const NamedPoint& point, VerdictRow& row) {
  const LevelTail& known = point.known;
  const std::string what = fmt::format("level {} {}", known.k, to_string(known.direction));
  if (row.error.status != TailStatus::refused) return;
  const TailProbability missed = missed_anyway(row.error, known.probability, what, row.target);
  if (missed.status == TailStatus::refused) return;
  row.error = missed;
  row.key.corner = point.key.corner;
  row.level = known.k;
  row.direction = known.direction;
}

}  // namespace

NamedPoint named_point(const ModelKey& key, const ConvertedPoint& point) {
  const Converter& c = point.converter;
  const bool noisy =
      c.read_noise_sigma > 0.0 || std::any_of(c.read_noise_sigmas.begin(), c.read_noise_sigmas.end(),
                                              [](double sigma) { return sigma > 0.0; });
  return {key,
          c.enob,
          point.worst(),
          point.worst_level,
          point.worst_direction,
          noisy,
          largest_known(point.tails)};
}

bool passes(const TailProbability& error, PassRule rule, double target) {
  if (error.status == TailStatus::refused) return false;
  return (rule == PassRule::upper_bound ? error.high : error.p) <= target;
}

std::vector<VerdictRow> make_verdict(const std::vector<NamedPoint>& points, const VerdictOptions& options) {
  std::vector<VerdictRow> rows;
  std::vector<const NamedPoint*> most_known;  // of each row
  for (const NamedPoint& point : points) {
    const auto at = std::find_if(rows.begin(), rows.end(),
                                 [&](const VerdictRow& row) { return same_column(row.key, point.key); });
    VerdictRow row{point.key,       point.enob, point.error, point.level,
                   point.direction, false,      {},          point.per_read};
    row.target = options.target.largest(row.chances());
    if (at == rows.end()) {
      rows.push_back(row);
      most_known.push_back(&point);
      continue;
    }
    if (worse(point.error, at->error)) *at = row;
    const NamedPoint*& known = most_known[static_cast<std::size_t>(at - rows.begin())];
    if (is_more(point.known, known->known)) known = &point;
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    take_miss(*most_known[r], rows[r]);
    rows[r].passes = passes(rows[r].error, options.rule, rows[r].target);
  }
  return rows;
}

std::optional<VerdictRow> pick(const std::vector<VerdictRow>& rows, const std::string& cell,
                               const std::string& adc, const VerdictOptions& options) {
  std::optional<VerdictRow> best;
  for (const VerdictRow& row : rows) {
    if (row.key.cell != cell || row.key.adc != adc || !passes(row, options)) continue;
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
  const std::string target = options.target.text();
  // The nearest miss: the smallest failing SAWL above the pick, or the smallest of all.
  const VerdictRow* miss = nullptr;
  for (const VerdictRow& row : rows) {
    if (row.key.cell != cell || row.key.adc != adc || passes(row, options)) continue;
    if (best && row.key.sawl < best->key.sawl) continue;
    if (miss == nullptr || row.key.sawl < miss->key.sawl) miss = &row;
  }
  std::string text;
  if (best) {
    text = fmt::format("{} with {}: pick SAWL {}, the largest that holds {} {}: {}, worst at {}.", cell, adc,
                       best->key.sawl, target, coverage_text(best->corners), sigma_sentence(best->error),
                       corner_text(best->key.corner));
  } else {
    text = fmt::format("{} with {}: no SAWL holds {}.", cell, adc, target);
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

std::string rule_text(const VerdictOptions& options, const std::vector<VerdictRow>& rows) {
  const std::string what =
      options.rule == PassRule::upper_bound ? "the upper end of the 95 % interval of" : "the estimate of";
  std::string text = fmt::format(
      "passes where {} the error per read of the worst level at the worst corner is at most ", what);
  if (!options.target.macro)
    return text + fmt::format("{:.4g} ({})", options.target.p, options.target.text());
  text += fmt::format("what {} allow", options.target.text());
  std::vector<std::string> told;
  for (const VerdictRow& row : rows) {
    const std::string line =
        fmt::format("SAWL {}: {}", row.key.sawl, options.target.arithmetic(row.chances()));
    if (std::find(told.begin(), told.end(), line) != told.end()) continue;
    text += (told.empty() ? ". " : "; ") + line;
    told.push_back(line);
  }
  return text;
}

std::string corner_text(const std::string& corner) {
  static const std::regex pattern(R"(([A-Za-z]+)_([0-9.]+)V_(-?[0-9.]+)C)");
  std::smatch match;
  if (corner.size() > 64 || !std::regex_match(corner, match, pattern)) return corner;
  return match[1].str() + " " + match[2].str() + " V " + match[3].str() + " degC";
}

}  // namespace flare::analysis
