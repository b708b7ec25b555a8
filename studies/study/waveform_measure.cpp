#include "studies/study/waveform_measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/base/units.hpp"
#include "engine/netlist/deck_lexer.hpp"
#include "studies/study/study_analysis.hpp"
#include "studies/study/vector_word.hpp"

namespace flare::studies {

namespace {

using engine::Measure;
using engine::MeasureKind;

MeasureKind measure_kind(const std::string& name) {
  if (name == "crossing") return MeasureKind::crossing;
  if (name == "period") return MeasureKind::period;
  if (name == "minimum") return MeasureKind::minimum;
  if (name == "maximum") return MeasureKind::maximum;
  if (name == "average") return MeasureKind::average;
  if (name == "integral") return MeasureKind::integral;
  if (name == "integrated_noise") return MeasureKind::integrated_noise;
  if (name == "search") return MeasureKind::search;
  return MeasureKind::value_at;
}

bool is_crossing(MeasureKind kind) { return kind == MeasureKind::crossing || kind == MeasureKind::period; }

/// A key that another kind has would do nothing here.
void refuse_keys_of_other_kinds(Section& s, const std::string& name, MeasureKind kind) {
  static constexpr std::array keys{"at", "from", "to", "level", "edge", "occurrence", "source", "resolution"};
  for (const std::string_view key : keys) {
    const bool when = s.has("when");
    const bool value = kind == MeasureKind::value_at && !when;
    const bool search = kind == MeasureKind::search;
    const bool of_search = key == "source" || key == "resolution";
    const bool meant = of_search                      ? search
                       : key == "at"                  ? value || search
                       : key == "from" || key == "to" ? !value
                       : key == "level"               ? is_crossing(kind) || when || search
                                                      : is_crossing(kind) || when;
    if (meant || !s.has(key)) continue;
    if (of_search) s.fail(key, "belongs to kind = \"search\"");
    s.fail(key, fmt::format("has no meaning for kind = \"{}\"{}", name,
                            key == "at" ? "; 'from' and 'to' bound what it looks at"
                            : value ? "; kind = \"value\" has 'at' alone, or 'when' another vector crosses"
                                    : "; kind = \"crossing\" and \"period\" have it"));
  }
}

/// A time of a measure, or a value of what is swept; nothing where the study does not give it.
std::optional<double> read_place(Section& s, std::string_view key, const engine::Analysis& analysis) {
  if (!s.has(key)) return std::nullopt;
  const AnalysisAxis axis = axis_of(analysis);
  if (analysis.kind == engine::AnalysisKind::operating_point) {
    s.fail(key, "an operating point has no time; leave it out, or take analysis = \"transient\"");
  }
  const double place = s.quantity(key, axis.unit);
  const double slack = 1e-9 * (axis.last - axis.first);
  if (place < axis.first - slack) {
    s.fail(key, fmt::format("{} is before the start, {}", engine::format_quantity(place, axis.unit),
                            engine::format_quantity(axis.first, axis.unit)));
  }
  if (place > axis.last + slack) {
    s.fail(key,
           fmt::format("{} is after the end of the run, stop = {}", engine::format_quantity(place, axis.unit),
                       engine::format_quantity(axis.last, axis.unit)));
  }
  return place;
}

/// Whether a measure looks for a crossing, of its own vector or of another.
bool looks_for_crossing(const Measure& m) { return is_crossing(m.kind) || !m.when.empty(); }

void read_places(Section& s, const engine::Analysis& analysis, Measure& m) {
  const AnalysisAxis axis = axis_of(analysis);
  // A sweep in whole steps may go on past its stop; the measures do not.
  const bool sweep = analysis.kind != engine::AnalysisKind::operating_point &&
                     analysis.kind != engine::AnalysisKind::transient;
  const std::optional<double> end = sweep ? std::optional<double>(axis.last) : std::nullopt;
  if (m.kind == MeasureKind::value_at && m.when.empty()) {
    m.at = read_place(s, "at", analysis);
    if (!m.at) m.at = end;
    return;
  }
  m.from = read_place(s, "from", analysis).value_or(axis.first);
  m.to = read_place(s, "to", analysis);
  const bool to_said = m.to.has_value();
  if (!m.to) m.to = end;
  const double to = m.to.value_or(axis.last);
  if (m.from > to || (looks_for_crossing(m) && m.from == to)) {
    s.fail("from",
           fmt::format("{} must be before {}, {}", engine::format_quantity(m.from, axis.unit),
                       to_said ? "'to'" : "the end of the run", engine::format_quantity(to, axis.unit)));
  }
}

VectorWord read_vector(Section& s, std::string_view key, const engine::Analysis& analysis) {
  try {
    const std::string text = s.text(key);
    if (analysis.kind == engine::AnalysisKind::noise) {
      return parse_noise(text, "V", analysis.swept.starts_with('i') ? "A" : "V");
    }
    return analysis.kind == engine::AnalysisKind::ac_sweep ? parse_small_signal(text) : parse_vector(text);
  } catch (const VectorError& error) {
    s.fail(key, error.what());
  }
}

/// The vector, what is subtracted from it, and the unit they are in.
std::string read_vectors(Section& s, const engine::Analysis& analysis, Measure& m) {
  const VectorWord word = read_vector(s, "vector", analysis);
  m.vector = word.vector;
  m.reference = word.reference;
  m.negated = word.negated;
  if (s.has("minus")) {
    const VectorWord minus = read_vector(s, "minus", analysis);
    if (analysis.kind == engine::AnalysisKind::noise)
      s.fail("minus", "densities add in squares, and are not subtracted");
    if (analysis.kind == engine::AnalysisKind::ac_sweep) {
      s.fail("minus",
             "a difference of magnitudes is not the magnitude of a difference; measure across an E source");
    }
    if (!word.reference.empty() || word.negated || !minus.reference.empty() || minus.negated) {
      s.fail("minus", "takes two plain vectors, e.g. vector = \"v(a)\" and minus = \"v(b)\"");
    }
    if (minus.unit != word.unit) {
      s.fail("minus", fmt::format("'{}' and '{}' are in different units", minus.vector, word.vector));
    }
    m.reference = minus.vector;
  }
  if (word.unit.empty() && !s.has("vector_unit")) {
    s.fail("vector",
           fmt::format("the unit of {} is not known; say it, e.g. vector_unit = \"V\" or \"A/V\"", m.vector));
  }
  const std::string unit = s.text("vector_unit", word.unit);
  if (!engine::si_dimension(unit)) {
    s.fail("vector_unit",
           fmt::format("'{}' is not an SI unit; expected e.g. \"V\", \"A\", \"A/V\", \"F\" or \"1\"", unit));
  }
  return unit;
}

std::string unit_of(const Measure& m, const std::string& vector_unit, const engine::Analysis& analysis) {
  if (is_crossing(m.kind)) return axis_of(analysis).unit;
  return m.kind == MeasureKind::integral ? vector_unit + " s" : vector_unit;
}

/// Not every kind has a meaning for every analysis.
void check_kind(const Section& s, const std::string& name, MeasureKind kind,
                const engine::Analysis& analysis) {
  const bool point = analysis.kind == engine::AnalysisKind::operating_point;
  const bool sweep = !point && analysis.kind != engine::AnalysisKind::transient;
  const bool of_time = kind == MeasureKind::integral || kind == MeasureKind::period;
  if (kind == MeasureKind::integrated_noise && analysis.kind != engine::AnalysisKind::noise)
    s.fail("kind", "\"integrated_noise\" is of analysis = \"noise\"");
  if (kind == MeasureKind::search && sweep)
    s.fail("kind", "\"search\" moves a source itself; take analysis = \"operating_point\" or \"transient\"");
  if (point && (of_time || kind == MeasureKind::crossing)) {
    s.fail("kind",
           fmt::format("\"{}\" needs a time, which an operating point has not; take analysis = \"transient\"",
                       name));
  }
  if (sweep && (of_time || kind == MeasureKind::average)) {
    s.fail("kind",
           fmt::format("\"{}\" is of a time; over a sweep there are value, crossing, minimum and maximum",
                       name));
  }
}

void read_crossing(Section& s, const std::string& vector_unit, Measure& m) {
  m.level = s.quantity("level", vector_unit);
  m.occurrence = static_cast<int>(s.integer("occurrence", 1, 1, 1'000'000));
  // A period joins two crossings of one direction.
  const bool period = m.kind == MeasureKind::period;
  const std::string edge = period ? s.choice("edge", {"rise", "fall"}, "rise")
                                  : s.choice("edge", {"rise", "fall", "either"}, "either");
  m.edge = edge == "rise" ? engine::Edge::rise : edge == "fall" ? engine::Edge::fall : engine::Edge::either;
}

/// A search over the DC value of a source: what stands in place of the time elsewhere is in its unit.
void read_search(Section& s, const std::string& vector_unit, const engine::Analysis& analysis, Measure& m) {
  m.source = engine::lower(s.text("source"));
  const char kind = m.source.empty() ? ' ' : m.source.front();
  if (kind != 'v' && kind != 'i')
    s.fail("source", "names the voltage or current source that is moved, e.g. \"vin\"");
  m.unit = std::string(kind == 'i' ? "A" : "V");
  m.from = s.quantity("from", m.unit);
  m.to = s.quantity("to", m.unit);
  if (!(m.from < *m.to)) s.fail("from", "must be below 'to'");
  m.resolution = s.quantity("resolution", m.unit);
  const double span = *m.to - m.from;
  if (!(m.resolution > 1e-12 * span && m.resolution < span))
    s.fail("resolution", "must be above 0 and below the span from 'from' to 'to'");
  m.level = s.quantity("level", vector_unit);
  m.at = read_place(s, "at", analysis);
}

/// The vector whose crossing says when a value is taken, and its unit; empty where there is none.
std::string read_when(Section& s, const engine::Analysis& analysis, Measure& m) {
  if (!s.has("when")) return {};
  if (m.kind != MeasureKind::value_at || analysis.kind == engine::AnalysisKind::operating_point) {
    s.fail("when", "belongs to kind = \"value\" of an analysis with a time or a sweep");
  }
  const VectorWord word = read_vector(s, "when", analysis);
  if (word.unit.empty()) s.fail("when", "takes a voltage or a current");
  m.when = word.vector;
  m.when_reference = word.reference;
  m.when_negated = word.negated;
  return word.unit;
}

}  // namespace

Measure read_waveform_measure(Section& s, const engine::Analysis& analysis) {
  Measure m;
  const std::string kind = s.choice("kind",
                                    {"value", "crossing", "period", "minimum", "maximum", "average",
                                     "integral", "integrated_noise", "search"},
                                    "value");
  m.kind = measure_kind(kind);
  check_kind(s, kind, m.kind, analysis);
  refuse_keys_of_other_kinds(s, kind, m.kind);
  const std::string vector_unit = read_vectors(s, analysis, m);
  m.unit = unit_of(m, vector_unit, analysis);
  m.scale = s.number("scale", 1.0, -1e12, 1e12);
  const std::string when_unit = read_when(s, analysis, m);
  if (m.kind == MeasureKind::search) {
    read_search(s, vector_unit, analysis, m);
    return m;
  }
  read_places(s, analysis, m);
  if (looks_for_crossing(m)) read_crossing(s, m.when.empty() ? vector_unit : when_unit, m);
  return m;
}

}  // namespace flare::studies
