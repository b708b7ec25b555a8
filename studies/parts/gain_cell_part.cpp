#include "studies/parts/gain_cell_part.hpp"

#include <fmt/format.h>

#include "studies/toml/toml_file.hpp"

namespace flare::studies {

namespace {

using Roles = std::vector<std::string>;

ReadLine read_line(Section section) {
  const double least = -1.0;
  const double most = 2.0;
  ReadLine line{section.number("idle", least, most), section.number("active", least, most)};
  if (line.idle == line.active) section.fail("active", "is what the line is when idle: nothing would read");
  section.finish();
  return line;
}

/// A node of the subcircuit: of its own, or of one it calls ("xs.g").
void check_node(const Section& section, std::string_view key, const std::string& node) {
  const bool word =
      !node.empty() && node.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") == std::string::npos;
  if (!word) section.fail(key, fmt::format("'{}' is no name of a node, in lower case", node));
}

PulseCircuit read_pulse_circuit(Manifest& manifest, Section section, const Roles& roles,
                                const Parameters& sizes) {
  PulseCircuit circuit{manifest.call(section, roles, roles, sizes), {}};
  if (section.has("balance")) circuit.balance = section.texts("balance");
  for (const std::string& node : circuit.balance) check_node(section, "balance", node);
  section.finish();
  return circuit;
}

bool says(const std::filesystem::path& manifest, std::string_view key, std::string_view value) {
  return read_toml(manifest, "a manifest")[key].value_or(std::string_view{}) == value;
}

}  // namespace

GainCell read_gain_cell_part(const PartPlace& place) {
  Manifest manifest(place.manifest);
  Section& root = manifest.root();
  if (root.choice("read", {"discharge", "clamp", "pulse"}, "discharge") != "pulse") {
    root.fail("read", "[gain_cell] takes cells that are read by pulses (read = \"pulse\")");
  }
  GainCell cell;
  static_cast<Part&>(cell) = manifest.part(place.name, place.variant);
  Section section = root.section("cell");
  const Roles roles{"write_bitline", "write", "write_bar", "read", "read_bar", "bitline", "supply", "ground"};
  const Roles needed{"write_bitline", "write", "read", "bitline"};
  cell.call = manifest.call(section, roles, needed, cell.sizes);
  cell.storage = section.text("storage");
  check_node(section, "storage", cell.storage);
  section.finish();
  Section lines = root.section("read_lines");
  cell.read = read_line(lines.section("read"));
  if (cell.call.has_port("read_bar")) cell.read_bar = read_line(lines.section("read_bar"));
  lines.finish();
  manifest.check_sizes({&cell.call});
  root.finish();
  return cell;
}

PulseConverter read_pulse_converter(const PartPlace& place) {
  Manifest manifest(place.manifest);
  Section& root = manifest.root();
  if (root.text("kind", "comparator") != "charge_to_pulse") {
    root.fail("kind", "[gain_cell] takes converters that make a pulse of a charge (\"charge_to_pulse\")");
  }
  PulseConverter part;
  static_cast<Part&>(part) = manifest.part(place.name, place.variant);
  Roles roles{"bitline", "enable_bar", "zero", "zero_bar", "reference", "pulse", "supply", "ground"};
  part.rectifier = read_pulse_circuit(manifest, root.section("rectifier"), roles, part.sizes);
  roles.insert(roles.end(), {"reference_down", "sign"});
  part.with_sign = read_pulse_circuit(manifest, root.section("signed"), roles, part.sizes);
  manifest.check_sizes({&part.rectifier.call, &part.with_sign.call});
  root.finish();
  return part;
}

bool is_gain_cell(const std::filesystem::path& manifest) { return says(manifest, "read", "pulse"); }

bool is_pulse_converter(const std::filesystem::path& manifest) {
  return says(manifest, "kind", "charge_to_pulse");
}

}  // namespace flare::studies
