#include "flare_arch/base/float_functions.hpp"

#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>
#include <string>

#include "flare_arch/base/one_thread.hpp"

namespace flare::arch {
namespace {

dnnl::algorithm algorithm_of(Elementwise function) {
  switch (function) {
    case Elementwise::gelu_erf:
      return dnnl::algorithm::eltwise_gelu_erf;
    case Elementwise::gelu_tanh:
      return dnnl::algorithm::eltwise_gelu_tanh;
    case Elementwise::silu:
      return dnnl::algorithm::eltwise_swish;
    default:
      return dnnl::algorithm::eltwise_tanh;
  }
}

dnnl::memory::desc layout_of(const MatrixF& m) {
  return {{m.rows(), m.cols()}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::ab};
}

/// Runs a primitive that reads and writes the same matrix. Descriptions and code are kept by oneDNN.
template <class Primitive>
void run_in_place(const typename Primitive::desc& description, MatrixF& m) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const Primitive primitive(typename Primitive::primitive_desc(description, engine));
  dnnl::memory memory(layout_of(m), engine, m.data());
  dnnl::stream stream(engine);
  primitive.execute(stream, {{DNNL_ARG_SRC, memory}, {DNNL_ARG_DST, memory}});
  stream.wait();
}

}  // namespace

bool is_worth_vectors(const MatrixF& values) { return values.size() >= 1 << 15; }

void apply_vectors(Elementwise function, MatrixF& values) {
  const OneThread one;
  try {
    // alpha: of silu, x * sigmoid(alpha x).
    run_in_place<dnnl::eltwise_forward>(
        {dnnl::prop_kind::forward_inference, algorithm_of(function), layout_of(values), 1.0f, 0.0f}, values);
  } catch (const dnnl::error& error) {
    throw std::runtime_error(std::string("oneDNN: ") + error.what());
  }
}

void softmax_vectors(MatrixF& rows) {
  const OneThread one;
  try {
    run_in_place<dnnl::softmax_forward>({dnnl::prop_kind::forward_inference, layout_of(rows), 1}, rows);
  } catch (const dnnl::error& error) {
    throw std::runtime_error(std::string("oneDNN: ") + error.what());
  }
}

}  // namespace flare::arch
