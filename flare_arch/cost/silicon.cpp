#include "flare_arch/cost/silicon.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace flare::arch {
namespace {

constexpr double parameter_supply = 0.9, parameter_node = 28;  // V, nm

/// A macro with the model's parts at its supply and node.
class Macro {
 public:
  Macro(const MacroDesign& macro, const ParameterSet& parameters, Bound bound)
      : m_(macro), parameters_(parameters), bound_(bound) {}

  MacroEnergy energy(double read_time) const {
    const double bitline = m_.draws_current ? current(read_time) : charge();
    return {m_.columns * bitline, m_.columns * driven() * switched("sram_wordline"), converter(),
            code_to_sum()};
  }
  double read_time() const { return std::min(m_.cycle, at("mram_pulse")); }

 private:
  double at(const char* name) const { return parameters_.at(name, bound_); }
  double square() const { return std::pow(m_.volt / parameter_supply, 2); }
  double switched(const char* name) const { return at(name) * square() * m_.node / parameter_node; }
  double driven() const { return 0.5 * m_.rows; }

  double charge() const {
    constexpr double full_swing_cells = 8;  // on-cells of the shipped column at SAWL 8 move all of it
    const double level = 0.5 * at("cell_ones");
    return switched("sram_read_base") + full_swing_cells * level * switched("sram_bitline");
  }

  double current(double time) const {
    constexpr double read_voltage = 0.1;  // V (data/devices)
    const double on = driven() * at("cell_ones");
    const double conductance = m_.technology == "mram" ? driven() / 6e3 : on / 10e3;
    return conductance * read_voltage * m_.volt * time;
  }

  /// strongarm_slim, _a and _b (netlists/README.md): 5.5, 7.7, 12.2 fJ at 0.208, 0.357, 0.654 um^2: a line in the area.
  double comparator() const {
    constexpr double without_size = 0.31;  // of strongarm_a's energy
    constexpr double swing_of_supply = 0.4 / 0.9;
    const double step = swing_of_supply * m_.volt / (std::exp2(decided_bits(m_)) - 1);
    const double needed = std::pow(parameters_.at("comparator_offset", Bound::nominal) / (step / 6), 2);
    const double size = std::min(1.0, needed);
    return switched("comparator_energy") * (without_size + (1 - without_size) * size);
  }

  double converter() const {
    const double bits = decided_bits(m_);
    // A capacitor array beyond 6 bits is split by a bridge: its two halves, not 2^b units.
    const double units = bits <= 6 ? std::exp2(bits) : 2 * std::exp2(bits / 2);
    const double capacitors = units * at("sar_unit") * m_.volt * m_.volt;
    switch (m_.readout) {
      case Readout::sense:
        return bits * (comparator() + switched("sar_logic") + switched("reference"));
      case Readout::time:
        return comparator() + switched("reference") + capacitors + std::ceil(bits) * sum_bit() / 3;
      default:
        return bits * (comparator() + switched("sar_logic")) + capacitors;
    }
  }

  /// An adder's and a register's bit, 3.4 and 1.7 fJ: two thirds and one.
  double sum_bit() const { return switched("code_to_sum") / 11; }

  double code_to_sum() const {
    const int output = output_bits(m_), code = static_cast<int>(std::ceil(decided_bits(m_) - 1e-9));
    int adders = 0;
    // Two numbers whose places differ by `shift`: the low bits of one pass by.
    int width = code;
    for (int shift = 1, numbers = m_.weight_bits; numbers > 1; numbers = (numbers + 1) / 2, shift *= 2) {
      adders += numbers / 2 * width;
      width += shift + (shift == 1 ? 1 : 0);
    }
    if (m_.input_bits > m_.fed_bits) adders += output;
    return sum_bit() * (2.0 * adders + output) / 3 / m_.weight_bits;
  }

  const MacroDesign& m_;
  const ParameterSet& parameters_;
  Bound bound_;
};

}  // namespace

double decided_bits(const MacroDesign& m) {
  return std::min<double>(m.adc_bits, std::log2(m.rows * (std::exp2(m.fed_bits) - 1) + 1));
}

int output_bits(const MacroDesign& m) {
  const double largest = m.rows * (std::exp2(m.input_bits) - 1) * (std::exp2(m.weight_bits) - 1);
  return static_cast<int>(std::ceil(std::log2(largest + 1)));
}

MacroEnergy predict_macro(const MacroDesign& m, const ParameterSet& parameters, Bound bound) {
  const Macro macro(m, parameters, bound);
  return macro.energy(macro.read_time());
}

MacroEnergy predict_conducting_macro(const MacroDesign& m, const ParameterSet& parameters) {
  return Macro(m, parameters, Bound::nominal).energy(m.cycle);
}

std::string_view to_string(Readout value) {
  constexpr std::array<std::string_view, 3> names = {"sar", "sense", "time"};
  return names[static_cast<std::size_t>(value)];
}

bool read_readout(std::string_view word, Readout& readout) {
  for (const Readout value : {Readout::sar, Readout::sense, Readout::time})
    if (to_string(value) == word) {
      readout = value;
      return true;
    }
  return false;
}

}  // namespace flare::arch
