// The shipped transistor cards against the table of device figures, row by row, simulated by ngspice.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <numbers>
#include <sstream>
#include <tuple>

#include "studies/parts/column_setup.hpp"
#include "tests/netlists/ngspice_batch.hpp"

namespace flare {
namespace {

using netlist_test::Curve;
using netlist_test::run_ngspice;

constexpr double supply = 0.9;      // V
constexpr double low_drain = 0.05;  // V, for the linear threshold

struct FigureRow {
  std::string figure, device, section;
  double temperature = 0, length_nm = 0, low = 0, high = 0;
  std::string unit, source;
};

std::vector<FigureRow> read_table() {
  std::ifstream in(std::string(FLARE_SOURCE_DIR) + "/data/devices/cmos28_figures.csv");
  std::string line;
  std::getline(in, line);
  std::vector<FigureRow> rows;
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::array<std::string, 9> f;
    for (std::size_t i = 0; i < 8; ++i) std::getline(fields, f[i], ',');
    std::getline(fields, f[8]);
    rows.push_back(
        {f[0], f[1], f[2], std::stod(f[3]), std::stod(f[4]), std::stod(f[5]), std::stod(f[6]), f[7], f[8]});
  }
  return rows;
}

std::string card_line(const std::string& section) {
  return fmt::format(".lib \"{}\" {}\n", (netlist_test::netlist_folder() / "cards/cmos28.lib").string(),
                     section);
}

// Drain current over gate voltage at both drain voltages, A, of a transistor 1 um wide.
struct Transfer {
  Curve saturated, linear;
};

Transfer transfer(const std::string& device, const std::string& section, double temperature,
                  double length_nm) {
  const double sign = device == "nfet" ? 1.0 : -1.0;
  const std::string netlist = fmt::format(
      "transfer curves\n{}.options temp={} gmin=1e-15\n"
      "m1 d g 0 0 {} w=1u l={}n ad=0.06p as=0.06p pd=1.12u ps=1.12u\n"
      "vd d 0 {}\nvg g 0 0\n"
      ".control\ndc vg 0 {} {}\nwrdata saturated i(vd)\nalter vd = {}\ndc vg 0 {} {}\nwrdata linear "
      "i(vd)\n.endc\n.end\n",
      card_line(section), temperature, device, length_nm, sign * supply, sign * supply, sign * 0.005,
      sign * low_drain, sign * supply, sign * 0.005);
  auto run = run_ngspice(netlist, {"saturated", "linear"});
  for (auto& [name, curve] : run.curves) {
    for (double& y : curve.y) y = std::abs(y);
  }
  return {run.curves.at("saturated"), run.curves.at("linear")};
}

// Gate voltage at which the current is `current`, logarithmic in between.
double gate_voltage(const Curve& curve, double current) {
  const auto above = std::lower_bound(curve.y.begin(), curve.y.end(), current);
  const auto j = static_cast<std::size_t>(above - curve.y.begin());
  const double t = std::log(current / curve.y.at(j - 1)) / std::log(curve.y.at(j) / curve.y.at(j - 1));
  return curve.x[j - 1] + t * (curve.x[j] - curve.x[j - 1]);
}

double threshold_current(double length_nm) { return 100e-9 * 1000.0 / length_nm; }  // 100 nA W/L, W = 1 um

class Figures {
 public:
  double value(const FigureRow& row) {
    const auto& [saturated, linear] = curves(row.device, row.section, row.temperature, row.length_nm);
    const double on = saturated.y.back();
    const double vt = gate_voltage(saturated, threshold_current(row.length_nm));
    if (row.figure == "on_current") return on * 1e6;
    if (row.figure == "off_current") return saturated.y.front() * 1e9;
    if (row.figure == "saturated_threshold") return vt;
    if (row.figure == "dibl") {
      const double vt_linear = gate_voltage(linear, threshold_current(row.length_nm));
      return (vt_linear - vt) / (supply - low_drain) * 1e3;
    }
    if (row.figure == "subthreshold_swing") {
      // Between 0.3 and 300 nA/um; from 10 nA/um where leakage at high temperature hides the low end.
      const double low = std::max(0.3e-9, 3 * saturated.y.front());
      return (gate_voltage(saturated, 300e-9) - gate_voltage(saturated, low)) / std::log10(300e-9 / low) *
             1e3;
    }
    if (row.figure == "on_current_ratio_to_30nm") return on / nominal(row, row.section, 27, 30).y.back();
    if (row.figure == "on_current_ratio_to_tt") return on / nominal(row, "tt", 27, 30).y.back();
    if (row.figure == "on_current_ratio_to_27degC") return on / nominal(row, "tt", 27, 30).y.back();
    if (row.figure == "threshold_slope") {
      const double vt_27 = gate_voltage(nominal(row, "tt", 27, 30), threshold_current(30));
      return (vt - vt_27) / (row.temperature - 27.0) * 1e3;
    }
    throw std::invalid_argument("unknown figure " + row.figure);
  }

 private:
  using Key = std::tuple<std::string, std::string, double, double>;

  const Transfer& curves(const std::string& device, const std::string& section, double temperature,
                         double length) {
    const Key key{device, section, temperature, length};
    const auto found = cache_.find(key);
    if (found != cache_.end()) return found->second;
    return cache_.emplace(key, transfer(device, section, temperature, length)).first->second;
  }
  const Curve& nominal(const FigureRow& row, const std::string& section, double temperature, double length) {
    return curves(row.device, section, temperature, length).saturated;
  }

  std::map<Key, Transfer> cache_;
};

std::string cell_line() {
  return fmt::format(".include \"{}\"\n",
                     (netlist_test::netlist_folder() / "cells/sram8t/cell.cir").string());
}

std::string sizes(const studies::Cell& cell, const studies::Call& call) {
  std::string text;
  for (const std::string& size : call.takes) text += fmt::format(" {}={}", size, cell.sizes.at(size));
  return text;
}

// Current of the read stack with everything at the supply, A.
double read_current(const studies::Cell& cell, const std::string& section) {
  const auto run =
      run_ngspice("read current\n" + card_line(section) + cell_line() +
                      fmt::format("vdd vdd 0 {}\nvbl bl 0 {}\nx0 bl vdd vdd 0 sram8t_read{}\n"
                                  ".control\ndc vbl 0.89 0.9 0.01\nwrdata current i(vbl)\n.endc\n.end\n",
                                  supply, supply, sizes(cell, cell.active.call)),
                  {"current"});
  return -run.curves.at("current").y.back();
}

// Capacitance of the access transistor of an unselected row at the supply, F.
double junction_capacitance(const studies::Cell& cell) {
  const double frequency = 1e6;
  const auto run =
      run_ngspice("bitline capacitance\n" + card_line("tt") + cell_line() +
                      fmt::format("vbl bl 0 dc {} ac 1\nx0 bl 0 sram8t_idle1{} rows=1\n"
                                  ".control\nac lin 1 {} {}\nlet c = -imag(i(vbl)) / (2 * pi * frequency)\n"
                                  "wrdata capacitance real(c)\n.endc\n.end\n",
                                  supply, sizes(cell, cell.idle_one.call), frequency, frequency),
                  {"capacitance"});
  return run.curves.at("capacitance").y.back();
}

TEST(Cards, MeetEveryRowOfTheTable) {
  const auto rows = read_table();
  ASSERT_GE(rows.size(), 30u);
  Figures figures;
  for (const FigureRow& row : rows) {
    SCOPED_TRACE(fmt::format("{} {} {} {} degC L {} nm, {}", row.figure, row.device, row.section,
                             row.temperature, row.length_nm, row.unit));
    double value = 0.0;
    if (row.figure == "read_current") {
      value = read_current(studies::shipped_cell(row.device), row.section) * 1e6;
    } else if (row.figure == "bitline_capacitance") {
      value = (junction_capacitance(studies::shipped_cell(row.device)) +
               studies::ColumnSetup().wire_capacitance) *
              1e15;
    } else {
      value = figures.value(row);
    }
    std::printf("%-28s %-10s %s %4g degC %3g nm  %8.4g %s\n", row.figure.c_str(), row.device.c_str(),
                row.section.c_str(), row.temperature, row.length_nm, value, row.unit.c_str());
    EXPECT_GE(value, row.low);
    EXPECT_LE(value, row.high);
    EXPECT_FALSE(row.source.empty());
  }
}

// BSIM4's default lpe0 makes the current rise with length; every step of length must lower it.
TEST(Cards, OnCurrentFallsWithLength) {
  for (const char* device : {"nfet", "pfet"}) {
    double previous = 1.0;
    for (const double length : {30.0, 40.0, 60.0, 100.0, 250.0, 1000.0}) {
      const double on = transfer(device, "tt", 27, length).saturated.y.back();
      EXPECT_LT(on, previous) << device << " L " << length << " nm";
      previous = on;
    }
  }
}

// delvto and mulu0 are how mismatch enters. delvto moves the threshold by its value and, through the
// effective field of BSIM4's mobility (mobmod 0), lowers the mobility a little: by a few percent more than
// its value in all.
TEST(Cards, InstanceParametersMoveTheDevice) {
  const auto current = [](const std::string& parameters) {
    const auto run =
        run_ngspice("instance parameters\n" + card_line("tt") + "m1 d g 0 0 nfet w=1u l=30n " + parameters +
                        "\nvd d 0 0.9\nvg g 0 0\n.control\ndc vg 0 0.9 0.005\nwrdata c i(vd)\n.endc\n.end\n",
                    {"c"});
    Curve curve = run.curves.at("c");
    for (double& y : curve.y) y = std::abs(y);
    return curve;
  };
  const Curve plain = current(""), shifted = current("delvto=0.02"), faster = current("mulu0=1.05");
  const double moved = gate_voltage(shifted, 100e-9) - gate_voltage(plain, 100e-9);
  EXPECT_GT(moved, 0.02);
  EXPECT_LT(moved, 0.0215);
  EXPECT_GT(faster.y.back() / plain.y.back(), 1.01);
  EXPECT_LT(faster.y.back() / plain.y.back(), 1.05);
}

}  // namespace
}  // namespace flare
