#include "studies/array_spec.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "flare_arch/error_model_file.hpp"
#include "studies/toml_section.hpp"

namespace flare::studies {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// A number that fills the whole text and lies in [low, high].
double number(const std::string& text, double low, double high) {
  double value = 0.0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || !(value >= low) || !(value <= high)) {
    throw StudyError(fmt::format("'{}' is not a number from {} to {}", text, low, high));
  }
  return value;
}

int whole(const std::string& text, int low, int high) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || value < low || value > high) {
    throw StudyError(fmt::format("'{}' is not a whole number from {} to {}", text, low, high));
  }
  return value;
}

/// Takes key=value texts apart; every key must be one of `known`.
std::map<std::string, std::string> fields(const std::string& text, const std::vector<std::string>& known) {
  std::map<std::string, std::string> values;
  for (const std::string& part : split(text, ',')) {
    const std::size_t equals = part.find('=');
    const std::string key = part.substr(0, equals);
    if (equals == std::string::npos || std::find(known.begin(), known.end(), key) == known.end()) {
      throw StudyError(
          fmt::format("'{}': expected KEY=VALUE with a key of {}", part, fmt::join(known, ", ")));
    }
    if (!values.emplace(key, part.substr(equals + 1)).second)
      throw StudyError(fmt::format("'{}' is given twice", key));
  }
  return values;
}

arch::ErrorModel synthetic_model(const std::string& text) {
  const auto values = fields(text, {"sawl", "rate", "codes", "cells", "off_cells", "offsets", "noise"});
  if (values.count("sawl") == 0) throw StudyError("sawl=N is missing");
  const int sawl = whole(values.at("sawl"), 1, 64);
  if (values.count("rate") != 0) {
    if (values.size() > 2) throw StudyError("rate takes no other key than sawl");
    return arch::ErrorModel::neighbour_errors(sawl, number(values.at("rate"), 0.0, 0.5));
  }
  const auto sigma = [&](const char* key) {
    return values.count(key) != 0 ? number(values.at(key), 0.0, 1.0) : 0.0;
  };
  const int codes = values.count("codes") != 0 ? whole(values.at("codes"), 2, sawl + 1) : sawl + 1;
  return arch::ErrorModel::gaussian(sawl, codes, {sigma("cells"), sigma("off_cells"), sigma("offsets")},
                                    {sigma("noise")});
}

ArrayErrors from_file(const std::string& text, const std::filesystem::path& result) {
  const std::size_t colon = text.rfind(':');
  const std::filesystem::path file =
      colon == std::string::npos ? result : std::filesystem::path(text.substr(0, colon));
  const std::vector<std::string> parts =
      split(colon == std::string::npos ? text : text.substr(colon + 1), '/');
  if (parts.size() != 4 || parts[1].rfind("sawl", 0) != 0)
    throw StudyError("expected none, synthetic:..., or [FILE:]CELL/sawlN/CONVERTER/CORNER");
  if (file.empty()) throw StudyError("needs a result file: FILE:CELL/sawlN/CONVERTER/CORNER");
  if (!std::filesystem::exists(file)) throw StudyError(file.string() + ": no such file");
  return array_errors(file, parts[0], whole(parts[1].substr(4), 1, 64), parts[2], parts[3]);
}

}  // namespace

ArrayErrors array_errors(const std::filesystem::path& result, const std::string& cell, int sawl,
                         const std::string& adc, const std::string& corner) {
  ArrayErrors errors;
  try {
    errors.model =
        std::make_shared<const arch::ErrorModel>(arch::load_error_model(result, cell, sawl, adc, corner));
  } catch (const std::runtime_error& e) {
    throw StudyError(e.what());
  }
  errors.cell = cell;
  errors.adc = adc;
  errors.corner = corner;
  errors.name = fmt::format("{}/sawl{}/{}/{}", cell, sawl, adc, corner);
  return errors;
}

ArrayErrors array_errors(const std::string& option, const std::string& text,
                         const std::filesystem::path& result) {
  const std::string synthetic = "synthetic:";
  try {
    if (text == "none") return {nullptr, "", "", "", "none"};
    if (text.rfind(synthetic, 0) == 0) {
      const std::string how = text.substr(synthetic.size());
      return {std::make_shared<const arch::ErrorModel>(synthetic_model(how)), "synthetic", how, "", text};
    }
    return from_file(text, result);
  } catch (const StudyError& e) {
    throw StudyError(fmt::format("{} {}: {}", option, text, e.what()));
  }
}

}  // namespace flare::studies
