// Layers of a model: attention and products with fixed weights, on the arithmetics of `flare accuracy`.
#include <fmt/format.h>

#include "flare_arch/attention/layer_arrays.hpp"
#include "flare_arch/attention/linear_layer.hpp"
#include "python/native/arrays.hpp"

namespace flare::python {
namespace {

using Floats = NumpyMatrix<float>;

std::vector<arch::MatrixF> sequences(const std::vector<Floats>& arrays) {
  std::vector<arch::MatrixF> all;
  for (const Floats& a : arrays) all.push_back(matrix_of(a, "calibration"));
  return all;
}

arch::VectorF vector_of(const NumpyMatrix<float>& values) {
  return Eigen::Map<const arch::VectorF>(values.data(), values.size());
}

arch::IntegerAttentionOptions options_of(const py::dict& settings) {
  arch::IntegerAttentionOptions o;
  const auto take = [&](const char* key, auto& value) {
    if (settings.contains(key)) value = settings[key].cast<std::decay_t<decltype(value)>>();
  };
  std::string input = "twos_complement", weight = "twos_complement";
  int sawl = o.stationary.rows_per_read, dynamic_sawl = 0;
  take("activation_bits", o.activation_bits);
  take("kv_bits", o.kv_bits);
  take("input_encoding", input);
  take("weight_encoding", weight);
  take("sawl", sawl);
  dynamic_sawl = sawl;
  take("dynamic_sawl", dynamic_sawl);
  for (const auto& item : settings) {
    const auto key = item.first.cast<std::string>();
    if (key != "activation_bits" && key != "kv_bits" && key != "input_encoding" && key != "weight_encoding" &&
        key != "sawl" && key != "dynamic_sawl")
      throw std::invalid_argument(fmt::format("unknown setting '{}'", key));
  }
  o.input_encoding = encoding_of(input);
  o.weight_encoding = encoding_of(weight);
  o.stationary.rows_per_read = sawl;
  o.dynamic.rows_per_read = dynamic_sawl;
  return o;
}

/// What stays the same over the calls under one choice of errors: samplers, and what is frozen on the die.
class Drawn {
 public:
  Drawn(const Errors& errors, const std::function<arch::LayerDie(const arch::AttentionErrors&)>& make_die) {
    if (errors.weights) weights_ = std::make_unique<arch::CodeSampler>(*errors.weights);
    if (errors.dynamic) dynamic_ = std::make_unique<arch::CodeSampler>(*errors.dynamic);
    own_.stationary = weights_.get();
    own_.dynamic = dynamic_.get();
    own_.mode = mode_of_name(errors.mode);
    own_.seed = errors.seed;
    if (own_.mode == arch::ErrorMode::die && (weights_ || dynamic_)) die_ = make_die(own_);
  }

  arch::AttentionErrors of_token(std::uint32_t first) const {
    arch::AttentionErrors e = own_;
    e.first_token = first;
    if (!die_.arrays.empty()) e.die = &die_;
    return e;
  }

 private:
  std::unique_ptr<const arch::CodeSampler> weights_, dynamic_;
  arch::AttentionErrors own_;
  arch::LayerDie die_;
};

py::tuple with_counters(arch::MatrixF y, const arch::AttentionCounters& counters) {
  py::dict d;
  d["weights"] = counters_of(counters.stationary);
  d["dynamic"] = counters_of(counters.dynamic);
  return py::make_tuple(numpy_of<float>(std::move(y)), d);
}

class PythonAttention {
 public:
  PythonAttention(const std::string& quantizer, const arch::AttentionWeights& weights, int layer,
                  const std::vector<arch::MatrixF>& calibration, const py::dict& settings, int tokens)
      : tokens_(tokens) {
    const arch::IntegerAttentionOptions o = options_of(settings);
    if (quantizer == "emsbq") {
      layer_ = std::make_unique<arch::IntegerAttention>(weights, layer, calibration, o);
    } else if (quantizer == "int8") {
      layer_ = std::make_unique<arch::Int8Attention>(
          weights, layer, arch::Int8Options{o.input_encoding, o.weight_encoding, o.stationary, o.dynamic});
    } else if (quantizer == "float") {
      layer_ = std::make_unique<arch::FloatAttention>(weights);
    } else {
      throw std::invalid_argument(fmt::format("quantizer '{}' is not one of emsbq, int8, float", quantizer));
    }
  }

  void set_errors(const Model& weights, const Model& dynamic, const std::string& mode, std::uint64_t seed) {
    drawn_ = std::make_unique<Drawn>(
        Errors{weights, dynamic, mode, seed},
        [this](const arch::AttentionErrors& e) { return layer_->make_die(e, tokens_); });
  }

  py::tuple forward(const Floats& x, std::uint32_t first_token) const {
    const arch::MatrixF in = matrix_of(x, "x");
    arch::AttentionErrors errors = drawn_ ? drawn_->of_token(first_token) : arch::AttentionErrors();
    arch::AttentionCounters counters;
    errors.counters = &counters;
    arch::MatrixF y;
    {
      const py::gil_scoped_release others_run;
      y = layer_->forward(in, errors);
    }
    return with_counters(std::move(y), counters);
  }

 private:
  std::unique_ptr<arch::AttentionLayer> layer_;
  std::unique_ptr<Drawn> drawn_;
  int tokens_;
};

std::unique_ptr<PythonAttention> make_attention(const std::string& quantizer, const Floats& q,
                                                const Floats& k, const Floats& v, const Floats& o,
                                                const py::dict& biases, int heads, int kv_heads, bool causal,
                                                int layer, const std::vector<Floats>& calibration,
                                                const py::dict& settings, int tokens) {
  arch::AttentionWeights w;
  w.heads = heads;
  w.kv_heads = kv_heads;
  w.causal = causal;
  w.query = matrix_of(q, "query");
  w.key = matrix_of(k, "key");
  w.value = matrix_of(v, "value");
  w.output = matrix_of(o, "output");
  const auto bias = [&](const char* name, arch::VectorF& into) {
    if (biases.contains(name)) into = vector_of(biases[name].cast<Floats>());
  };
  bias("query", w.query_bias);
  bias("key", w.key_bias);
  bias("value", w.value_bias);
  w.output_bias = arch::VectorF::Zero(w.output.cols());
  bias("output", w.output_bias);
  w.check();
  return std::make_unique<PythonAttention>(quantizer, w, layer, sequences(calibration), settings, tokens);
}

class PythonLinear {
 public:
  PythonLinear(const std::string& quantizer, const Floats& weight, int layer, int number,
               const std::vector<Floats>& calibration, const py::dict& settings) {
    const arch::IntegerAttentionOptions o = options_of(settings);
    const arch::MatrixF w = matrix_of(weight, "weight");
    const int array = arch::mlp_arrays + number;
    if (number < 0 || array >= arch::output_arrays)
      throw std::invalid_argument("number: 0 to 12 are expected");
    if (quantizer == "emsbq") {
      linear_ = std::make_unique<arch::EmsbLinear>(w, layer, array, sequences(calibration), o);
    } else if (quantizer == "int8") {
      linear_ = std::make_unique<arch::Int8Linear>(
          w, layer, array, arch::Int8Options{o.input_encoding, o.weight_encoding, o.stationary, o.dynamic});
    } else {
      throw std::invalid_argument(fmt::format("quantizer '{}' is not one of emsbq, int8", quantizer));
    }
  }

  void set_errors(const Model& weights, const std::string& mode, std::uint64_t seed) {
    drawn_ =
        std::make_unique<Drawn>(Errors{weights, nullptr, mode, seed}, [this](const arch::AttentionErrors& e) {
          arch::LayerDie die;
          die.arrays.resize(arch::arrays_per_layer);
          linear_->add_to(die, e);
          return die;
        });
  }

  py::tuple forward(const Floats& x, std::uint32_t first_token) const {
    const arch::MatrixF in = matrix_of(x, "x");
    arch::AttentionErrors errors = drawn_ ? drawn_->of_token(first_token) : arch::AttentionErrors();
    arch::AttentionCounters counters;
    errors.counters = &counters;
    arch::MatrixF y;
    {
      const py::gil_scoped_release others_run;
      y = linear_->forward(in, errors);
    }
    return with_counters(std::move(y), counters);
  }

 private:
  std::unique_ptr<arch::LinearLayer> linear_;
  std::unique_ptr<Drawn> drawn_;
};

}  // namespace

void add_layers(py::module_& m) {
  py::class_<PythonAttention>(m, "Attention", "One attention layer, projections included.")
      .def(py::init(&make_attention), py::arg("quantizer"), py::arg("query"), py::arg("key"),
           py::arg("value"), py::arg("output"), py::kw_only(), py::arg("biases") = py::dict(),
           py::arg("heads") = 1, py::arg("kv_heads") = 0, py::arg("causal") = false, py::arg("layer") = 0,
           py::arg("calibration") = std::vector<Floats>(), py::arg("settings") = py::dict(),
           py::arg("tokens") = 1)
      .def("set_errors", &PythonAttention::set_errors, py::arg("weights"), py::arg("dynamic"),
           py::arg("mode") = "read", py::arg("seed") = 1)
      .def("forward", &PythonAttention::forward, py::arg("x"), py::arg("first_token") = 0);
  py::class_<PythonLinear>(m, "Linear", "A product with fixed weights (inputs x outputs) outside attention.")
      .def(py::init<const std::string&, const Floats&, int, int, const std::vector<Floats>&,
                    const py::dict&>(),
           py::arg("quantizer"), py::arg("weight"), py::kw_only(), py::arg("layer") = 0,
           py::arg("number") = 0, py::arg("calibration") = std::vector<Floats>(),
           py::arg("settings") = py::dict())
      .def("set_errors", &PythonLinear::set_errors, py::arg("weights"), py::arg("mode") = "read",
           py::arg("seed") = 1)
      .def("forward", &PythonLinear::forward, py::arg("x"), py::arg("first_token") = 0);
}

}  // namespace flare::python
