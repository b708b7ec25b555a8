#include "flare_arch/cost/parameter.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace flare::arch {

std::string_view to_string(ParameterKind kind) {
  switch (kind) {
    case ParameterKind::spice:
      return "spice";
    case ParameterKind::cited:
      return "cited";
    case ParameterKind::derived:
      return "derived";
    default:
      return "assumed";
  }
}

bool read_kind(std::string_view word, ParameterKind& kind) {
  for (const ParameterKind k :
       {ParameterKind::spice, ParameterKind::cited, ParameterKind::derived, ParameterKind::assumed})
    if (to_string(k) == word) {
      kind = k;
      return true;
    }
  return false;
}

bool Parameter::is_valid(std::string* error) const {
  const auto fail = [&](const char* what) {
    if (error != nullptr) *error = what;
    return false;
  };
  if (!std::isfinite(value) || !std::isfinite(low) || !std::isfinite(high)) return fail("is not finite");
  if (low < 0) return fail("is negative; energies, times, areas and factors are not");
  if (!(low <= value && value <= high)) return fail("low, value and high must rise in this order");
  if (source.empty()) return fail("needs a source: where the number comes from");
  return true;
}

namespace {

template <class Parameters>
auto find(Parameters& parameters, std::string_view name) {
  return std::find_if(parameters.begin(), parameters.end(),
                      [&](const Parameter& p) { return p.name == name; });
}

}  // namespace

const Parameter& ParameterSet::get(std::string_view name) const {
  const auto at = find(parameters_, name);
  if (at == parameters_.end()) throw std::out_of_range("cost: no parameter '" + std::string(name) + "'");
  return *at;
}

bool ParameterSet::has(std::string_view name) const { return find(parameters_, name) != parameters_.end(); }

void ParameterSet::replace(Parameter parameter) {
  const auto at = find(parameters_, parameter.name);
  if (at == parameters_.end()) throw std::out_of_range("cost: no parameter '" + parameter.name + "'");
  *at = std::move(parameter);
}

}  // namespace flare::arch
