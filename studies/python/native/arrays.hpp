// What Python sees of the array simulator. Each class holds what the C++ code needs to outlive its calls. Long work runs
// without the interpreter's lock; what arrays give back is theirs, not a copy.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>

#include "flare_arch/attention/attention.hpp"

namespace flare::python {

namespace py = pybind11;

using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;
using Integers = py::array_t<std::int32_t, py::array::c_style>;
using Model = std::shared_ptr<const arch::ErrorModel>;

/// Whole numbers as they lie in memory where they are 32 bits wide and row by row, else converted. Throws
/// py::type_error for numbers that are not whole by type, std::invalid_argument for those beyond 32 bits.
Integers integers_of(const py::object& values, const char* what);

template <class Values>
void check_matrix(const Values& values, const char* what) {
  if (values.ndim() != 2) throw std::invalid_argument(std::string(what) + ": two dimensions are expected");
}

/// A copy, for what keeps it.
arch::MatrixF matrix_of(const Floats& values, const char* what);
arch::VectorF vector_of(const Floats& values);

/// A NumPy array that owns the matrix: nothing is copied.
template <class T>
py::array_t<T> numpy_of(arch::Matrix<T> values) {
  auto owned = std::make_unique<arch::Matrix<T>>(std::move(values));
  T* data = owned->data();
  const Eigen::Index rows = owned->rows(), columns = owned->cols();
  const py::capsule owner(owned.release(), [](void* m) { delete static_cast<arch::Matrix<T>*>(m); });
  return py::array_t<T>({rows, columns}, data, owner);
}

/// Null for None; an ErrorModel of this module; or anything with `confusion` and `reconstruct`, as flare.ErrorModel.
Model model_of(const py::object& errors);
arch::Encoding encoding_of(const std::string& name);
arch::ErrorMode mode_of_name(const std::string& name);
/// {"cycles": ..., "conversions": ..., ...}
py::dict counters_of(const arch::ArrayCounters& counters);

void add_error_model(py::module_& m);
void add_array(py::module_& m);
void add_layers(py::module_& m);

}  // namespace flare::python
