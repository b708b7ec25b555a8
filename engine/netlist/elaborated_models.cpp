#include "engine/netlist/elaborated_models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/base/nearest_name.hpp"

namespace flare::engine {
namespace {

/// "nch" of "nch.3"; the name itself where it is no bin.
std::string base_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == name.size()) return name;
  const bool bin = std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dot) + 1, name.end(),
                               [](unsigned char c) { return std::isdigit(c) != 0; });
  return bin ? name.substr(0, dot) : name;
}

/// A .model statement with the parentheses around its values taken away.
std::string without_outer_parentheses(std::string text, std::size_t from) {
  const std::size_t open = text.find_first_not_of(" \t,", from);
  if (open == std::string::npos || text[open] != '(') return text;
  const std::size_t close = text.find_last_not_of(" \t");
  text[open] = ' ';
  if (text[close] == ')') text[close] = ' ';
  return text;
}

void refuse_osdi(const ModelDefinition& model) {
  const bool psp = model.type.starts_with("psp") && model.type.ends_with("va");
  if (!psp && model.type.find("osdi") == std::string::npos) return;
  model.statement->fail(
      fmt::format("model {} of type {} is a compact model in OSDI, which this ngspice cannot load; "
                  "use a kit with BSIM cards",
                  model.name, model.type));
}

ModelDefinition read_model(const Statement& statement) {
  const std::vector<std::string> words = words_of(statement.text);
  if (words.size() < 3) statement.fail("a .model needs a name and a type; write .model NAME TYPE (...)");
  ModelDefinition model{&statement, words[1], base_of(words[1]), words[2].substr(0, words[2].find('(')), {}};
  if (model.type.starts_with("ako")) statement.fail("a model made from another (ako:); write it out");
  const std::size_t at = statement.text.find(model.type, statement.text.find(words[1]) + words[1].size());
  const std::string text = without_outer_parentheses(statement.text, at + model.type.size());
  for (const Assignment& a : assignments_of(text)) {
    const std::string_view whole = std::string_view(text).substr(a.value_begin, a.value_end - a.value_begin);
    const std::string_view value = first_token(whole);
    model.values.push_back({a.name, std::string(value), std::string(trim(whole.substr(value.size())))});
  }
  return model;
}

/// How a size stands to a bin's range, whose limits ngspice widens by a thousandth.
enum class Fit { outside, edge, inside };

Fit fit_of(double value, double low, double high) {
  const auto within = [&](double slack) {
    return value > low - slack * std::fabs(low) && value < high + slack * std::fabs(high);
  };
  if (within(0.999e-3)) return Fit::inside;
  return within(1.002e-3) ? Fit::edge : Fit::outside;
}

/// Vectors, texts and whole files' names are left to the simulator.
bool is_plain_text(const std::string& value) {
  return value.empty() || value.front() == '[' || value.front() == '"' || value.front() == '<';
}

}  // namespace

void ElaboratedModels::define(const Statement& statement, Instance& instance) {
  auto known = definitions_.find(&statement);
  if (known == definitions_.end()) known = definitions_.emplace(&statement, read_model(statement)).first;
  instance.models[known->second.base].push_back(&known->second);
}

ElaboratedModels::Found ElaboratedModels::find(const Instance& instance, const std::string& name) const {
  const std::string base = base_of(name);
  for (const Instance* at = &instance; at != nullptr; at = at->caller) {
    const auto cards = at->models.find(base);
    if (cards == at->models.end()) continue;
    std::vector<const ModelDefinition*> exact;
    std::vector<const ModelDefinition*> bins;
    for (const ModelDefinition* card : cards->second) {
      if (card->name == name && exact.empty()) exact.push_back(card);
      if (card->binned()) bins.push_back(card);
    }
    if (!exact.empty()) return {at, exact, true};
    if (name == base && !bins.empty()) return {at, bins, false};
  }
  return {};
}

bool ElaboratedModels::knows(const Instance& instance, const std::string& name) const {
  return find(instance, name).instance != nullptr;
}

double ElaboratedModels::limit(const ModelDefinition& definition, const Instance& instance,
                               const char* key) const {
  for (const ModelDefinition::Value& value : definition.values) {
    if (value.key != key) continue;
    if (const std::optional<double> plain = spice_number(value.text)) return *plain;
    return nominal(evaluated(*instance.scope, value.text,
                             instance.scope->context(definition.name, key, *definition.statement)));
  }
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<const ModelDefinition*> ElaboratedModels::fitting(const Found& found,
                                                              const DeviceSize& size) const {
  // In these modes ngspice compares with the width of a finger.
  const std::string& modes = options_.compatibility;
  const bool finger = modes.find("hs") != std::string::npos || modes.find("spe") != std::string::npos;
  const double w = size.w * scale_ / (finger ? size.nf : 1.0);
  std::vector<const ModelDefinition*> bins;
  for (const ModelDefinition* bin : found.cards) {
    const auto at = [&](const char* key) { return limit(*bin, *found.instance, key); };
    const Fit fit =
        std::min(fit_of(size.l * scale_, at("lmin"), at("lmax")), fit_of(w, at("wmin"), at("wmax")));
    if (fit != Fit::outside) bins.push_back(bin);
    // ngspice takes the first.
    if (fit == Fit::inside) break;
  }
  return bins;
}

const ElaboratedModels::Card& ElaboratedModels::card(const ModelDefinition& definition,
                                                     const Instance& instance) {
  auto [place, fresh] = cards_.try_emplace({&instance, &definition});
  Card& card = place->second;
  if (!fresh) return card;
  refuse_osdi(definition);
  card.definition = &definition;
  card.text = definition.type;
  for (const ModelDefinition::Value& value : definition.values) {
    std::string text = value.text;
    const bool plain = is_plain_text(text) || spice_number(text).has_value();
    const bool names = is_braced(text) || std::isalpha(static_cast<unsigned char>(text.front())) != 0 ||
                       text.find_first_of("(*/+-") != std::string::npos;
    if (!plain && names) {
      const ValueContext context = instance.scope->context(definition.name, value.key, *definition.statement);
      const NetlistValue e = evaluated(*instance.scope, text, context);
      text = value_text(e, *definition.statement);
      if (e->draws) card.drawn.push_back({true, "", value.key, e, definition.statement->place()});
    }
    card.text += fmt::format(" {}={}{}{}", value.key, text, value.rest.empty() ? "" : " ", value.rest);
  }
  return card;
}

std::string ElaboratedModels::fresh_name(const std::string& base) {
  std::string name = base;
  for (int n = 2; !names_.insert(name).second; ++n) name = fmt::format("{}_{}", base, n);
  return name;
}

/// Writes cards that one device may use, under a common name.
std::string ElaboratedModels::write(const std::vector<const Card*>& cards, const std::string& base) {
  const std::string name = fresh_name(base);
  for (const Card* card : cards) {
    const ModelDefinition& definition = *card->definition;
    const std::string full =
        definition.binned() ? name + definition.name.substr(definition.base.size()) : name;
    deck_.add(fmt::format(".model {} {}", full, card->text), *definition.statement);
    for (DrawnValue value : card->drawn) {
      value.device = full;
      deck_.drawn(std::move(value));
    }
  }
  return name;
}

std::string ElaboratedModels::use(const Instance& instance, const std::string& name,
                                  const std::optional<DeviceSize>& size, const Statement& statement) {
  Found found = find(instance, name);
  if (found.instance == nullptr) {
    statement.fail(fmt::format("model {} is not defined; add its .model or .lib", name));
  }
  if (!found.exact && size && !options_.all_bins) {
    const std::vector<const ModelDefinition*> bins = fitting(found, *size);
    if (bins.empty()) {
      statement.fail(fmt::format("no bin of model {} is for l = {} m and w = {} m (nf = {}); change the size",
                                 name, size->l * scale_, size->w * scale_, size->nf));
    }
    found.cards = bins;
  }
  std::vector<const Card*> cards;
  std::string key = found.cards.front()->base;
  bool own = false;
  for (const ModelDefinition* definition : found.cards) {
    cards.push_back(&card(*definition, *found.instance));
    key += fmt::format("\n{} {}", definition->name, cards.back()->text);
    own |= !cards.back()->drawn.empty();
  }
  std::string base = found.exact ? found.cards.front()->name : found.cards.front()->base;
  if (found.exact && found.cards.front()->binned()) base = found.cards.front()->base;
  if (own && !found.instance->path().empty()) {
    std::string path = found.instance->path();
    path.pop_back();
    base = path + ":" + base;
    key = base + key;
  }
  const auto [place, fresh] = written_.try_emplace(key);
  if (fresh) place->second = write(cards, base);
  // A device that names one bin goes on doing so.
  if (!found.exact || !found.cards.front()->binned()) return place->second;
  return place->second + found.cards.front()->name.substr(found.cards.front()->base.size());
}

}  // namespace flare::engine
