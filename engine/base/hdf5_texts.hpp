// The HDF5 library (1.10.8, H5HG_read) takes as many bytes of a text as its heap in the file says, whether or not the heap
// or its reader's buffer ends before: memory is overwritten, most often without a crash. So heaps are looked at first.
#pragma once

#include <H5Cpp.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>

namespace flare::engine {

/// From then on the library reads no text of variable length in this process: what it would read is checked instead, and
/// readers get empty texts. For a process that does nothing else and ends then: what the library has learnt of conversions
/// outlives their taking back.
class TextCheck {
 public:
  /// Of a file that is open. Throws FileError where it cannot be read beside the library.
  TextCheck(const std::filesystem::path& path, const H5::H5File& file);
  ~TextCheck();
  TextCheck(const TextCheck&) = delete;
  TextCheck& operator=(const TextCheck&) = delete;

  /// Checks all texts of a table; other data has none that anybody reads. Throws H5::Exception.
  static void read_table(const H5::DataSet& data);

  /// Whether all texts so far lie whole in heaps that are in order, each as long as whoever refers to it says.
  bool passed() const { return passed_; }

 private:
  using Heap = std::map<std::uint16_t, std::uint64_t>;  // lengths of its objects, bytes

  static herr_t convert(hid_t from, hid_t to, H5T_cdata_t* about, std::size_t count, std::size_t stride,
                        std::size_t, void* elements, void*, hid_t);
  bool holds(std::span<const unsigned char> reference);
  const Heap& heap_at(std::uint64_t address);
  Heap read_heap(std::uint64_t address) const;
  bool read(std::uint64_t address, std::span<unsigned char> bytes) const;

  int descriptor_ = -1;
  std::uint64_t size_ = 0;  // of the file, bytes
  std::uint64_t base_ = 0;  // where its addresses begin
  std::map<std::uint64_t, Heap> heaps_;
  bool passed_ = true;
};

}  // namespace flare::engine
