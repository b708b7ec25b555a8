#include "flare_arch/base/float_product.hpp"

#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>

#include "flare_arch/base/one_thread.hpp"

namespace flare::arch {
namespace {

constexpr double worth_a_call = 1 << 19;  // multiplications; below it Eigen is as fast

bool is_large(Eigen::Index m, Eigen::Index k, Eigen::Index n) {
  return static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n) >= worth_a_call;
}

/// Row-major a (m x k) times b, or b transposed, on oneDNN.
MatrixF large_product(const MatrixView& a, const MatrixView& b, char transposed, Eigen::Index columns) {
  MatrixF result(a.rows(), columns);
  const OneThread one;
  const dnnl::status status =
      dnnl::sgemm('N', transposed, a.rows(), columns, a.cols(), 1.0f, a.data(), a.outerStride(), b.data(),
                  b.outerStride(), 0.0f, result.data(), columns);
  if (status != dnnl::status::success) throw std::runtime_error("oneDNN: a product in floating point failed");
  return result;
}

}  // namespace

MatrixF product(const MatrixView& a, const MatrixView& b) {
  if (is_large(a.rows(), a.cols(), b.cols())) return large_product(a, b, 'N', b.cols());
  return a * b;
}

MatrixF product_with_transposed(const MatrixView& a, const MatrixView& b) {
  if (is_large(a.rows(), a.cols(), b.rows())) return large_product(a, b, 'T', b.rows());
  return a * b.transpose();
}

}  // namespace flare::arch
