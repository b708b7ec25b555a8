#include "studies/parts/cell.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "engine/measures/expression.hpp"

namespace flare::studies {

namespace {

const std::vector<std::string> row_roles{"bitline",    "bitline_bar", "wordline", "stored",
                                         "not_stored", "supply",      "ground"};
const std::vector<std::string> idle_roles{"bitline", "bitline_bar", "supply", "ground"};
const std::vector<std::string> precharge_roles{"bitline", "precharge", "supply", "ground"};
const std::vector<std::string> clamp_roles{"bitline", "sense",  "precharge", "read_voltage",
                                           "enable",  "supply", "ground"};

/// How a row holds its bit: a port, parameters, or voltages at the start.
void read_state(Manifest& manifest, Section& section, CellRow& row) {
  row.one = manifest.parameters_of(section.section("one"), row.call);
  row.zero = manifest.parameters_of(section.section("zero"), row.call);
  Section state = section.section("state");
  for (const std::string& node : state.keys()) {
    row.state.push_back({node, state.choice(node, {"stored", "not_stored"}, "") == "not_stored"});
  }
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (!std::equal(row.one.begin(), row.one.end(), row.zero.begin(), row.zero.end(), same_name)) {
    section.fail("one", "and 'zero' must set the same parameters");
  }
  const bool port = row.call.has_port("stored") || row.call.has_port("not_stored");
  if (port + !row.one.empty() + !row.state.empty() != 1) {
    section.fail("",
                 "must say in one way how a bit is stored: a port with the role 'stored', tables 'one' and "
                 "'zero' of parameters, or a table 'state' of nodes");
  }
}

CellRow read_row(Manifest& manifest, Section section, const Parameters& sizes) {
  CellRow row;
  row.call = manifest.call(section, row_roles, {"bitline", "wordline"}, sizes);
  if (row.call.varies.empty()) section.fail("", "needs the key 'varies': the elements that mismatch moves");
  read_state(manifest, section, row);
  section.finish();
  return row;
}

IdleRows read_idle(Manifest& manifest, Section section, const Parameters& sizes) {
  IdleRows rows;
  rows.call = manifest.call(section, idle_roles, {"bitline"}, sizes);
  rows.parameters = manifest.parameters_of(section.section("parameters"), rows.call);
  section.finish();
  return rows;
}

/// A cell without a form of its own for rows at rest: the row that is read, its word line low.
IdleRows idle_of(const CellRow& active, bool one) {
  return {active.call, one ? active.one : active.zero, active.state};
}

void read_idle_rows(Manifest& manifest, Section section, Cell& cell) {
  for (const bool one : {true, false}) {
    const char* const key = one ? "one" : "zero";
    IdleRows& rows = one ? cell.idle_one : cell.idle_zero;
    rows =
        section.has(key) ? read_idle(manifest, section.section(key), cell.sizes) : idle_of(cell.active, one);
  }
  section.finish();
}

void read_end(Manifest& manifest, Section& section, const std::vector<std::string>& roles,
              const std::vector<std::string>& needed, ColumnEnd& end) {
  Section sizes = section.section("sizes");
  end.sizes = manifest.parameters(sizes);
  end.call = manifest.call(section, roles, needed, end.sizes);
  manifest.parameters_of(std::move(sizes), end.call);
}

void read_precharge(Manifest& manifest, Section section, Cell& cell) {
  read_end(manifest, section, precharge_roles, {"bitline", "precharge"}, cell.end);
  section.finish();
}

void read_clamp(Manifest& manifest, Section section, Cell& cell) {
  read_end(manifest, section, clamp_roles, {"bitline", "sense", "precharge", "read_voltage"}, cell.end);
  cell.read_voltage = section.quantity("read_voltage", "V");
  if (!(cell.read_voltage > 0.0)) section.fail("read_voltage", "must be above 0 V");
  cell.develop = section.quantity("develop", "s");
  if (!(cell.develop >= 0.0)) section.fail("develop", "must not be negative");
  section.finish();
}

void read_wire(Section section, Cell& cell) {
  cell.wire_capacitance = section.quantity("capacitance", "F", cell.wire_capacitance);
  if (!(cell.wire_capacitance >= 0.0)) section.fail("capacitance", "must not be negative");
  cell.wire_resistance = section.quantity("resistance", "Ohm", cell.wire_resistance);
  if (!(cell.wire_resistance > 0.0)) section.fail("resistance", "must be above 0 Ohm");
  section.finish();
}

/// What the level is; a difference needs rows with two bitlines.
bool read_differential(Section& root, const Cell& cell) {
  const bool difference = root.choice("level", {"bitline", "difference"}, "bitline") == "difference";
  if (difference && !cell.has_complement()) {
    root.fail("level", "a difference needs rows with a port 'bitline_bar'");
  }
  return difference;
}

/// The value of a formula in a cell's manifest.
double value_of(const std::string& formula, const Parameters& names) {
  engine::Expression expression(formula);
  std::vector<double> values;
  for (const std::string& name : expression.names()) {
    const auto found = names.find(name);
    if (found == names.end()) throw engine::ExpressionError(fmt::format("'{}' has no value here", name));
    values.push_back(found->second);
  }
  return expression.value(values);
}

/// Sizes beyond which the netlist means nothing.
void read_bounds(Section section, Cell& cell) {
  for (const std::string& name : section.keys()) {
    if (!cell.sizes.contains(name)) section.fail(name, "is no size in [sizes]");
    Section limits = section.section(name);
    SizeBounds& bounds = cell.bounds[name];
    bounds.place = section.place(name);
    if (limits.has("above")) bounds.above = limits.parameter("above");
    if (limits.has("below")) bounds.below = limits.parameter("below");
    limits.finish();
  }
  check_bounds(cell);
}

/// Formulas are tried at once, so that a mistake is found where it stands.
void read_timing(Section section, Cell& cell) {
  std::vector<std::string> taken{"capacitance", "swing", "sawl", "read_voltage"};
  if (cell.read == ReadKind::clamp) {
    for (const auto& [name, value] : cell.end.sizes) taken.push_back(name);
  }
  for (const std::string& name : taken) {
    if (cell.sizes.contains(name))
      section.fail("read_time", fmt::format("a size is called '{}' too; give it another name", name));
  }
  cell.row_capacitance_formula = section.text_or_number("row_capacitance");
  cell.read_time_formula = section.text("read_time");
  section.finish();
  const auto check = [&](const char* key, auto value) {
    try {
      if (const double v = value(); !(v > 0.0) || !std::isfinite(v)) {
        section.fail(key, fmt::format("is {}; it must be above 0", v));
      }
    } catch (const engine::ExpressionError& e) {
      section.fail(key, e.what());
    }
  };
  check("row_capacitance", [&] { return cell.row_capacitance(); });
  check("read_time", [&] { return cell.read_time(1e-13, 0.1, 1); });
}

/// All that sizes may reach.
std::vector<const Call*> calls_of(const Cell& cell) {
  std::vector<const Call*> calls{&cell.active.call, &cell.idle_one.call, &cell.idle_zero.call};
  if (cell.whole) calls.push_back(&cell.whole->call);
  return calls;
}

}  // namespace

double Cell::row_capacitance() const { return value_of(row_capacitance_formula, sizes); }

double Cell::read_time(double capacitance, double swing, int sawl) const {
  Parameters names = sizes;
  names["capacitance"] = capacitance;
  names["swing"] = swing;
  names["sawl"] = sawl;
  if (read == ReadKind::clamp) {
    names.insert(end.sizes.begin(), end.sizes.end());
    names["read_voltage"] = read_voltage;
  }
  return value_of(read_time_formula, names);
}

void check_bounds(const Cell& cell) {
  for (const auto& [name, bound] : cell.bounds) {
    const double value = cell.sizes.at(name);
    if (value > bound.above && value < bound.below) continue;
    throw StudyError(fmt::format("{}: {} is {}; it must lie above {} and below {}", bound.place, name, value,
                                 bound.above, bound.below));
  }
}

Cell read_cell(const PartPlace& place) {
  Manifest manifest(place.manifest);
  Section& root = manifest.root();
  Cell cell;
  static_cast<Part&>(cell) = manifest.part(place.name, place.variant);
  const std::string read = root.choice("read", {"discharge", "clamp", "pulse"}, "discharge");
  if (read == "pulse") {
    root.fail("read", "the cell is a gain cell, which no column reads: [gain_cell] of a study takes it");
  }
  const bool clamp = read == "clamp";
  cell.read = clamp ? ReadKind::clamp : ReadKind::discharge;
  cell.active = read_row(manifest, root.section("active"), cell.sizes);
  if (root.has("whole")) cell.whole = read_row(manifest, root.section("whole"), cell.sizes);
  read_idle_rows(manifest, root.section("unselected"), cell);
  if (clamp) {
    read_clamp(manifest, root.section("clamp"), cell);
  } else {
    read_precharge(manifest, root.section("precharge"), cell);
  }
  cell.differential = read_differential(root, cell);
  read_wire(root.section("wire"), cell);
  manifest.check_sizes(calls_of(cell));
  read_bounds(root.section("bounds"), cell);
  read_timing(root.section("timing"), cell);
  root.finish();
  return cell;
}

Cell shipped_cell(const std::string& name) { return read_cell(own_part("cell", name)); }

}  // namespace flare::studies
