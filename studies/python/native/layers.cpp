// Layers of a model: attention and products with fixed weights, on the arithmetics of `flare accuracy`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "flare_arch/attention/integer_attention.hpp"
#include "flare_arch/attention/layer_arrays.hpp"
#include "flare_arch/attention/linear_layer.hpp"
#include "studies/python/native/arrays.hpp"

namespace flare::python {
namespace {

std::vector<arch::MatrixF> sequences(const std::vector<Floats>& arrays) {
  std::vector<arch::MatrixF> all;
  for (const Floats& a : arrays) all.push_back(matrix_of(a, "calibration"));
  return all;
}

/// How the two kinds of arrays err; null: they do not.
struct Errors {
  Model weights, dynamic;
  std::string mode = "read";
  std::uint64_t seed = 1;
};

constexpr const char* setting_names[] = {"activation_bits", "kv_bits", "input_encoding",
                                         "weight_encoding", "sawl",    "dynamic_sawl"};

void refuse_unknown(const py::dict& settings) {
  for (const auto& item : settings) {
    const auto key = item.first.cast<std::string>();
    if (std::find(std::begin(setting_names), std::end(setting_names), key) == std::end(setting_names))
      throw std::invalid_argument(
          fmt::format("unknown setting '{}'; known: {}", key, fmt::join(setting_names, ", ")));
  }
}

arch::IntegerAttentionOptions options_of(const py::dict& settings) {
  refuse_unknown(settings);
  arch::IntegerAttentionOptions o;
  const auto take = [&](const char* key, auto value) {
    return settings.contains(key) ? settings[key].cast<decltype(value)>() : value;
  };
  o.activation_bits = take("activation_bits", o.activation_bits);
  o.kv_bits = take("kv_bits", o.kv_bits);
  o.input_encoding = encoding_of(take("input_encoding", std::string("twos_complement")));
  o.weight_encoding = encoding_of(take("weight_encoding", std::string("twos_complement")));
  o.stationary.rows_per_read = take("sawl", o.stationary.rows_per_read);
  o.dynamic.rows_per_read = take("dynamic_sawl", o.stationary.rows_per_read);
  return o;
}

arch::Int8Options int8_of(const arch::IntegerAttentionOptions& o) {
  return {o.input_encoding, o.weight_encoding, o.stationary, o.dynamic};
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

/// One sequence through a layer: what comes out, and what its reads counted.
template <class Layer>
py::tuple run(const Layer& layer, const Drawn* drawn, const Floats& x, std::uint32_t first_token) {
  const arch::MatrixF in = matrix_of(x, "x");
  arch::AttentionErrors errors = drawn != nullptr ? drawn->of_token(first_token) : arch::AttentionErrors();
  arch::AttentionCounters counters;
  errors.counters = &counters;
  arch::MatrixF y;
  {
    const py::gil_scoped_release others_run;
    y = layer.forward(in, errors);
  }
  return with_counters(std::move(y), counters);
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
      layer_ = std::make_unique<arch::Int8Attention>(weights, layer, int8_of(o));
    } else if (quantizer == "float") {
      layer_ = std::make_unique<arch::FloatAttention>(weights);
    } else {
      throw std::invalid_argument(fmt::format("quantizer '{}' is not one of emsbq, int8, float", quantizer));
    }
  }

  void set_errors(const py::object& weights, const py::object& dynamic, const std::string& mode,
                  std::uint64_t seed) {
    drawn_ = std::make_unique<Drawn>(
        Errors{model_of(weights), model_of(dynamic), mode, seed},
        [this](const arch::AttentionErrors& e) { return layer_->make_die(e, tokens_); });
  }

  py::tuple forward(const Floats& x, std::uint32_t first_token) const {
    return run(*layer_, drawn_.get(), x, first_token);
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
      linear_ = std::make_unique<arch::Int8Linear>(w, layer, array, int8_of(o));
    } else {
      throw std::invalid_argument(fmt::format("quantizer '{}' is not one of emsbq, int8", quantizer));
    }
  }

  void set_errors(const py::object& weights, const std::string& mode, std::uint64_t seed) {
    drawn_ = std::make_unique<Drawn>(Errors{model_of(weights), nullptr, mode, seed},
                                     [this](const arch::AttentionErrors& e) {
                                       arch::LayerDie die;
                                       die.arrays.resize(arch::arrays_per_layer);
                                       linear_->add_to(die, e);
                                       return die;
                                     });
  }

  py::tuple forward(const Floats& x, std::uint32_t first_token) const {
    return run(*linear_, drawn_.get(), x, first_token);
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
