// What a column study would run, known without simulating.
#pragma once

#include <cstddef>
#include <map>

#include "studies/study.hpp"

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

  std::size_t total() const { return timing + nominal + screening + full + tails; }
};
/// Builds every kind of testbench once, without simulating. Throws what a run would throw for the same
/// reasons.
ColumnPlan plan_column_study(const Study& study);

}  // namespace flare::studies
