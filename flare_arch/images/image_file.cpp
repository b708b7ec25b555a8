// JPEG through libjpeg, PNG through libpng: both report errors by longjmp, so nothing with a destructor lives across it.
#include <fmt/format.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "flare_arch/images/raster.hpp"

#ifdef FLARE_HAS_JPEG
#include <jpeglib.h>
#endif
#ifdef FLARE_HAS_PNG
#include <png.h>
#endif

namespace flare::arch {
namespace {

constexpr std::uint64_t most_pixels = std::uint64_t{1} << 28;
constexpr int longest_message = 200;

struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using OpenFile = std::unique_ptr<std::FILE, CloseFile>;

std::string size_error(std::uint64_t width, std::uint64_t height) {
  if (width * height > most_pixels || width == 0 || height == 0)
    return fmt::format("an image of {} x {} pixels; 1 to 2^28 pixels are expected", width, height);
  return {};
}

#ifdef FLARE_HAS_JPEG
struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

void leave_jpeg(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->back, 1);
}

/// A warning is data that does not fit together: not the image that was meant.
void refuse_warning(j_common_ptr info, int level) {
  if (level < 0) leave_jpeg(info);
}

/// False with a message in `errors`. Only plain data lives here.
bool decode_jpeg(std::FILE* file, JpegErrors& errors, Raster* image) {
  jpeg_decompress_struct info{};
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = leave_jpeg;
  errors.manager.emit_message = refuse_warning;
  if (setjmp(errors.back) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_stdio_src(&info, file);
  jpeg_read_header(&info, TRUE);
  if (static_cast<std::uint64_t>(info.image_width) * info.image_height > most_pixels ||
      info.num_components == 4) {
    std::snprintf(errors.message, sizeof errors.message, "larger than 2^28 pixels, or of four colours");
    jpeg_destroy_decompress(&info);
    return false;
  }
  info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&info);
  image->width = static_cast<int>(info.output_width);
  image->height = static_cast<int>(info.output_height);
  image->channels = info.output_components;
  image->pixels.resize(static_cast<std::size_t>(image->width) * image->height * image->channels);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image->at(static_cast<int>(info.output_scanline), 0);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

Raster read_jpeg(std::FILE* file) {
  JpegErrors errors{};
  Raster image;
  if (!decode_jpeg(file, errors, &image)) throw std::runtime_error(errors.message);
  return image;
}
#else
Raster read_jpeg(std::FILE*) {
  throw std::runtime_error("this build reads no JPEG; install libjpeg-dev and build again");
}
#endif

#ifdef FLARE_HAS_PNG
struct PngErrors {
  char message[longest_message];
};

[[noreturn]] void leave_png(png_structp png, png_const_charp message) {
  auto* errors = static_cast<PngErrors*>(png_get_error_ptr(png));
  std::snprintf(errors->message, sizeof errors->message, "%s", message);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

/// Eight bits, one or three channels, no transparency, no gamma: the numbers as they stand.
void plain_pixels(png_structp png) {
  png_set_strip_16(png);
  png_set_packing(png);
  png_set_expand(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
}

bool decode_png(std::FILE* file, PngErrors& errors, Raster* image, std::vector<png_bytep>* rows) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &errors, leave_png, ignore_warning);
  png_infop info = png != nullptr ? png_create_info_struct(png) : nullptr;
  if (info == nullptr) return false;
  if (setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    return false;
  }
  png_init_io(png, file);
  png_read_info(png, info);
  if (static_cast<std::uint64_t>(png_get_image_width(png, info)) * png_get_image_height(png, info) >
      most_pixels)
    png_error(png, "larger than 2^28 pixels");
  plain_pixels(png);
  png_read_update_info(png, info);
  image->width = static_cast<int>(png_get_image_width(png, info));
  image->height = static_cast<int>(png_get_image_height(png, info));
  image->channels = png_get_channels(png, info);
  image->pixels.resize(static_cast<std::size_t>(image->width) * image->height * image->channels);
  for (int row = 0; row < image->height; ++row) rows->push_back(image->at(row, 0));
  png_read_image(png, rows->data());
  png_read_end(png, nullptr);
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

Raster read_png(std::FILE* file) {
  PngErrors errors{};
  Raster image;
  std::vector<png_bytep> rows;
  if (!decode_png(file, errors, &image, &rows))
    throw std::runtime_error(errors.message[0] != 0 ? errors.message : "cannot be decoded");
  return image;
}
#else
Raster read_png(std::FILE*) {
  throw std::runtime_error("this build reads no PNG; install libpng-dev and build again");
}
#endif

/// 1 or 3 channels from 1 or 3.
Raster with_channels(Raster image, int channels) {
  if (image.channels == channels) return image;
  Raster out{image.width, image.height, channels, {}};
  out.pixels.reserve(static_cast<std::size_t>(image.width) * image.height * channels);
  for (std::size_t i = 0; i + image.channels <= image.pixels.size(); i += image.channels) {
    if (channels == 3) {
      out.pixels.insert(out.pixels.end(), 3, image.pixels[i]);
    } else {  // ITU-R 601-2, in 16 bits and rounded
      const unsigned luma =
          image.pixels[i] * 19595U + image.pixels[i + 1] * 38470U + image.pixels[i + 2] * 7471U + 0x8000U;
      out.pixels.push_back(static_cast<std::uint8_t>(luma >> 16));
    }
  }
  return out;
}

Raster decoded(std::FILE* file) {
  std::array<unsigned char, 4> head{};
  const std::size_t read = std::fread(head.data(), 1, head.size(), file);
  std::rewind(file);
  if (read == head.size() && head[0] == 0xff && head[1] == 0xd8) return read_jpeg(file);
  if (read == head.size() && head[0] == 0x89 && head[1] == 'P' && head[2] == 'N' && head[3] == 'G')
    return read_png(file);
  throw std::runtime_error("is neither a JPEG nor a PNG file");
}

}  // namespace

Raster read_image(const std::filesystem::path& path, int channels) {
  const OpenFile file(std::fopen(path.c_str(), "rb"));
  if (!file) throw engine::FileError(path.string() + ": cannot be opened");
  try {
    Raster image = decoded(file.get());
    const std::string wrong =
        size_error(static_cast<std::uint64_t>(image.width), static_cast<std::uint64_t>(image.height));
    if (!wrong.empty()) throw std::runtime_error(wrong);
    return with_channels(std::move(image), channels);
  } catch (const std::runtime_error& e) {
    throw engine::FileError(path.string() + ": " + e.what());
  }
}

}  // namespace flare::arch
