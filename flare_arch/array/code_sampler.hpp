// Draws codes from an error model, prepared once so that a draw is cheap.
#pragma once

#include <cstdint>
#include <vector>

#include "flare_arch/array/error_model.hpp"

namespace flare::arch {

/// Values of codes are fixed-point numbers with `fraction_bits()` bits after the point, so that the
/// shift-adder behind the converters stays an integer one: 0 bits where every code reconstructs to an
/// integer, else 16 (values are rounded to 2^-16 on-cell).
class CodeSampler {
 public:
  /// Throws std::invalid_argument for a model that is not valid.
  explicit CodeSampler(const ErrorModel& model);

  const ErrorModel& model() const { return model_; }
  int rows_per_read() const { return model_.rows_per_read; }
  int fraction_bits() const { return fraction_bits_; }
  bool is_lossless() const { return lossless_; }

  /// True where code c is worth value_offset() + c value_step().
  bool is_even() const { return even_; }
  std::int32_t value_offset() const { return code_values_.front(); }
  std::int32_t value_step() const { return code_values_.size() > 1 ? code_values_[1] - code_values_[0] : 0; }

  /// Value of the most likely code of level k.
  std::int32_t base_value(int k) const { return levels_[k].base_value; }
  std::int32_t code_value(int code) const { return code_values_[code]; }

  /// Largest magnitude of a code's value.
  std::int32_t largest_value() const { return largest_value_; }

  /// P(not the most likely code | k), and the largest over k.
  double error_rate(int k) const { return levels_[k].error_rate; }
  double largest_error_rate() const { return largest_; }

  /// Value of the wrong code of level k that a uniform u in (0, 1) selects.
  std::int32_t wrong_value(int k, double u) const;

  /// Value of a code of level k: two independent uniforms, one for right or wrong, one for which wrong one.
  std::int32_t sample(int k, double u, double v) const {
    return u < levels_[k].error_rate ? wrong_value(k, v) : levels_[k].base_value;
  }

 private:
  struct Level {
    std::int32_t base_value = 0;
    double error_rate = 0;
    std::vector<double> cumulative;          // of the wrong codes, given that it is wrong
    std::vector<std::int32_t> wrong_values;  // same order
  };

  ErrorModel model_;
  int fraction_bits_ = 0;
  bool lossless_ = false, even_ = false;
  double largest_ = 0;
  std::int32_t largest_value_ = 0;
  std::vector<Level> levels_;
  std::vector<std::int32_t> code_values_;
};

}  // namespace flare::arch
