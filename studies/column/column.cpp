#include "studies/column/column.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace flare::studies {
namespace {

constexpr int max_sawl = 64;
constexpr int max_rows = 65'536;

std::vector<ReadCell> read_cells() {
  return {
      {"sram8t", 450e-9, 250e-9, 350e-9, 250e-9},
      {"sram8t_min", 80e-9, 30e-9, 120e-9, 30e-9},
  };
}

int active_rows(const ColumnOptions& o) { return o.dummies_on ? o.sawl : o.sawl - o.dummy_rows; }

std::string sizes(const ReadCell& c) {
  return fmt::format("wa={} la={} wd={} ld={}", c.access_width, c.access_length, c.driver_width,
                     c.driver_length);
}

std::string header(const ColumnOptions& o) {
  const auto bits = stored_bits(o);
  std::string pattern;
  for (const bool bit : bits) pattern += bit ? '1' : '0';
  const auto card = o.card.empty() ? o.netlists / "cards/cmos28.lib" : o.card;
  const auto cells = o.cells.empty() ? o.netlists / "cells/sram8t.cir" : o.cells;
  return fmt::format(
      "8T column: cell {}, {} rows active of {}, stored {}\n"
      ".lib \"{}\" {}\n"
      ".include \"{}\"\n"
      ".options temp={} method=trap reltol=1e-4 chgtol=1e-17 trtol=5\n",
      o.cell.name, active_rows(o), o.rows, pattern, card.string(), o.section, cells.string(), o.temperature);
}

// Precharge off in the first edge, word line up in the second. The unit ramps are scaled by the supply so
// that one knob, the value of vdd, moves them all.
std::string drive(const ColumnOptions& o) {
  const double sense = sense_time(o);
  const std::string again = o.restore > 0 ? fmt::format(" {} 1 {} 0", sense, sense + o.edge) : "";
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

// `count` unselected rows between two nodes: their wire as a T, everything that hangs on it at its middle.
std::string unselected(const ColumnOptions& o, const std::string& side, int count, const std::string& from,
                       const std::string& to) {
  if (count == 0)
    return from == to ? "" : fmt::format("r{0}a {1} {2} {3}\n", side, from, to, o.wire_resistance);
  const std::string middle = "b" + side;
  const double half = count * o.wire_resistance / 2;
  std::string text = fmt::format("r{}a {} {} {}\n", side, from, middle, half);
  if (to != from) text += fmt::format("r{}b {} {} {}\n", side, middle, to, half);
  if (o.wire_capacitance > 0) text += fmt::format("c{} {} 0 {}\n", side, middle, count * o.wire_capacitance);
  const int ones = static_cast<int>(std::lround(count * o.unselected_ones));
  if (ones > 0) {
    text += fmt::format("x{}1 {} 0 sram8t_idle1 wa={} la={} rows={}\n", side, middle, o.cell.access_width,
                        o.cell.access_length, ones);
  }
  if (count > ones) {
    text += fmt::format("x{}0 {} 0 sram8t_idle0 {} rows={}\n", side, middle, sizes(o.cell), count - ones);
  }
  return text;
}

std::string bitline(const ColumnOptions& o) {
  const int idle = o.rows - o.sawl;
  const int near = static_cast<int>(std::lround(idle * o.position));
  const std::string last = fmt::format("b{}", o.sawl - 1);
  std::string text =
      fmt::format("xpre rbl pre vdd precharge w={} l={}\n", o.precharge_width, o.precharge_length);
  if (o.sense_capacitance > 0) text += fmt::format("csense rbl 0 {}\n", o.sense_capacitance);
  text += unselected(o, "near", near, "rbl", "b0");
  text += unselected(o, "far", idle - near, last, last);
  for (int i = 1; i < o.sawl; ++i) text += fmt::format("r{} b{} b{} {}\n", i, i - 1, i, o.wire_resistance);
  return text;
}

std::string active(const ColumnOptions& o) {
  const auto bits = stored_bits(o);
  const std::string size = sizes(o.cell);
  std::string text;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const char* const rwl = i < static_cast<std::size_t>(active_rows(o)) ? "rwl" : "0";
    if (o.wire_capacitance > 0) text += fmt::format("c{} b{} 0 {}\n", i, i, o.wire_capacitance);
    if (o.row_model == RowModel::read_port) {
      text += fmt::format("x{} b{} {} {} 0 sram8t_read {}\n", i, i, rwl, bits[i] ? "vdd" : "0", size);
      continue;
    }
    text += fmt::format("x{} vdd vdd 0 b{} {} vdd 0 sram8t {}\n", i, i, rwl, size);
    text += fmt::format(".ic v(x{}.{})={} v(x{}.{})=0\n", i, bits[i] ? "q" : "qb", o.supply, i,
                        bits[i] ? "qb" : "q");
  }
  return text;
}

std::string analysis(const ColumnOptions& o) {
  const double sense = sense_time(o);
  const double end = sense + o.restore;
  const double step = o.max_step > 0 ? o.max_step : sense / 10;
  // ngspice finds nothing at the very end of a run.
  const double level = o.restore > 0 ? sense : sense * (1 - 1e-6);
  std::string text = fmt::format(
      ".tran {} {} 0 {}\n"
      ".save v(rbl) i(vdd) i(brwl)\n"
      ".measure tran level find v(rbl) at={}\n",
      step, end, step, level);
  if (o.restore > 0) {
    text += fmt::format(
        ".measure tran supply_charge integ i(vdd) from=0 to={}\n"
        ".measure tran wordline_charge integ i(brwl) from={} to={}\n",
        end * (1 - 1e-6), o.edge, std::min(3 * o.edge, o.wordline_off));
  }
  return text + ".end\n";
}

}  // namespace

ReadCell read_cell(std::string_view name) {
  for (const ReadCell& cell : read_cells()) {
    if (cell.name == name) return cell;
  }
  throw std::invalid_argument(
      fmt::format("no cell is called {}; there are: {}", name, fmt::join(read_cell_names(), ", ")));
}

std::vector<std::string> read_cell_names() {
  std::vector<std::string> names;
  for (const ReadCell& cell : read_cells()) names.push_back(cell.name);
  return names;
}

bool ColumnOptions::is_valid(std::string* error) const {
  const auto fail = [error](std::string why) {
    if (error != nullptr) *error = std::move(why);
    return false;
  };
  if (sawl < 1 || sawl > max_sawl) return fail(fmt::format("sawl is {}, expected 1 to {}", sawl, max_sawl));
  if (rows < sawl || rows > max_rows) {
    return fail(fmt::format("rows is {}, expected {} (sawl) to {}", rows, sawl, max_rows));
  }
  if (dummy_rows < 0 || dummy_rows > sawl) {
    return fail(fmt::format("dummy_rows is {}, expected 0 to {} (sawl)", dummy_rows, sawl));
  }
  const int data_rows = sawl - dummy_rows;
  if (stored.empty() && (on_cells < 0 || on_cells > data_rows)) {
    return fail(
        fmt::format("on_cells is {}, expected 0 to {} (rows that are not dummies)", on_cells, data_rows));
  }
  if (!stored.empty() && stored.size() != static_cast<std::size_t>(data_rows)) {
    return fail(fmt::format("{} stored bits for {} rows that are not dummies", stored.size(), data_rows));
  }
  const auto positive = [](double x) { return std::isfinite(x) && x > 0; };
  const auto not_negative = [](double x) { return std::isfinite(x) && x >= 0; };
  if (!positive(cell.access_width) || !positive(cell.access_length) || !positive(cell.driver_width) ||
      !positive(cell.driver_length) || !positive(precharge_width) || !positive(precharge_length)) {
    return fail("a transistor width or length is not positive");
  }
  if (!not_negative(wire_capacitance) || !not_negative(sense_capacitance))
    return fail("a capacitance is negative");
  if (!positive(wire_resistance)) return fail("wire_resistance is not positive");
  if (!(position >= 0 && position <= 1)) return fail("position is not within 0 to 1");
  if (!(unselected_ones >= 0 && unselected_ones <= 1)) return fail("unselected_ones is not within 0 to 1");
  if (!positive(supply) || !positive(wordline_ratio)) return fail("supply or wordline_ratio is not positive");
  if (!(temperature > -273.15 && temperature < 1000))
    return fail("temperature is not within -273.15 to 1000 degC");
  if (!positive(edge) || !not_negative(settle)) return fail("edge is not positive or settle is negative");
  if (!not_negative(restore)) return fail("restore is negative");
  if (!(wordline_off > 2 * edge) || !std::isfinite(wordline_off)) {
    return fail(fmt::format(
        "wordline_off is {} ps, before the word line is up (2 x edge = {} ps): ask for a larger swing, more "
        "rows or a shorter edge",
        wordline_off * 1e12, 2e12 * edge));
  }
  if (!not_negative(max_step)) return fail("max_step is negative");
  return true;
}

double sense_time(const ColumnOptions& o) { return o.wordline_off + o.edge + o.settle; }

std::vector<bool> stored_bits(const ColumnOptions& o) {
  std::vector<bool> bits = o.stored;
  if (bits.empty()) {
    bits.assign(static_cast<std::size_t>(o.sawl), false);
    std::fill_n(bits.begin(), o.on_cells, true);
  }
  bits.resize(static_cast<std::size_t>(o.sawl), false);
  return bits;
}

std::string column_netlist(const ColumnOptions& options) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument("column: " + error);
  return header(options) + drive(options) + bitline(options) + active(options) + analysis(options);
}

std::vector<std::string> matched_devices(const ColumnOptions& o) {
  constexpr std::array<const char*, 8> full = {"mpl", "mnl", "mpr", "mnr", "mwl", "mwr", "ma", "md"};
  std::vector<std::string> names = {"m.xpre.mp"};
  const std::size_t first = o.row_model == RowModel::full_cell ? 0 : 6;
  for (int i = 0; i < o.sawl; ++i) {
    for (std::size_t j = first; j < full.size(); ++j) names.push_back(fmt::format("m.x{}.{}", i, full[j]));
  }
  return names;
}

TimingRun timing_run(const ColumnOptions& options, double swing) {
  TimingRun run{options, options.supply - swing};
  run.options.stored.clear();
  run.options.dummy_rows = 0;
  run.options.on_cells = options.sawl;
  // A crude estimate, a few times too long at the slowest corner: 1 fF/um of access width beside wire and
  // converter, and 8 uA per square of the two channels in series.
  const ReadCell& c = options.cell;
  const double per_row = options.wire_capacitance + c.access_width * 1e-9;
  const double capacitance = options.rows * per_row + options.sense_capacitance;
  const double squares = c.access_length / c.access_width + c.driver_length / c.driver_width;
  run.options.wordline_off = 3 * options.edge + capacitance * swing * squares / (options.sawl * 8e-6);
  run.options.settle = 0.0;
  run.options.restore = 0.0;
  run.options.wire_resistance = 1e-3;
  return run;
}

}  // namespace flare::studies
