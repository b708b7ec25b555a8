#include "flare_arch/attention/linear_layer.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "flare_arch/attention/integer_rows.hpp"
#include "flare_arch/attention/layer_arrays.hpp"

namespace flare::arch {
namespace {

void add_array(LayerDie& die, const AttentionErrors& errors, int layer, int number, const Array& array) {
  LayerDieMaker maker(errors, layer);
  maker.add(number, true, array.depth(), array.bitlines());
  LayerDie made = maker.take();
  if (die.arrays.empty()) die.arrays.resize(made.arrays.size());
  die.arrays[number] = std::move(made.arrays[number]);
}

ArrayCounters* stationary_counters(const AttentionErrors& errors) {
  return errors.counters != nullptr ? &errors.counters->stationary : nullptr;
}

/// What comes in and goes out crosses the device's border.
void count_words(const AttentionErrors& errors, const MatrixF& x, Eigen::Index outputs) {
  if (errors.counters != nullptr) errors.counters->tensor_words += x.size() + x.rows() * outputs;
}

}  // namespace

void LinearLayer::add_to(LayerDie&, const AttentionErrors&) const {}

Int8Linear::Int8Linear(const MatrixF& weight, int layer, int number, const Int8Options& options)
    : inputs_{8, options.input_encoding}, layer_(layer), number_(number) {
  const QuantizedOperand w = absmax_tensor(weight, 127);
  scale_ = w.scales.front();
  array_ = std::make_unique<Array>(w.values, PlaneFormat{8, options.weight_encoding}, options.stationary);
}

MatrixF Int8Linear::forward(const MatrixF& x, const AttentionErrors& errors) const {
  count_words(errors, x, array_->columns());
  return product_on(*array_, absmax_rows(x, 127), inputs_, array_injection(errors, layer_, number_, true),
                    stationary_counters(errors), scale_);
}

void Int8Linear::add_to(LayerDie& die, const AttentionErrors& errors) const {
  add_array(die, errors, layer_, number_, *array_);
}

EmsbLinear::EmsbLinear(const MatrixF& weight, int layer, int number, const std::vector<MatrixF>& calibration,
                       const IntegerAttentionOptions& options)
    : options_(options), layer_(layer), number_(number) {
  float largest = 0;
  for (const MatrixF& x : calibration) {
    if (x.cols() != weight.rows() || !x.allFinite())
      throw std::invalid_argument(
          "integer product: a calibration sequence has another width or is not finite");
    largest = std::max(largest, x.cwiseAbs().maxCoeff());
  }
  if (calibration.empty()) throw std::invalid_argument("integer product: no calibration sequences");
  if (largest > 0) input_scale_ = static_cast<double>(largest) / ((1 << (options.input_bits - 1)) - 1);
  const QuantizedOperand w = absmax_tensor(weight, (1 << (options.weight_bits - 1)) - 1);
  weight_scale_ = w.scales.front();
  array_ = std::make_unique<Array>(w.values, PlaneFormat{options.weight_bits, options.weight_encoding},
                                   options.stationary);
  halves_ = halves_of(w.values);
}

MatrixF EmsbLinear::forward(const MatrixF& x, const AttentionErrors& errors) const {
  count_words(errors, x, array_->columns());
  const double top = (1 << (options_.input_bits - 1)) - 1;
  const MatrixI words = rounded_words(x, input_scale_, -top - 1, top);
  const QuantizedRows codes = quantize_rows(words, {options_.activation_bits, true, options_.rounding});
  MatrixL sums =
      multiply<std::int64_t>(*array_, codes.codes, {options_.activation_bits, options_.input_encoding},
                             array_injection(errors, layer_, number_, true), stationary_counters(errors));
  MatrixF out(sums.rows(), sums.cols());
  for (Eigen::Index t = 0; t < out.rows(); ++t) {
    if (options_.rounding == Rounding::half_lsb && codes.shifts[t] > 0) add_halves(row_of(sums, t), halves_);
    const double scale = std::ldexp(input_scale_ * weight_scale_, codes.shifts[t]);
    for (Eigen::Index c = 0; c < out.cols(); ++c)
      out(t, c) = static_cast<float>(static_cast<double>(sums(t, c)) * scale);
  }
  return out;
}

void EmsbLinear::add_to(LayerDie& die, const AttentionErrors& errors) const {
  add_array(die, errors, layer_, number_, *array_);
}

QrazorLinear::QrazorLinear(const MatrixF& weight, const QrazorOptions& options) : options_(options) {
  options.check();
  weight_ = razored_weight(weight, options);
}

MatrixF QrazorLinear::forward(const MatrixF& x, const AttentionErrors&) const {
  return dequantized_product(razored_activation(x, options_), weight_);
}

}  // namespace flare::arch
