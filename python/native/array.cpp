// One array: integer products, read by read.
#include <limits>

#include "flare_arch/array/array_die.hpp"
#include "python/native/arrays.hpp"

namespace flare::python {
namespace {

struct Product {
  arch::MatrixL sums;
  arch::ArrayCounters counters;
};

class PythonArray {
 public:
  PythonArray(const NumpyMatrix<std::int32_t>& weights, int bits, const std::string& encoding, int sawl)
      : array_(matrix_of(weights, "weights"), {bits, encoding_of(encoding)}, reads(sawl)) {}

  py::tuple matmul(const NumpyMatrix<std::int32_t>& x, int bits, const std::string& encoding,
                   const Model& errors, const std::string& mode, std::uint64_t seed, std::uint32_t array,
                   std::uint32_t first_token) const {
    const arch::MatrixI inputs = matrix_of(x, "x");
    const arch::PlaneFormat format{bits, encoding_of(encoding)};
    const arch::ErrorMode asked = mode_of_name(mode);
    Product p;
    {
      const py::gil_scoped_release others_run;
      p = multiply(inputs, format, errors, asked, seed, array, first_token);
    }
    return py::make_tuple(numpy_of<std::int64_t>(std::move(p.sums)), counters_of(p.counters));
  }

 private:
  static arch::SegmentationOptions reads(int sawl) {
    arch::SegmentationOptions o;
    o.rows_per_read = sawl;
    return o;
  }

  Product multiply(const arch::MatrixI& inputs, const arch::PlaneFormat& format, const Model& errors,
                   arch::ErrorMode mode, std::uint64_t seed, std::uint32_t array,
                   std::uint32_t first_token) const {
    std::unique_ptr<const arch::CodeSampler> sampler;
    std::unique_ptr<const arch::ArrayDie> die;
    if (errors) sampler = std::make_unique<arch::CodeSampler>(*errors);
    arch::ErrorInjection e;
    e.sampler = sampler.get();
    e.mode = arch::mode_of(sampler.get(), mode);
    e.seed = seed;
    e.array = array;
    e.first_token = first_token;
    if (sampler && e.mode == arch::ErrorMode::die) {
      die = std::make_unique<arch::ArrayDie>(*errors, seed, array, array_.depth(), array_.bitlines());
      e.die = die.get();
    }
    Product p;
    array_.multiply(inputs, format, e, &p.counters, p.sums);
    return p;
  }

  arch::Array array_;
};

}  // namespace

void add_array(py::module_& m) {
  py::class_<PythonArray>(m, "Array", "An array of cells that holds integer weights (depth x columns).")
      .def(py::init<const NumpyMatrix<std::int32_t>&, int, const std::string&, int>(), py::arg("weights"),
           py::kw_only(), py::arg("bits") = 8, py::arg("encoding") = "twos_complement", py::arg("sawl") = 8)
      .def("matmul", &PythonArray::matmul, py::arg("x"), py::kw_only(), py::arg("bits") = 8,
           py::arg("encoding") = "twos_complement", py::arg("errors") = Model(), py::arg("mode") = "read",
           py::arg("seed") = 1, py::arg("array") = 0, py::arg("first_token") = 0,
           "x (tokens x depth) times the weights: the sums, and what the reads counted. seed, array and "
           "first_token say "
           "which random numbers are drawn; the same ones give the same bits.");
}

}  // namespace flare::python
