#include "studies/column/column_bounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace flare::studies {

namespace {

using analysis::Probability;
using analysis::TailProbability;
using analysis::TailQuestion;
using analysis::TailStatus;

/// ln of how many times P(near) bounds P(far); infinite where it does not.
double log_factor(const TailQuestion& near, const TailQuestion& far) {
  const double distance =
      near.side == analysis::Side::below ? near.limit - far.limit : far.limit - near.limit;
  if (near.side != far.side || distance < 0.0 || far.noise > near.noise)
    return std::numeric_limits<double>::infinity();
  return far.noise < near.noise ? std::log(2.0) : 0.0;
}

TailProbability bound_from(const TailProbability& near, double log_high, const std::string& who) {
  TailProbability bound = near;
  bound.high = Probability::of_log(log_high);
  bound.p = bound.high;
  bound.low = Probability(0.0);
  bound.status = TailStatus::bound;
  bound.met_half_space = bound.met_corner = std::numeric_limits<double>::quiet_NaN();  // told of another p
  bound.method = fmt::format("no more than {}, whose threshold lies no further", who);
  return bound;
}

}  // namespace

void bound_by_others(LevelTails& level, const std::vector<LevelQuestion>& questions,
                     const std::vector<SetConverter>& converters, double wanted) {
  std::vector<EstimatedTail*> tails;  // in the order of the questions
  for (auto& of_converter : level.by_converter)
    for (EstimatedTail& tail : of_converter) tails.push_back(&tail);
  for (std::size_t q = 0; q < questions.size(); ++q) {
    TailProbability& open = tails[q]->tail.probability;
    if (open.status != TailStatus::refused && !open.is_upper_bound()) continue;
    for (std::size_t other = 0; other < questions.size(); ++other) {
      const TailProbability& near = tails[other]->tail.probability;
      if (near.status != TailStatus::estimated) continue;
      const double log_high = near.high.log() + log_factor(questions[other].ask, questions[q].ask);
      if (!(log_high <= std::log(wanted))) continue;
      if (open.status == TailStatus::bound && open.high.log() <= log_high) continue;
      open = bound_from(near, log_high, converters[questions[other].converter].converter.name);
    }
  }
}

}  // namespace flare::studies
