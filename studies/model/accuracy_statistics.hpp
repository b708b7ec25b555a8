// What the answers of an evaluation show, beside those of floating point: limits, drop, tests, yield.
#pragma once

#include <vector>

#include "analysis/results/accuracy_table.hpp"
#include "flare_arch/models/answers.hpp"

namespace flare::studies {

struct JudgeOptions {
  double allowed_drop = 0.01;
  std::uint64_t seed = 1;  // of the resampling
};

/// [repeat][example].
using RepeatedAnswers = std::vector<std::vector<arch::Answer>>;

/// Fills in what `row` says about `answers`. One repeat of a share: Wilson, Newcombe and McNemar. Else by resampling
/// repeats and examples; of shares the limits are never closer than those of one repeat, as resampling cannot show what no
/// example showed. `floating`: the answers of floating point on the same examples.
void judge(const RepeatedAnswers& answers, const std::vector<arch::Answer>& floating, arch::Metric metric,
           const JudgeOptions& options, analysis::AccuracyRow& row);

/// p of the rows under errors adjusted for all of them (Holm), and what each row's difference is called then.
void adjust_for_many(const std::vector<analysis::AccuracyRow*>& rows);

}  // namespace flare::studies
