// Outputs of the array for one input, drawn many times: what the Python package's product is compared with.
#include <cstdio>

#include "flare_arch/array/array.hpp"

int main() {
  using namespace flare::arch;
  ErrorModel model = ErrorModel::ideal(2);
  model.confusion << 0.9, 0.08, 0.02, 0.15, 0.8, 0.05, 0.01, 0.09, 0.9;
  const CodeSampler sampler(model);
  const PlaneFormat format{3, Encoding::twos_complement};
  MatrixI w(5, 1), x(1, 5);
  w << 3, -4, 1, 2, -1;
  x << 2, -3, 3, -4, 1;
  const Array array(w, format, {2, 2, Packing::fixed});
  ErrorInjection errors;
  errors.sampler = &sampler;
  errors.seed = 5;
  const MatrixI y = array.multiply(x.replicate(40'000, 1), format, errors);
  for (Eigen::Index t = 0; t < y.rows(); ++t) std::printf("%d\n", y(t, 0));
}
