#include "flare_arch/cost/converter_cost.hpp"

#include <algorithm>
#include <cmath>

namespace flare::arch {
namespace {

/// Costs of parts at one end of the parameters.
struct Laws {
  const ParameterSet& p;
  Bound bound;
  double supply;

  double at(const char* name) const { return p.at(name, bound); }

  /// `count` comparators `scale` times as large as the shipped one.
  ConversionCost flash(int count, double scale, bool trimmed) const {
    const double gates = at("comparator_area") * scale + (trimmed ? at("trim_area") : 0.0);
    return {count * (at("comparator_energy") * scale + at("reference")), count * gates * at("gate_layout"),
            at("comparator_time")};
  }
  ConversionCost sar(double bits) const {
    const double units = std::exp2(bits);
    // A unit capacitor of 1 fF takes about 0.5 um^2 of metal above the gates.
    constexpr double area_per_farad = 0.5e-12 / 1e-15;
    return {bits * (at("comparator_energy") + at("sar_logic")) + units * at("sar_unit") * supply * supply,
            (at("comparator_area") + at("trim_area")) * at("gate_layout") +
                units * at("sar_unit") * area_per_farad,
            bits * 2.0 * at("comparator_time")};
  }
  double zigzag_area(double bits) const {
    return at("zigzag_area") * std::pow(10.0, 1.206 - 0.0369 * bits) * std::exp2(bits) * 1e-12;
  }
  ConversionCost zigzag(double bits) const {
    return {at("zigzag_energy") * (100.0 * bits + 0.001 * std::pow(4.0, bits)) * 1e-15 * supply * supply,
            zigzag_area(bits), bits * 2.0 * at("comparator_time")};
  }
  ConversionCost survey(double bits) const {
    return {at("survey_energy") * std::max(1.0, std::pow(4.0, bits - 6.5)), zigzag_area(bits),
            bits * 2.0 * at("comparator_time")};
  }
};

}  // namespace

double converter_bits(const ArrayChoice& array) {
  return array.converter.enob > 0 ? array.converter.enob : std::log2(array.sawl + 1.0);
}

double comparator_scale(const ParameterSet& parameters, double sigma) {
  const double ratio = parameters.at("comparator_offset", Bound::nominal) / sigma;
  return std::max(1.0, ratio * ratio);
}

ConversionCost conversion_cost(const ArrayChoice& array, const Architecture& architecture, Bound bound) {
  const Laws laws{architecture.parameters, bound, architecture.supply};
  const double bits = converter_bits(array);
  switch (array.converter.law) {
    case ConverterLaw::flash:
      return laws.flash(array.sawl, 1.0, true);
    case ConverterLaw::flash_untrimmed:
      return laws.flash(array.sawl, comparator_scale(architecture.parameters, array.converter.offset_sigma),
                        false);
    case ConverterLaw::sar:
      return laws.sar(bits);
    case ConverterLaw::zigzag:
      return laws.zigzag(bits);
    case ConverterLaw::survey:
      return laws.survey(bits);
    default: {
      const double growth = std::exp2(bits - std::log2(array.sawl + 1.0));
      ConversionCost cost = laws.flash(array.sawl, 1.0, true);
      cost.energy *= growth;
      cost.area *= growth;
      return cost;
    }
  }
}

}  // namespace flare::arch
