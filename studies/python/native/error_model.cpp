// Error models: of a result file, a measured matrix, or made up.
#include <fmt/format.h>
#include <pybind11/eigen.h>

#include "engine/base/error_model_file.hpp"
#include "engine/base/hdf5_io.hpp"
#include "engine/base/measured_model.hpp"
#include "studies/python/native/arrays.hpp"

namespace flare::python {
namespace {

// pybind11 holds classes by pointers to what may change; nothing of a model does.
using Held = std::shared_ptr<arch::ErrorModel>;

Held held(arch::ErrorModel model) { return std::make_shared<arch::ErrorModel>(std::move(model)); }

Held from_file(const std::string& file, const std::string& cell, int sawl, const std::string& adc,
               const std::string& corner) {
  if (file.ends_with(".csv")) return held(engine::load_measured_model(file).model);
  return held(engine::read_error_model(engine::open_result(file), {cell, sawl, adc, corner}));
}

Held from_matrix(const Eigen::Ref<const engine::Matrix>& confusion,
                 const std::optional<std::vector<double>>& reconstruct) {
  engine::MatrixDescription description;
  description.reconstruct = reconstruct;
  return held(engine::model_of_matrix(confusion, description, "a matrix"));
}

Held gaussian(int sawl, int codes, double cells, double off_cells, double offsets, double noise) {
  arch::ErrorModel model =
      arch::ErrorModel::gaussian(sawl, codes > 0 ? codes : sawl + 1, {cells, off_cells, offsets}, {noise});
  std::string error;
  if (!model.is_valid(&error)) throw std::invalid_argument(error);
  return held(std::move(model));
}

Held neighbour(int sawl, double rate) {
  if (sawl < 1 || sawl > 64) throw std::invalid_argument("sawl: 1 to 64 are expected");
  arch::ErrorModel model = arch::ErrorModel::neighbour_errors(sawl, rate);
  std::string error;
  if (!model.is_valid(&error)) throw std::invalid_argument(error);
  return held(std::move(model));
}

/// A view that keeps the model alive and cannot be written to.
py::array confusion_of(const Held& model) {
  const engine::Matrix& c = model->confusion;
  py::array_t<double> view({c.rows(), c.cols()}, c.data(), py::cast(model));
  view.attr("flags").attr("writeable") = false;
  return view;
}

std::string text_of(const arch::ErrorModel& m) {
  return fmt::format("ErrorModel(SAWL {}, {} codes, worst error {:.3g})", m.rows_per_read, m.codes(),
                     m.largest_error_rate());
}

}  // namespace

Model model_of(const py::object& errors) {
  if (errors.is_none()) return nullptr;
  if (py::isinstance<arch::ErrorModel>(errors)) return errors.cast<Held>();
  if (!py::hasattr(errors, "confusion") || !py::hasattr(errors, "reconstruct"))
    throw py::type_error("errors: an ErrorModel or None is expected");
  return from_matrix(errors.attr("confusion").cast<engine::Matrix>(),
                     errors.attr("reconstruct").cast<std::vector<double>>());
}

void add_error_model(py::module_& m) {
  py::class_<arch::ErrorModel, Held>(m, "ErrorModel", "P(code | k) of a cell, SAWL and converter.")
      .def_static("from_file", &from_file, py::arg("file"), py::arg("cell") = "", py::arg("sawl") = 0,
                  py::arg("adc") = "", py::arg("corner") = "",
                  "Of a result file, by its key; or of a measured matrix (.csv).")
      .def_static("from_matrix", &from_matrix, py::arg("confusion"), py::arg("reconstruct") = std::nullopt,
                  "Row k: the probability of every code; reconstruct: on-cells that each code stands for.")
      .def_static("neighbour", &neighbour, py::arg("sawl"), py::arg("rate"),
                  "Every read wrong by one code at this rate.")
      .def_static("gaussian", &gaussian, py::arg("sawl"), py::kw_only(), py::arg("codes") = 0,
                  py::arg("cells") = 0.0, py::arg("off_cells") = 0.0, py::arg("offsets") = 0.0,
                  py::arg("noise") = 0.0,
                  "Normal deviations in steps, all but noise frozen on a die; codes 0: one a level.")
      .def_readonly("sawl", &arch::ErrorModel::rows_per_read)
      .def_readonly("reconstruct", &arch::ErrorModel::reconstruct)
      .def_property_readonly("confusion", &confusion_of)
      .def_property_readonly("largest_error_rate", &arch::ErrorModel::largest_error_rate)
      .def("__repr__", &text_of);
}

}  // namespace flare::python
