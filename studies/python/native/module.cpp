// flare._native: the array simulator's own bits in Python.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "flare_arch/models/accuracy.hpp"
#include "studies/python/native/arrays.hpp"

namespace flare::python {

Integers integers_of(const py::object& values, const char* what) {
  const py::array given = py::array::ensure(values);
  if (!given) throw py::type_error(std::string(what) + ": an array is expected");
  const char kind = given.dtype().kind();
  if (kind != 'i' && kind != 'u')
    throw py::type_error(std::string(what) + ": whole numbers are expected; quantise it first");
  if (py::isinstance<Integers>(given)) return given;
  const py::array_t<std::int64_t, py::array::c_style | py::array::forcecast> wide(given);
  Integers result(std::vector<py::ssize_t>(wide.shape(), wide.shape() + wide.ndim()));
  for (py::ssize_t i = 0; i < wide.size(); ++i) {
    const std::int64_t v = wide.data()[i];
    if (v < std::numeric_limits<std::int32_t>::min() || v > std::numeric_limits<std::int32_t>::max())
      throw std::invalid_argument(fmt::format("{}: {} does not fit 32 bits", what, v));
    result.mutable_data()[i] = static_cast<std::int32_t>(v);
  }
  return result;
}

arch::MatrixF matrix_of(const Floats& values, const char* what) {
  check_matrix(values, what);
  arch::MatrixF m(values.shape(0), values.shape(1));
  std::copy_n(values.data(), values.size(), m.data());
  if (!std::all_of(m.data(), m.data() + m.size(), [](float v) { return std::isfinite(v); }))
    throw std::invalid_argument(std::string(what) + ": holds a value that is not finite");
  return m;
}

arch::VectorF vector_of(const Floats& values) {
  return Eigen::Map<const arch::VectorF>(values.data(), values.size());
}

arch::Encoding encoding_of(const std::string& name) {
  if (name == "twos_complement") return arch::Encoding::twos_complement;
  if (name == "sign_magnitude") return arch::Encoding::sign_magnitude;
  if (name == "unsigned") return arch::Encoding::unsigned_binary;
  throw std::invalid_argument(
      fmt::format("encoding '{}' is not one of twos_complement, sign_magnitude, unsigned", name));
}

arch::ErrorMode mode_of_name(const std::string& name) {
  if (name == "read") return arch::ErrorMode::read;
  if (name == "die") return arch::ErrorMode::die;
  throw std::invalid_argument(fmt::format("mode '{}' is not one of read, die", name));
}

py::dict counters_of(const arch::ArrayCounters& c) {
  py::dict d;
  d["cycles"] = c.cycles;
  d["fixed_cycles"] = c.fixed_cycles;
  d["ideal_cycles"] = c.ideal_cycles;
  d["conversions"] = c.conversions;
  d["driven_rows"] = c.driven_rows;
  d["dummy_rows"] = c.dummy_rows;
  d["wrong_reads"] = c.wrong_reads;
  return d;
}

PYBIND11_MODULE(_native, m) {
  m.doc() = "FLARE's array simulator: the program's own bits.";
  add_error_model(m);
  add_array(m);
  add_layers(m);
  m.def("repeat_seed", &arch::repeat_seed, py::arg("seed"), py::arg("repeat"),
        "Seed of a draw or die of `flare accuracy --seed SEED`.");
}

}  // namespace flare::python
