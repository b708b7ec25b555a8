#include "flare_arch/models/answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>

namespace flare::arch {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr int best_places = 5;

constexpr std::array<std::pair<Metric, const char*>, 6> names = {{{Metric::top1, "top1"},
                                                                  {Metric::top5, "top5"},
                                                                  {Metric::matthews, "matthews"},
                                                                  {Metric::f1, "f1"},
                                                                  {Metric::pearson, "pearson"},
                                                                  {Metric::loss, "loss"}}};

double log_of_sum(const Eigen::RowVectorXd& row) {
  const double largest = row.maxCoeff();
  return largest + std::log((row.array() - largest).exp().sum());
}

void check_label(const MatrixF& logits, const Example& example) {
  if (example.label < 0 || example.label >= logits.cols())
    throw std::invalid_argument(
        fmt::format("accuracy: label {} is not one of the model's {} classes", example.label, logits.cols()));
}

/// -log p of every token but the first.
Score next_tokens(const MatrixF& logits, const Example& example) {
  Score score;
  for (Eigen::Index t = 0; t + 1 < logits.rows(); ++t) {
    const Eigen::RowVectorXd row = logits.row(t).cast<double>();
    const double largest = row.maxCoeff();
    score.sum += largest + std::log((row.array() - largest).exp().sum()) - row(example.tokens[t + 1]);
    score.weight += 1;
  }
  return score;
}

bool among_the_best(const Eigen::RowVectorXf& logits, int label) {
  Eigen::Index before = 0;  // as many are larger; among equals the first is ahead, as the answer's is
  for (Eigen::Index c = 0; c < logits.size(); ++c)
    before += logits(c) > logits(label) || (logits(c) == logits(label) && c < label) ? 1 : 0;
  return before < best_places;
}

Score score_of(const MatrixF& logits, const Example& example, Metric metric, const Answer& a) {
  switch (metric) {
    case Metric::top5:
      return {a.in_five ? 1.0 : 0.0, 1};
    case Metric::loss: {
      const Eigen::RowVectorXd row = logits.row(logits.rows() - 1).cast<double>();
      return {log_of_sum(row) - row(example.label), 1};
    }
    default:
      return {a.answer == a.label ? 1.0 : 0.0, 1};
  }
}

/// How often example i counts.
double count_of(std::span<const std::uint32_t> counts, std::size_t i) {
  return counts.empty() ? 1.0 : static_cast<double>(counts[i]);
}

double mean_score(std::span<const Answer> answers, std::span<const std::uint32_t> counts) {
  double sum = 0, weight = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    sum += count_of(counts, i) * answers[i].score.sum;
    weight += count_of(counts, i) * answers[i].score.weight;
  }
  return weight > 0 ? sum / weight : none;
}

/// The correlation coefficient R_K of a confusion matrix; for two classes Matthews'.
double matthews(std::span<const Answer> answers, std::span<const std::uint32_t> counts) {
  std::map<std::int32_t, std::pair<double, double>> classes;  // how often true, how often answered
  double right = 0, all = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const double n = count_of(counts, i);
    classes[answers[i].label].first += n;
    classes[answers[i].answer].second += n;
    right += answers[i].answer == answers[i].label ? n : 0;
    all += n;
  }
  double products = 0, answered = 0, truths = 0;
  for (const auto& [label, often] : classes) {
    products += often.first * often.second;
    truths += often.first * often.first;
    answered += often.second * often.second;
  }
  const double spread = (all * all - answered) * (all * all - truths);
  return spread > 0 ? (right * all - products) / std::sqrt(spread) : none;
}

double f1(std::span<const Answer> answers, std::span<const std::uint32_t> counts) {
  double hits = 0, others = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const bool truth = answers[i].label == 1, answered = answers[i].answer == 1;
    hits += truth && answered ? count_of(counts, i) : 0;
    others += truth != answered ? count_of(counts, i) : 0;
  }
  return hits + others > 0 ? 2 * hits / (2 * hits + others) : none;
}

double pearson(std::span<const Answer> answers, std::span<const std::uint32_t> counts) {
  double all = 0, x = 0, y = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    all += count_of(counts, i);
    x += count_of(counts, i) * answers[i].score.sum;
    y += count_of(counts, i) * answers[i].target;
  }
  x /= all;
  y /= all;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const double n = count_of(counts, i), dx = answers[i].score.sum - x, dy = answers[i].target - y;
    xx += n * dx * dx;
    yy += n * dy * dy;
    xy += n * dx * dy;
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : none;
}

void check_metric(const MatrixF& logits, const Example& example, Metric metric) {
  if (metric == Metric::pearson) {
    if (logits.cols() != 1 || !std::isfinite(example.target))
      throw std::invalid_argument(
          "accuracy: pearson needs a model with one output and examples with a number as their label");
    return;
  }
  const bool predicts_tokens = metric == Metric::loss && example.label < 0;
  if (!predicts_tokens) check_label(logits, example);
  if (metric == Metric::top5 && logits.cols() <= best_places)
    throw std::invalid_argument(
        fmt::format("accuracy: top5 is of more than five classes, the model has {}", logits.cols()));
  if (metric == Metric::f1 && logits.cols() != 2)
    throw std::invalid_argument(
        fmt::format("accuracy: f1 is of two classes, the model has {}", logits.cols()));
}

}  // namespace

std::string metric_name(Metric metric) {
  for (const auto& [known, name] : names)
    if (known == metric) return name;
  throw std::logic_error("metric without a name");
}

std::optional<Metric> metric_of(const std::string& name) {
  for (const auto& [known, its] : names)
    if (name == its) return known;
  return std::nullopt;
}

std::vector<std::string> metric_names() {
  std::vector<std::string> all;
  all.reserve(names.size());
  for (const auto& [known, name] : names) all.emplace_back(name);
  return all;
}

Answer answer_of(const MatrixF& logits, const Example& example, Metric metric) {
  if (!logits.allFinite())
    throw std::runtime_error("accuracy: the model gives numbers that are not finite for an example");
  check_metric(logits, example, metric);
  Answer a;
  Eigen::Index largest_at = 0;
  const Eigen::RowVectorXf last = logits.row(logits.rows() - 1);
  last.maxCoeff(&largest_at);
  a.label = example.label;
  a.answer = static_cast<std::int32_t>(largest_at);
  a.target = example.target;
  if (metric == Metric::pearson) {
    a.score = {static_cast<double>(last(0)), 1};
  } else if (metric == Metric::loss && example.label < 0) {
    a.score = next_tokens(logits, example);
  } else {
    a.in_five = among_the_best(last, example.label);
    a.score = score_of(logits, example, metric, a);
  }
  return a;
}

Deviation deviation_of(const MatrixF& logits, const MatrixF& floating) {
  if (logits.rows() != floating.rows() || logits.cols() != floating.cols())
    throw std::invalid_argument("accuracy: logits of another size than in floating point");
  Deviation d{0, 0};
  double change = 0, size = 0;
  for (Eigen::Index t = 0; t < logits.rows(); ++t) {
    const Eigen::RowVectorXd q = logits.row(t).cast<double>(), p = floating.row(t).cast<double>();
    const Eigen::ArrayXXd log_p = p.array() - log_of_sum(p), log_q = q.array() - log_of_sum(q);
    d.divergence += (log_p.exp() * (log_p - log_q)).sum();
    const Eigen::RowVectorXd moved = q - p;
    const bool one = logits.cols() == 1;  // a single output has no constant to be free of
    change += (moved.array() - (one ? 0.0 : moved.mean())).square().sum();
    size += (p.array() - (one ? 0.0 : p.mean())).square().sum();
  }
  d.divergence = std::max(0.0, d.divergence / static_cast<double>(logits.rows()));
  d.logit_error = size > 0 ? std::sqrt(change / size) : none;
  return d;
}

double metric_value(Metric metric, std::span<const Answer> answers, std::span<const std::uint32_t> counts) {
  if (!counts.empty() && counts.size() != answers.size())
    throw std::invalid_argument("metric: as many counts as answers are expected");
  switch (metric) {
    case Metric::matthews:
      return matthews(answers, counts);
    case Metric::f1:
      return f1(answers, counts);
    case Metric::pearson:
      return pearson(answers, counts);
    default:
      return mean_score(answers, counts);
  }
}

}  // namespace flare::arch
