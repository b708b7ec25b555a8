#include "flare_arch/cost/silicon.hpp"

#include <algorithm>
#include <cmath>

namespace flare::arch {

MacroEnergy predict_macro(const MacroDesign& m, const ParameterSet& parameters, Bound bound) {
  const auto at = [&](const char* name) { return parameters.at(name, bound); };
  const double square = m.volt * m.volt / (0.9 * 0.9);
  // Half of the rows are driven at all (bits of inputs), and half of those store a one.
  const double driven = m.rows * 0.5, on = driven * at("cell_ones");
  MacroEnergy e;
  e.word_lines = driven * at("sram_wordline") * square;
  if (m.technology == "sram") {
    e.bitline = at("sram_read_base") * square + on * at("sram_bitline") * square;
  } else {
    constexpr double read_voltage = 0.1;  // V (data/devices)
    const bool mram = m.technology == "mram";
    const double current = (mram ? driven / 6e3 : on / 10e3) * read_voltage;
    e.bitline = current * m.volt * std::min(m.cycle, at("mram_pulse"));
  }
  // A capacitor array beyond 6 bits is split by a bridge: its two halves, not 2^b units.
  const double bits = m.adc_bits;
  const double units = bits <= 6 ? std::exp2(bits) : 2 * std::exp2(bits / 2);
  e.converter =
      bits * (at("comparator_energy") + at("sar_logic")) * square + units * at("sar_unit") * m.volt * m.volt;
  e.code_to_sum = at("code_to_sum") * square;
  return e;
}

}  // namespace flare::arch
