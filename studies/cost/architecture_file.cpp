#include "studies/cost/architecture_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "engine/base/units.hpp"
#include "studies/study/overrides.hpp"
#include "studies/toml/toml_file.hpp"

namespace flare::studies {

namespace {

template <class Value>
Value word(Section& s, std::string_view key, std::initializer_list<Value> values, Value otherwise) {
  const std::string text = s.text(key, std::string(arch::to_string(otherwise)));
  std::string all;
  for (const Value value : values) {
    if (arch::to_string(value) == text) return value;
    all += fmt::format("{}{}", all.empty() ? "" : ", ", arch::to_string(value));
  }
  s.fail(key, fmt::format("'{}' is not one of {}", text, all));
}

int whole(Section& s, std::string_view key, int otherwise, int least, int most) {
  return static_cast<int>(s.integer(key, otherwise, least, most));
}

void read_converter(Section s, arch::ConverterChoice& c) {
  using arch::ConverterLaw;
  c.law = word(s, "law",
               {ConverterLaw::flash, ConverterLaw::flash_untrimmed, ConverterLaw::sar, ConverterLaw::zigzag,
                ConverterLaw::survey, ConverterLaw::enob},
               c.law);
  c.enob = s.number("enob", c.enob, 0, 16);
  c.offset_sigma = s.quantity("offset_sigma", "V", c.offset_sigma);
  c.trim_residue = s.quantity("trim_residue", "V", c.trim_residue);
  c.swing = s.quantity("swing", "V", c.swing);
  s.finish();
}

double shape_value(Section& s, const char* key, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    s.fail(key, fmt::format("'{}' is no number", text));
  return value;
}

/// "line", or a value for every k.
std::vector<double> read_shape(Section& s, const char* key) {
  std::vector<double> shape;
  if (!s.has(key)) return shape;
  if (!s.has_text(key)) {
    for (const std::string& value : s.values(key)) shape.push_back(shape_value(s, key, value));
  } else if (s.text(key) != "line") {
    s.fail(key, "is neither \"line\" nor a list of numbers, one for every k = 0 ... SAWL");
  }
  return shape;
}

std::string shape_text(const std::vector<double>& shape) {
  return shape.empty() ? "\"line\"" : fmt::format("[{}]", fmt::join(shape, ", "));
}

void read_array(Section s, arch::ArrayChoice& a) {
  a.technology =
      word(s, "technology", {arch::MemoryTechnology::sram, arch::MemoryTechnology::mram}, a.technology);
  a.sawl = whole(s, "sawl", a.sawl, 1, 64);
  a.word_lines = whole(s, "word_lines", a.word_lines, 0, 65536);
  a.full_parallelism = s.flag("full_parallelism", a.full_parallelism);
  a.columns_per_converter = whole(s, "columns_per_converter", a.columns_per_converter, 1, 256);
  a.read_shape = read_shape(s, "read_shape");
  a.wordline_shape = read_shape(s, "wordline_shape");
  read_converter(s.section("converter"), a.converter);
  s.finish();
}

/// "DC8" is 8 copies.
int read_copies(Section& s, int otherwise) {
  if (!s.has_text("copies")) return whole(s, "copies", otherwise, 1, 16);
  const std::string text = s.text("copies");
  for (int k = 1; k <= 16; ++k)
    if (text == fmt::format("DC{}", k)) return k;
  s.fail("copies", fmt::format("'{}' is not one of DC1 ... DC16, nor a number", text));
}

void read_head(Section s, arch::Architecture& a) {
  a.name = s.text("name", a.name);
  a.copies = read_copies(s, a.copies);
  a.sharing =
      word(s, "sharing", {arch::Sharing::tokens, arch::Sharing::planes, arch::Sharing::split}, a.sharing);
  a.clock = word(s, "clock", {arch::Clock::paper, arch::Clock::spice}, a.clock);
  a.residency = word(s, "layers", {arch::Residency::one, arch::Residency::resident}, a.residency);
  a.batch = whole(s, "batch", a.batch, 1, 1'000'000);
  a.scope = word(s, "scope", {arch::Scope::attention, arch::Scope::encoder}, a.scope);
  a.supply = s.quantity("supply", "V", a.supply);
  s.finish();
}

void read_digital(Section s, arch::Architecture& a) {
  using arch::Packing;
  a.activation_bits = whole(s, "activation_bits", a.activation_bits, 2, 16);
  a.kv_bits = whole(s, "kv_bits", a.kv_bits, 2, 16);
  a.weight_bits = whole(s, "weight_bits", a.weight_bits, 2, 16);
  a.probability_bits = whole(s, "probability_bits", a.probability_bits, 2, 16);
  a.packing = word(s, "packing",
                   {Packing::fixed, Packing::next_fit, Packing::first_fit, Packing::best_fit, Packing::ideal},
                   a.packing);
  a.slice_length = whole(s, "slice_length", a.slice_length, 1, 4096);
  a.fused = s.flag("fused", a.fused);
  a.float_stages = s.flag("float_stages", a.float_stages);
  a.float_lanes = whole(s, "float_lanes", a.float_lanes, 1, 1'000'000);
  a.softmax_cycles = whole(s, "softmax_cycles", a.softmax_cycles, 0, 100'000);
  s.finish();
}

/// A quantity of a parameter's unit; a plain number where it has none.
double value_of(Section& s, std::string_view key, const arch::Parameter& p) {
  if (p.unit != "1") return s.quantity(key, p.unit);
  return s.has_text(key) ? s.quantity(key, "1") : s.number(key, 0, 1e30);
}

bool same(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); }

void read_parameter(Section s, const std::string& name, arch::ParameterSet& parameters) {
  const arch::Parameter standard = parameters.get(name);
  arch::Parameter p = standard;
  const bool given = s.has("value"), ends = s.has("low") || s.has("high");
  if (given) p.value = value_of(s, "value", standard);
  const bool moved = !same(p.value, standard.value);
  p.low = s.has("low") ? value_of(s, "low", standard) : moved ? p.value : standard.low;
  p.high = s.has("high") ? value_of(s, "high", standard) : moved ? p.value : standard.high;
  p.source = s.text("source", moved ? "" : standard.source);
  const std::string kind =
      s.text("kind", std::string(to_string(moved ? arch::ParameterKind::assumed : standard.kind)));
  if (!arch::read_kind(kind, p.kind))
    s.fail("kind", fmt::format("'{}' is not one of spice, cited, derived, assumed", kind));
  s.finish();
  std::string error;
  const bool own_ends = ends && !(same(p.low, standard.low) && same(p.high, standard.high));
  if ((moved || own_ends) && !s.has("source"))
    s.fail("", "a number of your own needs a source: say with source = \"...\" where it comes from");
  if (!p.is_valid(&error)) s.fail("", error);
  parameters.replace(std::move(p));
}

void read_parameters(Section s, arch::ParameterSet& parameters) {
  const arch::ParameterSet known = parameters;  // replaced one by one
  for (const arch::Parameter& p : known.all())
    if (s.has(p.name)) read_parameter(s.section(p.name), p.name, parameters);
  s.finish();
}

arch::Architecture read_table(const toml::table& table, const std::filesystem::path& file) {
  Section root(table, "", file);
  arch::Architecture a;
  a.name = file.stem().string();
  read_head(root.section("architecture"), a);
  read_digital(root.section("digital"), a);
  Section arrays = root.section("arrays");
  read_array(arrays.section("weights"), a.weights);
  read_array(arrays.section("dynamic"), a.dynamic);
  arrays.finish();
  read_parameters(root.section("parameters"), a.parameters);
  root.finish();
  std::string error;
  if (!a.is_valid(&error)) throw StudyError(file.string() + ": " + error);
  return a;
}

std::string array_text(const char* name, const arch::ArrayChoice& a) {
  return fmt::format(
      "\n[arrays.{0}]\ntechnology = \"{1}\"          # sram, mram\nsawl = {2}\nword_lines = {3}              "
      "  # of one array; 0: as many as the model needs\n"
      "full_parallelism = {4}       # all rows of a vector in one array; false: arrays one below another\n"
      "columns_per_converter = {5}\nread_shape = {11}           # energy over k = 0 ... SAWL on-cells "
      "(cost/README.md): line, or a list\nwordline_shape = {12}\n\n[arrays.{0}.converter]\nlaw = \"{6}\"     "
      "           # flash, "
      "flash_untrimmed, sar, zigzag, survey, enob\n"
      "enob = {7}                      # bits; 0: log2(SAWL + 1)\noffset_sigma = \"{8}\"     # that the "
      "error model allows a comparator\n"
      "trim_residue = \"{9}\"     # that the trim leaves\nswing = \"{10}\"            # of a bitline, over "
      "all levels\n",
      name, to_string(a.technology), a.sawl, a.word_lines, a.full_parallelism, a.columns_per_converter,
      to_string(a.converter.law), a.converter.enob, parameter_text(a.converter.offset_sigma, "V"),
      parameter_text(a.converter.trim_residue, "V"), parameter_text(a.converter.swing, "V"),
      shape_text(a.read_shape), shape_text(a.wordline_shape));
}

std::string parameters_text(const arch::ParameterSet& parameters) {
  std::string text;
  for (const arch::Parameter& p : parameters.all())
    text += fmt::format(
        "\n[parameters.{}]\nvalue = \"{}\"\nlow = \"{}\"\nhigh = \"{}\"\nkind = \"{}\"\nsource = \"{}\"\n",
        p.name, parameter_text(p.value, p.unit), parameter_text(p.low, p.unit),
        parameter_text(p.high, p.unit), to_string(p.kind), p.source);
  return text;
}

}  // namespace

std::string parameter_text(double value, const std::string& unit) {
  if (unit == "1") return fmt::format("{:.12g}", value);
  if (unit == "m^2") return fmt::format("{:.12g} um2", value * 1e12);
  return engine::format_quantity(value, unit, 12);
}

arch::Architecture parse_architecture(const std::string& text, const std::filesystem::path& file) {
  return read_table(parse_toml(text, file), file);
}

arch::Architecture read_architecture(const std::filesystem::path& file,
                                     const std::vector<std::string>& overrides) {
  toml::table table = parse_toml(read_toml_text(file, "an architecture"), file);
  for (const std::string& assignment : overrides) apply_override(table, assignment);
  return read_table(table, file);
}

std::string architecture_text(const arch::Architecture& a) {
  return fmt::format(
             "[architecture]\nname = \"{}\"\ncopies = \"DC{}\"              # DC1 ... DC16\nsharing = \"{}\" "
             "          # what copies share out: tokens, planes, split (rows)\n"
             "clock = \"{}\"              # paper (10 ns), spice (word line + pulse + conversion + "
             "restore)\nlayers = \"{}\"               # one (rewritten for the next), resident (all of "
             "them)\n"
             "batch = {}                    # sequences per loading of weights, where layers = one\nscope = "
             "\"{}\"          # attention, encoder (with the feed-forward part)\nsupply = \"{}\"\n",
             a.name, a.copies, to_string(a.sharing), to_string(a.clock), to_string(a.residency), a.batch,
             to_string(a.scope), parameter_text(a.supply, "V")) +
         fmt::format(
             "\n[digital]\nactivation_bits = {}\nkv_bits = {}\nweight_bits = {}\nprobability_bits = "
             "{}\npacking = \"{}\"          # BitSift; fixed: none\nslice_length = {}\n"
             "fused = {}                 # end to end; false: every tensor leaves the device\nfloat_stages = "
             "{}         # dequantisation and softmax in floating point\nfloat_lanes = {}\nsoftmax_cycles = "
             "{}\n",
             a.activation_bits, a.kv_bits, a.weight_bits, a.probability_bits, to_string(a.packing),
             a.slice_length, a.fused, a.float_stages, a.float_lanes, a.softmax_cycles) +
         array_text("weights", a.weights) + array_text("dynamic", a.dynamic) + parameters_text(a.parameters);
}

}  // namespace flare::studies
