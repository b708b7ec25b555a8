#include "studies/column.hpp"

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
      {"sram8t", 500e-9, 100e-9, 600e-9, 100e-9},
      {"sram8t_min", 100e-9, 30e-9, 150e-9, 30e-9},
  };
}

// Shortest text that reads back as the same number, as SPICE understands it.
std::string number(double x) { return fmt::format("{}", x); }

int active_rows(const ColumnOptions& o) { return o.dummies_on ? o.sawl : o.sawl - o.dummy_rows; }

std::string sizes(const ReadCell& c) {
  return fmt::format("wa={} la={} wd={} ld={}", number(c.access_width), number(c.access_length),
                     number(c.driver_width), number(c.driver_length));
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
      ".options temp={} method=trap reltol=1e-3 trtol=7 bypass=1\n",
      o.cell.name, active_rows(o), o.rows, pattern, card.string(), o.section, cells.string(),
      number(o.temperature));
}

// Precharge off in the first edge, word line up in the second. The unit ramps are scaled by the supply so
// that one knob, the value of vdd, moves them all.
std::string drive(const ColumnOptions& o) {
  return fmt::format(
      "vdd vdd 0 {}\n"
      "vpre upre 0 pwl(0 0 {} 1)\n"
      "vrwl urwl 0 pwl(0 0 {} 0 {} {})\n"
      "bpre pre 0 v=v(upre)*v(vdd)\n"
      "brwl rwl 0 v=v(urwl)*v(vdd)\n",
      number(o.supply), number(o.edge), number(o.edge), number(2 * o.edge), number(o.wordline_ratio));
}

std::string bitline(const ColumnOptions& o) {
  const int idle = o.rows - o.sawl;
  std::string text = fmt::format("xpre rbl pre vdd precharge w={} l={}\n", number(o.precharge_width),
                                 number(o.precharge_length));
  if (o.sense_capacitance > 0) text += fmt::format("csense rbl 0 {}\n", number(o.sense_capacitance));
  const bool wire_r = o.wire_resistance > 0;
  if (wire_r) {
    const double half = std::max(idle, 1) * o.wire_resistance / 2;
    text += fmt::format("rnear rbl bmid {}\nrfar bmid b0 {}\n", number(half), number(half));
    for (int i = 1; i < o.sawl; ++i) {
      text += fmt::format("r{} b{} b{} {}\n", i, i - 1, i, number(o.wire_resistance));
    }
  }
  if (idle > 0 && o.wire_capacitance > 0) {
    text += fmt::format("cidle {} 0 {}\n", wire_r ? "bmid" : "rbl", number(idle * o.wire_capacitance));
  }
  for (int i = 0; i < o.sawl && o.wire_capacitance > 0; ++i) {
    text +=
        fmt::format("c{} {} 0 {}\n", i, wire_r ? fmt::format("b{}", i) : "rbl", number(o.wire_capacitance));
  }
  return text;
}

std::string rows(const ColumnOptions& o) {
  const auto bits = stored_bits(o);
  const std::string size = sizes(o.cell);
  const bool wire_r = o.wire_resistance > 0;
  std::string text;
  for (int i = 0; i < o.sawl; ++i) {
    const std::string bl = wire_r ? fmt::format("b{}", i) : "rbl";
    const char* const rwl = i < active_rows(o) ? "rwl" : "0";
    if (o.row_model == RowModel::read_port) {
      text += fmt::format("x{} {} {} {} 0 sram8t_read {}\n", i, bl, rwl, bits[i] ? "vdd" : "0", size);
    } else {
      text += fmt::format("x{} vdd vdd 0 {} {} vdd 0 sram8t {}\n", i, bl, rwl, size);
      text += fmt::format(".ic v(x{}.q)={} v(x{}.qb)={}\n", i, bits[i] ? number(o.supply) : "0", i,
                          bits[i] ? "0" : number(o.supply));
    }
  }
  const int idle = o.rows - o.sawl;
  const int ones = static_cast<int>(std::lround(idle * o.unselected_ones));
  const std::string bl = wire_r ? "bmid" : "rbl";
  if (ones > 0) {
    text += fmt::format("xidle1 {} 0 sram8t_idle1 wa={} la={} rows={}\n", bl, number(o.cell.access_width),
                        number(o.cell.access_length), ones);
  }
  if (idle > ones) text += fmt::format("xidle0 {} 0 sram8t_idle0 {} rows={}\n", bl, size, idle - ones);
  return text;
}

std::string analysis(const ColumnOptions& o) {
  const double step = o.max_step > 0 ? o.max_step : o.sense_time / 50;
  return fmt::format(
      ".tran {} {} 0 {}\n"
      ".save v(rbl) i(vdd)\n"
      ".measure tran level find v(rbl) at={}\n"
      ".end\n",
      number(step), number(o.sense_time), number(step), number(o.sense_time));
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
  if (!not_negative(wire_capacitance) || !not_negative(wire_resistance) || !not_negative(sense_capacitance)) {
    return fail("a wire or sense capacitance or resistance is negative");
  }
  if (!(unselected_ones >= 0 && unselected_ones <= 1)) return fail("unselected_ones is not within 0 to 1");
  if (!positive(supply) || !positive(wordline_ratio)) return fail("supply or wordline_ratio is not positive");
  if (!(temperature > -273.15 && temperature < 1000))
    return fail("temperature is not within -273.15 to 1000 degC");
  if (!positive(edge) || !(sense_time > 2 * edge) || !std::isfinite(sense_time)) {
    return fail("sense_time must come after both edges (2 x edge)");
  }
  if (!not_negative(max_step)) return fail("max_step is negative");
  return true;
}

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
  return header(options) + drive(options) + bitline(options) + rows(options) + analysis(options);
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

double wire_and_sense_capacitance(const ColumnOptions& o) {
  return o.rows * o.wire_capacitance + o.sense_capacitance;
}

TimingRun timing_run(const ColumnOptions& options, double swing) {
  TimingRun run{options, options.supply - swing};
  run.options.stored.clear();
  run.options.dummy_rows = 0;
  run.options.on_cells = options.sawl;
  // A crude charge estimate, a few times too long at the slowest corner: 1 fF/um of access width beside the
  // wire, and 10 uA per square of the longer channel.
  const ReadCell& c = options.cell;
  const double capacitance = wire_and_sense_capacitance(options) + options.rows * c.access_width * 1e-9;
  const double squares = 1.0 / (c.access_length / c.access_width + c.driver_length / c.driver_width);
  const double current = options.sawl * 10e-6 * squares;
  run.options.sense_time = 2 * options.edge + 2 * capacitance * swing / current;
  return run;
}

}  // namespace flare::studies
