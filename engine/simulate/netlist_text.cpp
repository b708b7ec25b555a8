#include "engine/simulate/netlist_text.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "engine/simulate/spice_text.hpp"

namespace flare::engine {
namespace {

/// A vector that a measure looks at, under a name of its own.
std::string traced(const std::string& trace, const std::string& vector, const std::string& reference,
                   bool negated) {
  const std::string difference = reference.empty() ? vector : fmt::format("{}-{}", vector, reference);
  return negated ? fmt::format("let {} = -({})\n", trace, difference)
                 : fmt::format("let {} = {}\n", trace, difference);
}

std::string_view direction(Edge edge) {
  switch (edge) {
    case Edge::rise:
      return "rise";
    case Edge::fall:
      return "fall";
    case Edge::either:
      break;
  }
  return "cross";
}

std::string crosses(const Measure& m, const std::string& trace) {
  return fmt::format("when {}={} {}={}", trace, m.level, direction(m.edge), m.occurrence);
}

/// What `meas` is asked, without the window; empty for what it has no word for.
std::string asked(const Measure& m, const std::string& trace) {
  switch (m.kind) {
    case MeasureKind::value_at:
      if (!m.when.empty()) return fmt::format("find {} {}", trace, crosses(m, trace + "_when"));
      return m.at ? fmt::format("find {} at={}", trace, *m.at) : "";
    case MeasureKind::crossing:
      return crosses(m, trace);
    case MeasureKind::minimum:
      return fmt::format("min {}", trace);
    case MeasureKind::maximum:
      return fmt::format("max {}", trace);
    case MeasureKind::average:
      return fmt::format("avg {}", trace);
    case MeasureKind::integral:
      return fmt::format("integ {}", trace);
    case MeasureKind::period:
    case MeasureKind::expression:
    case MeasureKind::integrated_noise:
    case MeasureKind::search:
      break;
  }
  return {};
}

std::string window(const Measure& m) {
  std::string text;
  if (m.kind == MeasureKind::value_at && m.when.empty()) return text;
  if (m.from > 0.0) text += fmt::format(" from={}", m.from);
  if (m.to) text += fmt::format(" to={}", *m.to);
  return text;
}

std::string measure_text(const Measure& m, bool point) {
  check_name(m.name);
  const std::string trace = "flare_" + m.name;
  const bool last = m.kind == MeasureKind::value_at && !m.at && m.when.empty();
  const std::string words = asked(m, trace);
  if (!last && words.empty()) return fmt::format("* {}: ngspice has no word for this measure\n", m.name);
  std::string text = traced(trace, m.vector, m.reference, m.negated);
  if (!m.when.empty()) text += traced(trace + "_when", m.when, m.when_reference, m.when_negated);
  // The last point itself: `find ... at` finds nothing at the very end.
  text += last && point ? fmt::format("let {} = {}\n", m.name, trace)
          : last        ? fmt::format("let {0} = {1}[length({1})-1]\n", m.name, trace)
                        : fmt::format("meas tran {} {}{}\n", m.name, words, window(m));
  if (m.scale != 1.0) text += fmt::format("let {0} = {0}*{1}\n", m.name, m.scale);
  return text + fmt::format("print {}\n", m.name);
}

std::string settings_text(const Testbench& testbench, std::span<const double> settings) {
  if (!settings.empty() && settings.size() != testbench.knobs.size())
    throw std::invalid_argument("a netlist needs one setting for every knob");
  std::string text;
  for (const Setting& setting : testbench.settings) text += knob_command(setting.knob, setting.value) + "\n";
  for (std::size_t k = 0; k < settings.size(); ++k) {
    text += knob_command(testbench.knobs[k], settings[k]) + "\n";
  }
  return text;
}

}  // namespace

std::string netlist_text(const Testbench& testbench, std::span<const double> settings) {
  std::string text;
  for (const std::string& line :
       circuit_lines(testbench.deck, testbench.options, 0, measured_vectors(testbench))) {
    if (line != ".end") text += line + "\n";
  }
  text += ".control\nset num_threads=1\nset numdgt=16\n";
  if (!testbench.options.compatibility.empty())
    text += fmt::format("* read in compatibility mode {}: start ngspice with it\n",
                        testbench.options.compatibility);
  text += settings_text(testbench, settings);
  text += analysis_command(trimmed_analysis(testbench), 0) + "\n";
  const bool printed = testbench.analysis.kind == AnalysisKind::transient ||
                       testbench.analysis.kind == AnalysisKind::operating_point;
  for (const Measure& measure : testbench.measures) {
    text += printed ? measure_text(measure, testbench.analysis.kind == AnalysisKind::operating_point)
                    : fmt::format("* measure {}\n", measure.name);
  }
  return text + ".endc\n.end\n";
}

}  // namespace flare::engine
