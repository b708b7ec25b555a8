#include "engine/netlist/parameter_scope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace flare::engine {
namespace {

constexpr int max_function_depth = 64;

std::vector<std::string> argument_names(std::string_view inside) {
  std::vector<std::string> names;
  while (!trim(inside).empty()) {
    const std::size_t comma = inside.find(',');
    names.emplace_back(lower(trim(inside.substr(0, comma))));
    inside.remove_prefix(comma == std::string_view::npos ? inside.size() : comma + 1);
  }
  return names;
}

double deviation(DrawKind kind, double spread) {
  return std::fabs(spread) / (kind == DrawKind::uniform ? std::sqrt(3.0) : 1.0);
}

}  // namespace

bool Draws::knows(const std::string& function) const {
  static constexpr std::array<std::string_view, 5> random{"agauss", "gauss", "aunif", "unif", "limit"};
  return std::find(random.begin(), random.end(), function) != random.end() && !defined_.contains(function);
}

NetlistValue Draws::add(const std::string& function, const std::vector<NetlistValue>& arguments,
                        std::string_view text, const ValueContext& context) {
  const bool may_have_n = function == "agauss" || function == "gauss" || function == "limit";
  if (arguments.size() < 2 || arguments.size() > (may_have_n ? 3u : 2u)) {
    throw NetlistExpressionError(
        fmt::format("{} is not a call that ngspice understands; write agauss(nominal, spread, n), "
                    "gauss(nominal, relative, n), aunif(nominal, spread), unif(nominal, relative) or "
                    "limit(nominal, spread)",
                    text));
  }
  const bool relative = function == "gauss" || function == "unif";
  const DrawKind kind = function == "limit"                         ? DrawKind::either
                        : function == "aunif" || function == "unif" ? DrawKind::uniform
                                                                    : DrawKind::normal;
  // ngspice takes the first and the last argument of limit.
  NetlistValue spread = kind == DrawKind::either ? arguments.back() : arguments[1];
  if (relative) spread = combine(Operation::multiply, {arguments[0], spread});
  if (kind == DrawKind::normal && arguments.size() == 3)
    spread = combine(Operation::divide, {spread, arguments[2]});
  NetlistDraw made{
      context.name,          context.statement->place(),      std::string(text), kind, context.die,
      nominal(arguments[0]), deviation(kind, nominal(spread))};
  if (const int n = ++names_[made.name]; n > 1) made.name += fmt::format("#{}", n);
  all_.push_back(made);
  const bool still = is_number(spread) && spread->number == 0.0;
  NetlistValue z = draw(all_.size() - 1, still);
  if (still) return combine(Operation::add, {arguments[0], z});
  if (kind == DrawKind::uniform) z = combine(Operation::uniform, {z});
  if (kind == DrawKind::either) z = combine(Operation::sign, {z});
  return combine(Operation::add, {arguments[0], combine(Operation::multiply, {z, spread})});
}

/// Names as an expression of one scope sees them; inside a function its arguments first.
class ScopedNames : public Names {
 public:
  ScopedNames(const ParameterScope& scope, const ValueContext& context) : scope_(scope), context_(context) {}

  NetlistValue name(const std::string& name) override {
    if (const auto found = arguments_.find(name); found != arguments_.end()) return found->second;
    for (const ParameterScope* at = &scope_; at != nullptr; at = at->caller_) {
      if (at->has(name)) return at->parameter(name);
    }
    throw NetlistExpressionError(fmt::format("there is no parameter {}", name));
  }

  bool defines(const std::string& name) const override { return scope_.function(name) != nullptr; }

  NetlistValue call(const std::string& name, std::vector<NetlistValue> arguments,
                    std::string_view text) override {
    const ParameterScope::Function* function = scope_.function(name);
    if (function != nullptr) return apply(name, *function, std::move(arguments));
    if (scope_.draws_.knows(name)) return scope_.draws_.add(name, arguments, text, context_);
    throw NetlistExpressionError(
        fmt::format("{}: neither ngspice nor the netlist has a function {}", text, name));
  }

 private:
  NetlistValue apply(const std::string& name, const ParameterScope::Function& function,
                     std::vector<NetlistValue> arguments) const {
    if (arguments.size() != function.arguments.size()) {
      throw NetlistExpressionError(
          fmt::format("{} takes {} arguments, not {}", name, function.arguments.size(), arguments.size()));
    }
    if (depth_ >= max_function_depth) throw NetlistExpressionError(fmt::format("{} calls itself", name));
    ScopedNames inside(scope_, context_);
    inside.depth_ = depth_ + 1;
    for (std::size_t i = 0; i < arguments.size(); ++i)
      inside.arguments_[function.arguments[i]] = std::move(arguments[i]);
    return parse_expression(function.body, inside, scope_.power_);
  }

  const ParameterScope& scope_;
  const ValueContext& context_;
  std::map<std::string, NetlistValue> arguments_;
  int depth_ = 0;
};

void ParameterScope::define_function(std::string_view name_and_arguments, std::string_view body) {
  const std::size_t open = name_and_arguments.find('(');
  const std::size_t close = name_and_arguments.find(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return;
  functions_[lower(trim(name_and_arguments.substr(0, open)))] = {
      argument_names(name_and_arguments.substr(open + 1, close - open - 1)), std::string(trim(body))};
}

void ParameterScope::define(const Statement& statement, std::size_t skip) {
  const std::string_view text = std::string_view(statement.text).substr(skip);
  if (skip == 0 && first_word(text) == ".func") {
    const std::size_t close = text.find(')');
    if (close == std::string_view::npos)
      statement.fail("a .func without arguments; write .func name(x) {...}");
    std::string_view body = trim(text.substr(close + 1));
    if (body.starts_with('=')) body = trim(body.substr(1));
    return define_function(trim(text.substr(5, close - 4)), body);
  }
  for (const Assignment& a : assignments_of(text)) {
    const std::string_view value = text.substr(a.value_begin, a.value_end - a.value_begin);
    if (a.function) {
      const std::string_view head = text.substr(a.begin, a.value_begin - a.begin);
      define_function(head.substr(0, head.rfind('=')), value);
    } else {
      parameters_[a.name] = {std::string(value), &statement, nullptr, false};
    }
  }
}

void ParameterScope::give(const std::string& name, NetlistValue value) { given_[name] = std::move(value); }

bool ParameterScope::finds(const std::string& name) const {
  return has(name) || (caller_ != nullptr && caller_->finds(name));
}

const ParameterScope::Function* ParameterScope::function(const std::string& name) const {
  const auto found = functions_.find(name);
  if (found != functions_.end()) return &found->second;
  return caller_ != nullptr ? caller_->function(name) : nullptr;
}

int& ParameterScope::waiting() const { return caller_ != nullptr ? caller_->waiting() : waiting_; }

NetlistValue ParameterScope::parameter(const std::string& name) const {
  if (const auto given = given_.find(name); given != given_.end()) return given->second;
  const Parameter& p = parameters_.at(name);
  if (p.value) return p.value;
  if (p.busy) throw NetlistExpressionError(fmt::format("parameter {} depends on itself", name));
  int& waiting = this->waiting();
  if (++waiting > most_waiting)
    throw NetlistExpressionError(
        fmt::format("parameter {} hangs on more than {} others, one on the next", name, most_waiting));
  p.busy = true;
  p.value = evaluate(p.text, {path_ + name, p.statement, is_top()});
  p.busy = false;
  --waiting;
  return p.value;
}

NetlistValue ParameterScope::evaluate(std::string_view text, const ValueContext& context) const {
  ScopedNames names(*this, context);
  return parse_expression(text, names, power_);
}

ValueContext ParameterScope::context(const std::string& element, const std::string& value,
                                     const Statement& statement) const {
  return {fmt::format("{}{}.{}", path_, element, value), &statement, false};
}

}  // namespace flare::engine
