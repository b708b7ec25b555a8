#include "engine/simulate/spice_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <stdexcept>

#include "engine/netlist/deck_lexer.hpp"
#include "engine/netlist/deck_options.hpp"
#include "engine/simulate/small_signal.hpp"

namespace flare::engine {
namespace {

/// Statements of a deck that ask for analyses or output: the testbench says what is simulated and kept.
bool asks_for_output(const std::string& word) {
  static constexpr std::array words{".tran", ".op",    ".dc",      ".ac",    ".noise", ".tf",    ".sens",
                                    ".pz",   ".disto", ".pss",     ".print", ".plot",  ".probe", ".save",
                                    ".four", ".meas",  ".measure", ".width", ".end",   ".temp"};
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// What is left of an .options statement for ngspice to read: what only the netlist says. Numerics are the testbench's,
/// output is nobody's.
std::string passed_options(const std::string& line) {
  std::string kept;
  const std::vector<std::string> files{"netlist"};
  for (const DeckOption& option : options_of({line, {0, 1}, &files, false})) {
    if (option.kind != OptionKind::passed) continue;
    kept += fmt::format(" {}{}{}", option.key, option.value.empty() ? "" : "=", option.value);
  }
  return kept.empty() ? kept : fmt::format(".options{}", kept);
}

bool has_random_source(const std::string& line) {
  const std::string text = lower(line);
  return text.find("trnoise") != std::string::npos || text.find("trrandom") != std::string::npos;
}

bool consists_of(std::string_view name, std::string_view signs) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || signs.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// A vector stands on a .save card, which ends at the end of its line and knows neither redirections (< >) nor
/// variables ($) nor history (!), so buses and globals of schematic editors may stand there: v(bl<0>), v(vdd!).
void check_vector(std::string_view name) {
  if (consists_of(name, "_.#:@()[],+-/%<>!$")) return;
  throw std::invalid_argument(fmt::format(
      "\"{}\" is not a vector of ngspice's: letters, digits and _.#:@()[],+-/%<>!$ may stand in it", name));
}

/// ngspice reads its compatibility modes letter by letter: ps, hs, lt, ki, eg, spe, mc and the a after them.
void check_compatibility(const std::string& modes) {
  const bool plain = modes.size() <= 16 && std::all_of(modes.begin(), modes.end(),
                                                       [](unsigned char c) { return std::islower(c) != 0; });
  if (!plain)
    throw std::invalid_argument(fmt::format("\"{}\" is not a compatibility mode of ngspice's", modes));
}

/// When a transient that ends at `stop` has gone far enough for a measure. An expression waits for those it uses.
double decided_at(const Measure& measure, double stop) {
  switch (measure.kind) {
    case MeasureKind::value_at:
      return measure.when.empty() ? measure.at.value_or(stop) : measure.to.value_or(stop);
    case MeasureKind::expression:
      return 0.0;
    case MeasureKind::search:
      return measure.at.value_or(stop);
    case MeasureKind::crossing:
    case MeasureKind::period:
    case MeasureKind::minimum:
    case MeasureKind::maximum:
    case MeasureKind::average:
    case MeasureKind::integral:
    case MeasureKind::integrated_noise:
      break;
  }
  return measure.to.value_or(stop);
}

/// ngspice leaves out a last step that would pass the end by rounding, or that is not whole: the sweep is given whole
/// steps up to `stop` or past it.
std::string dc_command(const Analysis& a) {
  check_name(a.swept);
  if (!(a.step > 0.0 && a.stop > a.start))
    throw std::invalid_argument("a sweep needs a step above 0 and start < stop");
  const double steps = std::ceil((a.stop - a.start) / a.step - 1e-6);
  return fmt::format("dc {} {} {} {}", a.swept, a.start, a.start + (steps + 1e-4) * a.step, a.step);
}

/// "dec 50 1 1e9"
std::string decades(const Analysis& a) {
  if (!(a.points > 0 && a.start > 0.0 && a.stop > a.start)) {
    throw std::invalid_argument("a small-signal analysis needs points and 0 < start < stop");
  }
  const double steps = std::ceil(a.points * std::log10(a.stop / a.start) - 1e-6);
  return fmt::format("dec {} {} {}", a.points, a.start, a.start * std::pow(10.0, (steps + 1e-4) / a.points));
}

std::string noise_command(const Analysis& a) {
  check_name(a.output);
  check_name(a.swept);
  return fmt::format("noise {} {} {}", a.output, a.swept, decades(a));
}

/// ngspice takes some titles for commands, and lists one that is a comment without a number: the first element would be
/// taken for it.
std::string plain_title(const std::string& title) {
  const auto begin =
      std::find_if(title.begin(), title.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  return begin == title.end() ? "untitled" : std::string(begin, title.end());
}

}  // namespace

void check_name(std::string_view name) {
  if (!consists_of(name, "_.#:@()[],+-/%")) {
    throw std::invalid_argument(fmt::format("\"{}\" is not a name of ngspice's", name));
  }
}

std::string knob_command(const Knob& knob, double value) {
  switch (knob.kind) {
    case KnobKind::instance:
    case KnobKind::model:
      check_name(knob.device);
      check_name(knob.parameter);
      return fmt::format("{} @{}[{}]={}", knob.kind == KnobKind::model ? "altermod" : "alter", knob.device,
                         knob.parameter, value);
    case KnobKind::temperature:
      return fmt::format("set temp={}", value);
    case KnobKind::parameter:
      break;
  }
  throw std::invalid_argument(to_string(knob) + " cannot be set in a loaded circuit");
}

std::vector<std::string> circuit_lines(const Deck& deck, const SimulatorOptions& options, int rung,
                                       std::span<const std::string> save) {
  check_compatibility(options.compatibility);
  if (std::any_of(deck.lines.begin(), deck.lines.end(), has_random_source)) {
    throw std::runtime_error(
        "the netlist has a random source (trnoise or trrandom), whose numbers depend on what was simulated "
        "before; make the noise a variable of the study");
  }
  std::vector<std::string> lines;
  lines.reserve(deck.lines.size() + 3);
  for (std::size_t i = 0; i < deck.lines.size(); ++i) {
    const std::string word = first_word(deck.lines[i]);
    if (i > 0 && asks_for_output(word)) continue;
    const bool is_options = i > 0 && is_options_statement(word);
    std::string line = is_options ? passed_options(deck.lines[i]) : deck.lines[i];
    if (i == 0) line = plain_title(line);
    if (!line.empty()) lines.push_back(std::move(line));
  }
  if (lines.empty()) lines.emplace_back("untitled");
  lines.push_back(option_card(options, rung));
  if (!save.empty()) {
    std::string card = ".save";
    for (const std::string& vector : save) {
      check_vector(vector);
      card += fmt::format(" {}", saved_vector(vector));
    }
    lines.push_back(std::move(card));
  }
  lines.emplace_back(".end");
  return lines;
}

bool leaves_traces(const Deck& deck, const SimulatorOptions& options) {
  if (deck.allow_commands || !options.compatibility.empty()) return true;
  return std::any_of(deck.lines.begin(), deck.lines.end(), [](const std::string& line) {
    const std::string word = first_word(line);
    return is_options_statement(word) && !passed_options(line).empty();
  });
}

std::string option_card(const SimulatorOptions& o, int rung) {
  if (o.method != "trap" && o.method != "gear") throw std::invalid_argument("unknown method " + o.method);
  std::string card = fmt::format(".options temp={} reltol={} abstol={} vntol={} chgtol={} noinit",
                                 o.temperature, o.reltol, o.abstol, o.vntol, o.chgtol);
  // A higher rung first gives Newton's method more room, then exchanges speed for robustness altogether.
  switch (rung) {
    case 0:
      return card + fmt::format(" method={} trtol={} bypass={}", o.method, o.trtol, o.bypass ? 1 : 0);
    case 1:
      return card + fmt::format(
                        " method={} trtol={} bypass=0 itl1=1000 itl2=1000 itl4=200 gminsteps=20 "
                        "srcsteps=20",
                        o.method, o.trtol);
    default:
      return card + fmt::format(
                        " method=gear trtol={} bypass=0 itl1=5000 itl2=5000 itl4=200 gminsteps=50 "
                        "srcsteps=50",
                        std::min(o.trtol, 1.0));
  }
}

std::string analysis_command(const Analysis& analysis, int rung) {
  if (analysis.kind == AnalysisKind::operating_point) return "op";
  if (analysis.kind == AnalysisKind::dc_sweep) return dc_command(analysis);
  if (analysis.kind == AnalysisKind::ac_sweep) return "ac " + decades(analysis);
  if (analysis.kind == AnalysisKind::noise) return noise_command(analysis);
  const double finer = rung >= 2 ? 0.1 : 1.0;
  // Without a limit of its own ngspice takes min(step, stop/50); said here so that a rung can refine it.
  const double habit = std::min(analysis.step, analysis.stop / 50.0);
  const double max_step = analysis.max_step > 0.0 ? analysis.max_step : habit;
  return fmt::format("tran {} {} 0 {}{}", analysis.step, analysis.stop, max_step * finer,
                     analysis.use_initial ? " uic" : "");
}

std::string vector_name(const std::string& name) {
  constexpr std::string_view branch = "#branch";
  if (name.empty() || name.front() == '@' || name.find('(') != std::string::npos) return name;
  if (name.size() > branch.size() && name.ends_with(branch)) {
    return fmt::format("i({})", name.substr(0, name.size() - branch.size()));
  }
  return fmt::format("v({})", name);
}

std::vector<std::string> measured_vectors(const Testbench& testbench) {
  std::vector<std::string> vectors;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::find(vectors.begin(), vectors.end(), name) == vectors.end())
      vectors.push_back(name);
  };
  for (const Measure& measure : testbench.measures) {
    add(measure.vector);
    add(measure.reference);
    add(measure.when);
    add(measure.when_reference);
  }
  return vectors;
}

Analysis trimmed_analysis(const Testbench& testbench) {
  Analysis analysis = testbench.analysis;
  if (analysis.kind != AnalysisKind::transient || testbench.measures.empty()) return analysis;
  if (analysis.max_step <= 0.0) analysis.max_step = std::min(analysis.step, analysis.stop / 50.0);
  double needed = 0.0;
  for (const Measure& measure : testbench.measures) {
    needed = std::max(needed, decided_at(measure, analysis.stop));
  }
  if (needed > 0.0) analysis.stop = std::min(analysis.stop, needed);
  return analysis;
}

std::string parameter_vector(const std::string& parameter) { return "flare_parameter_" + parameter; }

std::string parameter_line(const std::string& parameter) {
  return fmt::format(".csparam {}={{{}}}", parameter_vector(parameter), parameter);
}

}  // namespace flare::engine
