#include "flare_arch/array/code_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

namespace flare::arch {

CodeSampler::CodeSampler(const ErrorModel& model) : model_(model) {
  std::string error;
  if (!model.is_valid(&error)) throw std::invalid_argument(error);
  const bool integers = std::all_of(model.reconstruct.begin(), model.reconstruct.end(),
                                    [](double v) { return v == std::floor(v); });
  fraction_bits_ = integers ? 0 : 16;
  const auto fixed = [&](double v) {
    return static_cast<std::int32_t>(std::lround(std::ldexp(v, fraction_bits_)));
  };
  const double offset = model.reconstruct.front();
  const double step = model.codes() > 1 ? (model.reconstruct.back() - offset) / (model.codes() - 1) : 0;
  even_ = true;
  for (int c = 0; c < model.codes(); ++c)
    even_ = even_ && std::abs(model.reconstruct[c] - (offset + c * step)) < 1e-9;
  for (int c = 0; c < model.codes(); ++c)
    code_values_.push_back(even_ ? fixed(offset) + c * fixed(step) : fixed(model.reconstruct[c]));
  for (const std::int32_t value : code_values_) largest_value_ = std::max(largest_value_, std::abs(value));
  lossless_ = model.is_lossless();
  largest_ = model.largest_error_rate();
  for (int k = 0; k <= model.rows_per_read; ++k) {
    Level level;
    const int likely = model.likely_code(k);
    level.base_value = code_values_[likely];
    level.error_rate = model.error_rate(k);
    double sum = 0;
    for (int c = 0; c < model.codes(); ++c) {
      if (c == likely || model.confusion(k, c) == 0) continue;
      sum += model.confusion(k, c);
      level.cumulative.push_back(sum / level.error_rate);
      level.wrong_values.push_back(code_values_[c]);
    }
    levels_.push_back(std::move(level));
  }
}

std::int32_t CodeSampler::wrong_value(int k, double u) const {
  const Level& level = levels_[k];
  const auto at = std::upper_bound(level.cumulative.begin(), level.cumulative.end(), u);
  const std::size_t index = std::min<std::size_t>(at - level.cumulative.begin(), level.cumulative.size() - 1);
  return level.wrong_values[index];
}

}  // namespace flare::arch
