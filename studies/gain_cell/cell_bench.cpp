#include "studies/gain_cell/cell_bench.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace flare::studies {

namespace {

constexpr double first_read = 0.5e-9;  // s: the first read line moves
constexpr double read_gap = 1e-9;      // between two reads
constexpr double read_rest = 0.5e-9;   // after the edge of a read, until its charge is complete
constexpr double write_start = 1e-9;
constexpr double write_rest = 1e-9;  // after the gate has closed

std::string node_of(const char* name, std::size_t k) { return fmt::format("{}{}", name, k); }

std::string title_of(const CellBench& bench, const char* what) {
  return fmt::format("{} {}, {} {:.3g} V {:g} degC", bench.cell.name, what, bench.drive.section,
                     bench.drive.supply, bench.drive.temperature);
}

std::string source_line(const std::string& node, double volts) {
  return fmt::format("v{0} {0} 0 {1}\n", node, volts);
}

/// Begin of each read.
std::vector<double> read_starts(const std::vector<double>& widths) {
  std::vector<double> starts;
  double at = first_read;
  for (const double width : widths) {
    starts.push_back(at);
    at += width + line_edge + read_gap;
  }
  return starts;
}

/// A read line: full width at half height.
std::string read_line_source(const std::string& node, const ReadLine& line, double supply,
                             const std::vector<double>& widths) {
  std::vector<double> points{0.0, line.idle * supply};
  const std::vector<double> starts = read_starts(widths);
  for (std::size_t r = 0; r < widths.size(); ++r) {
    const double end = starts[r] + widths[r];
    points.insert(points.end(), {starts[r], line.idle * supply, starts[r] + line_edge, line.active * supply,
                                 end, line.active * supply, end + line_edge, line.idle * supply});
  }
  return pwl_line(node, points);
}

/// The copies, a bitline each; `writes`: a write bitline each ("wbl<k>"), else one for all ("wbl").
std::string cells(const CellBench& bench, bool writes) {
  std::string text;
  for (std::size_t k = 0; k < bench.levels.size(); ++k) {
    text += source_line(node_of("bl", k), bench.drive.middle());
    text += call_line(cell_name(k), bench.cell.call,
                      {{"write_bitline", writes ? node_of("wbl", k) : "wbl"},
                       {"write", "wwl"},
                       {"write_bar", "wwlb"},
                       {"read", "rwl"},
                       {"read_bar", "rwlb"},
                       {"bitline", node_of("bl", k)},
                       {"supply", "vdd"},
                       {"ground", "0"}},
                      bench.cell.sizes);
  }
  return text;
}

std::string storage(const CellBench& bench, std::size_t k) {
  return fmt::format("{}.{}", cell_name(k), bench.cell.storage);
}

std::string start_at(const CellBench& bench, const std::vector<double>& volts) {
  std::string text;
  for (std::size_t k = 0; k < volts.size(); ++k) {
    text += fmt::format(".ic v({})={}\n", storage(bench, k), volts[k]);
  }
  return text;
}

/// Write gate closed, write bitline parked.
std::string closed_gate(const CellBench& bench) {
  return source_line("wbl", bench.park) + source_line("wwl", 0.0) + source_line("wwlb", bench.drive.supply);
}

engine::Testbench cell_testbench(const CellBench& bench, const std::string& title, const std::string& text,
                                 double stop, double max_step) {
  engine::Testbench made;
  made.name = title;
  made.deck = engine::parse_deck(text, title);
  made.options.temperature = bench.drive.temperature;
  made.options.reltol = 1e-4;
  made.options.trtol = 5.0;
  made.options.chgtol = 1e-18;
  made.options.abstol = 1e-15;
  made.analysis.stop = stop;
  made.analysis.step = max_step;
  made.analysis.max_step = max_step;
  return made;
}

engine::Measure value(const std::string& name, const std::string& node, double at) {
  engine::Measure measure;
  measure.name = name;
  measure.vector = fmt::format("v({})", node);
  measure.unit = std::string("V");
  measure.at = at;
  return measure;
}

engine::Measure integral(const std::string& name, const std::string& vector, const std::string& unit,
                         double scale, double from, double to) {
  engine::Measure measure;
  measure.name = name;
  measure.kind = engine::MeasureKind::integral;
  measure.vector = vector;
  measure.unit = unit;
  measure.scale = scale;
  measure.from = from;
  measure.to = to;
  return measure;
}

std::string read_netlist(const CellBench& bench, const std::string& title,
                         const std::vector<double>& widths) {
  return gain_cell_header(bench.cell, bench.drive, title) + closed_gate(bench) +
         read_line_source("rwl", bench.cell.read, bench.drive.supply, widths) +
         read_line_source("rwlb", bench.cell.read_bar, bench.drive.supply, widths) + cells(bench, false) +
         start_at(bench, bench.levels);
}

/// A node whose voltage is the power that the sources of `nodes` give.
std::string power_line(const std::string& name, const std::vector<std::string>& nodes) {
  std::vector<std::string> terms;
  terms.reserve(nodes.size());
  for (const std::string& node : nodes) terms.push_back(fmt::format("v({0})*i(v{0})", node));
  return fmt::format("b{0} {0} 0 v=-({1})\n", name, fmt::join(terms, "+"));
}

std::vector<std::string> of_every_level(const char* name, const CellBench& bench) {
  std::vector<std::string> nodes;
  for (std::size_t k = 0; k < bench.levels.size(); ++k) nodes.push_back(node_of(name, k));
  return nodes;
}

}  // namespace

std::string cell_name(std::size_t k) { return fmt::format("x{}", k); }

std::string pwl_line(const std::string& node, const std::vector<double>& points) {
  return fmt::format("v{0} {0} 0 pwl({1})\n", node, fmt::join(points, " "));
}

std::string gain_cell_header(const Part& part, const CellDrive& drive, const std::string& title) {
  return fmt::format("{}\n.lib \"{}\" {}\n.include \"{}\"\nvvdd vdd 0 {}\n", title, drive.card.string(),
                     drive.section, std::filesystem::absolute(part.netlist).string(), drive.supply);
}

engine::Testbench read_testbench(const CellBench& bench, const std::vector<double>& widths) {
  const std::string title = title_of(bench, "read");
  const std::vector<double> starts = read_starts(widths);
  const double stop = starts.back() + widths.back() + line_edge + read_rest;
  engine::Testbench made = cell_testbench(bench, title, read_netlist(bench, title, widths), stop, 0.2e-9);
  for (std::size_t k = 0; k < bench.levels.size(); ++k) {
    for (std::size_t w = 0; w < widths.size(); ++w) {
      // A current that flows from the bitline's source into the cell is negative in the simulator's eyes.
      made.measures.push_back(integral(fmt::format("q{}_{}", k, w), fmt::format("i(v{})", node_of("bl", k)),
                                       std::string("C"), -1.0, starts[w] - read_rest,
                                       starts[w] + widths[w] + line_edge + read_rest));
    }
    made.measures.push_back(value(node_of("sn", k), storage(bench, k), starts.front()));
    made.measures.push_back(
        value(node_of("kick", k), storage(bench, k), starts.back() + 0.5 * widths.back()));
  }
  return made;
}

engine::Testbench read_energy_testbench(const CellBench& bench, double width) {
  const std::string title = title_of(bench, "read energy");
  std::vector<std::string> nodes = of_every_level("bl", bench);
  nodes.insert(nodes.end(), {"vdd", "rwl", "rwlb"});
  const double stop = first_read + width + line_edge + read_rest;
  engine::Testbench made = cell_testbench(
      bench, title, read_netlist(bench, title, {width}) + power_line("power", nodes), stop, 0.2e-9);
  made.measures = {integral("read", "v(power)", std::string("J"), 1.0, 0.0, stop)};
  return made;
}

engine::Testbench write_testbench(const CellBench& bench, double width) {
  const std::string title = title_of(bench, "write");
  const double supply = bench.drive.supply;
  const double close = write_start + width;
  const double back = close + line_edge + 0.5 * write_rest;
  const double stop = close + line_edge + 2.0 * write_rest;
  std::string text = gain_cell_header(bench.cell, bench.drive, title);
  const double up = write_start + line_edge;
  const double down = close + line_edge;
  text += pwl_line("wwl", {0.0, 0.0, write_start, 0.0, up, supply, close, supply, down, 0.0});
  text += pwl_line("wwlb", {0.0, supply, write_start, supply, up, 0.0, close, 0.0, down, supply});
  text += source_line("rwl", bench.cell.read.idle * supply) +
          source_line("rwlb", bench.cell.read_bar.idle * supply);
  for (std::size_t k = 0; k < bench.levels.size(); ++k) {
    const double first = 0.5 * write_start;
    text +=
        pwl_line(node_of("wbl", k), {0.0, bench.park, first, bench.park, first + line_edge, bench.levels[k],
                                     back, bench.levels[k], back + line_edge, bench.park});
  }
  text += cells(bench, true) + start_at(bench, std::vector<double>(bench.levels.size(), bench.park));
  std::vector<std::string> nodes = of_every_level("wbl", bench);
  nodes.insert(nodes.end(), {"vdd"});
  text += power_line("power", nodes);
  engine::Testbench made = cell_testbench(bench, title, text, stop, 0.2e-9);
  for (std::size_t k = 0; k < bench.levels.size(); ++k) {
    made.measures.push_back(value(node_of("written", k), storage(bench, k), close));
    made.measures.push_back(value(node_of("closed", k), storage(bench, k), stop));
  }
  made.measures.push_back(integral("write", "v(power)", std::string("J"), 1.0, 0.0, stop));
  made.measures.push_back(integral("gate", "i(vwwl)", std::string("J"), -supply, 0.0, close));
  made.measures.push_back(integral("gate_bar", "i(vwwlb)", std::string("J"), -supply, close, stop));
  return made;
}

engine::Testbench hold_testbench(const CellBench& bench, const std::vector<double>& times, double gmin) {
  const std::string title = title_of(bench, "hold");
  const double stop = *std::max_element(times.begin(), times.end());
  const std::string text = gain_cell_header(bench.cell, bench.drive, title) +
                           fmt::format(".options gmin={}\n", gmin) + closed_gate(bench) +
                           source_line("rwl", bench.cell.read.idle * bench.drive.supply) +
                           source_line("rwlb", bench.cell.read_bar.idle * bench.drive.supply) +
                           cells(bench, false) + start_at(bench, bench.levels);
  engine::Testbench made = cell_testbench(bench, title, text, stop, stop / 100.0);
  made.options.method = "gear";
  made.options.reltol = 1e-5;
  made.options.abstol = 1e-20;
  made.options.vntol = 1e-8;
  made.options.chgtol = 1e-21;
  made.options.trtol = 7.0;
  for (std::size_t k = 0; k < bench.levels.size(); ++k) {
    for (std::size_t t = 0; t < times.size(); ++t) {
      made.measures.push_back(value(fmt::format("v{}_{}", k, t), storage(bench, k), times[t]));
    }
  }
  return made;
}

std::vector<std::string> cell_elements(const GainCell& cell) {
  std::vector<std::string> paths;
  for (const std::string& element : cell.call.varies)
    paths.push_back(fmt::format("{}.{}", cell_name(0), element));
  return paths;
}

void mirror_variation(engine::Testbench& bench, std::size_t copies) {
  const std::string first = fmt::format(".{}.", cell_name(0));
  for (engine::Variable& variable : bench.variables) {
    const std::vector<engine::Effect> own = variable.effects;
    for (const engine::Effect& effect : own) {
      const engine::Knob knob = bench.knobs[effect.knob];
      const std::size_t at = knob.device.find(first);
      if (at == std::string::npos) continue;
      for (std::size_t k = 1; k < copies; ++k) {
        engine::Knob copy = knob;
        copy.device.replace(at, first.size(), fmt::format(".{}.", cell_name(k)));
        bench.knobs.push_back(std::move(copy));
        variable.effects.push_back({bench.knobs.size() - 1, effect.action});
      }
    }
  }
}

}  // namespace flare::studies
