// What Python sees of the array simulator. Each class holds what the C++ code needs to outlive its calls.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>

#include "flare_arch/attention/attention.hpp"
#include "flare_arch/attention/integer_attention.hpp"

namespace flare::python {

namespace py = pybind11;

template <class T>
using NumpyMatrix = py::array_t<T, py::array::c_style | py::array::forcecast>;
using Model = std::shared_ptr<const arch::ErrorModel>;

/// A copy of a two-dimensional array. Throws std::invalid_argument for another number of dimensions.
template <class T>
arch::Matrix<T> matrix_of(const NumpyMatrix<T>& values, const char* what) {
  if (values.ndim() != 2) throw std::invalid_argument(std::string(what) + ": two dimensions are expected");
  return Eigen::Map<const arch::Matrix<T>>(values.data(), values.shape(0), values.shape(1));
}

/// An array that owns the matrix: nothing is copied.
template <class T>
py::array_t<T> numpy_of(arch::Matrix<T> values) {
  auto owned = std::make_unique<arch::Matrix<T>>(std::move(values));
  T* data = owned->data();
  const Eigen::Index rows = owned->rows(), columns = owned->cols();
  const py::capsule owner(owned.release(), [](void* m) { delete static_cast<arch::Matrix<T>*>(m); });
  return py::array_t<T>({rows, columns}, data, owner);
}

arch::Encoding encoding_of(const std::string& name);
arch::ErrorMode mode_of_name(const std::string& name);
/// {"cycles": ..., "conversions": ..., ...}
py::dict counters_of(const arch::ArrayCounters& counters);

/// How the two kinds of arrays err in one call.
struct Errors {
  Model weights, dynamic;  // null: they do not
  std::string mode = "read";
  std::uint64_t seed = 1;
  std::uint32_t first_token = 0;
};

void add_array(py::module_& m);
void add_layers(py::module_& m);

}  // namespace flare::python
