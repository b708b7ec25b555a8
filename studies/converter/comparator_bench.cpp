#include "studies/converter/comparator_bench.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "studies/run/netlist_draws.hpp"
#include "studies/run/study_testbench.hpp"

namespace flare::studies {

namespace {

constexpr double largest_step = 4e-12;
constexpr double early_difference =
    0.1;  // V: a 1 mV input is then amplified a hundred times, and d still linear in it
constexpr double attocoulomb = 1e-18;
constexpr double impulse_width = 0.2e-12;  // short against all time constants of a latch

engine::Measure integral(const std::string& name, const std::string& vector, double scale) {
  engine::Measure measure;
  measure.name = name;
  measure.kind = engine::MeasureKind::integral;
  measure.vector = vector;
  measure.unit = std::string("J");
  measure.scale = scale;
  return measure;
}

std::string name_of(const ComparatorBench& bench) {
  return fmt::format("{} at {:.4g} V, {} {:.3g} V {:g} degC", bench.part.name, bench.common_mode,
                     bench.drive.section, bench.drive.supply, bench.drive.temperature);
}

engine::Deck deck_of(const std::string& name, const std::string& text, const ConverterDrive& drive,
                     const engine::SimulatorOptions& options) {
  if (drive.study == nullptr) return engine::parse_deck(text, name);
  engine::DeckOptions how;
  for (const auto& [parameter, value] : drive.study->parameters)
    how.parameters[parameter] = fmt::format("{}", value);
  NotElaborated trouble;
  engine::Deck deck = study_deck(*drive.study, engine::parse_deck(text, name, how), options, &trouble);
  if (!trouble.why.empty()) throw StudyError(trouble.why);
  return deck;
}

/// `node` gets `vq` aC in a triangle around `when`.
std::string impulse_lines(const std::string& node, double when) {
  const double begin = when - 0.5 * impulse_width;
  const double peak = 2.0 * attocoulomb / impulse_width;  // A for 1 aC
  return fmt::format(
      "vq vq 0 0\n"
      "vshape shape 0 pwl(0 0 {} 0 {} 1 {} 0)\n"
      "bq 0 {} i={}*v(vq)*v(shape)\n",
      begin, when, begin + impulse_width, node, peak);
}

}  // namespace

std::string converter_header(const ConverterPart& part, const ConverterDrive& drive,
                             const std::string& title) {
  return fmt::format(
      "{}\n"
      ".lib \"{}\" {}\n"
      ".include \"{}\"\n"
      "vdd vdd 0 {}\n",
      title, drive.card.string(), drive.section, std::filesystem::absolute(part.netlist).string(),
      drive.supply);
}

std::string comparator_lines(const ConverterPart& part, const ConverterDrive& drive, const std::string& name,
                             const std::string& input, const std::string& reference) {
  return call_line(name, part.comparator,
                   {{"input", input},
                    {"reference", reference},
                    {"clock", "clk"},
                    {"output", fmt::format("{}p", name)},
                    {"output_bar", fmt::format("{}n", name)},
                    {"supply", "vdd"},
                    {"ground", "0"}},
                   part.sizes) +
         fmt::format("cp{0} {0}p 0 {1}\ncn{0} {0}n 0 {1}\n", name, drive.load);
}

std::string comparator_netlist(const ComparatorBench& bench, double clock_end, const std::string& more) {
  const ConverterDrive& drive = bench.drive;
  const std::string fall =
      clock_end > 0.0 ? fmt::format(" {} {} {} 0", clock_end, drive.supply, clock_end + drive.edge) : "";
  return converter_header(bench.part, drive, name_of(bench)) +
         fmt::format(
             "vcm cm 0 {}\n"
             "vd inp cm 0\n"
             "vn inn cm 0\n"
             "vclk clk 0 pwl(0 0 {} 0 {} {}{})\n",
             bench.common_mode, clock_start, clock_start + drive.edge, drive.supply, fall) +
         comparator_lines(bench.part, drive, "x0", "inp", "inn") + more;
}

engine::Testbench latch_testbench(const std::string& name, const std::string& text,
                                  const ConverterDrive& drive, double stop, double chgtol) {
  engine::Testbench bench;
  bench.name = name;
  bench.options.temperature = drive.temperature;
  bench.options.trtol = 1.0;
  bench.options.chgtol = chgtol;
  if (drive.study != nullptr) bench.options = simulator_options(*drive.study, bench.options);
  bench.deck = deck_of(name, text, drive, bench.options);
  bench.analysis.stop = stop;
  bench.analysis.step = 0.5 * largest_step;
  bench.analysis.max_step = largest_step;
  return bench;
}

void add_input(engine::Testbench& bench, const std::string& source) {
  bench.knobs.push_back({engine::KnobKind::instance, source, "dc"});
  bench.variables.push_back({"input",
                             {engine::LawKind::normal, 0.0, input_unit},
                             engine::Scope::instance,
                             "V",
                             {{bench.knobs.size() - 1, engine::Action::replace}}});
}

engine::Measure difference_at(const std::string& comparator, double time) {
  engine::Measure measure;
  measure.name = std::string("d");
  measure.vector = fmt::format("v({}p)", comparator);
  measure.reference = fmt::format("v({}n)", comparator);
  measure.unit = std::string("V");
  measure.at = time;
  return measure;
}

engine::Measure difference_reaches(const std::string& name, const std::string& comparator, double level) {
  engine::Measure measure = difference_at(comparator, 0.0);
  measure.name = name;
  measure.kind = engine::MeasureKind::crossing;
  measure.unit = std::string("s");
  measure.at.reset();
  measure.level = level;
  measure.edge = engine::Edge::rise;
  measure.from = clock_start;
  return measure;
}

engine::Testbench decision_testbench(const ComparatorBench& bench, double time) {
  engine::Testbench made = latch_testbench(name_of(bench), comparator_netlist(bench), bench.drive, time);
  add_input(made, "vd");
  made.measures = {difference_at("x0", time)};
  return made;
}

engine::Testbench timing_testbench(const ComparatorBench& bench, double stop) {
  engine::Testbench made = latch_testbench(name_of(bench), comparator_netlist(bench), bench.drive, stop);
  add_input(made, "vd");
  made.measures = {difference_reaches("early", "x0", early_difference),
                   difference_reaches("decided", "x0", 0.5 * bench.drive.supply)};
  return made;
}

engine::Testbench energy_testbench(const ComparatorBench& bench, double clock_end) {
  const std::string power =
      "bclock pclock 0 v=-v(clk)*i(vclk)\n"
      "binput pinput 0 v=-v(cm)*i(vcm)-v(inp,cm)*i(vd)\n";
  const double stop = 2.0 * clock_end - clock_start;
  engine::Testbench made =
      latch_testbench(name_of(bench), comparator_netlist(bench, clock_end, power), bench.drive, stop);
  add_input(made, "vd");
  engine::Measure charged = integral("clock", "i(vclk)", -bench.drive.supply);
  charged.to = clock_end;
  made.measures = {integral("supply", "i(vdd)", -bench.drive.supply), charged,
                   integral("input", "v(pinput)", 1.0), integral("clock_source", "v(pclock)", 1.0)};
  return made;
}

engine::Testbench impulse_testbench(const ComparatorBench& bench, double time, const std::string& node,
                                    double when) {
  engine::Testbench made = latch_testbench(
      name_of(bench), comparator_netlist(bench, 0.0, impulse_lines(node, when)), bench.drive, time);
  add_input(made, "vd");
  made.knobs.push_back({engine::KnobKind::instance, "vq", "dc"});
  made.variables.push_back({"charge",
                            {engine::LawKind::normal, 0.0, 1.0},
                            engine::Scope::instance,
                            "1",
                            {{made.knobs.size() - 1, engine::Action::replace}}});
  made.measures = {difference_at("x0", time)};
  return made;
}

std::vector<std::string> comparator_elements(const ConverterPart& part, const std::string& name) {
  std::vector<std::string> paths;
  for (const std::string& element : part.comparator.varies)
    paths.push_back(fmt::format("{}.{}", name, element));
  return paths;
}

}  // namespace flare::studies
