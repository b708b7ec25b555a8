#include "studies/study/study_corners.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "engine/base/units.hpp"

namespace flare::studies {

namespace {

/// 0.9 -> "0.90", 0.896 -> "0.896": at least two decimals, and never fewer than tell the value.
std::string volts(double value) {
  const std::string exact = fmt::format("{:.12g}", value);
  const std::string rounded = fmt::format("{:.2f}", value);
  return std::stod(rounded) == std::stod(exact) ? rounded : exact;
}

/// What may stand in the name of an HDF5 group.
std::string path_safe(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '/' || c == ' '; }, '-');
  return text;
}

double checked_supply(const Section& s, std::string_view key, double v) {
  if (!(v > 0.0 && v < 1000.0)) s.fail(key, "must lie between 0 and 1000 V");
  return v;
}

double checked_temperature(const Section& s, std::string_view key, double t) {
  if (!(t > -273.15 && t < 1000.0)) s.fail(key, "must lie between -273.15 and 1000 degC");
  return t;
}

double quantity_of(const Section& s, std::string_view key, const std::string& text, std::string_view unit) {
  try {
    return engine::quantity(text, unit);
  } catch (const engine::UnitError& e) {
    s.fail(key, e.what());
  }
}

/// A source's value in V or A, as its unit says.
double source_value(const Section& s, std::string_view key, const std::string& text) {
  try {
    return engine::quantity(text, "V");
  } catch (const engine::UnitError&) {
    return quantity_of(s, key, text, "A");
  }
}

/// Values of a .param are plain numbers: the netlist gives them their unit.
double parameter_value(const Section& s, std::string_view key, const std::string& text) {
  return quantity_of(s, key, text, "1");
}

/// Every corner so far, once with each of the values.
template <typename Value, typename Set>
void combine(std::vector<Corner>& corners, const std::vector<Value>& values, const Set& set) {
  if (values.empty()) return;
  std::vector<Corner> combined;
  for (const Corner& corner : corners) {
    for (const Value& value : values) {
      combined.push_back(corner);
      set(combined.back(), value);
    }
  }
  corners = std::move(combined);
}

std::vector<Corner> read_lists(Section& s) {
  std::vector<Corner> corners(1);
  if (s.has("process")) {
    combine(corners, s.texts("process"), [](Corner& c, const std::string& p) { c.process = p; });
  }
  if (s.has("supply")) {
    combine(corners, s.quantities("supply", "V"),
            [&](Corner& c, double v) { c.supply = checked_supply(s, "supply", v); });
  }
  if (s.has("temperature")) {
    combine(corners, s.quantities("temperature", "degC"),
            [&](Corner& c, double t) { c.temperature = checked_temperature(s, "temperature", t); });
  }
  Section sources = s.section("sources");
  for (const std::string& name : sources.keys()) {
    combine(corners, sources.texts(name),
            [&](Corner& c, const std::string& text) { c.sources[name] = source_value(sources, name, text); });
  }
  Section parameters = s.section("parameters");
  for (const std::string& name : parameters.keys()) {
    combine(corners, parameters.texts(name), [&](Corner& c, const std::string& text) {
      c.parameters[name] = parameter_value(parameters, name, text);
    });
  }
  Section sections = s.section("sections");
  for (const std::string& name : sections.keys()) {
    combine(corners, sections.texts(name),
            [&](Corner& c, const std::string& text) { c.sections[name] = text; });
  }
  return corners;
}

Corner read_named(Section& s) {
  Corner corner;
  corner.title = path_safe(s.text("name"));
  if (corner.title.empty()) s.fail("name", "must not be empty");
  corner.process = s.text("process", "");
  if (s.has("supply")) corner.supply = checked_supply(s, "supply", s.quantity("supply", "V"));
  if (s.has("temperature")) {
    corner.temperature = checked_temperature(s, "temperature", s.quantity("temperature", "degC"));
  }
  Section sources = s.section("sources");
  for (const std::string& name : sources.keys()) {
    corner.sources[name] = source_value(sources, name, sources.text_or_number(name));
  }
  Section parameters = s.section("parameters");
  for (const std::string& name : parameters.keys()) {
    corner.parameters[name] = parameter_value(parameters, name, parameters.text_or_number(name));
  }
  Section sections = s.section("sections");
  for (const std::string& name : sections.keys()) corner.sections[name] = sections.text(name);
  s.finish();
  return corner;
}

/// "tt 0.9 V 27 degC", or the name of a corner.
Corner read_nominal(Section& s, const std::vector<Corner>& corners) {
  const std::string text = s.text("nominal");
  for (const Corner& corner : corners) {
    if (corner.name() == text) return corner;
  }
  std::istringstream in(text);
  Corner corner;
  std::string value;
  std::string unit;
  std::string degrees;
  std::string degree_unit;
  if (!(in >> corner.process >> value >> unit >> degrees >> degree_unit) || in >> value) {
    s.fail("nominal",
           fmt::format("'{}' is not a corner; expected e.g. \"tt 0.9 V 27 degC\" or a corner's name", text));
  }
  corner.supply = quantity_of(s, "nominal", value + " " + unit, "V");
  corner.temperature = quantity_of(s, "nominal", degrees + " " + degree_unit, "degC");
  return corner;
}

/// The middle of each list: where a study says no nominal corner.
Corner middle_corner(Section& s, const std::vector<Corner>& corners) {
  Corner nominal = corners.front();
  if (s.has("supply")) {
    const std::vector<double> values = s.quantities("supply", "V");
    nominal.supply = values[values.size() / 2];
  }
  if (s.has("temperature")) {
    const std::vector<double> values = s.quantities("temperature", "degC");
    nominal.temperature = values[values.size() / 2];
  }
  return nominal;
}

void check_names(const Section& s, const std::vector<Corner>& corners) {
  std::set<std::string> names;
  for (const Corner& corner : corners) {
    if (!names.insert(corner.name()).second) {
      s.fail("", fmt::format("two corners are called {}; each must stand once", corner.name()));
    }
  }
}

}  // namespace

std::string Corner::name() const {
  if (!title.empty()) return title;
  std::string text = path_safe(process);
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "_") + part; };
  if (supply) add(volts(*supply) + "V");
  if (temperature) add(fmt::format("{:.12g}C", *temperature));
  for (const auto& [source, value] : sources) add(fmt::format("{}={:.12g}", source, value));
  for (const auto& [parameter, value] : parameters) add(fmt::format("{}={:.12g}", parameter, value));
  for (const auto& [library, section] : sections) add(path_safe(section));
  return text.empty() ? "netlist" : text;
}

Corners read_corners(Section& s) {
  Corners corners;
  corners.process_place = s.place("process");
  corners.supply_place = s.place("supply");
  corners.all = read_lists(s);
  std::vector<Section> named = s.sections("named");
  if (!named.empty() && corners.all.size() == 1 && corners.all.front() == Corner{}) corners.all.clear();
  for (Section& one : named) corners.all.push_back(read_named(one));
  check_names(s, corners.all);
  corners.nominal = s.has("nominal") ? read_nominal(s, corners.all) : middle_corner(s, corners.all);
  return corners;
}

}  // namespace flare::studies
