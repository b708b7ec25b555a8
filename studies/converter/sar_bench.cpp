#include "studies/converter/sar_bench.hpp"

#include <fmt/format.h>

#include <numeric>

namespace flare::studies {

namespace {

// Of one bit, s: the array settles, the comparator decides (SarBench::decision), its decision is taken over, it is reset.
constexpr double sampled = 60e-12;
constexpr double settles = 60e-12;
constexpr double taken = 25e-12;
constexpr double reset = 70e-12;
constexpr double control_edge = 3e-12;

double cycle_of(const SarBench& bench) { return settles + bench.decision + taken + reset; }
/// The comparator decides once while the input is still sampled: one that has stood idle holds other charges inside.
double first_decision(const SarBench& bench) { return clock_start + bench.decision + taken + reset; }
double let_go(const SarBench& bench) { return first_decision(bench) + sampled; }
double begin_of(const SarBench& bench, int bit) { return let_go(bench) + 20e-12 + bit * cycle_of(bench); }

std::vector<double> weights_of(const SarBench& bench) {
  return bench.weights.empty() ? binary_weights(bench.part.array->bits) : bench.weights;
}

std::string pulse(const std::string& node, double from, double length) {
  return fmt::format("v{0} {0} 0 pwl(0 0 {1} 0 {2} 1 {3} 1 {4} 0)\n", node, from, from + control_edge,
                     from + length, from + length + control_edge);
}

std::string bit_lines(const SarBench& bench, int bit, double weight) {
  const CapacitorArray& array = *bench.part.array;
  const double begin = begin_of(bench, bit);
  Parameters parameters = array.unit;
  parameters[array.weight] = weight;
  const std::string hold = fmt::format("h{}", bit);
  return pulse(fmt::format("trial{}", bit), begin, taken) +
         pulse(fmt::format("latch{}", bit), begin + settles + bench.decision, taken) +
         call_line(fmt::format("xbit{}", bit), array.bit,
                   {{"top", "top"},
                    {"hold", hold},
                    {"decision", "x0p"},
                    {"trial", fmt::format("trial{}", bit)},
                    {"latch", fmt::format("latch{}", bit)},
                    {"supply", "vdac"}},
                   bench.part.sizes, parameters) +
         fmt::format(".ic v({})=0\n", hold);
}

std::string clock_line(const SarBench& bench) {
  const ConverterDrive& drive = bench.drive;
  std::string text = "vclk clk 0 pwl(0 0";
  for (int bit = -1; bit < bench.part.array->bits; ++bit) {
    const double up = bit < 0 ? clock_start : begin_of(bench, bit) + settles;
    const double down = up + bench.decision + taken + control_edge + 5e-12;
    text += fmt::format(" {} 0 {} {} {} {} {} 0", up, up + drive.edge, drive.supply, down, drive.supply,
                        down + drive.edge);
  }
  return text + ")\n";
}

std::string title_of(const SarBench& bench) {
  return fmt::format("{}, {} {:.3g} V {:g} degC", bench.part.name, bench.drive.section, bench.drive.supply,
                     bench.drive.temperature);
}

engine::Measure energy(const std::string& name, const std::string& source, double supply, double from) {
  engine::Measure measure;
  measure.name = name;
  measure.kind = engine::MeasureKind::integral;
  measure.vector = source;
  measure.unit = std::string("J");
  measure.scale = -supply;
  measure.from = from;
  return measure;
}

}  // namespace

std::vector<double> binary_weights(int bits) {
  std::vector<double> weights;
  for (int bit = bits - 1; bit >= 0; --bit) weights.push_back(static_cast<double>(1 << bit));
  return weights;
}

double sar_time(const SarBench& bench) {
  return begin_of(bench, bench.part.array->bits) - first_decision(bench);
}

std::string sar_netlist(const SarBench& bench) {
  const CapacitorArray& array = *bench.part.array;
  const std::vector<double> weights = weights_of(bench);
  Parameters rest = array.unit;
  for (auto& [name, value] : rest) value *= bench.rest;
  std::string text =
      converter_header(bench.part, bench.drive, title_of(bench)) +
      fmt::format(
          "vdac vdac 0 {}\n"
          "vcm cm 0 {}\n"
          "vbl bl 0 {}\n"
          "vsmp smp 0 pwl(0 1 {} 1 {} 0)\n",
          bench.drive.supply, bench.common_mode, bench.common_mode, let_go(bench), let_go(bench) + 5e-12) +
      clock_line(bench);
  text += call_line("xsample", array.sample, {{"input", "bl"}, {"top", "top"}, {"sample", "smp"}},
                    bench.part.sizes);
  text += call_line("xrest", array.rest, {{"top", "top"}, {"supply", "vdac"}}, bench.part.sizes, rest);
  for (int bit = 0; bit < array.bits; ++bit) {
    text += bit_lines(bench, bit, weights[static_cast<std::size_t>(bit)]);
  }
  return text + comparator_lines(bench.part, bench.drive, "x0", "top", "cm");
}

engine::Testbench sar_testbench(const SarBench& bench, double level) {
  const double stop = begin_of(bench, bench.part.array->bits);
  constexpr double chgtol = 1e-17;  // a unit of the array holds 1e-15 C
  const std::string power = fmt::format("bclock pclock 0 v={}*max(-i(vclk),0)\n", bench.drive.supply);
  engine::Testbench made =
      latch_testbench(title_of(bench), sar_netlist(bench) + power, bench.drive, stop, chgtol);
  const double from = first_decision(bench);
  add_input(made, "vbl");
  made.variables.back().law.location = level;
  for (int bit = 0; bit < bench.part.array->bits; ++bit) {
    engine::Measure measure;
    measure.name = fmt::format("h{}", bit);
    measure.vector = fmt::format("v(h{})", bit);
    measure.unit = std::string("V");
    measure.at = 0.999 * stop;
    made.measures.push_back(measure);
  }
  made.measures.push_back(energy("supply", "i(vdd)", bench.drive.supply, from));
  made.measures.push_back(energy("array", "i(vdac)", bench.drive.supply, from));
  // What a driver of the clock takes while it charges: the current out of its source, and not what flows back.
  engine::Measure clock = energy("clock", "v(pclock)", -1.0, from);
  made.measures.push_back(clock);
  return made;
}

int sar_code(const SarBench& bench, const std::vector<double>& measures) {
  int code = 0;
  for (int bit = 0; bit < bench.part.array->bits; ++bit) {
    code = 2 * code + (measures[static_cast<std::size_t>(bit)] > 0.5 * bench.drive.supply ? 1 : 0);
  }
  return code;
}

std::vector<double> charge_thresholds(const std::vector<double>& weights, double rest, double load,
                                      double supply, double origin) {
  const double total = std::accumulate(weights.begin(), weights.end(), rest + load);
  std::vector<double> thresholds;
  for (std::size_t code = 1; code < (std::size_t{1} << weights.size()); ++code) {
    double switched = 0.0;
    for (std::size_t bit = 0; bit < weights.size(); ++bit) {
      if ((code >> (weights.size() - 1 - bit)) & 1U) switched += weights[bit];
    }
    thresholds.push_back(origin + supply * switched / total);
  }
  return thresholds;
}

}  // namespace flare::studies
