#include "flare_arch/base/float_product.hpp"

#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>

namespace flare::arch {
namespace {

constexpr double worth_a_call = 1 << 19;  // multiplications; below it Eigen is as fast

/// oneDNN on this thread alone while this lives.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

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
