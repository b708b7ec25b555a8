// MNIST's files: a magic number, the extents, bytes (big endian; http://yann.lecun.com/exdb/mnist), plain or compressed.
#include <fmt/format.h>

#include <array>
#include <fstream>
#include <optional>
#include <stdexcept>

#ifdef FLARE_HAS_ZLIB
#include <zlib.h>
#endif

#include "engine/base/file_error.hpp"
#include "flare_arch/models/dataset.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_bytes = std::size_t{1} << 32;
constexpr std::uint32_t image_magic = 0x803, label_magic = 0x801;

#ifdef FLARE_HAS_ZLIB
std::string unpacked(const fs::path& file) {
  gzFile in = gzopen(file.c_str(), "rb");
  if (in == nullptr) throw std::runtime_error("cannot be opened");
  std::string bytes;
  std::array<char, 1 << 16> piece{};
  int read = 0;
  while ((read = gzread(in, piece.data(), piece.size())) > 0 && bytes.size() < most_bytes)
    bytes.append(piece.data(), static_cast<std::size_t>(read));
  const bool whole = read == 0 && gzeof(in) != 0;
  const bool closed = gzclose(in) == Z_OK;
  if (!whole || !closed) throw std::runtime_error("is damaged, cut off or too large");
  return bytes;
}
#else
std::string unpacked(const fs::path&) {
  throw std::runtime_error(
      "this build reads no compressed files; install zlib1g-dev and build again, or unpack it");
}
#endif

std::string contents(const fs::path& file) {
  if (file.extension() == ".gz") return unpacked(file);
  std::ifstream in(file, std::ios::binary);
  if (!in || fs::file_size(file) > most_bytes) throw std::runtime_error("cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::uint32_t word_at(const std::string& bytes, std::size_t at) {
  if (bytes.size() < at + 4) throw std::runtime_error("is cut off");
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

void check_size(const std::string& bytes, std::uint64_t expected) {
  if (bytes.size() != expected)
    throw std::runtime_error(fmt::format("has {} bytes, its header says {}", bytes.size(), expected));
}

/// Images stay as they are in the file; one is made when it is asked for.
class IdxImages : public ExampleSet {
 public:
  IdxImages(const fs::path& images, const fs::path& labels) {
    try {
      read_images(contents(images));
    } catch (const std::runtime_error& e) {
      throw engine::FileError(images.string() + ": " + e.what());
    }
    try {
      read_labels(contents(labels));
    } catch (const std::runtime_error& e) {
      throw engine::FileError(labels.string() + ": " + e.what());
    }
  }

  std::int64_t size() const override { return count_; }

  Example example(std::int64_t index) const override {
    Example e;
    const std::size_t pixels = static_cast<std::size_t>(height_) * width_;
    const auto* first =
        reinterpret_cast<const std::uint8_t*>(images_.data()) + 16 + pixels * static_cast<std::size_t>(index);
    e.image = {1, static_cast<int>(height_), static_cast<int>(width_), {first, first + pixels}, false};
    e.label = static_cast<unsigned char>(labels_[8 + static_cast<std::size_t>(index)]);
    return e;
  }

 private:
  void read_images(std::string bytes) {
    if (word_at(bytes, 0) != image_magic) throw std::runtime_error("is no IDX file of images");
    count_ = word_at(bytes, 4);
    height_ = word_at(bytes, 8);
    width_ = word_at(bytes, 12);
    if (count_ == 0 || height_ == 0 || width_ == 0 || height_ > 16384 || width_ > 16384)
      throw std::runtime_error("holds no images, or too large ones");
    check_size(bytes, 16 + static_cast<std::uint64_t>(count_) * height_ * width_);
    images_ = std::move(bytes);
  }

  void read_labels(std::string bytes) {
    if (word_at(bytes, 0) != label_magic) throw std::runtime_error("is no IDX file of labels");
    if (word_at(bytes, 4) != count_)
      throw std::runtime_error(fmt::format("{} labels for {} images", word_at(bytes, 4), count_));
    check_size(bytes, 8 + static_cast<std::uint64_t>(count_));
    labels_ = std::move(bytes);
  }

  std::string images_, labels_;  // the files' bytes
  std::int64_t count_ = 0;
  std::uint32_t height_ = 0, width_ = 0;
};

/// PREFIX-images-idx3-ubyte, or with a dot before "idx"; with or without .gz.
std::optional<fs::path> part(const fs::path& folder, const char* prefix, const char* what, int dimensions) {
  for (const char separator : {'-', '.'})
    for (const char* packed : {"", ".gz"}) {
      const fs::path file =
          folder / fmt::format("{}-{}{}idx{}-ubyte{}", prefix, what, separator, dimensions, packed);
      if (fs::exists(file)) return file;
    }
  return std::nullopt;
}

struct IdxPair {
  fs::path images, labels;
};

std::optional<IdxPair> pair_of(const fs::path& folder, const char* prefix) {
  const auto images = part(folder, prefix, "images", 3), labels = part(folder, prefix, "labels", 1);
  if (!images) return std::nullopt;
  if (!labels) throw engine::FileError(images->string() + ": its labels are missing");
  return IdxPair{*images, *labels};
}

std::optional<IdxPair> test_pair(const fs::path& folder) {
  for (const char* prefix : {"t10k", "test"})
    if (auto found = pair_of(folder, prefix)) return found;
  return std::nullopt;
}

}  // namespace

bool holds_idx(const fs::path& folder) {
  for (const char* prefix : {"t10k", "test"})
    if (part(folder, prefix, "images", 3)) return true;
  return false;
}

std::vector<fs::path> idx_dataset_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& pair : {test_pair(folder), pair_of(folder, "train")})
    if (pair) files.insert(files.end(), {pair->images, pair->labels});
  return files;
}

Dataset load_idx(const fs::path& folder) {
  const auto test = test_pair(folder);
  if (!test)
    throw engine::FileError(folder.string() + ": no t10k-images-idx3-ubyte, nor test-images-idx3-ubyte");
  const auto set = std::make_shared<const IdxImages>(test->images, test->labels);
  Dataset dataset{(folder / "").parent_path().filename().string(), Metric::top1, set, set};
  if (const auto train = pair_of(folder, "train"))
    dataset.train = std::make_shared<const IdxImages>(train->images, train->labels);
  return dataset;
}

}  // namespace flare::arch
