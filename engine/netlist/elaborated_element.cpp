#include "engine/netlist/elaborated_element.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "engine/netlist/elaborated_behaviour.hpp"

namespace flare::engine {
namespace {

/// What stands where in the statement of an element, by its letter.
struct ElementForm {
  std::size_t nodes = 2;        // fewest
  std::size_t most_nodes = 2;   // where a model follows
  std::size_t sources = 0;      // names of sources or inductors behind the nodes
  bool model = false;           // a model follows
  bool multiplied = false;      // by an m= of the subcircuit's call
  const char* value = nullptr;  // ngspice's name of the value that follows; none may stand there
};

std::optional<ElementForm> form_of(char letter) {
  switch (letter) {
    case 'r':
      return ElementForm{.multiplied = true, .value = "resistance"};
    case 'c':
      return ElementForm{.multiplied = true, .value = "capacitance"};
    case 'l':
      return ElementForm{.multiplied = true, .value = "inductance"};
    case 'v':
      return ElementForm{.value = "dc"};
    case 'i':
      return ElementForm{.multiplied = true, .value = "dc"};
    case 'e':
      return ElementForm{.nodes = 4, .value = "gain"};
    case 'g':
      return ElementForm{.nodes = 4, .multiplied = true, .value = "gain"};
    case 'f':
      return ElementForm{.sources = 1, .multiplied = true, .value = "gain"};
    case 'h':
      return ElementForm{.sources = 1, .value = "gain"};
    case 'k':
      return ElementForm{.nodes = 0, .most_nodes = 0, .sources = 2, .value = "coefficient"};
    case 'd':
      return ElementForm{.most_nodes = 3, .model = true, .multiplied = true, .value = "area"};
    case 'q':
      return ElementForm{.nodes = 3, .most_nodes = 5, .model = true, .multiplied = true, .value = "area"};
    case 'j':
    case 'z':
      return ElementForm{.nodes = 3, .most_nodes = 3, .model = true, .multiplied = true, .value = "area"};
    case 'm':
      return ElementForm{.nodes = 3, .most_nodes = 7, .model = true, .multiplied = true};
    case 's':
      return ElementForm{.nodes = 4, .most_nodes = 4, .model = true};
    case 'w':
      return ElementForm{.sources = 1, .model = true};
    case 't':
      return ElementForm{.nodes = 4};
    case 'o':
    case 'y':
      return ElementForm{.nodes = 4, .most_nodes = 4, .model = true};
    case 'u':
      return ElementForm{.nodes = 3, .most_nodes = 3, .model = true};
    default:
      return std::nullopt;
  }
}

bool is_time_function(std::string_view text) {
  for (const char* function :
       {"pulse", "pwl", "sin", "exp", "sffm", "am", "trnoise", "trrandom", "external", "pat"}) {
    if (text == function) return true;
  }
  return false;
}

bool passive(char letter) { return letter == 'r' || letter == 'c' || letter == 'l'; }

/// ngspice's name of a value that is given as "name=value".
std::string altered_name(char letter, const std::string& key) {
  if (letter == 'r' && key == "r") return "resistance";
  if (letter == 'c' && key == "c") return "capacitance";
  return key;
}

class ElementWriter {
 public:
  ElementWriter(const Statement& statement, const Instance& instance, ElaboratedModels& models,
                FlatDeck& deck)
      : statement_(statement), instance_(instance), models_(models), deck_(deck) {
    const std::vector<Assignment> assignments = assignments_of(statement.text);
    const std::size_t end = assignments.empty() ? statement.text.size() : assignments.front().begin;
    words_ = words_of(std::string_view(statement.text).substr(0, end));
    for (const Assignment& a : assignments) {
      const std::string_view whole =
          std::string_view(statement.text).substr(a.value_begin, a.value_end - a.value_begin);
      const std::string_view token = first_token(whole);
      values_.push_back({a.name, std::string(token), std::string(trim(whole.substr(token.size())))});
    }
    name_ = words_.empty() ? first_word(statement.text) : words_.front();
    flat_ = instance.flat_name(name_);
  }

  void write() {
    const char letter = name_.front();
    if (letter == 'b') return write_behaviour(2);
    if (letter == 'n') fail("an OSDI device, which this ngspice cannot load; use a kit with BSIM cards");
    if (letter == 'a') return write_code_model();
    const std::optional<ElementForm> form = form_of(letter);
    if (!form) fail(fmt::format("an element '{}', which is not known", letter));
    if (is_expression_source(letter)) return write_behaviour(2);
    if (passive(letter) && behavioural_value()) return write_behaviour(2);
    text_ = flat_;
    const std::size_t behind = write_connections(*form);
    write_positional(*form, behind);
    for (const ModelDefinition::Value& value : values_) write_assignment(value);
    if (instance_.multiplier && form->multiplied) write_multiplier();
    deck_.add(text_, statement_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    statement_.fail(fmt::format("{}: {}", name_, what));
  }

  const std::string& word(std::size_t at) const {
    if (at >= words_.size()) fail("lacks nodes or a model; complete it");
    return words_[at];
  }

  /// e and g given by an expression, a table or a polynomial rather than by control nodes.
  bool is_expression_source(char letter) const {
    if (letter != 'e' && letter != 'g') return false;
    const std::string third = words_.size() > 3 ? words_[3] : values_.empty() ? "" : values_.front().key;
    if (third.starts_with("poly") || third.starts_with("laplace"))
      fail(fmt::format("a source by {}; write it as a B source", third));
    return third == "value" || third == "vol" || third == "cur" || third.starts_with("table");
  }

  /// Whether the value of a passive speaks of what is simulated.
  bool behavioural_value() const {
    const char letter = name_.front();
    const auto asks = [&](const std::string& text) {
      if (is_behavioural(text)) return true;
      if (!is_braced(text)) return false;
      return evaluated(*instance_.scope, text, context("value"))->temperature;
    };
    if (words_.size() == 4 && asks(words_[3])) return true;
    return std::any_of(values_.begin(), values_.end(), [&](const ModelDefinition::Value& v) {
      return (v.key == std::string(1, letter) || v.key == "q") && words_.size() <= 4 && asks(v.text);
    });
  }

  ValueContext context(const std::string& value) const {
    return instance_.scope->context(name_, value, statement_);
  }

  /// An element whose value is an expression of the simulator's: all behind its nodes.
  void write_behaviour(std::size_t nodes) {
    std::string text = flat_;
    for (std::size_t i = 1; i <= nodes; ++i) text += fmt::format(" {}", deck_.node(instance_, word(i)));
    const bool has_model =
        passive(name_.front()) && words_.size() == 4 && models_.knows(instance_, words_[3]);
    if (has_model) text += fmt::format(" {}", models_.use(instance_, words_[3], std::nullopt, statement_));
    std::string_view rest = statement_.text;
    for (std::size_t i = 0; i <= nodes + (has_model ? 1 : 0); ++i) {
      rest = trim(rest);
      rest.remove_prefix(std::min(rest.find_first_of(" \t,"), rest.size()));
      while (!rest.empty() && (is_blank(rest.front()) || rest.front() == ',')) rest.remove_prefix(1);
    }
    if (instance_.multiplier)
      fail("a behavioural element in a subcircuit that a call multiplies (m=); write it out");
    const bool labelled = !assignments_of(rest).empty() && assignments_of(rest).front().begin == 0;
    if (passive(name_.front()) && !labelled) text += fmt::format(" {}=", name_.front());
    deck_.add(fmt::format("{} {}", text, braced(behaviour_text(rest, instance_, context("value"), deck_))),
              statement_);
  }

  /// ngspice takes the value of a passive for an expression where it stands in braces.
  std::string braced(const std::string& rest) const {
    if (name_.front() == 'b') return rest;
    const std::size_t sign = rest.find('=');
    const std::size_t begin = sign == std::string::npos ? 0 : sign + 1;
    const std::string_view value = first_token(trim(std::string_view(rest).substr(begin)));
    if (value.empty()) return rest;
    const std::size_t at = rest.find(value, begin);
    return fmt::format("{}{{{}}}{}", rest.substr(0, at), value, rest.substr(at + value.size()));
  }

  void write_code_model() {
    const bool plain = instance_.path().empty() && statement_.text.find_first_of("{'") == std::string::npos;
    if (!plain)
      fail("a code model with parameters or inside a subcircuit; put it at the top level, in numbers");
    deck_.add(statement_.text, statement_);
  }

  /// Name, nodes, sources and model; where the values begin.
  std::size_t write_connections(const ElementForm& form) {
    std::size_t at = 1;
    std::size_t nodes = form.nodes;
    if (form.model && form.sources == 0) nodes = model_place(form) - 1;
    for (; at <= nodes; ++at) text_ += fmt::format(" {}", deck_.node(instance_, word(at)));
    for (std::size_t i = 0; i < form.sources; ++i, ++at)
      text_ += fmt::format(" {}", instance_.flat_name(word(at)));
    if (form.model) {
      text_ += fmt::format(" {}", models_.use(instance_, word(at), size(), statement_));
      ++at;
    } else if (passive(name_.front()) && at < words_.size() && models_.knows(instance_, words_[at])) {
      text_ += fmt::format(" {}", models_.use(instance_, words_[at++], std::nullopt, statement_));
    }
    return at;
  }

  std::size_t model_place(const ElementForm& form) const {
    for (std::size_t i = form.nodes + 1; i <= form.most_nodes + 1 && i < words_.size(); ++i) {
      if (models_.knows(instance_, words_[i])) return i;
    }
    const std::size_t usual = std::min(name_.front() == 'm' ? 5 : form.nodes + 1, words_.size() - 1);
    fail(fmt::format("model {} is not defined; add its .model or .lib", words_[usual]));
  }

  /// Size of a MOSFET, where draws do not move it.
  std::optional<DeviceSize> size() const {
    if (name_.front() != 'm') return std::nullopt;
    DeviceSize size;
    bool has_w = false;
    bool has_l = false;
    for (const ModelDefinition::Value& value : values_) {
      if (value.key == "wnflag") return std::nullopt;  // decides which width counts
      if (value.key != "w" && value.key != "l" && value.key != "nf") continue;
      const std::optional<double> known = constant(value.text);
      if (!known) return std::nullopt;
      has_w |= value.key == "w";
      has_l |= value.key == "l";
      (value.key == "w" ? size.w : value.key == "l" ? size.l : size.nf) = *known;
    }
    if (!has_w || !has_l) return std::nullopt;
    return size;
  }

  std::optional<double> constant(const std::string& text) const {
    if (const std::optional<double> plain = spice_number(text)) return plain;
    const NetlistValue e = evaluated(*instance_.scope, text, context("size"));
    return is_number(e) ? std::optional<double>(e->number) : std::nullopt;
  }

  void write_positional(const ElementForm& form, std::size_t at) {
    bool waveform = false;
    for (std::size_t i = at; i < words_.size(); ++i) {
      std::string start = words_[i].substr(0, words_[i].find('('));
      waveform |= is_time_function(start);
    }
    for (std::size_t i = at; i < words_.size(); ++i) {
      const std::string& before = words_[i - 1];
      const bool main_value = form.value != nullptr && (i == at || before == "dc");
      text_ += fmt::format(" {}", positional(words_[i], main_value && !waveform ? form.value : ""));
    }
  }

  /// A word behind the connections; `parameter`: ngspice's name of it, empty where it has none that could follow a draw.
  std::string positional(const std::string& word, const std::string& parameter) {
    const std::size_t open = word.find_first_of("{'");
    if (open == std::string::npos) return word;
    // "pulse(0", "{vdd})": what stands around the expression stays.
    const char closing = word[open] == '{' ? '}' : '\'';
    const std::size_t close = word.rfind(closing);
    if (close == std::string::npos || close == open) fail(fmt::format("'{}' is not closed", word));
    const std::string inside = word.substr(open, close + 1 - open);
    const NetlistValue e =
        evaluated(*instance_.scope, inside, context(parameter.empty() ? "value" : parameter));
    note(e, parameter);
    return word.substr(0, open) + value_text(e, statement_) + word.substr(close + 1);
  }

  void write_assignment(const ModelDefinition::Value& value) {
    std::string text = value.text;
    const bool expression = is_braced(text) || (!text.empty() && !spice_number(text) && text.front() != '[' &&
                                                text.front() != '"');
    if (expression && (is_braced(text) || is_evaluated(text))) {
      const NetlistValue e = evaluated(*instance_.scope, text, context(value.key));
      note(e, altered_name(name_.front(), value.key));
      text = value_text(e, statement_);
    }
    text_ += fmt::format(" {}={}", value.key, text);
    if (!value.rest.empty()) text_ += fmt::format(" {}", value.rest);
  }

  /// A bare value is an expression where all its names are known; else it is a word ("off", "0.5,0.2").
  bool is_evaluated(const std::string& text) const {
    if (text.find('(') != std::string::npos) return true;
    if (text.find(',') != std::string::npos) return false;
    if (std::isalpha(static_cast<unsigned char>(text.front())) == 0 && text.front() != '_') return true;
    const std::string name = text.substr(0, text.find_first_of("+-*/%^<>=!&|?: "));
    return instance_.scope->finds(name);
  }

  void note(const NetlistValue& e, const std::string& parameter) {
    if (!e->draws) return;
    std::vector<bool> moving;
    collect_draws(e, false, &moving);
    if (moving.empty()) return deck_.drawn({false, "", "", e, statement_.place()});
    if (parameter.empty()) {
      fail(
          "a draw in a value that cannot be set in a loaded circuit; let a B source scale a fixed one by a "
          "parameter with the draw");
    }
    deck_.drawn({false, flat_, parameter, e, statement_.place()});
  }

  void write_multiplier() {
    const bool own = std::any_of(values_.begin(), values_.end(),
                                 [](const ModelDefinition::Value& v) { return v.key == "m"; });
    if (own) {
      fail(
          "has an m= of its own and the call of its subcircuit another, of which ngspice drops one; give the "
          "subcircuit a parameter m");
    }
    note(instance_.multiplier, "m");
    text_ += fmt::format(" m={}", value_text(instance_.multiplier, statement_));
  }

  const Statement& statement_;
  const Instance& instance_;
  ElaboratedModels& models_;
  FlatDeck& deck_;
  std::vector<std::string> words_;
  std::vector<ModelDefinition::Value> values_;
  std::string name_;
  std::string flat_;
  std::string text_;
};

}  // namespace

void write_element(const Statement& statement, const Instance& instance, ElaboratedModels& models,
                   FlatDeck& deck) {
  ElementWriter(statement, instance, models, deck).write();
}

}  // namespace flare::engine
