#include "engine/simulate/small_signal.hpp"

#include <cmath>

namespace flare::engine {

std::string_view complex_part(std::string_view name) {
  const std::size_t open = name.find('(');
  if (open == std::string_view::npos || open == 0 || (name.front() != 'v' && name.front() != 'i')) return {};
  const std::string_view part = name.substr(1, open - 1);
  return part == "m" || part == "db" || part == "p" ? part : std::string_view();
}

std::string saved_vector(const std::string& name) {
  std::string saved = name;
  saved.erase(name.empty() ? 0 : 1, complex_part(name).size());
  return saved;
}

std::vector<double> part_of(const std::vector<std::complex<double>>& values, std::string_view part) {
  std::vector<double> result;
  result.reserve(values.size());
  for (const std::complex<double>& z : values) {
    double value = std::abs(z);
    if (part == "db") value = 20.0 * std::log10(value);
    if (part == "p") {
      value = std::arg(z) * (180.0 / M_PI);
      if (!result.empty()) value -= 360.0 * std::round((value - result.back()) / 360.0);
    }
    result.push_back(value);
  }
  return result;
}

}  // namespace flare::engine
