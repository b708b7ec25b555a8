// flare._native: the array simulator's own bits in Python.
#include <fmt/format.h>

#include "engine/base/error_model_file.hpp"
#include "engine/base/hdf5_io.hpp"
#include "engine/base/measured_model.hpp"
#include "flare_arch/models/accuracy.hpp"
#include "python/native/arrays.hpp"

namespace flare::python {
namespace {

Model from_file(const std::string& file, const std::string& cell, int sawl, const std::string& adc,
                const std::string& corner) {
  if (file.ends_with(".csv"))
    return std::make_shared<const arch::ErrorModel>(engine::load_measured_model(file).model);
  return std::make_shared<const arch::ErrorModel>(
      engine::read_error_model(engine::open_result(file), {cell, sawl, adc, corner}));
}

Model gaussian(int sawl, int codes, double cells, double off_cells, double offsets, double noise) {
  return std::make_shared<const arch::ErrorModel>(
      arch::ErrorModel::gaussian(sawl, codes > 0 ? codes : sawl + 1, {cells, off_cells, offsets}, {noise}));
}

void add_error_model(py::module_& m) {
  py::class_<arch::ErrorModel, std::shared_ptr<arch::ErrorModel>>(
      m, "ErrorModel", "P(code | k) of a cell, SAWL and converter.")
      .def_static(
          "from_file",
          [](const std::string& f, const std::string& c, int s, const std::string& a, const std::string& k) {
            return std::const_pointer_cast<arch::ErrorModel>(from_file(f, c, s, a, k));
          },
          py::arg("file"), py::arg("cell") = "", py::arg("sawl") = 0, py::arg("adc") = "",
          py::arg("corner") = "", "Of a result file, by its key; or of a measured matrix (.csv).")
      .def_static(
          "neighbour",
          [](int sawl, double rate) {
            return std::make_shared<arch::ErrorModel>(arch::ErrorModel::neighbour_errors(sawl, rate));
          },
          py::arg("sawl"), py::arg("rate"), "Every read wrong by one code at this rate.")
      .def_static(
          "gaussian",
          [](int sawl, int codes, double cells, double off_cells, double offsets, double noise) {
            return std::const_pointer_cast<arch::ErrorModel>(
                gaussian(sawl, codes, cells, off_cells, offsets, noise));
          },
          py::arg("sawl"), py::kw_only(), py::arg("codes") = 0, py::arg("cells") = 0.0,
          py::arg("off_cells") = 0.0, py::arg("offsets") = 0.0, py::arg("noise") = 0.0,
          "Normal deviations in steps, all but noise frozen on a die; codes 0: one a level.")
      .def_readonly("sawl", &arch::ErrorModel::rows_per_read)
      .def_property_readonly("confusion",
                             [](const arch::ErrorModel& e) { return numpy_of<double>(e.confusion); })
      .def_property_readonly("largest_error_rate", &arch::ErrorModel::largest_error_rate);
}

}  // namespace

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
