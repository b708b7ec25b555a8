#include <fmt/format.h>

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "studies/column/column_netlist.hpp"

namespace flare::studies {
namespace {

using Nodes = std::map<std::string, std::string>;

/// One of a column's bitlines: what the names of its nodes and elements end in.
using Suffix = std::string;

std::vector<Suffix> bitlines(const ColumnOptions& o) {
  return o.cell.has_complement() ? std::vector<Suffix>{"", "_bar"} : std::vector<Suffix>{""};
}

int active_rows(const ColumnOptions& o) { return o.dummies_on ? o.sawl : o.sawl - o.dummy_rows; }

/// The node of every role a port of a row may have.
Nodes row_nodes(const std::string& bitline, const std::string& wordline, bool bit) {
  return {{"bitline", bitline},
          {"bitline_bar", bitline + "_bar"},
          {"wordline", wordline},
          {"stored", bit ? "vdd" : "0"},
          {"not_stored", bit ? "0" : "vdd"},
          {"supply", "vdd"},
          {"ground", "0"}};
}

std::string header(const ColumnOptions& o) {
  const auto bits = stored_bits(o);
  std::string pattern;
  for (const bool bit : bits) pattern += bit ? '1' : '0';
  return fmt::format(
      "column of {}: {} rows active of {}, stored {}\n"
      ".lib \"{}\" {}\n"
      ".include \"{}\"\n",
      o.cell.name, active_rows(o), o.rows, pattern, o.card.string(), o.section, o.cell.netlist.string());
}

// Precharge off in the first edge, word line up in the second. The unit ramps are scaled by the supply so
// that one knob, the value of vdd, moves them all.
std::string drive_discharge(const ColumnOptions& o, const std::string& again) {
  return fmt::format(
      "vdd vdd 0 {supply}\n"
      "vpre upre 0 pwl(0 0 {edge} 1{again})\n"
      "vrwl urwl 0 pwl(0 0 {edge} 0 {up} {high} {off} {high} {low} 0)\n"
      "bpre pre 0 v=v(upre)*v(vdd)\n"
      "brwl rwl 0 v=v(urwl)*v(vdd)\n",
      fmt::arg("supply", o.supply), fmt::arg("edge", o.edge), fmt::arg("again", again),
      fmt::arg("up", 2 * o.edge), fmt::arg("high", o.wordline_ratio), fmt::arg("off", o.wordline_off),
      fmt::arg("low", o.wordline_off + o.edge));
}

// Word line and enable up in the first edge; the precharge lets go once the clamp has settled. The read voltage stands by
// itself: it is a reference, not a share of the supply.
std::string drive_clamp(const ColumnOptions& o, const std::string& again) {
  return fmt::format(
      "vdd vdd 0 {supply}\n"
      "vread read 0 {read}\n"
      "vpre upre 0 pwl(0 0 {develop} 0 {start} 1{again})\n"
      "vrwl urwl 0 pwl(0 0 {edge} {high} {off} {high} {low} 0)\n"
      "ven uen 0 pwl(0 0 {edge} 1 {off} 1 {low} 0)\n"
      "bpre pre 0 v=v(upre)*v(vdd)\n"
      "brwl rwl 0 v=v(urwl)*v(vdd)\n"
      "ben en 0 v=v(uen)*v(vdd)\n",
      fmt::arg("supply", o.supply), fmt::arg("read", o.cell.read_voltage),
      fmt::arg("develop", o.cell.develop), fmt::arg("start", read_start(o)), fmt::arg("again", again),
      fmt::arg("edge", o.edge), fmt::arg("high", o.wordline_ratio), fmt::arg("off", o.wordline_off),
      fmt::arg("low", o.wordline_off + o.edge));
}

std::string drive(const ColumnOptions& o) {
  const double sense = sense_time(o);
  const std::string again = o.restore > 0 ? fmt::format(" {} 1 {} 0", sense, sense + o.edge) : "";
  return o.cell.read == ReadKind::clamp ? drive_clamp(o, again) : drive_discharge(o, again);
}

std::string states(const ColumnOptions& o, const std::string& instance, const std::vector<StateNode>& state,
                   bool bit) {
  std::string text;
  for (const StateNode& node : state) {
    text += fmt::format(".ic v({}.{})={}\n", instance, node.node, bit != node.inverted ? o.supply : 0.0);
  }
  return text;
}

// One row whose bitline follows the real one, and `count` times its current drawn there: as many rows in parallel. (ngspice
// does multiply a subcircuit by m=, but not what stands in a subcircuit inside it.)
std::string multiplied(const std::string& name, const std::string& bitline, int count) {
  return fmt::format(
      "e{0} {0}s 0 {1} 0 1\n"
      "v{0} {0}s {0}b 0\n"
      "f{0} {1} 0 v{0} {2}\n",
      name, bitline, count);
}

// The rows at rest of one side that store the same, on all bitlines.
std::string idle(const ColumnOptions& o, const std::string& name, const std::string& bitline, bool one,
                 int count) {
  const IdleRows& rows = one ? o.cell.idle_one : o.cell.idle_zero;
  Parameters more = rows.parameters;
  Nodes nodes = row_nodes(bitline, "0", one);
  std::string text;
  if (rows.call.multiplicity.empty()) {
    nodes["bitline"] = fmt::format("{}b", name);
    nodes["bitline_bar"] = fmt::format("{}_barb", name);
    for (const Suffix& suffix : bitlines(o)) text += multiplied(name + suffix, bitline + suffix, count);
  } else {
    more[rows.call.multiplicity] = count;
  }
  text += call_line(fmt::format("x{}", name), rows.call, nodes, o.cell.sizes, more);
  return text + states(o, fmt::format("x{}", name), rows.state, one);
}

// The wire of `count` unselected rows between two nodes, as a T.
std::string unselected_wire(const ColumnOptions& o, const std::string& side, int count,
                            const std::string& from, const std::string& to, const Suffix& suffix) {
  const std::string middle = fmt::format("b{}{}", side, suffix);
  const double half = count * o.wire_resistance / 2;
  std::string text = fmt::format("r{}a{} {} {} {}\n", side, suffix, from, middle, half);
  if (to != from) text += fmt::format("r{}b{} {} {} {}\n", side, suffix, middle, to, half);
  if (o.wire_capacitance > 0)
    text += fmt::format("c{}{} {} 0 {}\n", side, suffix, middle, count * o.wire_capacitance);
  return text;
}

// `count` unselected rows between two nodes: everything that hangs on their wire at its middle.
std::string unselected(const ColumnOptions& o, const std::string& side, int count, const std::string& from,
                       const std::string& to) {
  std::string text;
  for (const Suffix& suffix : bitlines(o)) {
    if (count > 0) {
      text += unselected_wire(o, side, count, from + suffix, to + suffix, suffix);
    } else if (from != to) {
      text += fmt::format("r{0}a{3} {1}{3} {2}{3} {4}\n", side, from, to, suffix, o.wire_resistance);
    }
  }
  const std::string middle = "b" + side;
  const int ones = static_cast<int>(std::lround(count * o.unselected_ones));
  if (ones > 0) text += idle(o, fmt::format("{}1", side), middle, true, ones);
  if (count > ones) text += idle(o, fmt::format("{}0", side), middle, false, count - ones);
  return text;
}

// What stands at the sense end of one bitline.
std::string sense_end(const ColumnOptions& o, const Suffix& suffix) {
  const bool clamp = o.cell.read == ReadKind::clamp;
  std::string text = call_line(fmt::format("{}{}", clamp ? "xclamp" : "xpre", suffix), o.cell.end.call,
                               {{"bitline", "rbl" + suffix},
                                {"sense", "sense" + suffix},
                                {"precharge", "pre"},
                                {"read_voltage", "read"},
                                {"enable", "en"},
                                {"supply", "vdd"},
                                {"ground", "0"}},
                               o.cell.end.sizes);
  if (o.sense_capacitance > 0)
    text += fmt::format("csense{0} {1}{0} 0 {2}\n", suffix, sense_node(o), o.sense_capacitance);
  return text;
}

std::string bitline(const ColumnOptions& o) {
  const int idle = o.rows - o.sawl;
  const int near = static_cast<int>(std::lround(idle * o.position));
  const std::string last = fmt::format("b{}", o.sawl - 1);
  std::string text;
  for (const Suffix& suffix : bitlines(o)) text += sense_end(o, suffix);
  text += unselected(o, "near", near, "rbl", "b0");
  text += unselected(o, "far", idle - near, last, last);
  for (const Suffix& suffix : bitlines(o)) {
    for (int i = 1; i < o.sawl; ++i)
      text += fmt::format("r{0}{3} b{1}{3} b{0}{3} {2}\n", i, i - 1, o.wire_resistance, suffix);
  }
  return text;
}

std::string active(const ColumnOptions& o) {
  const CellRow& row = active_row(o);
  const auto bits = stored_bits(o);
  std::string text;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const std::string wordline(i < static_cast<std::size_t>(active_rows(o)) ? "rwl" : "0");
    for (const Suffix& suffix : bitlines(o)) {
      if (o.wire_capacitance > 0)
        text += fmt::format("c{0}{1} b{0}{1} 0 {2}\n", i, suffix, o.wire_capacitance);
    }
    text += call_line(fmt::format("x{}", i), row.call, row_nodes(fmt::format("b{}", i), wordline, bits[i]),
                      o.cell.sizes, bits[i] ? row.one : row.zero);
    text += states(o, fmt::format("x{}", i), row.state, bits[i]);
  }
  return text;
}

}  // namespace

std::string column_drive(const ColumnOptions& options) { return header(options) + drive(options); }

std::string column_body(const ColumnOptions& options) { return bitline(options) + active(options); }

std::string column_netlist(const ColumnOptions& options) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument("column: " + error);
  return column_drive(options) + column_body(options) + ".end\n";
}

}  // namespace flare::studies
