#include "studies/study/study_measures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "engine/base/units.hpp"
#include "engine/measures/measure_set.hpp"
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
  return MeasureKind::value_at;
}

bool is_crossing(MeasureKind kind) { return kind == MeasureKind::crossing || kind == MeasureKind::period; }

/// A key that another kind has would do nothing here.
void refuse_keys_of_other_kinds(Section& s, const std::string& name, MeasureKind kind) {
  static constexpr std::array keys{"at", "from", "to", "level", "edge", "occurrence"};
  for (const std::string_view key : keys) {
    const bool when = s.has("when");
    const bool value = kind == MeasureKind::value_at && !when;
    const bool meant = key == "at"                    ? value
                       : key == "from" || key == "to" ? !value
                                                      : is_crossing(kind) || when;
    if (meant || !s.has(key)) continue;
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
  const bool sweep =
      analysis.kind == engine::AnalysisKind::dc_sweep || analysis.kind == engine::AnalysisKind::ac_sweep;
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

void read_of_waveform(Section& s, const engine::Analysis& analysis, Measure& m) {
  const std::string kind =
      s.choice("kind", {"value", "crossing", "period", "minimum", "maximum", "average", "integral"}, "value");
  m.kind = measure_kind(kind);
  check_kind(s, kind, m.kind, analysis);
  refuse_keys_of_other_kinds(s, kind, m.kind);
  const std::string vector_unit = read_vectors(s, analysis, m);
  m.unit = unit_of(m, vector_unit, analysis);
  m.scale = s.number("scale", 1.0, -1e12, 1e12);
  const std::string when_unit = read_when(s, analysis, m);
  read_places(s, analysis, m);
  if (looks_for_crossing(m)) read_crossing(s, m.when.empty() ? vector_unit : when_unit, m);
}

/// The unit stays empty where the study leaves it to the measures that are used.
void read_expression(Section& s, Measure& m) {
  m.kind = MeasureKind::expression;
  m.expression = s.text("expression");
  if (s.has("vector") || s.has("kind")) {
    s.fail("expression", "is made of other measures: it has neither 'vector' nor 'kind'");
  }
  m.unit = s.text("unit", "");
  if (s.has("unit") && !engine::si_dimension(m.unit)) {
    s.fail("unit", fmt::format("'{}' is not an SI unit; expected e.g. \"s\", \"V\" or \"1\"", m.unit));
  }
}

Unmeasured read_unmeasured(Section& s, Unmeasured otherwise) {
  if (!s.has("unmeasured")) return otherwise;
  const std::string said = s.choice("unmeasured", {"fails", "passes", "unknown"}, "");
  return said == "fails" ? Unmeasured::fails : said == "passes" ? Unmeasured::passes : Unmeasured::unknown;
}

/// The tables while they are read: each measure with the key that speaks of it.
class MeasureReader {
 public:
  MeasureReader(Section& root, const engine::Analysis& analysis)
      : sections_(root.sections("measure")), failing_(root.section("failing")) {
    for (Section& s : sections_) read_measure(s, analysis);
    if (origins_.empty()) root.fail("", "a [circuit] study needs at least one [[measure]]");
  }

  StudyMeasures read() {
    read_failing_measure();
    find_units();
    read_limits();
    failing_.finish();
    return std::move(study_);
  }

 private:
  struct Origin {
    const Section* section;
    std::string key;  // that holds its expression
  };

  void read_measure(Section& s, const engine::Analysis& analysis) {
    Measure m;
    m.name = s.text("name");
    if (find(m.name)) s.fail("name", fmt::format("two measures are called '{}'", m.name));
    if (s.has("expression")) {
      read_expression(s, m);
    } else {
      read_of_waveform(s, analysis, m);
    }
    unmeasured_.push_back(read_unmeasured(s, Unmeasured::unsaid));
    s.finish();
    add(std::move(m), {&s, "expression"});
  }

  void add(Measure measure, Origin origin) {
    study_.measures.push_back(std::move(measure));
    origins_.push_back(std::move(origin));
  }

  std::optional<std::size_t> find(const std::string& name) const {
    for (std::size_t m = 0; m < study_.measures.size(); ++m) {
      if (study_.measures[m].name == name) return m;
    }
    return std::nullopt;
  }

  [[noreturn]] void no_measure(const Origin& origin, const std::string& name) const {
    std::vector<std::string> names;
    for (const Measure& m : study_.measures) names.push_back(m.name);
    const std::string close = nearest(name, names);
    origin.section->fail(origin.key,
                         fmt::format("there is no measure '{}'; {}", name,
                                     close.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                                                   : "did you mean '" + close + "'?"));
  }

  /// Arithmetic whose names all stand for measures.
  engine::Expression expression(const std::string& text, const Origin& origin) const {
    try {
      engine::Expression parsed(text);
      if (parsed.names().empty()) origin.section->fail(origin.key, "uses no measure");
      for (const std::string& name : parsed.names()) {
        if (!find(name)) no_measure(origin, name);
      }
      return parsed;
    } catch (const engine::ExpressionError& error) {
      origin.section->fail(origin.key, error.what());
    }
  }

  engine::Expression expression(std::size_t m) const {
    return expression(study_.measures[m].expression, origins_[m]);
  }

  void read_failing_measure() {
    const std::string asked = failing_.text("measure", study_.measures.front().name);
    if (const auto found = find(asked)) {
      study_.failing.measure = *found;
      study_.failing.place = origins_[*found].section->place("");
    } else {
      const Origin origin{&failing_, "measure"};
      (void)expression(asked, origin);  // before it is a measure: it must not use itself
      Measure m;
      m.name = m.expression = asked;
      m.kind = MeasureKind::expression;
      add(std::move(m), origin);
      unmeasured_.push_back(Unmeasured::unsaid);
      study_.failing.measure = origins_.size() - 1;
      study_.failing.place = failing_.place("");
    }
    study_.failing.unmeasured = read_unmeasured(failing_, unmeasured_[study_.failing.measure]);
  }

  /// Units of the expressions that do not say theirs.
  void find_units() {
    for (std::size_t m = 0; m < origins_.size(); ++m) {
      if (study_.measures[m].kind == MeasureKind::expression) (void)expression(m);
    }
    const std::vector<std::size_t> order = engine::evaluation_order(study_.measures);
    refuse_circle(order);
    for (const std::size_t m : order) {
      if (study_.measures[m].unit.empty()) study_.measures[m].unit = unit_of_expression(m);
    }
  }

  void refuse_circle(const std::vector<std::size_t>& order) const {
    for (std::size_t m = 0; m < origins_.size(); ++m) {
      if (std::find(order.begin(), order.end(), m) != order.end()) continue;
      origins_[m].section->fail(
          origins_[m].key,
          fmt::format("'{}' leads back to itself or to measures that do: expressions must not use "
                      "one another in a circle",
                      study_.measures[m].expression));
    }
  }

  std::string unit_of_expression(std::size_t m) const {
    engine::Expression parsed = expression(m);
    std::vector<std::string> units;
    for (const std::string& name : parsed.names()) units.push_back(study_.measures[*find(name)].unit);
    try {
      return parsed.unit(units);
    } catch (const engine::ExpressionError& error) {
      origins_[m].section->fail(origins_[m].key, error.what());
    }
  }

  void read_limits() {
    Failing& failing = study_.failing;
    const std::string& unit = study_.measures[failing.measure].unit;
    if (failing_.has("below")) failing.below = failing_.quantity("below", unit);
    if (failing_.has("above")) failing.above = failing_.quantity("above", unit);
    if (!failing.below && !failing.above) {
      failing_.fail("",
                    "needs 'below' or 'above', the limit past which a sample fails, or both for a window");
    }
    if (failing.below && failing.above && !(*failing.below < *failing.above)) {
      failing_.fail("below", fmt::format("{} must be less than 'above', {}: between the two a sample passes",
                                         engine::format_quantity(*failing.below, unit),
                                         engine::format_quantity(*failing.above, unit)));
    }
  }

  std::vector<Section> sections_;
  Section failing_;
  StudyMeasures study_;
  std::vector<Origin> origins_;         // of the measures
  std::vector<Unmeasured> unmeasured_;  // likewise
};

}  // namespace

StudyMeasures read_measures(Section& root, const engine::Analysis& analysis) {
  return MeasureReader(root, analysis).read();
}

}  // namespace flare::studies
