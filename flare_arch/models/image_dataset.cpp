// Folders of image files.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/json_object.hpp"
#include "flare_arch/images/raster.hpp"
#include "flare_arch/models/dataset.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// From a file to what the model is fed.
struct Preparation {
  int resize = 0;                         // the shorter side; 0: not resized that way
  int exact_height = 0, exact_width = 0;  // both sides at once; 0: not
  int crop_height = 0, crop_width = 0;    // 0: not cropped
  bool half_even = true;
  Interpolation interpolation = Interpolation::bicubic;
};

constexpr double usual_share = 0.875;  // of the shorter side that is kept

int whole(const json& value, const char* key) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 1 || value.get<std::int64_t>() > 16384)
    throw std::runtime_error(fmt::format("{} is no number of pixels", key));
  return value.get<int>();
}

/// Pillow's numbers for its filters.
Interpolation pillow_filter(int number) {
  constexpr Interpolation known[] = {Interpolation::nearest, Interpolation::lanczos, Interpolation::bilinear,
                                     Interpolation::bicubic};
  if (number < 0 || number > 3)
    throw std::runtime_error(fmt::format("resample = {} is not supported", number));
  return known[number];
}

void read_size(const json& size, Preparation& p) {
  if (size.is_number()) {
    p.exact_height = p.exact_width = whole(size, "size");
  } else if (size.is_object() && size.contains("shortest_edge")) {
    p.resize = whole(size["shortest_edge"], "size.shortest_edge");
  } else if (size.is_object() && size.contains("height") && size.contains("width")) {
    p.exact_height = whole(size["height"], "size.height");
    p.exact_width = whole(size["width"], "size.width");
  } else {
    throw std::runtime_error("size is neither a number, nor shortest_edge, nor height and width");
  }
}

Preparation from_preprocessor(const json& document) {
  Preparation p;
  p.half_even = false;
  p.interpolation = Interpolation::bilinear;
  if (document.value("do_resize", true) && document.contains("size")) read_size(document["size"], p);
  if (document.contains("resample") && document["resample"].is_number_integer())
    p.interpolation = pillow_filter(document["resample"].get<int>());
  if (!document.value("do_center_crop", false) || !document.contains("crop_size")) return p;
  const json& crop = document["crop_size"];
  p.crop_height = whole(crop.is_object() ? crop.value("height", json()) : crop, "crop_size");
  p.crop_width = whole(crop.is_object() ? crop.value("width", json()) : crop, "crop_size");
  return p;
}

/// timm's pretrained_cfg.
Preparation from_pretrained(const json& settings, const ModelSpec& spec) {
  Preparation p;
  p.crop_height = p.crop_width = spec.image.size;
  const double share = settings.value("crop_pct", usual_share);
  if (!(share > 0) || share > 1) throw std::runtime_error("pretrained_cfg.crop_pct is no share");
  p.resize = static_cast<int>(std::floor(spec.image.size / share));
  p.interpolation = interpolation_of(settings.value("interpolation", "bicubic"));
  return p;
}

Preparation usual(const ModelSpec& spec) {
  Preparation p;
  p.crop_height = p.crop_width = spec.image.size;
  p.resize = static_cast<int>(std::lround(spec.image.size / usual_share));
  return p;
}

Preparation described(const ModelSpec& spec, const fs::path& folder) {
  fs::path file = folder / "preprocessor_config.json";
  try {
    if (fs::exists(file)) return from_preprocessor(read_json_object(file));
    file = folder / "config.json";
    if (!fs::exists(file)) return usual(spec);
    const json settings = read_json_object(file).value("pretrained_cfg", json());
    return settings.is_object() ? from_pretrained(settings, spec) : usual(spec);
  } catch (const engine::FileError&) {
    throw;
  } catch (const std::exception& e) {
    throw engine::FileError(file.string() + ": " + e.what());
  }
}

Preparation preparation(const ModelSpec& spec, const fs::path& folder, const DatasetOptions& options) {
  Preparation p = described(spec, folder);
  if (options.resize > 0) {
    p.resize = options.resize;
    p.exact_height = p.exact_width = 0;
  }
  if (options.crop > 0) p.crop_height = p.crop_width = options.crop;
  if (!options.interpolation.empty()) p.interpolation = interpolation_of(options.interpolation);
  return p;
}

struct LabelledFile {
  fs::path file;
  int label = 0;
};

bool is_image_file(const fs::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

std::vector<fs::path> image_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() && is_image_file(entry.path())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

fs::path label_file(const fs::path& folder) {
  const fs::path clean = (folder / "").parent_path();
  for (const fs::path& file :
       {clean / "labels.tsv", clean.parent_path() / (clean.filename().string() + "_labels.tsv")})
    if (fs::exists(file)) return file;
  return {};
}

/// classes: of the model; 0: any.
LabelledFile parse_line(const std::string& line, const fs::path& folder, int classes) {
  const std::size_t tab = line.find('\t');
  LabelledFile labelled;
  const char* end = line.data() + line.size();
  if (tab == std::string::npos) throw std::runtime_error("a file, a tab and its class are expected");
  const auto [rest, failed] = std::from_chars(line.data() + tab + 1, end, labelled.label);
  if (failed != std::errc() || rest != end || labelled.label < 0 || labelled.label > 1 << 24)
    throw std::runtime_error("the class must be a number from 0");
  if (classes > 0 && labelled.label >= classes)
    throw std::runtime_error(
        fmt::format("class {} is not one of the model's {} classes", labelled.label, classes));
  labelled.file = folder / line.substr(0, tab);
  if (!fs::exists(labelled.file)) throw std::runtime_error(labelled.file.string() + " is not there");
  return labelled;
}

std::vector<LabelledFile> from_labels(const fs::path& labels, const fs::path& folder, int classes) {
  std::ifstream in(labels);
  if (!in) throw engine::FileError(labels.string() + ": cannot be read");
  std::vector<LabelledFile> all;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    try {
      all.push_back(parse_line(line, folder, classes));
    } catch (const std::runtime_error& e) {
      throw engine::FileError(fmt::format("{}:{}: {}", labels.string(), number, e.what()));
    }
  }
  return all;
}

std::vector<LabelledFile> from_subfolders(const fs::path& folder) {
  std::set<fs::path> classes;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.is_directory()) classes.insert(entry.path());
  std::vector<LabelledFile> all;
  int label = 0;
  for (const fs::path& its : classes) {
    for (const fs::path& file : image_files(its)) all.push_back({file, label});
    ++label;
  }
  return all;
}

std::vector<LabelledFile> labelled_files(const fs::path& folder, int classes = 0) {
  const fs::path labels = label_file(folder);
  std::vector<LabelledFile> all =
      labels.empty() ? from_subfolders(folder) : from_labels(labels, folder, classes);
  if (all.empty())
    throw engine::FileError(
        folder.string() +
        ": no images; labels.tsv (file, tab, class), or one subfolder of JPEG or PNG files a class, "
        "or MNIST's IDX files are expected");
  return all;
}

class ImageFiles : public ExampleSet {
 public:
  ImageFiles(std::vector<LabelledFile> files, Preparation how, int channels)
      : files_(std::move(files)), how_(how), channels_(channels) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(files_.size()); }

  Example example(std::int64_t index) const override {
    const LabelledFile& own = files_[static_cast<std::size_t>(index)];
    Raster image = read_image(own.file, channels_);
    if (how_.exact_width > 0) image = resized(image, how_.exact_width, how_.exact_height, how_.interpolation);
    if (how_.resize > 0) image = resized_shorter(image, how_.resize, how_.interpolation);
    if (how_.crop_width > 0) image = cropped(image, how_.crop_width, how_.crop_height, how_.half_even);
    Example e;
    e.label = own.label;
    e.image = {channels_, image.height, image.width, {}, false};
    for (int c = 0; c < channels_; ++c)
      for (std::size_t i = static_cast<std::size_t>(c); i < image.pixels.size();
           i += static_cast<std::size_t>(channels_))
        e.image.values.push_back(image.pixels[i]);
    return e;
  }

 private:
  std::vector<LabelledFile> files_;
  Preparation how_;
  int channels_;
};

}  // namespace

Dataset load_images(const fs::path& folder, const ModelSpec& spec, const fs::path& model_folder,
                    const DatasetOptions& options) {
  if (!spec.is_image()) throw engine::FileError(folder.string() + ": images, for a model of text");
  const auto set = std::make_shared<const ImageFiles>(
      labelled_files(folder, spec.classes), preparation(spec, model_folder, options), spec.image.channels);
  return {(folder / "").parent_path().filename().string(), Metric::top1, set, set};
}

std::vector<fs::path> image_dataset_files(const fs::path& folder) {
  std::vector<fs::path> files;
  const fs::path labels = label_file(folder);
  if (!labels.empty()) files.push_back(labels);
  for (const LabelledFile& own : labelled_files(folder)) files.push_back(own.file);
  return files;
}

}  // namespace flare::arch
