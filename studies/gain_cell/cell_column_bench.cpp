#include "studies/gain_cell/cell_column_bench.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flare::studies {

namespace {

constexpr double start = 0.5e-9;  // s
constexpr double rest = 0.5e-9;

std::string line_source(const std::string& node, const ReadLine& line, double supply, double width) {
  const double idle = line.idle * supply;
  const double active = line.active * supply;
  if (!(width > 0.0)) return fmt::format("v{0} {0} 0 {1}\n", node, idle);
  return pwl_line(node, {0.0, idle, start, idle, start + line_edge, active, start + width, active,
                         start + width + line_edge, idle});
}

std::string row_lines(const CellColumnBench& bench, std::size_t r) {
  const std::string read = fmt::format("rwl{}", r);
  const std::string read_bar = fmt::format("rwlb{}", r);
  const std::string name = cell_name(r);
  return line_source(read, bench.cell.read, bench.drive.supply, bench.widths[r]) +
         line_source(read_bar, bench.cell.read_bar, bench.drive.supply, bench.widths[r]) +
         call_line(name, bench.cell.call,
                   {{"write_bitline", "wbl"},
                    {"write", "wwl"},
                    {"write_bar", "wwlb"},
                    {"read", read},
                    {"read_bar", read_bar},
                    {"bitline", "bl"},
                    {"supply", "vdd"},
                    {"ground", "0"}},
                   bench.cell.sizes) +
         fmt::format(".ic v({}.{})={}\n", name, bench.cell.storage, bench.levels[r]);
}

}  // namespace

engine::Testbench cell_column_testbench(const CellColumnBench& bench) {
  engine::Testbench made;
  made.name = fmt::format("{} column of {} rows, {} {:.3g} V {:g} degC", bench.cell.name, bench.levels.size(),
                          bench.drive.section, bench.drive.supply, bench.drive.temperature);
  std::string text =
      gain_cell_header(bench.cell, bench.drive, made.name) +
      fmt::format("vwbl wbl 0 {}\nvwwl wwl 0 0\nvwwlb wwlb 0 {}\nvm middle 0 {}\ncbl bl 0 {}\n", bench.park,
                  bench.drive.supply, bench.drive.middle(), bench.capacitance) +
      fmt::format(".ic v(bl)={}\n", bench.drive.middle());
  for (std::size_t r = 0; r < bench.levels.size(); ++r) text += row_lines(bench, r);
  made.deck = engine::parse_deck(text, made.name);
  made.options.temperature = bench.drive.temperature;
  made.options.reltol = 1e-4;
  made.options.trtol = 5.0;
  made.options.chgtol = 1e-17;
  made.options.abstol = 1e-15;
  const double longest = *std::max_element(bench.widths.begin(), bench.widths.end());
  made.analysis.stop = start + longest + line_edge + rest;
  made.analysis.step = 0.1e-9;
  made.analysis.max_step = 0.25e-9;
  engine::Measure charge;
  charge.name = std::string("charge");
  charge.vector = std::string("v(middle)");
  charge.reference = std::string("v(bl)");
  charge.unit = std::string("C");
  charge.scale = bench.capacitance;
  charge.at = made.analysis.stop;
  made.measures = {charge};
  return made;
}

}  // namespace flare::studies
