#include "engine/netlist/elaborated_circuit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "engine/base/nearest_name.hpp"
#include "engine/netlist/deck_options.hpp"
#include "engine/netlist/elaborated_behaviour.hpp"
#include "engine/netlist/elaborated_element.hpp"
#include "engine/netlist/elaborated_models.hpp"

namespace flare::engine {
namespace {

constexpr std::size_t max_depth = 64;

bool asks_for_output(std::string_view word) {
  return word.starts_with(".meas") || word == ".print" || word == ".plot" || word == ".probe" ||
         word == ".save" || word == ".four";
}

/// Which branch of nested .if a statement stands in.
class Conditions {
 public:
  /// True for .if, .elseif, .else and .endif.
  bool take(const Statement& statement, const ParameterScope& scope) {
    const std::string word = first_word(statement.text);
    if (word == ".if") {
      const bool outer = open();
      branches_.push_back({outer && holds(statement, scope, word), !outer});
      branches_.back().done |= branches_.back().open;
    } else if (word == ".elseif" || word == ".else") {
      if (branches_.empty()) statement.fail(word + " without .if; remove it");
      Branch& branch = branches_.back();
      branch.open = !branch.done && (word == ".else" || holds(statement, scope, word));
      branch.done |= branch.open;
    } else if (word == ".endif") {
      if (branches_.empty()) statement.fail(".endif without .if; remove it");
      branches_.pop_back();
    } else {
      return false;
    }
    return true;
  }

  bool open() const {
    return std::all_of(branches_.begin(), branches_.end(), [](const Branch& b) { return b.open; });
  }

  bool inside() const { return !branches_.empty(); }

 private:
  struct Branch {
    bool open = false;
    bool done = false;  // a branch of it was taken, or none may be
  };

  static bool holds(const Statement& statement, const ParameterScope& scope, const std::string& word) {
    const NetlistValue e = evaluated(scope, std::string_view(statement.text).substr(word.size()),
                                     scope.context("if", "", statement));
    if (!is_number(e)) {
      statement.fail(
          "which devices there are would hang on a draw or on the temperature; let the condition ask for "
          "what "
          "does not vary");
    }
    return e->number != 0.0;
  }

  std::vector<Branch> branches_;
};

class Elaboration {
 public:
  Elaboration(const Deck& deck, const ElaborationOptions& options)
      : statements_(drawn_statements(deck)),
        tree_(statement_tree(statements_)),
        draws_(deck.defined_functions),
        power_(power_of(options.compatibility)),
        max_devices_(options.limits.max_devices),
        flat_(deck),
        models_(options, length_unit(statements_), flat_) {}

  ElaboratedCircuit run() {
    Instance& top = add_instance(tree_.get(), nullptr, "");
    for (const Statement* statement : tree_->statements) {
      if (first_word(statement->text) != ".global") continue;
      for (const std::string& node : words_of(statement->text)) flat_.add_global(node);
    }
    expand(top, 0);
    return finish();
  }

 private:
  Instance& add_instance(const SubcircuitBody* body, const Instance* caller, const std::string& path) {
    auto instance = std::make_unique<Instance>();
    instance->body = body;
    instance->caller = caller;
    instance->scope = std::make_unique<ParameterScope>(caller != nullptr ? caller->scope.get() : nullptr,
                                                       path, draws_, power_);
    if (body->head != nullptr) instance->scope->define(*body->head, body->parameters_begin);
    instances_.push_back(std::move(instance));
    return *instances_.back();
  }

  /// Definitions first, wherever they stand; then what .if leaves of models and elements; then the elements.
  void expand(Instance& instance, std::size_t depth) {
    define_unconditional(instance);
    std::vector<const Statement*> elements;
    Conditions conditions;
    for (const Statement* statement : instance.body->statements) {
      if (statement->text.front() != '.') {
        if (conditions.open()) elements.push_back(statement);
        continue;
      }
      if (conditions.take(*statement, *instance.scope) || !conditions.open()) continue;
      take_statement(*statement, instance, conditions.inside());
    }
    for (const Statement* element : elements) {
      if (++devices_ > max_devices_)
        element->fail(fmt::format("more than {} devices; raise the limit if that is meant", max_devices_));
      if (element->text.front() == 'x') {
        call(*element, instance, depth);
      } else {
        write_element(*element, instance, models_, flat_);
      }
    }
  }

  static bool defines(const std::string& word) { return is_parameter_statement(word) || word == ".func"; }

  static void define_unconditional(Instance& instance) {
    int conditions = 0;
    for (const Statement* statement : instance.body->statements) {
      if (statement->text.front() != '.') continue;
      const std::string word = first_word(statement->text);
      conditions += word == ".if" ? 1 : word == ".endif" ? -1 : 0;
      if (conditions == 0 && defines(word)) instance.scope->define(*statement);
    }
  }

  void take_statement(const Statement& statement, Instance& instance, bool conditional) {
    const std::string word = first_word(statement.text);
    if (defines(word)) {
      if (conditional) instance.scope->define(statement);
    } else if (word == ".model") {
      models_.define(statement, instance);
    } else if (word == ".ic" || word == ".nodeset") {
      const std::string text = with_flat_nodes(statement.text, instance, flat_);
      flat_.add(with_numbers(text, instance, statement), statement);
    } else if (instance.path().empty() && !asks_for_output(word)) {
      flat_.add(with_numbers(statement.text, instance, statement), statement);
    }
  }

  /// A statement with its expressions evaluated.
  static std::string with_numbers(const std::string& text, const Instance& instance,
                                  const Statement& statement) {
    std::string result;
    std::size_t copied = 0;
    for (std::size_t at = text.find_first_of("{'"); at != std::string::npos;
         at = text.find_first_of("{'", copied)) {
      const std::size_t close = text.find(text[at] == '{' ? '}' : '\'', at + 1);
      if (close == std::string::npos) break;
      const NetlistValue e = evaluated(*instance.scope, std::string_view(text).substr(at, close + 1 - at),
                                       instance.scope->context(first_word(text), "", statement));
      std::vector<bool> moving;
      collect_draws(e, false, &moving);
      if (!moving.empty())
        statement.fail("a draw in a statement that cannot be set in a loaded circuit; take it out");
      result += text.substr(copied, at - copied) + fmt::format("{}", nominal(e));
      copied = close + 1;
    }
    return result + text.substr(copied);
  }

  void call(const Statement& element, const Instance& caller, std::size_t depth) {
    const std::vector<Assignment> given = assignments_of(element.text);
    std::vector<std::string> words = words_without_parentheses(
        std::string_view(element.text).substr(0, given.empty() ? element.text.size() : given.front().begin));
    if (!words.empty() && words.back() == "params:") words.pop_back();
    if (words.size() < 2) element.fail("an instance needs a subcircuit; write xNAME NODE... SUBCIRCUIT");
    const SubcircuitBody* body = caller.body->find(words.back());
    if (body == nullptr)
      element.fail(
          fmt::format("subcircuit {} is not defined; add its .subckt or .include its file", words.back()));
    if (depth + 1 > max_depth)
      element.fail(fmt::format("subcircuits stand more than {} deep inside each other", max_depth));
    if (words.size() - 2 != body->ports.size()) {
      element.fail(fmt::format("{} connects {} nodes, subcircuit {} has {}; correct one of them", words[0],
                               words.size() - 2, words.back(), body->ports.size()));
    }
    Instance& made = add_instance(body, &caller, fmt::format("{}{}.", caller.path(), words[0]));
    for (std::size_t i = 0; i < body->ports.size(); ++i)
      made.nodes[body->ports[i]] = flat_.node(caller, words[i + 1]);
    give(element, given, caller, made);
    expand(made, depth + 1);
  }

  /// The parameters of a call, evaluated where the call stands.
  void give(const Statement& element, const std::vector<Assignment>& given, const Instance& caller,
            Instance& made) {
    made.multiplier = caller.multiplier;
    for (const Assignment& a : given) {
      const std::string_view whole =
          std::string_view(element.text).substr(a.value_begin, a.value_end - a.value_begin);
      const std::string_view text = first_token(whole);
      if (text.starts_with('"')) element.fail(fmt::format("{} is given a text; give a number", a.name));
      const NetlistValue value = evaluated(*caller.scope, text, {made.path() + a.name, &element, false});
      if (a.name == "m" && !has_parameter(*made.body, "m")) {
        multiply(value, made);
      } else {
        made.scope->give(a.name, value);
      }
    }
  }

  static bool has_parameter(const SubcircuitBody& body, std::string_view name) {
    const auto assigns = [&](const Statement& statement) {
      const std::vector<Assignment> all = assignments_of(statement.text);
      return std::any_of(all.begin(), all.end(), [&](const Assignment& a) { return a.name == name; });
    };
    if (assigns(*body.head)) return true;
    return std::any_of(body.statements.begin(), body.statements.end(), [&](const Statement* s) {
      return s->text.front() == '.' && is_parameter_statement(first_word(s->text)) && assigns(*s);
    });
  }

  /// ngspice multiplies every element of a subcircuit whose call has an m= that it has no parameter for.
  static void multiply(const NetlistValue& value, Instance& made) {
    if (is_number(value) && value->number == 1.0) return;
    made.multiplier = made.multiplier ? combine(Operation::multiply, {made.multiplier, value}) : value;
  }

  ElaboratedCircuit finish() {
    ElaboratedCircuit made;
    made.deck = flat_.take();
    made.draws = draws_.all();
    std::vector<bool> moving;
    std::vector<bool> still;
    for (DrawnValue& value : flat_.take_values()) {
      collect_draws(value.value, false, &moving);
      collect_draws(value.value, true, &still);
      std::vector<bool> own;
      collect_draws(value.value, false, &own);
      if (!own.empty()) made.values.push_back(std::move(value));
    }
    for (std::size_t i = 0; i < moving.size(); ++i) {
      if (moving[i]) made.moving.push_back(i);
    }
    for (std::size_t i = 0; i < still.size(); ++i) {
      if (still[i]) made.still.push_back(i);
    }
    return made;
  }

  std::vector<Statement> statements_;
  std::unique_ptr<SubcircuitBody> tree_;
  Draws draws_;
  Operation power_;
  std::size_t max_devices_;
  std::size_t devices_ = 0;
  FlatDeck flat_;
  ElaboratedModels models_;
  std::vector<std::unique_ptr<Instance>> instances_;
};

}  // namespace

Deck elaborated_deck(const Deck& deck, const ElaborationOptions& options) {
  auto circuit = std::make_shared<ElaboratedCircuit>(elaborate(deck, options));
  Deck flat = circuit->deck;
  flat.elaborated = std::move(circuit);
  return flat;
}

ElaboratedCircuit elaborate(const Deck& deck, const ElaborationOptions& options) {
  return Elaboration(deck, options).run();
}

}  // namespace flare::engine
