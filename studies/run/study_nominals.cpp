#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "studies/run/study_testbench.hpp"
#include "studies/study/key_place.hpp"
#include "studies/study/parameter_words.hpp"

namespace flare::studies {

namespace {

using engine::CircuitDevice;
using engine::Knob;
using engine::KnobKind;

/// The [[variation]] that moves a knob; nullptr where none does: it is a source's or a draw's of the netlist.
const DeviceVariation* variation_of(const Study& study, const Knob& knob) {
  const auto moves = [&](const DeviceVariation& v) {
    if (knob.kind == KnobKind::instance) {
      return v.target == VariationTarget::devices && v.parameter == knob.parameter &&
             engine::matches(v.pattern, knob.device);
    }
    if (knob.kind == KnobKind::model)
      return v.target == VariationTarget::models && v.parameter == knob.parameter;
    return v.target == VariationTarget::parameter && v.pattern == knob.parameter;
  };
  const auto at = std::find_if(study.devices.begin(), study.devices.end(), moves);
  return at == study.devices.end() ? nullptr : &*at;
}

/// "file:line: key" of what moves a knob.
std::string place_of(const Study& study, const Knob& knob) {
  if (const DeviceVariation* variation = variation_of(study, knob)) return parameter_place(study, *variation);
  for (const DieVariation& die : study.die) {
    if (!die.source.empty() && knob.parameter == "dc" && die.source == knob.device) return die.place;
  }
  return study.file.string();
}

/// "; did you mean 'resistance'?", or the words there are.
std::string known_parameters(const Study& study, const Knob& knob, char device_type) {
  const DeviceVariation* variation = variation_of(study, knob);
  if (variation == nullptr) return {};
  const std::vector<std::string> words = parameter_words_of(device_type);
  const std::string close = nearest(variation->label, words);
  if (!close.empty()) return fmt::format("; did you mean '{}'?", close);
  return words.empty() ? std::string()
                       : fmt::format("; known by name here are {}, besides what ngspice calls its own",
                                     fmt::join(words, ", "));
}

/// Why the loaded circuit has no such parameter, in the words of whoever wrote the study.
std::string missing_parameter(const Study& study, const LoadedCircuit& loaded, const Knob& knob) {
  const CircuitDevice* device = loaded.circuit.find(knob.device);
  if (knob.kind != KnobKind::instance || device == nullptr) {
    return fmt::format("the circuit gives no value of {}; is the parameter set on the card?",
                       to_string(knob));
  }
  const engine::CircuitModel* model = loaded.circuit.model_of(*device);
  const std::string card = model == nullptr
                               ? ""
                               : fmt::format(" (model {}, {} level {})", device->model, model->type,
                                             model->level.empty() ? "1" : model->level);
  if (knob.parameter == "delvto") {
    return fmt::format(
        "{}{} has no threshold shift per instance ('delvto'): use a BSIM card (level 8, 14, 49 or 54), "
        "or put a voltage source in series with its gate and vary its dc",
        device->name, card);
  }
  if (knob.parameter == "mulu0") {
    return fmt::format(
        "{}{} has no mobility factor per instance ('mulu0'): use a BSIM4 card (level 14 or 54), or vary "
        "w",
        device->name, card);
  }
  return fmt::format("{}{} has no parameter '{}'{}", device->name, card, knob.parameter,
                     known_parameters(study, knob, device->type));
}

void check_effect(const engine::Variable& variable, const engine::Effect& effect, const Knob& knob,
                  double nominal, const std::string& place) {
  if (effect.action == engine::Action::scale && nominal == 0.0) {
    throw StudyError(
        fmt::format("{}: {} scales {}, which is 0 in the circuit: a part of it has no meaning; give sigma "
                    "in the unit of the parameter",
                    place, variable.name, to_string(knob)));
  }
}

/// Two values cannot both stand in one place.
void check_replacements(const Study& study, const engine::Testbench& testbench) {
  std::map<std::size_t, std::string> replaced;
  for (const engine::NetlistFormula& f : testbench.formulas) replaced[f.knob] = "a draw of the netlist";
  for (const engine::Variable& variable : testbench.variables) {
    for (const engine::Effect& effect : variable.effects) {
      if (effect.action != engine::Action::replace) continue;
      const auto [first, alone] = replaced.emplace(effect.knob, variable.name);
      if (alone) continue;
      throw StudyError(
          fmt::format("{}: {} and {} both replace {}: leave one of them out, or let it scale or shift "
                      "(effect, without median)",
                      place_of(study, testbench.knobs[effect.knob]), first->second, variable.name,
                      to_string(testbench.knobs[effect.knob])));
    }
  }
}

}  // namespace

void check_nominals(engine::Evaluator& evaluator, const Study& study, const LoadedCircuit& loaded,
                    const engine::Testbench& testbench) {
  check_replacements(study, testbench);
  std::vector<Knob> asked;
  for (const Knob& knob : testbench.knobs) {
    if (knob.kind != KnobKind::temperature) asked.push_back(knob);
  }
  const std::vector<double> values =
      evaluator.values(testbench.deck, testbench.options, testbench.settings, asked);
  std::map<std::string, double> nominals;
  for (std::size_t i = 0; i < asked.size(); ++i) nominals[to_string(asked[i])] = values[i];
  for (const engine::Variable& variable : testbench.variables) {
    for (const engine::Effect& effect : variable.effects) {
      const Knob& knob = testbench.knobs[effect.knob];
      if (knob.kind == KnobKind::temperature) continue;
      const double nominal = nominals.at(to_string(knob));
      if (std::isnan(nominal)) {
        throw StudyError(fmt::format("{}: variation of {}: {}", place_of(study, knob), variable.name,
                                     missing_parameter(study, loaded, knob)));
      }
      check_effect(variable, effect, knob, nominal, place_of(study, knob));
    }
  }
  for (const engine::NetlistFormula& f : testbench.formulas) {
    const Knob& knob = testbench.knobs[f.knob];
    if (!std::isnan(nominals.at(to_string(knob)))) continue;
    if (knob.kind == KnobKind::model) {
      throw StudyError(fmt::format(
          "{}: a draw of the netlist moves {}, of a bin that no device is in; a device that changes its "
          "bin would lose the draw: vary no w, l or nf, or switch the draws of the models off",
          study.file.string(), to_string(knob)));
    }
    throw StudyError(fmt::format("{}: a draw of the netlist moves {}: {}", study.file.string(),
                                 to_string(knob), missing_parameter(study, loaded, knob)));
  }
}

}  // namespace flare::studies
