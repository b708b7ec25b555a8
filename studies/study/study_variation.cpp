#include "studies/study/study_variation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/base/units.hpp"
#include "engine/netlist/deck_lexer.hpp"
#include "studies/study/parameter_words.hpp"

namespace flare::studies {

namespace {

using engine::Action;
using engine::LawKind;
using engine::lower;

/// A size of the spread as written: with %, it is relative.
struct Spread {
  double value = 0.0;
  bool relative = false;
};

/// In one of the units of `word`; a bare number is in the simulator's unit where the word allows one.
double absolute(Section& s, std::string_view key, const ParameterWord& word) {
  const std::string text = s.text_or_number(key);
  const bool bare = text.find_first_not_of("0123456789.eE+- ") == std::string::npos;
  if (word.unit.empty() && !bare) {
    s.fail(key, fmt::format("'{}': write a plain number, in the simulator's own unit of this parameter, or a "
                            "percentage of the circuit's value",
                            text));
  }
  if (bare && !word.needs_unit) return engine::quantity(text, "1");
  std::string_view units = word.unit;
  while (true) {
    const std::size_t bar = units.find('|');
    try {
      return engine::quantity(text, units.substr(0, bar));
    } catch (const engine::UnitError& e) {
      if (bar == std::string_view::npos) s.fail(key, e.what());
      units.remove_prefix(bar + 1);
    }
  }
}

double ratio(Section& s, std::string_view key) {
  try {
    return engine::quantity(s.text_or_number(key), "1");
  } catch (const engine::UnitError& e) {
    s.fail(key, e.what());
  }
}

Spread read_spread(Section& s, const ParameterWord& word, bool lognormal) {
  const std::string text = s.text_or_number("sigma");
  const bool relative = text.find('%') != std::string::npos || lognormal || word.scales_only;
  if (relative && word.shifts_only && !lognormal) {
    s.fail("sigma",
           fmt::format("{} is a shift of the threshold and has no value to be a part of; write it in V, "
                       "e.g. \"20 mV\"",
                       word.word));
  }
  return {relative ? ratio(s, "sigma") : absolute(s, "sigma", word), relative};
}

LawKind law_kind(const std::string& name) {
  if (name == "lognormal") return LawKind::lognormal;
  if (name == "uniform") return LawKind::uniform;
  if (name == "gumbel") return LawKind::gumbel;
  return LawKind::normal;
}

/// Pelgrom's coefficient of `v`; true where it is relative ("0.7 % um").
bool read_pelgrom(Section& s, const ParameterWord& word, DeviceVariation& v) {
  if (v.target != VariationTarget::devices || v.scope == engine::Scope::die) {
    s.fail("pelgrom", "is a law of single devices; a die-wide variable needs 'sigma'");
  }
  const std::string text = s.text("pelgrom");
  const bool relative = text.find('%') != std::string::npos || word.unit == "1";
  if (relative && word.shifts_only) {
    s.fail("pelgrom",
           fmt::format("'{}' has the wrong unit; expected a quantity in V m, e.g. \"1.3 mV um\"", text));
  }
  v.pelgrom = s.quantity("pelgrom", relative || word.unit.empty() ? "m" : fmt::format("{} m", word.unit));
  if (!(v.pelgrom > 0.0)) s.fail("pelgrom", "must be above 0");
  return relative;
}

/// What the spread does to the circuit's value, where the study does not say.
Action usual_action(const ParameterWord& word, bool relative, bool has_median) {
  if (word.shifts_only) return Action::shift;
  if (word.scales_only) return Action::scale;
  if (has_median) return Action::replace;
  return relative ? Action::scale : Action::shift;
}

Action read_action(Section& s, const ParameterWord& word, bool relative) {
  const Action usual = usual_action(word, relative, s.has("median"));
  const std::string said = s.choice("effect", {"", "shift", "scale", "replace"}, "");
  const Action action = said == "shift"     ? Action::shift
                        : said == "scale"   ? Action::scale
                        : said == "replace" ? Action::replace
                                            : usual;
  if (word.shifts_only && action != Action::shift) {
    s.fail("effect", fmt::format("{} is added to what the circuit says; it can only shift", word.word));
  }
  if (word.scales_only && action != Action::scale) {
    s.fail("effect", fmt::format("{} is a factor; it can only scale", word.word));
  }
  return action;
}

/// Location of the law, and what its scale is measured in. `relative`: the spread is a part of something.
void finish_law(Section& s, const ParameterWord& word, bool relative, DeviceVariation& v) {
  const bool lognormal = v.law.kind == LawKind::lognormal;
  const bool factor = v.action == Action::scale;
  if (s.has("median")) {
    v.law.location = factor ? ratio(s, "median") : absolute(s, "median", word);
  } else {
    if (v.action == Action::replace) s.fail("", "replaces the circuit's value: needs 'median'");
    if (lognormal && !factor) {
      s.fail("law",
             "a lognormal shift needs 'median', in the unit of the shift; 'sigma' is that of the logarithm");
    }
    v.law.location = factor ? 1.0 : 0.0;
  }
  if (lognormal && !(v.law.location > 0.0)) s.fail("median", "of a lognormal law must be above 0");
  if (factor && !relative) {
    s.fail("effect", "a factor needs a relative 'sigma', e.g. \"3 %\"");
  }
  if (relative && !factor && !lognormal) {
    if (v.action != Action::replace) {
      s.fail("effect", "a shift needs 'sigma' in the unit of the parameter; a percentage scales");
    }
    v.law.scale *= v.law.location;  // a part of the median
    if (v.pelgrom > 0.0) v.pelgrom *= v.law.location;
  }
}

void read_target(Section& s, DeviceVariation& v) {
  const bool model = s.has("model");
  const bool parameter = s.has("param");
  if (static_cast<int>(model) + static_cast<int>(parameter) + static_cast<int>(s.has("devices")) > 1) {
    s.fail("", "moves either 'devices', a 'model' or a 'param'; give one of them");
  }
  if (model || parameter) {
    v.target = model ? VariationTarget::models : VariationTarget::parameter;
    v.pattern = lower(s.text(model ? "model" : "param"));
    v.place = s.place(model ? "model" : "param");
    v.scope = engine::Scope::die;
  } else {
    v.pattern = s.text("devices", "*");
    v.place = s.place(s.has("devices") ? "devices" : "");
  }
}

}  // namespace

DeviceVariation read_device_variation(Section& s) {
  DeviceVariation v;
  read_target(s, v);
  v.polarity = s.choice("polarity", {"", "nmos", "pmos"}, "");
  const bool of_param = v.target == VariationTarget::parameter;
  v.label = of_param ? v.pattern : s.text("parameter");
  const ParameterWord word =
      of_param ? ParameterWord{} : parameter_word(v.label, v.target == VariationTarget::models);
  v.parameter = of_param ? "" : word.simulator.empty() ? lower(v.label) : std::string(word.simulator);
  v.device_types = word.device_types;
  const std::string usual_law = word.scales_only ? "lognormal" : "normal";
  v.law.kind = law_kind(s.choice("law", {"normal", "lognormal", "uniform", "gumbel"}, usual_law));
  const std::string scope =
      s.choice("scope", {"instance", "die"}, v.scope == engine::Scope::die ? "die" : "instance");
  if (scope == "instance" && v.scope == engine::Scope::die) {
    s.fail("scope", "a model card or a .param is one for all its devices: its scope is \"die\"");
  }
  v.scope = scope == "die" ? engine::Scope::die : engine::Scope::instance;
  const bool pelgrom = s.has("pelgrom");
  if (pelgrom == s.has("sigma"))
    s.fail("", "needs either 'pelgrom' (e.g. \"1.3 mV um\") or 'sigma' (e.g. \"20 mV\")");
  bool relative = false;
  if (pelgrom) {
    relative = read_pelgrom(s, word, v);
  } else {
    const Spread spread = read_spread(s, word, v.law.kind == LawKind::lognormal);
    v.law.scale = spread.value;
    relative = spread.relative;
    if (!(v.law.scale > 0.0)) s.fail("sigma", "must be above 0");
  }
  v.action = read_action(s, word, relative);
  v.unit =
      v.action == Action::scale ? std::string("1") : std::string(word.unit.substr(0, word.unit.find('|')));
  finish_law(s, word, relative, v);
  if (s.has("cells")) v.cells = s.texts("cells");
  s.finish();
  return v;
}

DieVariation read_die_variation(Section& s) {
  DieVariation v;
  v.source = lower(s.text("source", ""));
  v.place = s.place(s.has("source") ? "source" : "");
  const bool temperature = v.source.empty();
  if (temperature != s.flag("temperature", false)) {
    s.fail("", "needs either source = \"vdd\" or temperature = true");
  }
  if (temperature) {
    v.law.scale = s.quantity("sigma", "K");
    v.unit = std::string("K");
  } else {
    const Spread spread = read_spread(s, ParameterWord{"dc", "dc", "V|A", "vi", true, false, false}, false);
    v.law.scale = spread.value;
    v.law.location = spread.relative ? 1.0 : 0.0;
    v.action = spread.relative ? Action::scale : Action::shift;
    v.unit = std::string(spread.relative ? "1" : "V");
  }
  if (!(v.law.scale > 0.0)) s.fail("sigma", "must be above 0");
  s.finish();
  return v;
}

}  // namespace flare::studies
