// The shipped digits: a table of pixels.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include "engine/base/file_error.hpp"
#include "flare_arch/models/dataset.hpp"

namespace flare::arch {
namespace {

constexpr int side = 8, pixel_count = side * side, brightest = 16;
constexpr std::size_t most_images = 100'000, longest_line = 4096;

struct Image {
  bool test = false;
  int label = 0;
  std::array<std::uint8_t, pixel_count> pixels{};
};

std::string_view next_field(std::string_view& line) {
  const std::size_t comma = line.find(',');
  const std::string_view field = line.substr(0, comma);
  line = comma == std::string_view::npos ? std::string_view() : line.substr(comma + 1);
  return field;
}

int parse_number(std::string_view text, int most, const char* what) {
  int value = -1;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < 0 || value > most)
    throw std::runtime_error(fmt::format("{} must be a number from 0 to {}", what, most));
  return value;
}

Image parse_image(std::string_view line) {
  Image image;
  const std::string_view split = next_field(line);
  if (split != "train" && split != "test") throw std::runtime_error("the line must begin with train or test");
  image.test = split == "test";
  image.label = parse_number(next_field(line), 9, "the label");
  for (std::uint8_t& p : image.pixels)
    p = static_cast<std::uint8_t>(parse_number(next_field(line), brightest, "a pixel"));
  if (!line.empty()) throw std::runtime_error("more than 64 pixels");
  return image;
}

std::shared_ptr<const ExampleSet> gather(const std::vector<Image>& images, bool test) {
  std::vector<Example> examples;
  for (const Image& image : images) {
    if (image.test != test) continue;
    Example e;
    e.image = {1, side, side, {image.pixels.begin(), image.pixels.end()}, false};
    e.label = image.label;
    examples.push_back(std::move(e));
  }
  return std::make_shared<const KeptExamples>(std::move(examples));
}

}  // namespace

Dataset load_digits(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in || std::filesystem::is_directory(file)) throw engine::FileError(file.string() + ": cannot be read");
  std::vector<Image> images;
  std::string line;
  std::getline(in, line);
  if (line.rfind("split,label", 0) != 0)
    throw engine::FileError(file.string() +
                            ":1: not a data set of digits: the first line names the columns and begins with "
                            "split,label");
  for (std::size_t number = 2; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    try {
      if (line.size() > longest_line) throw std::runtime_error("the line is too long");
      if (images.size() >= most_images) throw std::runtime_error("too many images");
      images.push_back(parse_image(line));
    } catch (const std::runtime_error& e) {
      throw engine::FileError(fmt::format("{}:{}: {}", file.string(), number, e.what()));
    }
  }
  Dataset dataset{file.parent_path().filename().string(), Metric::top1, gather(images, false),
                  gather(images, true)};
  if (dataset.test->size() == 0) throw engine::FileError(file.string() + ": no test images");
  return dataset;
}

}  // namespace flare::arch
