#include "studies/parts/converter_part.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace flare::studies {

namespace {

using Roles = std::vector<std::string>;

/// A call whose ports must have all of `roles`.
Call whole_call(Manifest& manifest, Section& section, const Roles& roles, const Parameters& sizes) {
  return manifest.call(section, roles, roles, sizes);
}

double positive(Section& section, std::string_view key, std::string_view unit) {
  const double value = section.quantity(key, unit);
  if (!(value > 0.0)) section.fail(key, fmt::format("must be above 0 {}", unit));
  return value;
}

double part_of_one(Section& section, std::string_view key) {
  const double value = section.quantity(key, "1");
  if (!(value >= 0.0 && value < 1.0)) section.fail(key, "must lie in 0 ... 100 %");
  return value;
}

/// A table of exactly one parameter of the call, above zero.
Parameters one_parameter(Manifest& manifest, Section& section, std::string_view key, const Call& call) {
  Section table = section.section(key);
  const Parameters parameters = manifest.parameters_of(table, call);
  if (parameters.size() != 1 || !(parameters.begin()->second > 0.0)) {
    section.fail(key, fmt::format("names one parameter of {} and its value, above 0: {{ c = \"1 fF\" }}",
                                  call.subcircuit));
  }
  return parameters;
}

ReferenceCircuit read_reference(Manifest& manifest, Section section, const Parameters& sizes) {
  ReferenceCircuit reference;
  reference.ladder = section.choice("kind", {"held", "ladder"}, "held") == "ladder";
  const Roles roles = reference.ladder ? Roles{"upper", "lower"} : Roles{"source", "reference", "sample"};
  reference.call = whole_call(manifest, section, roles, sizes);
  reference.parameters =
      one_parameter(manifest, section, reference.ladder ? "resistance" : "capacitance", reference.call);
  if (reference.ladder) reference.sigma = part_of_one(section, "sigma");
  section.finish();
  return reference;
}

Trim read_trim(Section section) {
  Trim trim;
  trim.bits = static_cast<int>(section.integer("bits", 1, 16));
  trim.range = positive(section, "range", "V");
  trim.area = positive(section, "area", "m2");
  section.finish();
  return trim;
}

CapacitorArray read_array(Manifest& manifest, Section& root, const Parameters& sizes) {
  CapacitorArray array;
  Section sample = root.section("sample");
  array.sample = whole_call(manifest, sample, {"input", "top", "sample"}, sizes);
  sample.finish();
  Section bit = root.section("bit");
  array.bit = whole_call(manifest, bit, {"top", "hold", "decision", "trial", "latch", "supply"}, sizes);
  array.weight = bit.text("weight");
  manifest.check_parameter(bit, "weight", array.bit, array.weight);
  bit.finish();
  Section rest = root.section("rest");
  array.rest = whole_call(manifest, rest, {"top", "supply"}, sizes);
  rest.finish();
  Section section = root.section("array");
  array.bits = static_cast<int>(section.integer("bits", 1, 10));
  array.unit = one_parameter(manifest, section, "unit", array.bit);
  manifest.parameters_of(section.section("unit"), array.rest);
  array.sigma = part_of_one(section, "sigma");
  section.finish();
  return array;
}

ConverterCircuit read_kind(Section& root) {
  const std::string kind =
      root.choice("kind", {"comparator", "flash", "sar", "charge_to_pulse"}, "comparator");
  if (kind == "charge_to_pulse") {
    root.fail("kind", "makes pulses of charges and reads no levels: [gain_cell] of a study takes it");
  }
  return kind == "sar"     ? ConverterCircuit::sar
         : kind == "flash" ? ConverterCircuit::flash
                           : ConverterCircuit::comparator;
}

}  // namespace

std::string to_string(ConverterCircuit circuit) {
  return circuit == ConverterCircuit::sar     ? "sar"
         : circuit == ConverterCircuit::flash ? "flash"
                                              : "comparator";
}

double Trim::lsb() const { return 2.0 * range / (std::exp2(bits) - 1.0); }

double Trim::residual(double offset) const {
  const double step = lsb();
  const double within = std::clamp(offset, -range, range);
  const double code = std::clamp(std::round((within + range) / step), 0.0, std::exp2(bits) - 1.0);
  return offset - (code * step - range);
}

std::string to_string(const Trim& trim) {
  return fmt::format("trim of {} bits over +-{:.3g} mV (LSB {:.3g} mV), {:.3g} um2 each", trim.bits,
                     trim.range * 1e3, trim.lsb() * 1e3, trim.area * 1e12);
}

ConverterPart read_converter_part(const PartPlace& place) {
  Manifest manifest(place.manifest);
  Section& root = manifest.root();
  ConverterPart part;
  static_cast<Part&>(part) = manifest.part(place.name, place.variant);
  part.circuit = read_kind(root);
  Section comparator = root.section("comparator");
  part.comparator =
      manifest.call(comparator, {"input", "reference", "clock", "output", "output_bar", "supply", "ground"},
                    {"input", "reference", "clock", "output", "output_bar"}, part.sizes);
  comparator.finish();
  std::vector<const Call*> calls = {&part.comparator};
  if (part.circuit == ConverterCircuit::flash) {
    part.reference = read_reference(manifest, root.section("reference"), part.sizes);
    calls.push_back(&part.reference->call);
  }
  if (part.circuit == ConverterCircuit::sar) {
    part.array = read_array(manifest, root, part.sizes);
    for (const Call* call : {&part.array->sample, &part.array->bit, &part.array->rest}) calls.push_back(call);
  }
  if (root.has("trim")) part.trim = read_trim(root.section("trim"));
  manifest.check_sizes(calls);
  root.finish();
  return part;
}

ConverterPart shipped_converter(const std::string& name) {
  return read_converter_part(own_part("converter", name));
}

}  // namespace flare::studies
