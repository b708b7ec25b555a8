#include "flare_arch/array/integer_product.hpp"

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>
#include <vector>

#include "flare_arch/array/array.hpp"
#include "flare_arch/array/array_kernels.hpp"

namespace flare::arch {
namespace {

constexpr std::int64_t worth_packing = 1 << 22;  // multiplications; below it oneDNN's set-up dominates

/// True where oneDNN multiplies bytes exactly: without VNNI it adds pairs of products in 16 bits, which saturate.
bool bytes_are_exact() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::avx2_vnni:
    case dnnl::cpu_isa::avx512_core_vnni:
    case dnnl::cpu_isa::avx512_core_bf16:
    case dnnl::cpu_isa::avx512_core_amx:
      return true;
    default:
      return false;
  }
}

bool fits_word(const PlaneFormat& format) { return format.lowest() >= -32768 && format.highest() <= 32767; }

template <class T>
std::vector<T> narrow(const IntegerView& values) {
  std::vector<T> out(values.size());
  const std::int32_t* from = values.data();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(from[i]);
  return out;
}

}  // namespace

/// One primitive and its packed weights per number of tokens and signedness of the inputs; the oldest make room, so
/// that sequences of all lengths do not keep a copy of the weights each.
struct IntegerProduct::Packed {
  struct Entry {
    dnnl::matmul::primitive_desc description;
    dnnl::matmul primitive;
    dnnl::memory weights;
  };
  static constexpr std::size_t most_entries = 4;
  using Key = std::pair<Eigen::Index, bool>;
  std::mutex mutex;
  std::once_flag once;
  std::unique_ptr<const WordProduct> words;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  std::map<Key, std::shared_ptr<const Entry>> entries;
  std::deque<Key> order;  // oldest first

  std::shared_ptr<const Entry> entry(const IntegerView& weights, Eigen::Index tokens, bool is_signed) {
    using memory = dnnl::memory;
    const std::lock_guard lock(mutex);
    const Key key(tokens, is_signed);
    if (const auto at = entries.find(key); at != entries.end()) return at->second;
    const memory::dim depth = weights.rows(), columns = weights.cols();
    const memory::desc source({tokens, depth}, is_signed ? memory::data_type::s8 : memory::data_type::u8,
                              memory::format_tag::ab);
    const memory::desc any({depth, columns}, memory::data_type::s8, memory::format_tag::any);
    const memory::desc plain({depth, columns}, memory::data_type::s8, memory::format_tag::ab);
    const memory::desc result({tokens, columns}, memory::data_type::s32, memory::format_tag::ab);
    Entry e;
    // The library's own scratchpad is that of the thread that makes a primitive: on another one it overwrites what it has not got.
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    e.description = dnnl::matmul::primitive_desc(dnnl::matmul::desc(source, any, result), attributes, engine);
    e.primitive = dnnl::matmul(e.description);
    std::vector<std::int8_t> bytes = narrow<std::int8_t>(weights);
    memory from(plain, engine, bytes.data());
    e.weights = memory(e.description.weights_desc(), engine);
    dnnl::stream stream(engine);
    dnnl::reorder(from, e.weights).execute(stream, from, e.weights);
    stream.wait();
    if (order.size() == most_entries) {
      entries.erase(order.front());
      order.pop_front();
    }
    order.push_back(key);
    return entries.emplace(key, std::make_shared<const Entry>(std::move(e))).first->second;
  }
};

IntegerProduct::IntegerProduct(const MatrixI& weights, const PlaneFormat& format)
    : weights_(weights.data(), weights.rows(), weights.cols()),
      format_(format),
      eight_bits_(format.bits < 8 || (format.bits == 8 && format.encoding != Encoding::unsigned_binary)),
      sixteen_bits_(fits_word(format)),
      packed_(std::make_unique<Packed>()) {}
IntegerProduct::~IntegerProduct() = default;
IntegerProduct::IntegerProduct(IntegerProduct&&) noexcept = default;

bool IntegerProduct::checks(const IntegerView& inputs, const PlaneFormat& format) const {
  static const bool exact = bytes_are_exact();
  return exact && eight_bits_ && format.bits <= 8 && inputs.size() * weights_.cols() >= worth_packing;
}

const WordProduct& IntegerProduct::words() const {
  std::call_once(packed_->once, [this] { packed_->words = std::make_unique<const WordProduct>(weights_); });
  return *packed_->words;
}

void IntegerProduct::multiply(const IntegerView& inputs, const PlaneFormat& format, MatrixI& result) const {
  result.resize(inputs.rows(), weights_.cols());
  if (!checks(inputs, format)) {
    // Two products of 2^30 would leave 32 bits before they are added up.
    if (sixteen_bits_ && fits_word(format) && (format_.bits < 16 || format.bits < 16))
      return words().multiply(inputs, result);
    result.noalias() = inputs * weights_;
    return;
  }
  const bool is_signed = format.encoding != Encoding::unsigned_binary;
  try {
    const std::shared_ptr<const Packed::Entry> kept = packed_->entry(weights_, inputs.rows(), is_signed);
    const Packed::Entry& e = *kept;
    const auto bytes = std::make_unique_for_overwrite<std::uint8_t[]>(inputs.size());
    if (!narrow_to_bytes(inputs.data(), inputs.size(), format.lowest(), format.highest(), bytes.get()))
      throw std::invalid_argument("integer product: an input does not fit its format");
    dnnl::memory source(e.description.src_desc(), packed_->engine, bytes.get());
    dnnl::memory target(e.description.dst_desc(), packed_->engine, result.data());
    dnnl::memory scratchpad(e.description.scratchpad_desc(), packed_->engine);
    dnnl::stream stream(packed_->engine);
    e.primitive.execute(stream, {{DNNL_ARG_SRC, source},
                                 {DNNL_ARG_WEIGHTS, e.weights},
                                 {DNNL_ARG_DST, target},
                                 {DNNL_ARG_SCRATCHPAD, scratchpad}});
    stream.wait();
  } catch (const dnnl::error& error) {
    throw std::runtime_error(std::string("oneDNN: ") + error.what());
  }
}

void IntegerProduct::multiply(const IntegerView& inputs, const PlaneFormat& format, MatrixL& result) const {
  if (fits_32_bits(largest_sum(static_cast<int>(weights_.rows()), format_, format, {}))) {
    MatrixI narrow_result;
    multiply(inputs, format, narrow_result);
    result = narrow_result.cast<std::int64_t>();
    return;
  }
  if (!eight_bits_) {
    if (sixteen_bits_) return words().multiply(inputs, result);
    result.noalias() = inputs.cast<std::int64_t>() * weights_.cast<std::int64_t>();
    return;
  }
  // x = 256 high + low, 8 bits each: two products of the fast kind. 65536 of 255 * 128 fit 32 bits.
  const Encoding encoding =
      format.encoding == Encoding::unsigned_binary ? format.encoding : Encoding::twos_complement;
  MatrixI high, low;
  multiply(inputs.unaryExpr([](std::int32_t v) { return v >> 8; }), {8, encoding}, high);
  multiply(inputs.unaryExpr([](std::int32_t v) { return v & 0xff; }), {8, Encoding::unsigned_binary}, low);
  result = high.cast<std::int64_t>() * 256 + low.cast<std::int64_t>();
}

}  // namespace flare::arch
