// Rows of integer matrices through the stages of the integer path. Internal to flare_arch.
#pragma once

#include <span>
#include <vector>

#include "flare_arch/array/array.hpp"
#include "flare_arch/attention/integer_stages.hpp"
#include "flare_arch/quantizers/emsb_quantizer.hpp"

namespace flare::arch {

template <class T>
std::span<T> row_of(Matrix<T>& m, Eigen::Index row) {
  return {m.data() + row * m.cols(), static_cast<std::size_t>(m.cols())};
}

template <class T>
std::span<const T> row_of(const Matrix<T>& m, Eigen::Index row) {
  return {m.data() + row * m.cols(), static_cast<std::size_t>(m.cols())};
}

template <class T>
std::span<const T> values_of(const Matrix<T>& m) {
  return {m.data(), static_cast<std::size_t>(m.size())};
}

inline std::vector<std::int32_t> halves_of(const MatrixI& m) {
  std::vector<std::int32_t> halves(m.cols());
  half_column_sums(values_of(m), halves);
  return halves;
}

template <class Sum>
MatrixI parse_matrix(const Matrix<Sum>& m, int shift, const EmsbOptions& options) {
  MatrixI codes(m.rows(), m.cols());
  parse_row(values_of(m), shift, options, {codes.data(), static_cast<std::size_t>(codes.size())});
  return codes;
}

template <class Sum>
Matrix<Sum> multiply(const Array& array, const MatrixI& inputs, const PlaneFormat& format,
                     const ErrorInjection& errors, ArrayCounters* counters,
                     const PresentCells& present = {}) {
  Matrix<Sum> sums;
  array.multiply(inputs, format, errors, counters, sums, present);
  return sums;
}

/// values / scale, rounded half to even, between `lowest` and `highest`: at most 2^31 of magnitude. Where words enter the integer
/// path.
inline MatrixI rounded_words(const MatrixF& values, double scale, double lowest, double highest) {
  constexpr double whole = 0x1.8p52;  // beside it a double keeps no fraction
  MatrixI words(values.rows(), values.cols());
  const float* from = values.data();
  std::int32_t* to = words.data();
  for (Eigen::Index i = 0; i < values.size(); ++i) {  // one loop that the compiler makes vectors of
    double v = from[i] / scale;
    v = v < lowest ? lowest : v;
    v = v > highest ? highest : v;
    to[i] = static_cast<std::int32_t>((v + whole) - whole);
  }
  return words;
}

/// Rows after eMSB-Q, and the shift of each.
struct QuantizedRows {
  MatrixI codes;
  std::vector<int> shifts;
};

template <class Sum>
QuantizedRows quantize_rows(const Matrix<Sum>& m, const EmsbOptions& options) {
  QuantizedRows q{MatrixI(m.rows(), m.cols()), {}};
  for (Eigen::Index i = 0; i < m.rows(); ++i)
    q.shifts.push_back(emsb_quantize(row_of(m, i), row_of(q.codes, i), options));
  return q;
}

}  // namespace flare::arch
