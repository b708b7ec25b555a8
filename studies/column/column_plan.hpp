// What a column study would run, known before it is.
#pragma once

#include <cstddef>
#include <map>

#include "engine/simulate/evaluator.hpp"
#include "studies/run/work_estimate.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// How many runs a column study makes: for `flare check`.
struct ColumnPlan {
  std::size_t points = 0;
  std::size_t timing = 0;
  std::size_t nominal = 0;
  std::size_t screening = 0;
  std::size_t full = 0;                  // at most: every corner that may be run in full
  std::size_t tails = 0;                 // at most: the estimator's budget
  std::map<int, std::size_t> dimension;  // variables by SAWL
  WorkEstimate work;
};
/// Builds every kind of testbench once and rehearses the column of each SAWL. Throws what a run would throw for the
/// same reasons.
ColumnPlan plan_column_study(const Study& study, engine::Evaluator& evaluator);

}  // namespace flare::studies
