#include "flare_arch/attention/quantized_operand.hpp"

#include <cmath>
#include <stdexcept>

#include "flare_arch/array/word_product.hpp"
#include "flare_arch/quantizers/sdr.hpp"

namespace flare::arch {
namespace {

template <class Sum>
MatrixF dequantize(const Matrix<Sum>& sums, const std::vector<double>& row_scales, double scale) {
  MatrixF out(sums.rows(), sums.cols());
  for (Eigen::Index i = 0; i < sums.rows(); ++i)
    for (Eigen::Index c = 0; c < sums.cols(); ++c)
      out(i, c) = static_cast<float>(static_cast<double>(sums(i, c)) * (row_scales[i] * scale));
  return out;
}

void razor_in_place(QuantizedOperand& r, int base_bits, int group) {
  r.values = razor(r.values, base_bits, group).decode();
}

}  // namespace

QuantizedOperand absmax_rows(const MatrixF& x, double top) {
  QuantizedOperand r{MatrixI(x.rows(), x.cols()), {}};
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const double largest = x.row(i).cwiseAbs().maxCoeff();
    r.scales.push_back(largest > 0 ? largest / top : 1.0);
    for (Eigen::Index c = 0; c < x.cols(); ++c)
      r.values(i, c) = static_cast<std::int32_t>(std::lrint(x(i, c) / r.scales.back()));
  }
  return r;
}

QuantizedOperand absmax_tensor(const MatrixF& x, double top) {
  const double largest = x.cwiseAbs().maxCoeff(), scale = largest > 0 ? largest / top : 1.0;
  return {x.unaryExpr([scale](float v) { return static_cast<std::int32_t>(std::lrint(v / scale)); }),
          std::vector<double>(x.rows(), scale)};
}

MatrixF product_on(const Array& array, const QuantizedOperand& inputs, const PlaneFormat& format,
                   const ErrorInjection& errors, ArrayCounters* counters, double scale,
                   const PresentCells& present) {
  const auto dequantized = [&](auto sums) {
    array.multiply(inputs.values, format, errors, counters, sums, present);
    return dequantize(sums, inputs.scales, scale);
  };
  const double largest =
      largest_sum(array.depth(), array.format(), format, array.segmentation(), errors.sampler);
  return fits_32_bits(largest) ? dequantized(MatrixI()) : dequantized(MatrixL());
}

void QrazorOptions::check() const {
  for (const int bits : {weight_bits, activation_bits, kv_bits})
    if (bits != 4 && bits != 8) throw std::invalid_argument("QRazor: operands have 4 or 8 bits");
  if (group < 1 || group > 4096) throw std::invalid_argument("QRazor: groups of 1 to 4096 values");
}

QuantizedOperand razored_activation(const MatrixF& x, const QrazorOptions& options) {
  const bool cut = options.activation_bits == 4;
  QuantizedOperand a = absmax_rows(x, cut ? 32767 : 127);
  if (cut) razor_in_place(a, 16, options.group);
  return a;
}

QuantizedOperand razored_weight(const MatrixF& w, const QrazorOptions& options) {
  QuantizedOperand o = absmax_rows(w.transpose(), 127);
  if (options.weight_bits == 4) razor_in_place(o, 8, options.group);
  return o;
}

QuantizedOperand razored_cache(const MatrixF& kv, const QrazorOptions& options) {
  QuantizedOperand o = absmax_tensor(kv, 127);
  if (options.kv_bits == 4) razor_in_place(o, 8, options.group);
  return o;
}

namespace {

template <class Sum>
MatrixF dequantize(const Matrix<Sum>& sums, const QuantizedOperand& a, const QuantizedOperand& b) {
  MatrixF out(sums.rows(), sums.cols());
  for (Eigen::Index i = 0; i < out.rows(); ++i)
    for (Eigen::Index c = 0; c < out.cols(); ++c)
      out(i, c) = static_cast<float>(static_cast<double>(sums(i, c)) * a.scales[i] * b.scales[c]);
  return out;
}

double largest_of(const MatrixI& values) { return values.size() > 0 ? values.cwiseAbs().maxCoeff() : 0; }

}  // namespace

MatrixF dequantized_product(const QuantizedOperand& a, const QuantizedOperand& b) {
  constexpr double largest_word = 32767;
  const double of_a = largest_of(a.values), of_b = largest_of(b.values);
  if (of_a > largest_word + 1 || of_b > largest_word)
    return dequantize(MatrixL(a.values.cast<std::int64_t>() * b.values.cast<std::int64_t>().transpose()), a,
                      b);
  const WordProduct words(MatrixI(b.values.transpose()));
  const auto product = [&](auto sums) {
    words.multiply(a.values, sums);
    return dequantize(sums, a, b);
  };
  return fits_32_bits(static_cast<double>(a.values.cols()) * of_a * of_b) ? product(MatrixI())
                                                                          : product(MatrixL());
}

}  // namespace flare::arch
