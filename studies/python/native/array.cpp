// One array: integer products, read by read.
#include <map>

#include "flare_arch/array/array_die.hpp"
#include "studies/python/native/arrays.hpp"

namespace flare::python {
namespace {

/// How a call's reads err.
struct Draw {
  Model errors;
  arch::ErrorMode mode;
  std::uint64_t seed;
  std::uint32_t array, first_token;
};

class PythonArray {
 public:
  explicit PythonArray(arch::Array array) : array_(std::move(array)) {}

  static std::unique_ptr<PythonArray> make(const py::object& weights, int bits, const std::string& encoding,
                                           int sawl, const std::string& packing, int slice_length) {
    const Integers w = integers_of(weights, "weights");
    check_matrix(w, "weights");
    const arch::PlaneFormat format{bits, encoding_of(encoding)};
    const py::gil_scoped_release others_run;
    return std::make_unique<PythonArray>(arch::Array(view_of(w), format, reads(sawl, packing, slice_length)));
  }

  py::tuple matmul(const py::object& x, int bits, const std::string& encoding, const py::object& errors,
                   const std::string& mode, std::uint64_t seed, std::uint32_t array,
                   std::uint32_t first_token, int threads) const {
    const Integers inputs = integers_of(x, "x");
    check_matrix(inputs, "x");
    const arch::PlaneFormat format{bits, encoding_of(encoding)};
    const Draw draw{model_of(errors), mode_of_name(mode), seed, array, first_token};
    arch::MatrixL sums;
    arch::ArrayCounters counters;
    {
      const py::gil_scoped_release others_run;
      multiply(view_of(inputs), format, draw, threads, sums, counters);
    }
    return py::make_tuple(numpy_of<std::int64_t>(std::move(sums)), counters_of(counters));
  }

  py::tuple shape() const { return py::make_tuple(array_.depth(), array_.columns()); }

 private:
  static Eigen::Map<const arch::MatrixI> view_of(const Integers& values) {
    return {values.data(), values.shape(0), values.shape(1)};
  }

  static arch::SegmentationOptions reads(int sawl, const std::string& packing, int slice_length) {
    using arch::Packing;
    static const std::map<std::string, Packing> packings = {{"fixed", Packing::fixed},
                                                            {"next_fit", Packing::next_fit},
                                                            {"first_fit", Packing::first_fit},
                                                            {"best_fit", Packing::best_fit},
                                                            {"ideal", Packing::ideal}};
    const auto known = packings.find(packing);
    if (known == packings.end())
      throw std::invalid_argument("packing: fixed, next_fit, first_fit, best_fit or ideal is expected");
    arch::SegmentationOptions o;
    o.rows_per_read = sawl;
    o.packing = known->second;
    o.slice_length = slice_length;
    return o;
  }

  void multiply(const arch::IntegerView& inputs, const arch::PlaneFormat& format, const Draw& draw,
                int threads, arch::MatrixL& sums, arch::ArrayCounters& counters) const {
    std::unique_ptr<const arch::CodeSampler> sampler;
    std::unique_ptr<const arch::ArrayDie> die;
    arch::ErrorInjection e;
    if (draw.errors) sampler = std::make_unique<arch::CodeSampler>(*draw.errors);
    e.sampler = sampler.get();
    e.mode = arch::mode_of(sampler.get(), draw.mode);
    e.seed = draw.seed;
    e.array = draw.array;
    e.first_token = draw.first_token;
    e.threads = threads;
    if (sampler && e.mode == arch::ErrorMode::die) {
      die = std::make_unique<arch::ArrayDie>(*draw.errors, draw.seed, draw.array, array_.depth(),
                                             array_.bitlines());
      e.die = die.get();
    }
    array_.multiply(inputs, format, e, &counters, sums);
  }

  arch::Array array_;
};

}  // namespace

void add_array(py::module_& m) {
  py::class_<PythonArray>(m, "Array", "An array of cells that holds integer weights (depth x columns).")
      .def(py::init(&PythonArray::make), py::arg("weights"), py::kw_only(), py::arg("bits") = 8,
           py::arg("encoding") = "twos_complement", py::arg("sawl") = 8, py::arg("packing") = "next_fit",
           py::arg("slice_length") = 16)
      .def(
          "matmul", &PythonArray::matmul, py::arg("x"), py::kw_only(), py::arg("bits") = 8,
          py::arg("encoding") = "twos_complement", py::arg("errors") = py::none(), py::arg("mode") = "read",
          py::arg("seed") = 1, py::arg("array") = 0, py::arg("first_token") = 0, py::arg("threads") = 1,
          "x (tokens x depth) times the weights: the sums (64 bits), and what the reads counted. seed, array "
          "and first_token say which random numbers are drawn; the same ones give the same bits, whatever "
          "the threads.")
      .def_property_readonly("shape", &PythonArray::shape);
}

}  // namespace flare::python
