// Labelled images for accuracy runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

/// Images of image_size x image_size grey values, row by row, one per matrix row.
struct ImageSet {
  int image_size = 0;
  Matrix<std::uint8_t> pixels;
  std::vector<int> labels;

  Eigen::Index size() const { return pixels.rows(); }
};

struct Dataset {
  std::string name;
  ImageSet train, test;
};

/// Reads data/digits/digits.csv: a header, then "train|test,label,64 pixels (0-16)" per line.
/// The header begins with split,label. Throws engine::FileError "file:line: what is wrong". At most 100,000 images.
Dataset load_digits(const std::filesystem::path& file);

}  // namespace flare::arch
