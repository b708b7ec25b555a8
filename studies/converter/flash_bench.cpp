#include "studies/converter/flash_bench.hpp"

#include <fmt/format.h>

#include <cmath>

namespace flare::studies {

namespace {

constexpr double rises = clock_start + flash_lead;  // s: the clock
constexpr double let_go = rises - 15e-12;           // bitline and references
constexpr double fall_start = 10e-12;               // the bitline begins to fall from the supply
constexpr double fall_end = 50e-12;

/// The clock is low as long as it was high; half way through, bitline and references are sampled again.
double cycle_end(double clock_end) { return 2.0 * clock_end - rises; }

std::string reference_node(std::size_t k) { return fmt::format("ref{}", k); }

std::string source_line(const std::string& node, double volts) {
  return fmt::format("v{0} {0} 0 {1}\n", node, volts);
}

/// Taps between two sources; `references` even enough for equal resistors to be meant.
std::string ladder(const ReferenceCircuit& reference, const std::vector<double>& references) {
  std::string text = source_line(reference_node(0), references.front());
  for (std::size_t k = 1; k < references.size(); ++k) {
    text +=
        call_line(fmt::format("xref{}", k), reference.call,
                  {{"upper", reference_node(k - 1)}, {"lower", reference_node(k)}}, {}, reference.parameters);
  }
  return text + fmt::format("vlow {} 0 {}\n", reference_node(references.size() - 1), references.back());
}

std::string references_of(const FlashBench& bench) {
  std::string text;
  if (!bench.stiff && bench.part.reference->ladder && bench.references.size() > 1) {
    return ladder(*bench.part.reference, bench.references);
  }
  for (std::size_t k = 0; k < bench.references.size(); ++k) {
    const bool held = !bench.stiff && !bench.part.reference->ladder;
    text += held ? held_reference(*bench.part.reference, k, bench.references[k])
                 : source_line(reference_node(k), bench.references[k]);
  }
  return text;
}

std::string comparators(const FlashBench& bench) {
  std::string text;
  for (std::size_t k = 0; k < bench.references.size(); ++k) {
    text += comparator_lines(bench.part, bench.drive, fmt::format("x{}", k), "bl", reference_node(k));
  }
  return text;
}

std::string title_of(const FlashBench& bench) {
  return fmt::format("{}: {} comparators, {} {:.3g} V {:g} degC", bench.part.name, bench.references.size(),
                     bench.drive.section, bench.drive.supply, bench.drive.temperature);
}

/// `again` > 0: sampled once more from then on.
std::string sampling(double until, double again = 0.0) {
  return fmt::format("vsmp smp 0 pwl(0 1 {} 1 {} 0{})\n", until, until + 2e-12,
                     again > 0.0 ? fmt::format(" {} 0 {} 1", again, again + 2e-12) : "");
}

/// The sources that references are taken from.
std::vector<std::string> reference_sources(const FlashBench& bench) {
  std::vector<std::string> sources;
  const bool ladder = !bench.stiff && bench.part.reference->ladder && bench.references.size() > 1;
  if (ladder) return {"vref0", "vlow"};
  const bool held = !bench.stiff && !bench.part.reference->ladder;
  for (std::size_t k = 0; k < bench.references.size(); ++k)
    sources.push_back(held ? fmt::format("vsrc{}", k) : fmt::format("v{}", reference_node(k)));
  return sources;
}

engine::Measure integral_of(const std::string& name, const std::string& vector, const std::string& unit,
                            double scale) {
  engine::Measure measure;
  measure.name = name;
  measure.kind = engine::MeasureKind::integral;
  measure.vector = vector;
  measure.unit = unit;
  measure.scale = scale;
  return measure;
}

/// The bitline, let go at `let_go`, and sampled again where smp rises again.
std::string bitline_of(const FlashBench& bench) {
  const bool wire = bench.bitline_resistance > 0.0;
  return fmt::format(
             "vbl lv 0 {}\n"
             "vfall fall 0 pwl(0 1 {} 1 {} 0)\n"
             "bbl vin 0 v=v(lv)+({}-v(lv))*v(fall)\n"
             "sbl vin bl smp 0 bitline_switch\n"
             ".model bitline_switch sw(vt=0.5 vh=0 ron=1 roff=1g)\n"
             "cbl {} 0 {}\n",
             bench.references.front(), fall_start, fall_end, bench.drive.supply, wire ? "middle" : "bl",
             bench.bitline_capacitance) +
         (wire ? fmt::format("rbl bl middle {}\n", 0.5 * bench.bitline_resistance) : std::string());
}

/// Where a time of a comparator's own bench lies here; 0 stays 0.
double here(double time) { return time > 0.0 ? time + flash_lead : 0.0; }

}  // namespace

std::string held_reference(const ReferenceCircuit& reference, std::size_t k, double volts) {
  const std::string source = fmt::format("src{}", k);
  return source_line(source, volts) +
         call_line(fmt::format("xref{}", k), reference.call,
                   {{"source", source}, {"reference", reference_node(k)}, {"sample", "smp"}}, {},
                   reference.parameters);
}

std::string flash_netlist(const FlashBench& bench, double clock_end, const std::string& more) {
  const ConverterDrive& drive = bench.drive;
  const double end = here(clock_end);
  const std::string fall =
      end > 0.0 ? fmt::format(" {} {} {} 0", end, drive.supply, end + drive.edge) : std::string();
  return converter_header(bench.part, drive, title_of(bench)) +
         sampling(let_go, end > 0.0 ? 0.5 * (end + cycle_end(end)) : 0.0) + bitline_of(bench) +
         fmt::format("vclk clk 0 pwl(0 0 {} 0 {} {}{})\n", rises, rises + drive.edge, drive.supply, fall) +
         references_of(bench) + comparators(bench) + more;
}

engine::Testbench flash_testbench(const FlashBench& bench, std::size_t k, double time) {
  engine::Testbench made = latch_testbench(title_of(bench) + fmt::format(" threshold {}", k + 1),
                                           flash_netlist(bench), bench.drive, here(time));
  add_input(made, "vbl");
  made.variables.back().law.location = bench.references[k];
  made.measures = {difference_at(fmt::format("x{}", k), here(time))};
  return made;
}

engine::Testbench flash_energy_testbench(const FlashBench& bench, double level, double clock_end) {
  const double stop = cycle_end(here(clock_end));
  engine::Testbench made =
      latch_testbench(title_of(bench), flash_netlist(bench, clock_end), bench.drive, stop);
  made.analysis.max_step = made.analysis.step = 0.5e-12;  // references are sampled again within a few ps
  made.settings.push_back({{engine::KnobKind::instance, "vbl", "dc"}, level});
  engine::Measure clock = integral_of("clock", "i(vclk)", std::string("J"), -bench.drive.supply);
  clock.to = here(clock_end);
  made.measures = {integral_of("supply", "i(vdd)", std::string("J"), -bench.drive.supply), clock};
  const bool ladder = reference_sources(bench).size() < bench.references.size();
  for (std::size_t r = 0; const std::string& source : reference_sources(bench)) {
    const double volts = ladder && r > 0 ? bench.references.back() : bench.references[r];
    made.measures.push_back(
        integral_of(fmt::format("reference{}", ++r), fmt::format("i({})", source), std::string("J"), -volts));
  }
  return made;
}

engine::Testbench flash_load_testbench(const FlashBench& bench) {
  const ConverterDrive& drive = bench.drive;
  const double stop = 200e-12;
  const std::string text = converter_header(bench.part, drive, title_of(bench)) + sampling(5e-12) +
                           fmt::format("vbl bl 0 pwl(0 {0} 2e-11 {0} 1.2e-10 {1})\nvclk clk 0 0\n",
                                       bench.references.front(), bench.references.back()) +
                           references_of(bench) + comparators(bench);
  engine::Testbench made = latch_testbench(title_of(bench), text, drive, stop);
  made.measures = {integral_of("charge", "i(vbl)", std::string("C"), 1.0)};
  return made;
}

std::vector<double> ladder_spread(const ConverterPart& part, const std::vector<double>& references) {
  std::vector<double> spread(references.size(), 0.0);
  if (!part.reference || !part.reference->ladder || references.size() < 2) return spread;
  const double n = static_cast<double>(references.size() - 1);
  const double step = std::fabs(references.back() - references.front()) / n;
  for (std::size_t k = 0; k < references.size(); ++k) {
    const double tap = static_cast<double>(k);
    spread[k] = step * part.reference->sigma * std::sqrt(tap * (n - tap) / n);
  }
  return spread;
}

}  // namespace flare::studies
