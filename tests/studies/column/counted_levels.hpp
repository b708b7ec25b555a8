// A column of one row that is read, whose levels are so wide that plain runs see them fail.
#pragma once

#include "tests/studies/circuit_fixture.hpp"

namespace flare::studies::testing {

class CountedLevelsFixture : public CircuitFixture {
 protected:
  /// `budget`: for both levels together.
  static std::string column(int budget, const std::string& more = "") {
    return fmt::format(
        "seed = 4\n[technology]\ncards = \"{}\"\n[column]\ncell = \"sram8t\"\nsawl = [1]\nrows = 8\nswing = "
        "\"0.3 V\"\n[[variation]]\nparameter = \"vth\"\npelgrom = \"30 mV um\"\n[corners]\nprocess = "
        "[\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\n[[converter]]\nname = \"flash\"\n{}"
        "[estimator]\nmethod = \"monte_carlo\"\naccuracy = \"0.01 sigma\"\nruns = 40\nbudget = {}\n",
        source("netlists/cards/cmos28.lib"), more, budget);
  }
  static constexpr const char* point = "/points/sram8t/sawl1/tt_0.90V_27C";
};

}  // namespace flare::studies::testing
