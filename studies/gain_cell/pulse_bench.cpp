#include "studies/gain_cell/pulse_bench.hpp"

#include <fmt/format.h>

#include <cmath>

namespace flare::studies {

namespace {

constexpr double zeroed = 0.5e-9;  // s: the inverter is let go
constexpr double draw_from = 1e-9;
constexpr double draw_to = 2e-9;
constexpr double draw_edge = 10e-12;
constexpr double margin = 1.15;  // of the longest pulse, for a gain above 1
constexpr double spare = 3e-9;   // s, for the offset

/// One copy: its bitline, the charge it loses, its references.
std::string copy_lines(const PulseBench& bench, std::size_t k) {
  const double middle = bench.drive.middle();
  const double current = bench.charges[k] / (draw_to - draw_from);
  std::string text = fmt::format(
      "c{0} bl{0} 0 {1}\n"
      "i{0} bl{0} 0 pwl(0 0 {2} 0 {3} {4} {5} {4} {6} 0)\n"
      "iup{0} rp{0} 0 {7}\n"
      ".ic v(bl{0})={8}\n",
      k, bench.capacitance, draw_from, draw_from + draw_edge, current, draw_to, draw_to + draw_edge,
      bench.current, middle);
  if (bench.with_sign) text += fmt::format("idown{0} vdd rn{0} {1}\n", k, bench.current);
  const std::string name = cell_name(k);
  text += call_line(name, bench.circuit().call,
                    {{"bitline", fmt::format("bl{}", k)},
                     {"enable_bar", "eb"},
                     {"zero", "az"},
                     {"zero_bar", "azb"},
                     {"reference", fmt::format("rp{}", k)},
                     {"reference_down", fmt::format("rn{}", k)},
                     {"pulse", fmt::format("out{}", k)},
                     {"sign", fmt::format("sign{}", k)},
                     {"supply", "vdd"},
                     {"ground", "0"}},
                    bench.converter.sizes);
  for (const std::string& node : bench.circuit().balance)
    text += fmt::format(".ic v({}.{})={}\n", name, node, middle);
  return text;
}

std::string netlist(const PulseBench& bench, const std::string& title) {
  const double supply = bench.drive.supply;
  std::string text = gain_cell_header(bench.converter, bench.drive, title);
  text += pwl_line("eb", {0.0, supply, conversion_start, supply, conversion_start + line_edge, 0.0});
  text += pwl_line("az", {0.0, supply, zeroed, supply, zeroed + line_edge, 0.0});
  text += pwl_line("azb", {0.0, 0.0, zeroed, 0.0, zeroed + line_edge, supply});
  for (std::size_t k = 0; k < bench.charges.size(); ++k) text += copy_lines(bench, k);
  return text;
}

engine::Measure output_measure(const char* name, std::size_t k, engine::MeasureKind kind, const char* unit) {
  engine::Measure measure;
  measure.name = fmt::format("{}{}", name, k);
  measure.kind = kind;
  measure.vector = fmt::format("v(out{})", k);
  measure.unit = std::string(unit);
  measure.from = conversion_start;
  return measure;
}

}  // namespace

engine::Testbench pulse_testbench(const PulseBench& bench) {
  engine::Testbench made;
  made.name = fmt::format("{} {}, {} {:.3g} V {:g} degC", bench.converter.name,
                          bench.with_sign ? "signed" : "rectifier", bench.drive.section, bench.drive.supply,
                          bench.drive.temperature);
  made.deck = engine::parse_deck(netlist(bench, made.name), made.name);
  made.options.temperature = bench.drive.temperature;
  made.options.reltol = 1e-4;
  made.options.trtol = 5.0;
  made.options.chgtol = 1e-17;
  made.analysis.stop = conversion_start + margin * bench.longest + spare;
  made.analysis.step = 0.1e-9;
  made.analysis.max_step = 0.25e-9;
  for (std::size_t k = 0; k < bench.charges.size(); ++k) {
    engine::Measure end = output_measure("end", k, engine::MeasureKind::crossing, "s");
    end.level = bench.drive.middle();
    end.edge = bench.with_sign ? engine::Edge::either : engine::Edge::fall;
    made.measures.push_back(end);
    made.measures.push_back(output_measure("high", k, engine::MeasureKind::maximum, "V"));
  }
  engine::Measure energy;
  energy.name = std::string("energy");
  energy.kind = engine::MeasureKind::integral;
  energy.vector = std::string("i(vvdd)");
  energy.unit = std::string("J");
  energy.scale = -bench.drive.supply;
  energy.to = conversion_start + bench.longest;
  made.measures.push_back(energy);
  return made;
}

double pulse_width(const PulseBench& bench, const std::vector<double>& measures, std::size_t k) {
  const double end = measures.at(2 * k);
  const double high = measures.at(2 * k + 1);
  if (!bench.with_sign && high < bench.drive.middle()) return 0.0;
  return end - conversion_start;
}

std::vector<std::string> pulse_elements(const PulseBench& bench) {
  std::vector<std::string> paths;
  for (const std::string& element : bench.circuit().call.varies)
    paths.push_back(fmt::format("{}.{}", cell_name(0), element));
  return paths;
}

}  // namespace flare::studies
