// The tables of a gain cell as a study would write them.
#pragma once

#include "engine/base/gain_cell_tables.hpp"

namespace flare::arch {

inline engine::GainCellTables some_cell_tables(const std::string& corner = "tt_0.90V_27C") {
  engine::GainCellTables t;
  t.cell = "gain_cell_6t";
  t.corner = corner;
  t.supply = 0.9;
  t.temperature = 27;
  t.middle = 0.45;
  t.read_pulse = 15e-9;
  t.integration = 8e-12;
  t.full_scale = 80e-6;
  t.polynomial.g = {-0.065e-6, 15.05e-6, 3.49e-6, 30.7e-6};
  t.polynomial.covariance = engine::Matrix::Zero(4, 4);
  t.polynomial.covariance.diagonal() << 1e-14, 1e-12, 1e-12, 4e-12;
  t.polynomial.residual = 0.3e-6;
  for (int level = 0; level < 8; ++level) {
    const double v = 0.9 * level / 7;
    t.transfer.push_back({level, v, engine::cubic_value(t.polynomial.g, v - 0.45), 1e-7, 0, 0, 100, 0});
    t.pulses.push_back({level, 15e-9, 1e-14});
    t.write.push_back({level, v, v, 1e-3, 100, 0});
    for (const double time : {0.8e-3, 5e-3})
      t.retention.push_back({level, time, 0.45 + (v - 0.45) * (time < 1e-3 ? 0.9 : 0.7), 1e-3, 100, 0});
  }
  for (const char* mode : {"rectifier", "signed"}) {
    t.widths.push_back({mode, 1e-13, 1.5e-9, 0, 1, 0});
    t.converters.push_back({mode, 1.01, 0.5e-9, 5e-12, 0.013, 0.075e-9, 100, 0});
  }
  t.energy.push_back({"token", 1e-9});
  return t;
}

}  // namespace flare::arch
