#include "engine/netlist/statement_tree.hpp"

#include <utility>

namespace flare::engine {
namespace {

std::unique_ptr<SubcircuitBody> opened(const Statement& statement, const SubcircuitBody* parent) {
  auto body = std::make_unique<SubcircuitBody>();
  body->head = &statement;
  body->parent = parent;
  const std::vector<Assignment> defaults = assignments_of(statement.text);
  body->parameters_begin = defaults.empty() ? statement.text.size() : defaults.front().begin;
  const std::vector<std::string> words =
      words_without_parentheses(std::string_view(statement.text).substr(0, body->parameters_begin));
  for (std::size_t i = 2; i < words.size() && words[i] != "params:"; ++i) body->ports.push_back(words[i]);
  return body;
}

}  // namespace

const SubcircuitBody* SubcircuitBody::find(const std::string& name) const {
  const auto found = inner.find(name);
  if (found != inner.end()) return found->second.get();
  return parent != nullptr ? parent->find(name) : nullptr;
}

std::unique_ptr<SubcircuitBody> statement_tree(const std::vector<Statement>& statements) {
  auto root = std::make_unique<SubcircuitBody>();
  std::vector<SubcircuitBody*> open{root.get()};
  std::vector<std::unique_ptr<SubcircuitBody>> ignored;
  for (const Statement& statement : statements) {
    if (statement.command) continue;
    const std::string word = statement.text.front() == '.' ? first_word(statement.text) : std::string();
    if (opens_subcircuit(word)) {
      auto body = opened(statement, open.back());
      const std::vector<std::string> words = words_without_parentheses(statement.text);
      const std::string name = words.size() > 1 ? words[1] : std::string();
      auto& place = open.back()->inner[name];
      SubcircuitBody* made = body.get();
      if (place) {
        ignored.push_back(std::move(body));
      } else {
        place = std::move(body);
      }
      open.push_back(made);
    } else if (closes_subcircuit(word)) {
      if (open.size() > 1) open.pop_back();
    } else {
      open.back()->statements.push_back(&statement);
    }
  }
  return root;
}

std::vector<Statement> drawn_statements(const Deck& deck) {
  Deck drawn = deck;
  for (const auto& [line, text] : deck.drawn_lines) drawn.lines[line] = text;
  std::vector<Statement> statements = statements_of(drawn);
  for (Statement& statement : statements) {
    statement.files = &deck.files;
    statement.text = lower(statement.text);
  }
  return statements;
}

}  // namespace flare::engine
