#include "studies/model/accuracy_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/statistics/bootstrap.hpp"
#include "analysis/statistics/proportions.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::studies {
namespace {

using analysis::AccuracyRow;
using analysis::Limits;
using arch::Answer;
using arch::Metric;

constexpr double most_products = 2e8;  // of the resampling: a second or so
constexpr int fewest_resamples = 1'000, most_resamples = 10'000;
constexpr double rounding = 1e-12;

bool is_right(const Answer& a) { return a.score.sum > 0.5; }

std::vector<bool> right_answers(const std::vector<Answer>& answers) {
  std::vector<bool> right;
  right.reserve(answers.size());
  for (const Answer& a : answers) right.push_back(is_right(a));
  return right;
}

analysis::BootstrapOptions resampling(std::size_t repeats, std::size_t examples, std::uint64_t seed) {
  const double products = static_cast<double>(repeats) * static_cast<double>(examples);
  const double affordable = most_products / products;
  return {static_cast<int>(std::clamp<double>(affordable, fewest_resamples, most_resamples)), seed};
}

void widen(Limits& limits, const Limits& by) {
  limits.low = std::min(limits.low, by.low);
  limits.high = std::max(limits.high, by.high);
}

/// The repeat whose drop is in the middle.
const std::vector<Answer>& middle_repeat(const RepeatedAnswers& answers, Metric metric) {
  std::vector<std::pair<double, std::size_t>> order;
  order.reserve(answers.size());
  for (std::size_t r = 0; r < answers.size(); ++r)
    order.emplace_back(arch::metric_value(metric, answers[r]), r);
  std::sort(order.begin(), order.end());
  return answers[order[order.size() / 2].second];
}

/// Of one repeat of a share.
void judge_shares(const std::vector<Answer>& answers, const std::vector<Answer>& floating, AccuracyRow& row) {
  const std::vector<bool> right = right_answers(answers);
  const auto hits = std::count(right.begin(), right.end(), true);
  const analysis::PairedCounts counts = analysis::paired_counts(right_answers(floating), right);
  const Limits share = analysis::wilson(hits, static_cast<std::int64_t>(right.size())),
               drop = analysis::newcombe(counts);
  row.low = share.low;
  row.high = share.high;
  row.drop_low = drop.low;
  row.drop_high = drop.high;
  row.p = analysis::mcnemar(counts);
  row.difference = analysis::difference_text(counts, row.p);
}

/// Any metric, over repeats and examples.
void judge_by_resampling(const RepeatedAnswers& answers, const std::vector<Answer>& floating, Metric metric,
                         std::uint64_t seed, AccuracyRow& row) {
  const analysis::BootstrapOptions options = resampling(answers.size(), floating.size(), seed);
  const auto value = [&](std::size_t r, std::span<const std::uint32_t> counts) {
    return arch::metric_value(metric, answers[r], counts);
  };
  const auto drop = [&](std::size_t r, std::span<const std::uint32_t> counts) {
    return arch::harm(metric, arch::metric_value(metric, floating, counts), value(r, counts));
  };
  const auto of_value = analysis::crossed_bootstrap(answers.size(), floating.size(), value, options),
             of_drop = analysis::crossed_bootstrap(answers.size(), floating.size(), drop, options);
  row.low = of_value.low;
  row.high = of_value.high;
  row.drop_low = of_drop.low;
  row.drop_high = of_drop.high;
  row.p = of_drop.p_zero;
}

void widen_by_one_repeat(const RepeatedAnswers& answers, const std::vector<Answer>& floating, Metric metric,
                         AccuracyRow& row) {
  AccuracyRow one = row;
  judge_shares(middle_repeat(answers, metric), floating, one);
  Limits share{row.low, row.high}, drop{row.drop_low, row.drop_high};
  widen(share, {one.low, one.high});
  widen(drop, {one.drop_low, one.drop_high});
  row.low = share.low;
  row.high = share.high;
  row.drop_low = drop.low;
  row.drop_high = drop.high;
}

void count_dies(const RepeatedAnswers& answers, double floating, Metric metric, AccuracyRow& row) {
  row.dies_within = std::count_if(answers.begin(), answers.end(), [&](const std::vector<Answer>& die) {
    return arch::harm(metric, floating, arch::metric_value(metric, die)) <= row.allowed + rounding;
  });
  const analysis::BinomialInterval yield =
      analysis::clopper_pearson(static_cast<std::uint64_t>(row.dies_within), answers.size());
  row.yield_low = yield.low;
  row.yield_high = yield.high;
}

/// Where no single pair of settings says it: over repeats, or of a metric that is no share.
std::string difference_text(const AccuracyRow& row) {
  const bool seen = row.p_adjusted <= 0.05;
  const std::string over = row.repeats > 1
                               ? fmt::format(" over {} {}", row.repeats, row.mode == "die" ? "dies" : "draws")
                               : std::string();
  const std::string drop = fmt::format("{}{} {}", analysis::accuracy_text(row, row.drop), over,
                                       analysis::accuracy_limits_text(row, row.drop_low, row.drop_high));
  if (seen) return fmt::format("a drop of {}, p = {:.2g}", drop, row.p_adjusted);
  const std::string would =
      std::isnan(row.detectable) || row.detectable > 1
          ? fmt::format("a drop above {} is ruled out",
                        analysis::accuracy_limit_text(row, std::max(0.0, row.drop_high)))
          : fmt::format("a drop above {} would have been", analysis::accuracy_text(row, row.detectable));
  return fmt::format("no difference seen (drop {}); {}", drop, would);
}

}  // namespace

void judge(const RepeatedAnswers& answers, const std::vector<Answer>& floating, Metric metric,
           const JudgeOptions& options, AccuracyRow& row) {
  const double reference = arch::metric_value(metric, floating);
  row.allowed = options.allowed_drop;
  row.drop = arch::harm(metric, reference, row.mean);
  const bool share = arch::is_share(metric);
  if (share) row.detectable = analysis::detectable_loss(static_cast<std::int64_t>(floating.size()));
  if (share && answers.size() == 1) {
    judge_shares(answers.front(), floating, row);
  } else {
    judge_by_resampling(answers, floating, metric, options.seed, row);
    if (share) widen_by_one_repeat(answers, floating, metric, row);
  }
  if (row.mode == "die") count_dies(answers, reference, metric, row);
}

void adjust_for_many(const std::vector<AccuracyRow*>& rows) {
  std::vector<double> p;
  p.reserve(rows.size());
  for (const AccuracyRow* row : rows) p.push_back(row->mode.empty() ? AccuracyRow::none : row->p);
  const std::vector<double> adjusted = analysis::holm(p);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    AccuracyRow& row = *rows[i];
    if (std::isnan(row.p)) continue;
    row.p_adjusted = row.mode.empty() ? row.p : adjusted[i];
    // A difference that one test shows and many together do not is not called one.
    if (row.difference.empty() || (row.p <= 0.05 && row.p_adjusted > 0.05))
      row.difference = difference_text(row);
  }
}

}  // namespace flare::studies
