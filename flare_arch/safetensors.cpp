#include "flare_arch/safetensors.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace flare::arch {
namespace {

using nlohmann::json;
static_assert(std::endian::native == std::endian::little, "tensors are read in place");

std::size_t element_bytes(const std::string& dtype) {
  if (dtype == "F32" || dtype == "I32") return 4;
  if (dtype == "F64" || dtype == "I64") return 8;
  if (dtype == "U8") return 1;
  throw std::runtime_error(fmt::format("element type '{}' is not supported", dtype.substr(0, 16)));
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
  std::uint64_t bytes = element_bytes(t.dtype);
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
  if (end - begin != bytes) throw std::runtime_error("shape and offsets do not agree");
  t.bytes.assign(data.begin() + static_cast<std::ptrdiff_t>(begin),
                 data.begin() + static_cast<std::ptrdiff_t>(end));
  return t;
}

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
    throw std::runtime_error(path.string() + ": " + e.what());
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
  throw std::runtime_error(fmt::format("tensor '{}' holds {}, floating point is expected", name, t.dtype));
}

Matrix<std::int64_t> TensorFile::integers(const std::string& name, Eigen::Index rows,
                                          Eigen::Index columns) const {
  const Tensor& t = tensor(name);
  const Shape s = matrix_shape(t, name, rows, columns);
  if (t.dtype == "I64") return convert<std::int64_t, std::int64_t>(t, s.rows, s.columns);
  if (t.dtype == "I32") return convert<std::int32_t, std::int64_t>(t, s.rows, s.columns);
  if (t.dtype == "U8") return convert<std::uint8_t, std::int64_t>(t, s.rows, s.columns);
  throw std::runtime_error(fmt::format("tensor '{}' holds {}, integers are expected", name, t.dtype));
}

VectorF TensorFile::vector(const std::string& name, Eigen::Index length) const {
  return floats(name, 1, length).row(0).transpose();
}

}  // namespace flare::arch
