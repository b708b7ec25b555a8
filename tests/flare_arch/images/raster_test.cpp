// Image files and their sizes against Pillow, bit for bit, and files that are not what they say.
#include "flare_arch/images/raster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/safetensors.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path golden = fs::path(FLARE_SOURCE_DIR) / "tests/flare_arch/golden/images";

const TensorFile& pillow() {
  static const TensorFile file = TensorFile::load(golden / "images.safetensors");
  return file;
}

int largest_difference(const Raster& image, const std::string& name) {
  const auto expected = pillow().integers(name, image.height, image.width * image.channels);
  int largest = 0;
  for (Eigen::Index i = 0; i < expected.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<int>(expected.data()[i]) -
                                         static_cast<int>(image.pixels[static_cast<std::size_t>(i)])));
  return largest;
}

TEST(ImageFile, PixelsAreThoseOfPillow) {
  for (const auto& [file, name] :
       {std::pair{"photo.jpg", "photo"}, {"grey.png", "grey"}, {"palette.png", "palette"}}) {
    EXPECT_EQ(largest_difference(read_image(golden / file, 3), name), 0) << file;
    EXPECT_EQ(largest_difference(read_image(golden / file, 1), std::string(name) + "_grey"), 0) << file;
  }
}

TEST(Resized, EveryFilterAndSizeIsPillows) {
  const Raster photo = read_image(golden / "photo.jpg", 3);
  for (const char* filter : {"nearest", "bilinear", "bicubic", "lanczos"})
    for (const auto& [width, height] : {std::pair{11, 7}, {40, 31}, {23, 29}, {5, 60}}) {
      const Raster small = resized(photo, width, height, interpolation_of(filter));
      const std::string name =
          "photo_" + std::string(filter) + "_" + std::to_string(width) + "x" + std::to_string(height);
      EXPECT_EQ(largest_difference(small, name), 0) << name;
    }
}

TEST(Resized, KeepsProportionsAndCropsTheMiddle) {
  const Raster photo = read_image(golden / "photo.jpg", 3);  // 23 x 31
  const Raster small = resized_shorter(photo, 10, Interpolation::bicubic);
  EXPECT_EQ(small.width, 10);
  EXPECT_EQ(small.height, 13);  // 13.48, rounded down
  for (const bool half_even : {true, false}) {
    const Raster middle = cropped(small, 10, 10, half_even);
    const int top = half_even ? 2 : 1;  // of a rest of 3: round(1.5) and floor(1.5)
    for (int x = 0; x < 10; ++x) EXPECT_EQ(middle.at(0, x)[1], small.at(top, x)[1]) << half_even;
  }
  const Raster wider = cropped(small, 14, 13, true);
  EXPECT_EQ(wider.at(5, 0)[0], 0);
  EXPECT_EQ(wider.at(5, 2)[0], small.at(5, 0)[0]);
}

TEST(Resized, RefusesWhatIsNoSize) {
  EXPECT_THROW(resized(read_image(golden / "photo.jpg", 3), 0, 4, Interpolation::bicubic),
               std::invalid_argument);
  EXPECT_THROW(interpolation_of("cubic"), std::invalid_argument);
}

class DamagedImage : public ::testing::Test {
 protected:
  void SetUp() override { file_ = fs::path(::testing::TempDir()) / "damaged_image"; }
  void TearDown() override { fs::remove(file_); }
  std::string message(const std::string& bytes) const {
    std::ofstream(file_, std::ios::binary) << bytes;
    try {
      read_image(file_, 3);
    } catch (const engine::FileError& e) {
      return e.what();
    }
    return "(nothing refused)";
  }
  static std::string bytes_of(const char* name) {
    std::ifstream in(golden / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  fs::path file_;
};

TEST_F(DamagedImage, IsNamed) {
  EXPECT_THAT(message(""), HasSubstr("damaged_image: is neither a JPEG nor a PNG file"));
  EXPECT_THAT(message("GIF89a......"), HasSubstr("neither"));
  for (const char* name : {"photo.jpg", "grey.png"}) {
    const std::string whole = bytes_of(name);
    EXPECT_THAT(message(whole.substr(0, whole.size() / 2)), HasSubstr("damaged_image: ")) << name;
    EXPECT_THAT(message(whole.substr(0, 30)), HasSubstr("damaged_image: ")) << name;
  }
  EXPECT_THROW(read_image("nowhere.png", 3), engine::FileError);
}

TEST_F(DamagedImage, EveryByteMayBeWrong) {
  // Refused or read, never a crash: each byte of the files' heads in turn.
  for (const char* name : {"photo.jpg", "grey.png", "palette.png"}) {
    const std::string whole = bytes_of(name);
    int refused = 0;
    for (std::size_t at = 2; at < std::min<std::size_t>(whole.size(), 400); ++at) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ 0xff);
      refused += message(bytes) != "(nothing refused)" ? 1 : 0;
    }
    EXPECT_GT(refused, 20) << name;
  }
}

}  // namespace
}  // namespace flare::arch
