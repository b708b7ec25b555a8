#include "studies/study/study_measures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/base/units.hpp"
#include "engine/measures/measure_set.hpp"
#include "studies/study/waveform_measure.hpp"

namespace flare::studies {

namespace {

using engine::Measure;
using engine::MeasureKind;

/// The unit stays empty where the study leaves it to the measures that are used.
Measure read_expression(Section& s) {
  Measure m;
  m.kind = MeasureKind::expression;
  m.expression = s.text("expression");
  if (s.has("vector") || s.has("kind")) {
    s.fail("expression", "is made of other measures: it has neither 'vector' nor 'kind'");
  }
  m.unit = s.text("unit", "");
  if (s.has("unit") && !engine::si_dimension(m.unit)) {
    s.fail("unit", fmt::format("'{}' is not an SI unit; expected e.g. \"s\", \"V\" or \"1\"", m.unit));
  }
  return m;
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
      : sections_(root.sections("measure")), specs_(root.sections("spec")) {
    for (Section& s : sections_) read_measure(s, analysis);
    if (origins_.empty()) root.fail("", "a [circuit] study needs at least one [[measure]]");
    if (!specs_.empty() && root.has("failing"))
      root.fail("failing", "is the short form of one [[spec]]; give either the one or the others");
    written_out_ = !specs_.empty();
    if (!written_out_) specs_.push_back(root.section("failing"));
  }

  StudyMeasures read() {
    for (Section& s : specs_) read_asked_measure(s);
    find_units();
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      if (written_out_) {
        read_spec(specs_[i], study_.specs[i]);
      } else {
        read_limits(specs_[i], "below", "above", study_.specs[i]);
      }
      specs_[i].finish();
    }
    return std::move(study_);
  }

 private:
  struct Origin {
    const Section* section;
    std::string key;  // that holds its expression
  };

  void read_measure(Section& s, const engine::Analysis& analysis) {
    const std::string name = s.text("name");
    if (find(name)) s.fail("name", fmt::format("two measures are called '{}'", name));
    Measure m = s.has("expression") ? read_expression(s) : read_waveform_measure(s, analysis);
    m.name = name;
    unmeasured_.push_back(read_unmeasured(s, Unmeasured::unsaid));
    s.finish();
    add(std::move(m), {&s, "expression"});
  }

  void add(Measure measure, Origin origin) {
    study_.measures.push_back(std::move(measure));
    study_.places.push_back(origin.section->place(""));
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

  void read_asked_measure(Section& s) {
    Spec spec;
    const std::string asked = s.text("measure", study_.measures.front().name);
    if (const auto found = find(asked)) {
      spec.measure = *found;
      spec.place = (written_out_ ? s : *origins_[*found].section).place("");
    } else {
      const Origin origin{&s, "measure"};
      (void)expression(asked, origin);  // before it is a measure: it must not use itself
      Measure m;
      m.name = m.expression = asked;
      m.kind = MeasureKind::expression;
      add(std::move(m), origin);
      unmeasured_.push_back(Unmeasured::unsaid);
      spec.measure = origins_.size() - 1;
      spec.place = s.place("");
    }
    spec.unmeasured = read_unmeasured(s, unmeasured_[spec.measure]);
    spec.name = written_out_ ? s.text("name", asked) : asked;
    const bool taken = std::any_of(study_.specs.begin(), study_.specs.end(),
                                   [&](const Spec& other) { return other.name == spec.name; });
    if (taken) s.fail("name", fmt::format("two specs are called '{}'; give each a name", spec.name));
    study_.specs.push_back(std::move(spec));
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

  void read_limits(Section& s, const char* low, const char* high, Spec& spec) const {
    const std::string& unit = study_.measures[spec.measure].unit;
    if (s.has(low)) spec.below = s.quantity(low, unit);
    if (s.has(high)) spec.above = s.quantity(high, unit);
    if (!spec.below && !spec.above) {
      s.fail("", fmt::format("needs '{}' or '{}', the limit past which a sample fails, or both for a window",
                             low, high));
    }
    if (spec.below && spec.above && !(*spec.below < *spec.above)) {
      s.fail(low, fmt::format("{} must be less than '{}', {}: between the two a sample passes",
                              engine::format_quantity(*spec.below, unit), high,
                              engine::format_quantity(*spec.above, unit)));
    }
  }

  /// A limit that is there, or one that is asked for.
  void read_spec(Section& s, Spec& spec) const {
    if (!s.has("limit")) {
      if (s.has("side")) s.fail("side", "goes with limit = \"?\" alone");
      return read_limits(s, "min", "max", spec);
    }
    if (s.text("limit") != "?")
      s.fail("limit", "is \"?\", which asks for it; a limit that is known is 'min' or 'max'");
    if (s.has("min") || s.has("max")) s.fail("limit", "is asked for; leave 'min' and 'max' out");
    if (!s.has("side")) s.fail("limit", "needs side = \"min\" or \"max\": which limit it is that holds");
    const bool min = s.choice("side", {"min", "max"}, "min") == "min";
    spec.asked = min ? analysis::Side::below : analysis::Side::above;
  }

  std::vector<Section> sections_;
  std::vector<Section> specs_;  // [[spec]], or [failing] alone
  bool written_out_ = false;    // they are [[spec]]
  StudyMeasures study_;
  std::vector<Origin> origins_;         // of the measures
  std::vector<Unmeasured> unmeasured_;  // likewise
};

}  // namespace

StudyMeasures read_measures(Section& root, const engine::Analysis& analysis) {
  return MeasureReader(root, analysis).read();
}

}  // namespace flare::studies
