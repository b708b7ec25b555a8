// Images of eight bits a channel: read from files, resized, cropped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace flare::arch {

/// Row by row, the channels of a pixel side by side.
struct Raster {
  int width = 0, height = 0, channels = 0;
  std::vector<std::uint8_t> pixels;

  const std::uint8_t* at(int row, int column) const {
    return pixels.data() + (static_cast<std::size_t>(row) * width + column) * channels;
  }
  std::uint8_t* at(int row, int column) {
    return pixels.data() + (static_cast<std::size_t>(row) * width + column) * channels;
  }
};

enum class Interpolation { nearest, bilinear, bicubic, lanczos };
/// Throws std::invalid_argument for another name.
Interpolation interpolation_of(const std::string& name);

/// A JPEG or PNG file as 1 (grey) or 3 (red, green, blue) channels; transparency is dropped, colours become grey as
/// 0.299 R + 0.587 G + 0.114 B. Throws engine::FileError for a file that is damaged, larger than 2^28 pixels, of another
/// kind, or of one that this build cannot read.
Raster read_image(const std::filesystem::path& file, int channels);

/// To width x height, as Pillow does: the filter widened by the factor of shrinking, 22-bit weights, the rows first, each
/// pass rounded to eight bits.
Raster resized(const Raster& image, int width, int height, Interpolation interpolation);
/// The shorter side to `side`, the other in proportion, rounded down.
Raster resized_shorter(const Raster& image, int side, Interpolation interpolation);
/// width x height from the middle; what lies outside is black. Half an odd rest is rounded to even (torchvision), or down
/// (Hugging Face).
Raster cropped(const Raster& image, int width, int height, bool half_even);

}  // namespace flare::arch
