#include "flare_arch/base/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "engine/base/file_error.hpp"

namespace flare::arch {
namespace {

using nlohmann::json;
static_assert(std::endian::native == std::endian::little, "tensors are read in place");

/// Bytes of one element; 0 for a type that the format did not have when this was written.
std::size_t element_bytes(const std::string& dtype) {
  static const std::map<std::string, std::size_t> sizes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"U16", 2}, {"I16", 2}, {"F16", 2},
      {"BF16", 2}, {"U32", 4}, {"I32", 4}, {"F32", 4},     {"U64", 8},     {"I64", 8}, {"F64", 8}};
  const auto at = sizes.find(dtype);
  return at == sizes.end() ? 0 : at->second;
}

std::uint64_t unsigned_value(const json& value, const char* what) {
  if (!value.is_number_unsigned()) throw std::runtime_error(fmt::format("{} must be a whole number", what));
  return value.get<std::uint64_t>();
}

Tensor parse_tensor(const json& entry, std::span<const std::byte> data, const TensorLimits& limits) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets"))
    throw std::runtime_error("dtype, shape or data_offsets is missing");
  if (!entry["dtype"].is_string() || !entry["shape"].is_array() || !entry["data_offsets"].is_array() ||
      entry["data_offsets"].size() != 2)
    throw std::runtime_error("dtype, shape or data_offsets is malformed");
  if (entry["shape"].size() > limits.dimensions) throw std::runtime_error("too many dimensions");
  Tensor t;
  t.dtype = entry["dtype"].get<std::string>();
  if (t.dtype.size() > 16) throw std::runtime_error("the name of its element type is too long");
  const std::size_t element = element_bytes(t.dtype);
  std::uint64_t bytes = std::max<std::size_t>(1, element);
  for (const json& extent : entry["shape"]) {
    const std::uint64_t n = unsigned_value(extent, "a shape");
    if (n > data.size() || (n != 0 && bytes > data.size() / n))
      throw std::runtime_error("the shape is larger than the file");
    bytes *= n;
    t.shape.push_back(static_cast<std::int64_t>(n));
  }
  const std::uint64_t begin = unsigned_value(entry["data_offsets"][0], "an offset");
  const std::uint64_t end = unsigned_value(entry["data_offsets"][1], "an offset");
  if (begin > end || end > data.size()) throw std::runtime_error("the offsets lie outside the file");
  if (element != 0 && end - begin != bytes) throw std::runtime_error("shape and offsets do not agree");
  t.bytes.assign(data.begin() + static_cast<std::ptrdiff_t>(begin),
                 data.begin() + static_cast<std::ptrdiff_t>(end));
  return t;
}

/// IEEE 754 half precision (1 sign, 5 exponent, 10 fraction bits), exactly.
struct Half {
  std::uint16_t bits;
  explicit operator float() const {
    const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
    const float magnitude = exponent == 0    ? std::ldexp(static_cast<float>(fraction), -24)
                            : exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                                             : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
  }
};

/// The upper half of a single-precision number.
struct BrainFloat {
  std::uint16_t bits;
  explicit operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

template <class From, class To>
Matrix<To> convert(const Tensor& t, Eigen::Index rows, Eigen::Index columns) {
  Matrix<To> m(rows, columns);
  for (Eigen::Index i = 0; i < m.size(); ++i) {
    From value;
    std::memcpy(&value, t.bytes.data() + i * sizeof(From), sizeof(From));
    m.data()[i] = static_cast<To>(value);
  }
  return m;
}

struct Shape {
  Eigen::Index rows, columns;
};

Shape matrix_shape(const Tensor& t, const std::string& name, Eigen::Index rows, Eigen::Index columns) {
  if (t.shape.size() > 2 || t.shape.empty())
    throw std::runtime_error(
        fmt::format("tensor '{}' has {} dimensions, 1 or 2 are expected", name, t.shape.size()));
  const Shape shape{t.shape.size() == 2 ? t.shape[0] : 1, t.shape.back()};
  if ((rows >= 0 && shape.rows != rows) || (columns >= 0 && shape.columns != columns))
    throw std::runtime_error(fmt::format("tensor '{}' is {} x {}, {} x {} is expected", name, shape.rows,
                                         shape.columns, rows, columns));
  return shape;
}

}  // namespace

std::int64_t Tensor::elements() const {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) n *= extent;
  return n;
}

TensorFile TensorFile::parse(std::span<const std::byte> bytes, const TensorLimits& limits) {
  std::uint64_t header = 0;
  if (bytes.size() < sizeof header) throw std::runtime_error("too short for a safetensors file");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header > limits.header_bytes || header > bytes.size() - sizeof header)
    throw std::runtime_error("the header is longer than the file or than the limit");
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + sizeof header;
  // Nesting is bounded first: the JSON parser recurses when it frees a deep document.
  int depth = 0;
  for (std::uint64_t i = 0; i < header; ++i) {
    if (text[i] == '{' || text[i] == '[') ++depth;
    if (text[i] == '}' || text[i] == ']') --depth;
    if (depth > 64) throw std::runtime_error("the header is nested too deeply");
  }
  const json document = json::parse(text, text + header, nullptr, false);
  if (!document.is_object()) throw std::runtime_error("the header is not a JSON object");
  if (document.size() > limits.tensors) throw std::runtime_error("too many tensors");
  const std::span<const std::byte> data = bytes.subspan(sizeof header + header);
  TensorFile file;
  std::uint64_t total = 0;
  for (const auto& [name, entry] : document.items()) {
    if (name == "__metadata__") continue;
    try {
      Tensor t = parse_tensor(entry, data, limits);
      total += t.bytes.size();
      if (total > data.size()) throw std::runtime_error("tensors overlap");
      file.tensors_.emplace(name, std::move(t));
    } catch (const std::runtime_error& e) {
      throw std::runtime_error(fmt::format("tensor '{}': {}", name.substr(0, 100), e.what()));
    }
  }
  return file;
}

TensorFile TensorFile::load(const std::filesystem::path& path, const TensorLimits& limits) {
  try {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    if (!in) throw std::runtime_error("cannot be opened");
    const std::streamoff size = in.tellg();
    if (size < 0 || static_cast<std::uint64_t>(size) > limits.file_bytes)
      throw std::runtime_error("too large");
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    in.seekg(0);
    if (!in.read(reinterpret_cast<char*>(bytes.data()), size)) throw std::runtime_error("cannot be read");
    return parse(bytes, limits);
  } catch (const std::runtime_error& e) {
    throw engine::FileError(path.string() + ": " + e.what());
  }
}

const Tensor& TensorFile::tensor(const std::string& name) const {
  const auto at = tensors_.find(name);
  if (at == tensors_.end()) throw std::runtime_error(fmt::format("tensor '{}' is missing", name));
  return at->second;
}

std::vector<std::string> TensorFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, t] : tensors_) names.push_back(name);
  return names;
}

MatrixF TensorFile::floats(const std::string& name, Eigen::Index rows, Eigen::Index columns) const {
  const Tensor& t = tensor(name);
  const Shape s = matrix_shape(t, name, rows, columns);
  if (t.dtype == "F32") return convert<float, float>(t, s.rows, s.columns);
  if (t.dtype == "F64") return convert<double, float>(t, s.rows, s.columns);
  if (t.dtype == "F16") return convert<Half, float>(t, s.rows, s.columns);
  if (t.dtype == "BF16") return convert<BrainFloat, float>(t, s.rows, s.columns);
  throw std::runtime_error(
      fmt::format("tensor '{}' holds {}, one of F32, F64, F16, BF16 is expected", name, t.dtype));
}

Matrix<std::int64_t> TensorFile::integers(const std::string& name, Eigen::Index rows,
                                          Eigen::Index columns) const {
  const Tensor& t = tensor(name);
  const Shape s = matrix_shape(t, name, rows, columns);
  if (t.dtype == "I64") return convert<std::int64_t, std::int64_t>(t, s.rows, s.columns);
  if (t.dtype == "I32") return convert<std::int32_t, std::int64_t>(t, s.rows, s.columns);
  if (t.dtype == "U8") return convert<std::uint8_t, std::int64_t>(t, s.rows, s.columns);
  throw std::runtime_error(
      fmt::format("tensor '{}' holds {}, one of I64, I32, U8 is expected", name, t.dtype));
}

VectorF TensorFile::vector(const std::string& name, Eigen::Index length) const {
  return floats(name, 1, length).row(0).transpose();
}

}  // namespace flare::arch
