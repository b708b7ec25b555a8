#include "studies/model/array_spec.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "engine/base/error_model_file.hpp"
#include "engine/base/hdf5_io.hpp"
#include "engine/base/measured_model.hpp"
#include "studies/toml/toml_section.hpp"

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

/// A number that fills the whole text and lies in [low, high]: "0.05", "5%", "5 %" or "0.05 step".
double number(const std::string& text, double low, double high) {
  double value = 0.0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  std::string unit(rest, end);
  unit.erase(0, unit.find_first_not_of(' ') == std::string::npos ? unit.size() : unit.find_first_not_of(' '));
  if (unit == "%") value /= 100.0;
  const bool known = unit.empty() || unit == "%" || unit == "step";
  if (error != std::errc() || !known || !(value >= low) || !(value <= high)) {
    throw StudyError(fmt::format("'{}' is not a number from {} to {} (5 % is 0.05)", text, low, high));
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
  const auto values = fields(
      text, {"sawl", "rate", "codes", "cells", "off_cells", "offsets", "noise", "shift", "gain_error"});
  if (values.count("sawl") == 0) throw StudyError("sawl=N is missing");
  const int sawl = whole(values.at("sawl"), 1, 64);
  if (values.count("rate") != 0) {
    if (values.size() > 2) throw StudyError("rate takes no other key than sawl");
    return arch::ErrorModel::neighbour_errors(sawl, number(values.at("rate"), 0.0, 0.5));
  }
  const auto value = [&](const char* key, double low, double high) {
    return values.count(key) != 0 ? number(values.at(key), low, high) : 0.0;
  };
  const auto sigma = [&](const char* key) { return value(key, 0.0, 1.0); };
  const int codes = values.count("codes") != 0 ? whole(values.at("codes"), 2, sawl + 1) : sawl + 1;
  return arch::ErrorModel::gaussian(sawl, codes, {sigma("cells"), sigma("off_cells"), sigma("offsets")},
                                    {sigma("noise")},
                                    {value("shift", -sawl, sawl), value("gain_error", -1.0, 1.0)});
}

void check_file(const std::filesystem::path& file) {
  if (file.empty()) throw StudyError("needs a result file: FILE:CELL/sawlN/CONVERTER/CORNER");
  if (!std::filesystem::exists(file)) throw StudyError(file.string() + ": no such file");
}

bool is_csv(const std::string& text) {
  return text.size() > 4 && text.compare(text.size() - 4, 4, ".csv") == 0;
}

/// A measured matrix; without a name of its own the file's stands for the cell.
ArrayErrors from_csv(const std::filesystem::path& file) {
  check_file(file);
  engine::MeasuredModel measured = engine::load_measured_model(file);
  const engine::MatrixDescription& d = measured.description;
  return {std::make_shared<const arch::ErrorModel>(std::move(measured.model)),
          d.cell.empty() ? file.stem().string() : d.cell,
          d.adc.empty() ? "measured" : d.adc,
          d.corner,
          file.filename().string(),
          file};
}

/// [FILE:]CELL/sawlN/CONVERTER/CORNER, or FILE:/PATH.
ArrayErrors from_file(const std::string& text, const std::filesystem::path& result) {
  const std::size_t colon = text.rfind(':');
  const std::filesystem::path file =
      colon == std::string::npos ? result : std::filesystem::path(text.substr(0, colon));
  const std::string path = colon == std::string::npos ? text : text.substr(colon + 1);
  if (colon != std::string::npos && path.rfind('/', 0) == 0) {
    check_file(file);
    return {
        std::make_shared<const arch::ErrorModel>(engine::read_error_model(engine::open_result(file), path)),
        file.stem().string(),
        "measured",
        "",
        text,
        file};
  }
  const std::vector<std::string> parts = split(path, '/');
  if (parts.size() != 4 || parts[1].rfind("sawl", 0) != 0)
    throw StudyError(
        "expected none, synthetic:..., FILE.csv, FILE:/PATH or [FILE:]CELL/sawlN/CONVERTER/CORNER");
  check_file(file);
  return array_errors(file, parts[0], whole(parts[1].substr(4), 1, 64), parts[2], parts[3]);
}

}  // namespace

ArrayErrors array_errors(const std::filesystem::path& result, const std::string& cell, int sawl,
                         const std::string& adc, const std::string& corner) {
  ArrayErrors errors;
  errors.model = std::make_shared<const arch::ErrorModel>(
      engine::read_error_model(engine::open_result(result), {cell, sawl, adc, corner}));
  errors.cell = cell;
  errors.adc = adc;
  errors.corner = corner;
  errors.name = fmt::format("{}/sawl{}/{}/{}", cell, sawl, adc, corner);
  errors.file = result;
  return errors;
}

ArrayErrors array_errors(const std::string& option, const std::string& text,
                         const std::filesystem::path& result) {
  const std::string synthetic = "synthetic:";
  try {
    if (text == "none") return {nullptr, "", "", "", "none", {}};
    if (text.rfind(synthetic, 0) == 0) {
      const std::string how = text.substr(synthetic.size());
      return {std::make_shared<const arch::ErrorModel>(synthetic_model(how)), "synthetic", how, "", text, {}};
    }
    if (is_csv(text)) return from_csv(text);
    return from_file(text, result);
  } catch (const StudyError& e) {
    throw StudyError(fmt::format("{} {}: {}", option, text, e.what()));
  } catch (const engine::FileError& e) {
    throw StudyError(fmt::format("{} {}: {}", option, text, e.what()));
  }
}

std::filesystem::path spec_file(const std::string& text) {
  if (text.rfind("synthetic:", 0) == 0) return {};
  if (is_csv(text)) return text;
  const std::size_t colon = text.rfind(':');
  return colon == std::string::npos ? std::filesystem::path() : std::filesystem::path(text.substr(0, colon));
}

std::string anchored_spec(const std::string& text, const std::filesystem::path& folder) {
  const std::filesystem::path file = spec_file(text);
  if (file.empty() || file.is_absolute()) return text;
  return (folder / file).string() + text.substr(file.string().size());
}

std::string die_mode_note(const ArrayErrors& errors) {
  constexpr double never_seen = 1e-9;  // a run makes fewer reads
  if (!errors.model) return {};
  const double said = errors.model->largest_error_rate();
  if (errors.model->freezes_nothing()) {
    if (said == 0.0) return {};
    return fmt::format(
        "{} says of nothing that it is frozen on a die: every error is drawn per read, and mode die is "
        "mode read",
        errors.name);
  }
  // Die mode draws from the parts. Where they imply other errors than the matrix the two modes tell two stories.
  arch::ErrorModel parts = *errors.model;
  parts.confusion = parts.confusion_of_parts();
  const double implied = parts.largest_error_rate();
  if (std::max(implied, said) < never_seen || (implied <= 2.0 * said && said <= 2.0 * implied)) return {};
  return fmt::format(
      "{}: its matrix errs in up to {:.2g} of the reads of a level, the deviations it names imply {:.2g}; "
      "mode read follows the matrix, mode die the deviations",
      errors.name, said, implied);
}

}  // namespace flare::studies
