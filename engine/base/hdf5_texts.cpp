#include "engine/base/hdf5_texts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "engine/base/file_error.hpp"

namespace flare::engine {

namespace {

// HDF5 File Format Specification 3.0, III.E "Global Heap": a header, then objects; numbers are little-endian.
constexpr std::uint64_t header_bytes = 16;   // "GCOL", version, 3 unused, size of the whole
constexpr std::uint64_t object_bytes = 16;   // index, references, 4 unused, length; then the object
constexpr std::uint64_t least_heap = 4'096;  // bytes; the library makes and takes none that is smaller
constexpr std::size_t reference_bytes = 16;  // length, address of the heap, index in it
constexpr const char* conversion = "texts that are checked";

// The library hands its conversions nothing of ours.
TextCheck* current = nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

std::uint64_t number(std::span<const unsigned char> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8U | bytes[i];
  return value;
}

/// Bytes of an object from its head to the next; nothing where it does not fit into what is left.
std::optional<std::uint64_t> bytes_taken(bool free, std::uint64_t length, std::uint64_t left) {
  if (length > left) return std::nullopt;
  // Free space counts its own head.
  if (free) return length < object_bytes ? std::nullopt : std::optional(length);
  const std::uint64_t taken = object_bytes + (length + 7) / 8 * 8;
  return taken > left ? std::nullopt : std::optional(taken);
}

bool is_text(hid_t type, std::size_t bytes) {
  return H5Tis_variable_str(type) > 0 && H5Tget_size(type) == bytes;
}

}  // namespace

TextCheck::TextCheck(const std::filesystem::path& path, const H5::H5File& file) {
  std::size_t address = 0;
  std::size_t length = 0;
  hsize_t user_block = 0;
  const H5::FileCreatPropList made = file.getCreatePlist();
  H5Pget_sizes(made.getId(), &address, &length);
  H5Pget_userblock(made.getId(), &user_block);
  if (address != 8 || length != 8)
    throw FileError(path.string() + ": addresses of other than 8 bytes; not read");
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &about) != 0)
    throw FileError(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  size_ = static_cast<std::uint64_t>(about.st_size);
  base_ = user_block;
  current = this;
  const H5::StrType text(H5::PredType::C_S1, H5T_VARIABLE);
  H5Tregister(H5T_PERS_SOFT, conversion, text.getId(), text.getId(), &TextCheck::convert);
}

TextCheck::~TextCheck() {
  current = nullptr;
  ::close(descriptor_);
}

void TextCheck::read_table(const H5::DataSet& data) {
  if (data.getTypeClass() != H5T_COMPOUND) return;
  const H5::CompType stored(data);
  const hssize_t rows = data.getSpace().getSimpleExtentNpoints();
  for (int m = 0; rows > 0 && m < stored.getNmembers(); ++m) {
    const auto member = static_cast<unsigned>(m);
    if (stored.getMemberClass(member) != H5T_STRING) continue;
    const H5::StrType type = stored.getMemberStrType(member);
    if (!type.isVariableStr()) continue;
    // Of a layout that nobody reads: the library knows conversions to others, by their old parts, from before the fork.
    constexpr std::size_t row = 3 * sizeof(char*);
    H5::CompType memory(row);
    memory.insertMember(stored.getMemberName(member), sizeof(char*), type);
    std::vector<unsigned char> all(row * static_cast<std::size_t>(rows));
    data.read(all.data(), memory);
  }
}

herr_t TextCheck::convert(hid_t from, hid_t to, H5T_cdata_t* about, std::size_t count, std::size_t stride,
                          std::size_t, void* elements, void*, hid_t) {
  if (about->command == H5T_CONV_INIT) {
    about->need_bkg = H5T_BKG_NO;
    const bool ours = current != nullptr && is_text(from, reference_bytes) && is_text(to, sizeof(char*));
    return ours ? 0 : -1;
  }
  if (about->command != H5T_CONV_CONV) return 0;
  if (current == nullptr) return -1;
  auto* const begin = static_cast<unsigned char*>(elements);
  for (std::size_t i = 0; i < count; ++i) {
    std::array<unsigned char, reference_bytes> reference{};
    std::memcpy(reference.data(), begin + i * (stride > 0 ? stride : reference_bytes), reference.size());
    try {
      if (!current->holds(reference)) current->passed_ = false;
    } catch (const std::exception&) {
      current->passed_ = false;
    }
    char* const text = nullptr;
    std::memcpy(begin + i * (stride > 0 ? stride : sizeof text), static_cast<const void*>(&text),
                sizeof text);
  }
  return current->passed_ ? 0 : -1;
}

bool TextCheck::holds(std::span<const unsigned char> reference) {
  const std::uint64_t length = number(reference.first(4));
  const std::uint64_t address = number(reference.subspan(4, 8));
  const std::uint64_t index = number(reference.last(4));
  if (address == 0) return true;  // no text
  const Heap& heap = heap_at(address);
  const auto object = index <= 0xffff ? heap.find(static_cast<std::uint16_t>(index)) : heap.end();
  return object != heap.end() && object->second == length;
}

const TextCheck::Heap& TextCheck::heap_at(std::uint64_t address) {
  const auto known = heaps_.find(address);
  if (known != heaps_.end()) return known->second;
  return heaps_.emplace(address, read_heap(address)).first->second;
}

/// Nothing of a heap that is not in order to its end: the library reads all of it for one object.
TextCheck::Heap TextCheck::read_heap(std::uint64_t address) const {
  std::array<unsigned char, header_bytes> header{};
  if (!read(address, header) || std::memcmp(header.data(), "GCOL\1", 5) != 0) return {};
  const std::uint64_t size = number(std::span(header).last(8));
  if (size < least_heap || size > size_) return {};
  std::vector<unsigned char> all(size);
  if (!read(address, all)) return {};
  Heap heap;
  // What is too small for a head is left free.
  for (std::uint64_t at = header_bytes; size - at >= object_bytes;) {
    const std::span<const unsigned char> head(&all[at], object_bytes);
    const auto index = static_cast<std::uint16_t>(number(head.first(2)));
    const std::uint64_t length = number(head.last(8));
    const auto taken = bytes_taken(index == 0, length, size - at);
    if (!taken || (index != 0 && !heap.emplace(index, length).second)) return {};
    at += *taken;
  }
  return heap;
}

bool TextCheck::read(std::uint64_t address, std::span<unsigned char> bytes) const {
  if (address > size_ || base_ > size_ - address || bytes.size() > size_ - address - base_) return false;
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(descriptor_, bytes.data() + done, bytes.size() - done,
                              static_cast<off_t>(base_ + address + done));
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace flare::engine
