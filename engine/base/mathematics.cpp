#include "engine/base/mathematics.hpp"

#include <array>
#include <cmath>
#include <string_view>

#include "engine/base/content_hash.hpp"

namespace flare::engine {

std::uint64_t mathematics_hash() {
  using Function = double (*)(double);
  // As pointers that the compiler cannot see through, so that the library is asked and not the compiler.
  static constexpr std::array<Function, 12> functions{
      [](double x) { return std::exp(x); },          [](double x) { return std::exp2(x); },
      [](double x) { return std::expm1(x); },        [](double x) { return std::log(x + 0.1); },
      [](double x) { return std::log1p(x); },        [](double x) { return std::log10(x + 0.1); },
      [](double x) { return std::pow(x + 0.1, x); }, [](double x) { return std::sin(x); },
      [](double x) { return std::cos(x); },          [](double x) { return std::tan(x); },
      [](double x) { return std::atan(x); },         [](double x) { return std::tanh(x); }};
  constexpr int arguments = 400;
  std::uint64_t hash = fnv1a_start;
  for (const Function function : functions) {
    for (int i = 1; i <= arguments; ++i) {
      const volatile double x = 0.0173 * i + 1e-7 * i * i;
      const double value = function(x);
      hash = fnv1a({reinterpret_cast<const char*>(&value), sizeof value}, hash);
    }
  }
  return hash;
}

}  // namespace flare::engine
