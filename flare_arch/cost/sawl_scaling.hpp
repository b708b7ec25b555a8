// What six sigma asks of a design that reads other numbers of rows than the one that was simulated, at the same swing.
//
// A base design holds its sigma at SAWL s0. At SAWL s the step is s0/s as large and the full level adds up s cells:
//   cells        sigma of the sum in steps is sqrt(s) sigma_cell / I_cell: gate area goes with s (Pelgrom)
//   comparators  the same share of a step in V: s0/s, gate area goes with s^2; a trim gains a bit a halving of what it leaves
//   bitline      C = C_wire + C_gates sqrt(s/s0); an on-cell moves C swing / s of charge
//   word lines   gate capacitance of the read access, with s
//   pulse        C swing / (s I_cell), currents alike
#pragma once

#include <array>
#include <string>
#include <vector>

#include "flare_arch/cost/cost_model.hpp"

namespace flare::arch {

/// The base architecture with both kinds of arrays at `sawl` and their circuits resized for the same sigma. SRAM arrays.
Architecture at_same_sigma(const Architecture& base, int sawl);

/// Energy of the arrays of a closed-form workload by component, J a MAC.
struct ArrayEnergy {
  double bitline = 0, word_lines = 0, converter = 0, code_to_sum = 0, controller = 0;
  double total() const { return bitline + word_lines + converter + code_to_sum + controller; }
};
ArrayEnergy array_energy(const CostReport& report);

/// One SAWL and converter law at the same sigma.
struct SawlPoint {
  int sawl = 0;
  ConverterLaw law = ConverterLaw::flash;
  std::array<ArrayEnergy, 3> energy;           // by Bound
  std::array<double, 3> token_time{}, area{};  // s, m^2
};
/// Every SAWL with every law, for a model in closed form.
std::vector<SawlPoint> sawl_points(const ModelShape& shape, const Architecture& base,
                                   const std::vector<int>& sawl, const std::vector<ConverterLaw>& laws);

/// Which SAWL is cheapest in energy a MAC, and how far that hangs on the parameters: with each of them alone at either end,
/// and all of them.
struct CheapestSawl {
  int nominal = 0, least = 0, most = 0;
  double energy = 0, energy_low = 0, energy_high = 0;  // J a MAC at `nominal`
  std::string moved_by;                                // parameters that move it, with where to
};
CheapestSawl cheapest_sawl(const ModelShape& shape, const Architecture& base, const std::vector<int>& sawl,
                           ConverterLaw law);

/// What one parameter does to a cost, alone at either end.
struct Influence {
  std::string parameter;
  double low = 0, high = 0;  // cost over the nominal one
  double swing() const { return high - low; }
};
/// Of energy a token, or of time a token; the strongest first. Parameters without influence are left out.
std::vector<Influence> influences(const Workload& counted, bool closed, const Architecture& architecture,
                                  bool time);

}  // namespace flare::arch
