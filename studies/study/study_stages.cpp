#include "studies/study/study_stages.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "flare_arch/models/accuracy.hpp"
#include "flare_arch/models/answers.hpp"

namespace flare::studies {

namespace {

/// How files become examples.
arch::DatasetOptions read_data(Section& s) {
  constexpr std::int64_t longest = 1 << 20, largest = 1 << 14;
  arch::DatasetOptions data;
  if (s.has("calibration")) data.calibration = s.file("calibration");
  if (s.has("tokenizer")) data.tokenizer = s.file("tokenizer");
  if (s.has("metric")) {
    data.metric = arch::metric_of(s.text("metric"));
    if (!data.metric)
      s.fail("metric", fmt::format("must be one of {}", fmt::join(arch::metric_names(), ", ")));
  }
  data.window = static_cast<int>(s.integer("window", 0, 0, longest));
  data.lines = s.flag("lines", false);
  data.resize = static_cast<int>(s.integer("resize", 0, 0, largest));
  data.crop = static_cast<int>(s.integer("crop", 0, 0, largest));
  if (s.has("interpolation"))
    data.interpolation = s.choice("interpolation", {"nearest", "bilinear", "bicubic", "lanczos"}, "bicubic");
  return data;
}

}  // namespace

AccuracyStudy read_accuracy(Section s, const std::vector<ConverterStudy>& converters) {
  AccuracyStudy a;
  a.model = s.file("model");
  a.dataset = s.file("dataset");
  a.modes = s.has("modes") ? s.texts("modes") : std::vector<std::string>{"read"};
  for (const std::string& mode : a.modes) {
    if (mode != "read" && mode != "die") s.fail("modes", fmt::format("'{}' is not one of read, die", mode));
  }
  a.repeats = static_cast<int>(s.integer("repeats", a.repeats, 1, 10'000));
  a.examples = static_cast<int>(s.integer("examples", 0, 0, 100'000'000));
  a.quantizer = s.text("quantizer", a.quantizer);
  const std::vector<std::string> quantizers = arch::quantizer_names();
  if (std::find(quantizers.begin(), quantizers.end(), a.quantizer) == quantizers.end()) {
    s.fail("quantizer", fmt::format("'{}' is not one of {}", a.quantizer, fmt::join(quantizers, ", ")));
  }
  if (s.has("converter") && s.has("converters"))
    s.fail("converter", "'converters' says it, too; give one of them");
  a.converters = {s.text("converter", converters.empty() ? "" : converters.front().name)};
  if (s.has("converters")) a.converters = s.texts("converters");
  for (const std::string& name : a.converters) {
    if (std::none_of(converters.begin(), converters.end(),
                     [&](const ConverterStudy& c) { return c.name == name; })) {
      s.fail(s.has("converters") ? "converters" : "converter",
             fmt::format("there is no [[converter]] called '{}'", name));
    }
  }
  a.weight_arrays = s.text("weight_arrays", "");
  a.dynamic_arrays = s.text("dynamic_arrays", "");
  a.allowed_drop = s.number("allowed_drop", a.allowed_drop, 0, 100);
  a.data = read_data(s);
  s.finish();
  return a;
}

CostStudy read_cost(Section s) {
  CostStudy c;
  c.architecture = s.file("architecture");
  c.model = s.file("model");
  c.dataset = s.file("dataset");
  c.examples = static_cast<int>(s.integer("examples", c.examples, 0, 100'000'000));
  s.finish();
  return c;
}

MapStudy read_map(Section s) {
  MapStudy map;
  map.claim = s.text("claim", "");
  s.finish();
  return map;
}

}  // namespace flare::studies
