#include "studies/cli/check_part.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string>

#include "studies/parts/cell.hpp"
#include "studies/parts/converter_part.hpp"
#include "studies/parts/gain_cell_part.hpp"
#include "studies/parts/kit.hpp"

namespace flare::studies {

namespace {

constexpr std::array<const char*, 3> kinds{"cell", "converter", "kit"};

std::filesystem::path manifest_of(const std::filesystem::path& path) {
  for (const char* kind : kinds) {
    const std::string name = fmt::format("{}.toml", kind);
    if (path.filename() == name && std::filesystem::is_regular_file(path)) return path;
    if (std::filesystem::is_regular_file(path / name)) return path / name;
  }
  return {};
}

void print_sizes(const char* what, const Parameters& sizes) {
  std::string text;
  for (const auto& [name, value] : sizes)
    text += fmt::format("{}{} {:.6g}", text.empty() ? "" : ", ", name, value);
  if (!text.empty()) fmt::print("  {:<10}{}\n", what, text);
}

void print_call(const char* what, const Call& call) {
  fmt::print("  {:<10}{} ({}){}\n", what, call.subcircuit, fmt::join(call.ports, ", "),
             call.varies.empty() ? "" : fmt::format("; varies {}", fmt::join(call.varies, ", ")));
}

void check_cell(const PartPlace& place) {
  const Cell cell = read_cell(place);
  fmt::print("{}: {}\n  netlist   {}\n", place.manifest.string(), cell.title, cell.netlist.string());
  print_sizes("sizes", cell.sizes);
  print_call("active", cell.active.call);
  print_call("resting 1", cell.idle_one.call);
  print_call("resting 0", cell.idle_zero.call);
  if (cell.whole) print_call("whole", cell.whole->call);
  print_call(cell.read == ReadKind::clamp ? "clamp" : "precharge", cell.end.call);
}

void check_converter(const PartPlace& place) {
  const ConverterPart part = read_converter_part(place);
  fmt::print("{}: {}\n  netlist   {}\n", place.manifest.string(), part.title, part.netlist.string());
  print_sizes("sizes", part.sizes);
  print_call("compares", part.comparator);
  if (part.reference) print_call(part.reference->ladder ? "ladder" : "reference", part.reference->call);
  if (part.array) {
    print_call("samples", part.array->sample);
    print_call("bit", part.array->bit);
    print_call("rest", part.array->rest);
    fmt::print("  array     {} units of {:.3g} fF +-{:.2g} %\n", part.array->units(),
               part.array->unit_capacitance() * 1e15, part.array->sigma * 100.0);
  }
  if (part.trim) fmt::print("  trimmed   {}\n", to_string(*part.trim));
}

void check_gain_cell(const PartPlace& place) {
  const GainCell cell = read_gain_cell_part(place);
  fmt::print("{}: {}\n  netlist   {}\n", place.manifest.string(), cell.title, cell.netlist.string());
  print_sizes("sizes", cell.sizes);
  print_call("cell", cell.call);
  fmt::print("  stores on {}\n", cell.storage);
}

void check_pulse_converter(const PartPlace& place) {
  const PulseConverter part = read_pulse_converter(place);
  fmt::print("{}: {}\n  netlist   {}\n", place.manifest.string(), part.title, part.netlist.string());
  print_sizes("sizes", part.sizes);
  print_call("rectifier", part.rectifier.call);
  print_call("signed", part.with_sign.call);
}

void check_kit(const PartPlace& place) {
  const Kit kit = read_kit(place);
  fmt::print("{}: a kit\n  library   {}\n", place.manifest.string(), kit.library.string());
  if (!kit.compatibility.empty()) fmt::print("  ngspice   compatibility {}\n", kit.compatibility);
  for (const auto& [name, value] : kit.parameters) fmt::print("  parameter {} = {}\n", name, value);
}

}  // namespace

bool is_part(const std::filesystem::path& path) { return !manifest_of(path).empty(); }

void check_part(const std::filesystem::path& path) {
  const std::filesystem::path manifest = manifest_of(path);
  const std::string folder = std::filesystem::absolute(manifest).parent_path().filename().string();
  const PartPlace place{manifest, "", folder};
  if (manifest.filename() == "cell.toml") is_gain_cell(manifest) ? check_gain_cell(place) : check_cell(place);
  if (manifest.filename() == "converter.toml") {
    is_pulse_converter(manifest) ? check_pulse_converter(place) : check_converter(place);
  }
  if (manifest.filename() == "kit.toml") check_kit(place);
  fmt::print("OK\n");
}

}  // namespace flare::studies
