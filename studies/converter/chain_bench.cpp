#include "studies/converter/chain_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "studies/column/column_netlist.hpp"

namespace flare::studies {

namespace {

constexpr double femtocoulomb = 1e-15;
constexpr double charge_width = 20e-12;    // s, of the pulse that moves the bitline
constexpr double charge_settles = 40e-12;  // before the clock rises
constexpr double unsaturated = 0.4;        // V: a latch is linear until about here

std::string comparator_name(std::size_t k) { return fmt::format("xk{}", k); }

/// A current pulse of `vmove` fC into the bitline.
std::string charge_lines(double clock) {
  const double begin = clock - charge_settles - charge_width;
  const double peak = 2.0 * femtocoulomb / charge_width;  // A of a triangle
  return fmt::format(
      "vmove move 0 0\n"
      "vshape shape 0 pwl(0 0 {} 0 {} 1 {} 0)\n"
      "bmove 0 rbl i={}*v(move)*v(shape)\n",
      begin, begin + 0.5 * charge_width, begin + charge_width, peak);
}

double clipped(double x, double most) { return std::clamp(x, -most, most); }

}  // namespace

std::string chain_netlist(const ChainBench& bench) {
  if (!bench.part.reference || bench.part.reference->ladder)
    throw std::invalid_argument("a whole chain needs a flash with held references");
  if (bench.column.cell.has_complement() || bench.column.cell.read == ReadKind::clamp)
    throw std::invalid_argument("a whole chain needs a column whose level is its bitline's");
  const double clock = sense_time(bench.column);
  std::string text =
      column_drive(bench.column) +
      fmt::format(".include \"{}\"\n", std::filesystem::absolute(bench.part.netlist).string()) +
      column_body(bench.column) + charge_lines(clock) +
      fmt::format("vsmp smp 0 pwl(0 1 {} 1 {} 0)\n", clock - references_let_go,
                  clock - references_let_go + 2e-12) +
      fmt::format("vclk clk 0 pwl(0 0 {} 0 {} {})\n", clock, clock + bench.drive.edge, bench.drive.supply);
  for (std::size_t k = 0; k < bench.sources.size(); ++k) {
    text += held_reference(*bench.part.reference, k, bench.sources[k]) +
            comparator_lines(bench.part, bench.drive, comparator_name(k), "rbl", fmt::format("ref{}", k));
  }
  return text + ".end\n";
}

engine::Testbench chain_testbench(const ChainBench& bench, std::size_t k, const std::vector<double>& looks) {
  const double clock = sense_time(bench.column);
  engine::Testbench made =
      latch_testbench(fmt::format("{} and {}, threshold {}", bench.column.cell.name, bench.part.name, k + 1),
                      chain_netlist(bench), bench.drive, clock + looks.back());
  add_input(made, "vmove");
  made.variables.back().law.scale = 1.0;
  engine::Measure level = difference_at(comparator_name(k), clock);
  level.name = std::string("level");
  level.vector = std::string("v(rbl)");
  level.reference.clear();
  made.measures = {level};
  for (std::size_t i = 0; i < looks.size(); ++i) {
    made.measures.push_back(difference_at(comparator_name(k), clock + looks[i]));
    made.measures.back().name = fmt::format("look{}", i + 1);
  }
  return made;
}

std::vector<std::string> chain_elements(const ChainBench& bench, std::size_t k) {
  std::vector<std::string> elements = varying_elements(bench.column);
  for (std::string& element : comparator_elements(bench.part, comparator_name(k)))
    elements.push_back(std::move(element));
  return elements;
}

double ChainLooks::margin(const std::vector<double>& d) const {
  double sum = 0.0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    const double x = d[i] / gains[i] + biases[i];
    const double own = i == 0 ? std::numeric_limits<double>::infinity() : unsaturated / gains[i];
    const double next = i + 1 < d.size() ? unsaturated / gains[i + 1] : 0.0;
    sum += clipped(x, own) - clipped(x, next);
  }
  return -sum;
}

}  // namespace flare::studies
