#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "flare_arch/images/raster.hpp"

namespace flare::arch {
namespace {

constexpr int weight_bits = 22;  // 32 less 8 of the pixel less 2 for overshoot: sums stay in 32 bits
constexpr double pi = 3.14159265358979323846;

double sinc(double x) { return x == 0 ? 1 : std::sin(pi * x) / (pi * x); }

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

double weight(Interpolation kind, double x) {
  switch (kind) {
    case Interpolation::bilinear:
      return std::max(0.0, 1 - std::abs(x));
    case Interpolation::lanczos:
      return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
    default:
      return bicubic(x);
  }
}

double reach_of(Interpolation kind) {
  return kind == Interpolation::bilinear ? 1 : kind == Interpolation::bicubic ? 2 : 3;
}

/// What one output pixel takes of a line: `weights.size()` pixels from `first`.
struct Taps {
  int first = 0;
  std::vector<std::int32_t> weights;
};

Taps taps_of(int at, int in, double scale, Interpolation kind) {
  const double widened = std::max(scale, 1.0), reach = reach_of(kind) * widened, centre = (at + 0.5) * scale;
  // The pixels whose middles lie within reach.
  const double from = centre - reach + 0.5, to = centre + reach + 0.5;
  const int first = std::max(0, static_cast<int>(from)), last = std::min(in, static_cast<int>(to));
  std::vector<double> exact;
  double sum = 0;
  for (int x = first; x < last; ++x) {
    exact.push_back(weight(kind, (x - centre + 0.5) / widened));
    sum += exact.back();
  }
  Taps taps{first, {}};
  for (const double w : exact)
    taps.weights.push_back(
        static_cast<std::int32_t>((sum != 0 ? w / sum : w) * (1 << weight_bits) + (w < 0 ? -0.5 : 0.5)));
  return taps;
}

std::vector<Taps> all_taps(int in, int out, Interpolation kind) {
  const double scale = static_cast<double>(in) / out;
  std::vector<Taps> all;
  all.reserve(static_cast<std::size_t>(out));
  for (int i = 0; i < out; ++i) all.push_back(taps_of(i, in, scale, kind));
  return all;
}

std::uint8_t rounded(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
}

Raster blank(int width, int height, int channels) {
  return {width, height, channels,
          std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height * channels)};
}

Raster with_width(const Raster& image, int width, Interpolation kind) {
  if (width == image.width) return image;
  const std::vector<Taps> taps = all_taps(image.width, width, kind);
  Raster out = blank(width, image.height, image.channels);
  for (int row = 0; row < image.height; ++row)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < image.channels; ++c) {
        std::int32_t sum = 1 << (weight_bits - 1);
        for (std::size_t i = 0; i < taps[x].weights.size(); ++i)
          sum += taps[x].weights[i] * image.at(row, taps[x].first + static_cast<int>(i))[c];
        out.at(row, x)[c] = rounded(sum);
      }
  return out;
}

Raster with_height(const Raster& image, int height, Interpolation kind) {
  if (height == image.height) return image;
  const std::vector<Taps> taps = all_taps(image.height, height, kind);
  Raster out = blank(image.width, height, image.channels);
  const std::size_t line = static_cast<std::size_t>(image.width) * image.channels;
  std::vector<std::int32_t> sums(line);
  for (int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 1 << (weight_bits - 1));
    for (std::size_t i = 0; i < taps[y].weights.size(); ++i) {
      const std::uint8_t* from = image.at(taps[y].first + static_cast<int>(i), 0);
      for (std::size_t x = 0; x < line; ++x) sums[x] += taps[y].weights[i] * from[x];
    }
    std::transform(sums.begin(), sums.end(), out.at(y, 0), rounded);
  }
  return out;
}

Raster nearest(const Raster& image, int width, int height) {
  Raster out = blank(width, height, image.channels);
  const double across = static_cast<double>(image.width) / width,
               down = static_cast<double>(image.height) / height;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int row = std::min(image.height - 1, static_cast<int>((y + 0.5) * down)),
                column = std::min(image.width - 1, static_cast<int>((x + 0.5) * across));
      std::copy_n(image.at(row, column), image.channels, out.at(y, x));
    }
  return out;
}

/// Half of a rest: to even, or down.
int half_of(int rest, bool half_even) {
  const int down = rest >= 0 ? rest / 2 : (rest - 1) / 2;
  if (!half_even || rest % 2 == 0) return down;
  return down % 2 == 0 ? down : down + 1;
}

}  // namespace

Interpolation interpolation_of(const std::string& name) {
  if (name == "nearest") return Interpolation::nearest;
  if (name == "bilinear") return Interpolation::bilinear;
  if (name == "bicubic") return Interpolation::bicubic;
  if (name == "lanczos") return Interpolation::lanczos;
  throw std::invalid_argument("interpolation '" + name +
                              "' is not one of nearest, bilinear, bicubic, lanczos");
}

Raster resized(const Raster& image, int width, int height, Interpolation interpolation) {
  if (width < 1 || height < 1 || image.width < 1 || image.height < 1)
    throw std::invalid_argument("images of at least one pixel are expected");
  if (interpolation == Interpolation::nearest) return nearest(image, width, height);
  return with_height(with_width(image, width, interpolation), height, interpolation);
}

Raster resized_shorter(const Raster& image, int side, Interpolation interpolation) {
  const auto other = [&](int longer, int shorter) {
    return static_cast<int>(static_cast<double>(side) * longer / shorter);
  };
  if (image.width <= image.height)
    return resized(image, side, other(image.height, image.width), interpolation);
  return resized(image, other(image.width, image.height), side, interpolation);
}

Raster cropped(const Raster& image, int width, int height, bool half_even) {
  const int left = half_of(image.width - width, half_even), top = half_of(image.height - height, half_even);
  Raster out = blank(width, height, image.channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int row = y + top, column = x + left;
      if (row >= 0 && row < image.height && column >= 0 && column < image.width)
        std::copy_n(image.at(row, column), image.channels, out.at(y, x));
    }
  return out;
}

}  // namespace flare::arch
