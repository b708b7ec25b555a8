// What a model answers to its examples, and the metrics that such answers are judged by.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flare_arch/base/matrix.hpp"
#include "flare_arch/models/dataset.hpp"

namespace flare::arch {

/// What one example contributes to the metric, and its weight: right or not (top1, top5) over 1; the sum of -log p over
/// how many tokens or labels it is of (loss); the model's output over 1 (pearson).
struct Score {
  double sum = 0, weight = 0;
};

/// How far the logits of an example are from those in floating point; NaN where nobody asked.
struct Deviation {
  /// Kullback-Leibler divergence of the answers' distribution from floating point's, in nats, mean over tokens.
  double divergence = std::numeric_limits<double>::quiet_NaN();
  /// |difference| over |floating point|, both less their mean (a constant changes no answer).
  double logit_error = std::numeric_limits<double>::quiet_NaN();
};

/// One example's label and the model's answer: the class of the largest logit, of the last token in a language model.
struct Answer {
  std::int32_t label = -1, answer = -1;
  Score score;
  bool in_five = false;                                      // the label is among the five largest logits
  double target = std::numeric_limits<double>::quiet_NaN();  // of an example that has one
  Deviation deviation;
};

/// "top1", "top5", "matthews", "f1", "pearson", "loss".
std::string metric_name(Metric metric);
std::optional<Metric> metric_of(const std::string& name);
std::vector<std::string> metric_names();
/// A share of right answers: paired tests hold.
constexpr bool is_share(Metric metric) { return metric == Metric::top1 || metric == Metric::top5; }
/// Of all metrics but the loss more is better.
constexpr double harm(Metric metric, double reference, double tested) {
  return metric == Metric::loss ? tested - reference : reference - tested;
}

/// Throws std::invalid_argument for a label that the model has not, or a metric that the example or the model does not
/// have; std::runtime_error for logits that are not finite.
Answer answer_of(const MatrixF& logits, const Example& example, Metric metric);
/// Of rows of the same size; `floating` are the example's logits in floating point.
Deviation deviation_of(const MatrixF& logits, const MatrixF& floating);

/// Value of the metric over all answers, each counted counts[i] times (empty: once). NaN where it has none: no weight, a
/// correlation with a constant.
double metric_value(Metric metric, std::span<const Answer> answers,
                    std::span<const std::uint32_t> counts = {});

}  // namespace flare::arch
