#include "flare_arch/base/safetensors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string_view>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/json_object.hpp"

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
  t.bytes = data.subspan(begin, end - begin);
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
    From value{};
    std::memcpy(&value, t.bytes.data() + i * sizeof(From), sizeof(From));
    m.data()[i] = static_cast<To>(value);
  }
  return m;
}

struct Shape {
  Eigen::Index rows, columns;
};

Shape matrix_shape(const Tensor& t, const std::string& name, Eigen::Index rows, Eigen::Index columns) {
  const std::size_t count = t.shape.size();
  std::vector<std::int64_t> extents = t.shape;
  for (auto at = extents.begin(); at != extents.end() && extents.size() > 2;)
    at = *at == 1 ? extents.erase(at) : at + 1;
  if (count == 0 || extents.size() > 2)
    throw std::runtime_error(fmt::format("tensor '{}' has {} dimensions, 1 or 2 are expected", name, count));
  const Shape shape{extents.size() == 2 ? extents[0] : 1, extents.back()};
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

namespace {

/// A file's bytes, mapped for as long as this lives.
class MappedFile {
 public:
  MappedFile(const std::filesystem::path& path, std::uint64_t most_bytes) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw std::runtime_error("cannot be opened");
    struct stat status = {};
    const bool known = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    size_ = known ? static_cast<std::size_t>(status.st_size) : 0;
    if (size_ > 0 && size_ <= most_bytes) address_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    ::close(file);
    if (!known) throw std::runtime_error("is not a file");
    if (size_ > most_bytes) throw std::runtime_error("too large");
    if (address_ == MAP_FAILED) throw std::runtime_error("cannot be read");
  }
  ~MappedFile() {
    if (address_ != nullptr && address_ != MAP_FAILED) ::munmap(address_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(address_), size_}; }

 private:
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

/// Which shard holds each tensor, and the shards' names.
std::map<std::string, std::string> weight_map(const std::filesystem::path& index,
                                              const TensorLimits& limits) {
  const MappedFile file(index, limits.header_bytes);
  const auto* text = reinterpret_cast<const char*>(file.bytes().data());
  const json document = parse_json_object({text, file.bytes().size()}, "the index");
  const json map = document.value("weight_map", json());
  if (!map.is_object()) throw std::runtime_error("\"weight_map\" is missing or not an object");
  if (map.size() > limits.tensors) throw std::runtime_error("too many tensors");
  std::map<std::string, std::string> shards;
  for (const auto& [name, shard] : map.items()) {
    const std::string text_of_shard = shard.is_string() ? shard.get<std::string>() : "";
    const std::filesystem::path path(text_of_shard);
    if (path.empty() || path.filename() != path || path == ".." || path == ".")
      throw std::runtime_error(fmt::format(
          "tensor '{}': its shard is not the name of a file beside the index", name.substr(0, 100)));
    shards.emplace(name, text_of_shard);
  }
  return shards;
}

/// Begin of what has bytes: its end, and its name.
using TakenBytes = std::map<std::uint64_t, std::pair<std::uint64_t, std::string>>;

/// Two tensors never share bytes: one of them would be read as what it is not.
void take_bytes(TakenBytes& taken, std::uint64_t begin, const Tensor& t, const std::string& name) {
  const std::uint64_t end = begin + t.bytes.size();
  const auto next = taken.lower_bound(begin);
  const auto other = next != taken.end() && next->first < end                         ? next
                     : next != taken.begin() && std::prev(next)->second.first > begin ? std::prev(next)
                                                                                      : taken.end();
  if (other != taken.end())
    throw std::runtime_error(
        fmt::format("its bytes overlap those of tensor '{}'", other->second.second.substr(0, 100)));
  taken.emplace(begin, std::pair(end, name));
}

}  // namespace

void TensorFile::add_tensors(std::span<const std::byte> bytes, const TensorLimits& limits) {
  std::uint64_t header = 0;
  if (bytes.size() < sizeof header) throw std::runtime_error("too short for a safetensors file");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header > limits.header_bytes || header > bytes.size() - sizeof header)
    throw std::runtime_error("the header is longer than the file or than the limit");
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + sizeof header;
  const json document = parse_json_object({text, static_cast<std::size_t>(header)}, "the header");
  if (document.size() > limits.tensors) throw std::runtime_error("too many tensors");
  const std::span<const std::byte> data = bytes.subspan(sizeof header + header);
  TakenBytes taken;
  for (const auto& [name, entry] : document.items()) {
    if (name == "__metadata__") continue;
    try {
      Tensor t = parse_tensor(entry, data, limits);
      if (!t.bytes.empty())
        take_bytes(taken, static_cast<std::uint64_t>(t.bytes.data() - data.data()), t, name);
      if (!tensors_.emplace(name, std::move(t)).second) throw std::runtime_error("two shards hold it");
    } catch (const std::runtime_error& e) {
      throw std::runtime_error(fmt::format("tensor '{}': {}", name.substr(0, 100), e.what()));
    }
  }
}

TensorFile TensorFile::parse(std::span<const std::byte> bytes, const TensorLimits& limits) {
  const auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  TensorFile file;
  file.add_tensors(*copy, limits);
  file.memory_.push_back(copy);
  return file;
}

TensorFile TensorFile::load(const std::filesystem::path& path, const TensorLimits& limits) {
  try {
    const auto mapped = std::make_shared<const MappedFile>(path, limits.file_bytes);
    TensorFile file;
    file.add_tensors(mapped->bytes(), limits);
    file.memory_.push_back(mapped);
    return file;
  } catch (const std::runtime_error& e) {
    throw engine::FileError(path.string() + ": " + e.what());
  }
}

TensorFile TensorFile::load_shards(const std::filesystem::path& index, const TensorLimits& limits) {
  TensorFile all;
  std::filesystem::path current = index;
  try {
    const std::map<std::string, std::string> shards = weight_map(index, limits);
    std::set<std::string> names;
    for (const auto& [tensor, shard] : shards) names.insert(shard);
    if (names.size() > limits.shards) throw std::runtime_error("too many shards");
    for (const std::string& name : names) {
      current = index.parent_path() / name;
      const auto mapped = std::make_shared<const MappedFile>(current, limits.file_bytes);
      TensorFile shard;
      shard.add_tensors(mapped->bytes(), limits);
      for (const auto& [tensor, entry] : shard.tensors_) {
        const auto at = shards.find(tensor);
        if (at == shards.end() || at->second != name)
          throw std::runtime_error(
              fmt::format("tensor '{}': the index does not place it here", tensor.substr(0, 100)));
        all.tensors_.emplace(tensor, entry);
      }
      all.memory_.push_back(mapped);
    }
    current = index;
    for (const auto& [tensor, shard] : shards)
      if (!all.has(tensor))
        throw std::runtime_error(
            fmt::format("tensor '{}': '{}' does not hold it", tensor.substr(0, 100), shard));
  } catch (const std::runtime_error& e) {
    throw engine::FileError(current.string() + ": " + e.what());
  }
  return all;
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

namespace {

MatrixF as_floats(const Tensor& t, const std::string& name, const Shape& s) {
  if (t.dtype == "F32") return convert<float, float>(t, s.rows, s.columns);
  if (t.dtype == "F64") return convert<double, float>(t, s.rows, s.columns);
  if (t.dtype == "F16") return convert<Half, float>(t, s.rows, s.columns);
  if (t.dtype == "BF16") return convert<BrainFloat, float>(t, s.rows, s.columns);
  throw std::runtime_error(
      fmt::format("tensor '{}' holds {}, one of F32, F64, F16, BF16 is expected", name, t.dtype));
}

}  // namespace

MatrixF TensorFile::floats(const std::string& name, Eigen::Index rows, Eigen::Index columns) const {
  const Tensor& t = tensor(name);
  return as_floats(t, name, matrix_shape(t, name, rows, columns));
}

MatrixF TensorFile::flattened(const std::string& name) const {
  const Tensor& t = tensor(name);
  const std::int64_t rows = t.shape.empty() ? 1 : t.shape.front();
  if (rows < 1) throw std::runtime_error(fmt::format("tensor '{}' is empty", name));
  return as_floats(t, name, {rows, t.elements() / rows});
}

VectorF TensorFile::flattened_row(const std::string& name, Eigen::Index row) const {
  Tensor one = tensor(name);
  const std::int64_t rows = one.shape.empty() ? 1 : one.shape.front();
  if (row < 0 || row >= rows) throw std::runtime_error(fmt::format("tensor '{}' has no row {}", name, row));
  const std::size_t bytes = one.bytes.size() / static_cast<std::size_t>(rows);
  one.bytes = one.bytes.subspan(static_cast<std::size_t>(row) * bytes, bytes);
  return as_floats(one, name, {1, one.elements() / rows}).row(0).transpose();
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
