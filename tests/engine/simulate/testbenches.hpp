// Small testbenches with known answers, shared by the tests of the simulator and of the pool.
#pragma once

#include <string>
#include <vector>

#include "engine/simulate/testbench.hpp"

namespace flare::engine::testing {

inline Deck deck_of(std::vector<std::string> lines) {
  Deck deck;
  deck.lines = std::move(lines);
  return deck;
}

inline Knob device_knob(std::string device, std::string parameter) {
  return {KnobKind::instance, std::move(device), std::move(parameter)};
}

inline Measure last_value(std::string name, std::string vector) {
  Measure measure;
  measure.name = std::move(name);
  measure.vector = std::move(vector);
  measure.unit = "V";
  return measure;
}

inline Variable one_effect(std::string name, Law law, std::size_t knob, Action action = Action::shift) {
  Variable variable;
  variable.name = std::move(name);
  variable.law = law;
  variable.unit = "1";
  variable.effects = {{knob, action}};
  return variable;
}

/// 1 V through r1 onto c1 from rest: v(out) = 1 - exp(-t/(r c)), r = 1 kOhm * exp(0.1 x0), c = 1 pF + 0.05 pF x1.
inline Testbench rc_testbench() {
  Testbench t;
  t.name = "rc";
  t.deck = deck_of({"rc", "vin in 0 1", "r1 in out 1k", "c1 out 0 1p ic=0"});
  t.knobs = {device_knob("r1", "resistance"), device_knob("c1", "capacitance")};
  t.variables = {one_effect("r", {LawKind::lognormal, 1.0, 0.1}, 0, Action::scale),
                 one_effect("c", {LawKind::normal, 0.0, 0.05e-12}, 1)};
  t.analysis.step = 5e-12;
  t.analysis.stop = 1e-9;
  t.analysis.use_initial = true;
  t.measures = {last_value("level", "v(out)")};
  return t;
}

/// A BSIM4 column in small: eight rows of two stacked transistors pull a precharged bitline down; the
/// thresholds and mobilities of all sixteen vary.
inline Testbench column_testbench() {
  Testbench t;
  t.name = "column";
  t.deck = deck_of(
      {"column",
       (".model nch nmos level=54 version=4.8.2 toxe=1.4n vth0=0.38 lpe0=0 lpeb=0 k1=0.3 k2=0 k3=0 "
        "u0=0.03 vsat=1.2e5 nfactor=1.2 voff=-0.1 ndep=4e18 xj=20n rdsw=80 cgso=2e-10 cgdo=2e-10"),
       (".model pch pmos level=54 version=4.8.2 toxe=1.4n vth0=-0.36 lpe0=0 lpeb=0 k1=0.3 k2=0 k3=0 "
        "u0=0.012 vsat=1e5 nfactor=1.2 voff=-0.1 ndep=4e18 xj=20n rdsw=120 cgso=2e-10 cgdo=2e-10"),
       ".subckt row bl wl q", "ma bl wl mid 0 nch w=300n l=60n", "md mid q 0 0 nch w=400n l=60n", ".ends",
       "vdd vdd 0 0.9", "vwl wl 0 pulse(0 0.9 100p 20p 20p 2n 4n)", "vpc pc 0 pulse(0 0.9 50p 20p 20p 2n 4n)",
       "mp bl pc vdd vdd pch w=400n l=30n", "cbl bl 0 60f"});
  for (int row = 0; row < 8; ++row) {
    const std::string name = "x" + std::to_string(row);
    t.deck.lines.push_back(name + " bl wl " + (row < 5 ? "vdd" : "0") + " row");
    for (const char* device : {"ma", "md"}) {
      const std::string flat = "m." + name + "." + device;
      t.knobs.push_back(device_knob(flat, "delvto"));
      t.variables.push_back(one_effect(flat + ".vth", {LawKind::normal, 0.0, 0.012}, t.knobs.size() - 1));
      t.knobs.push_back(device_knob(flat, "mulu0"));
      t.variables.push_back(
          one_effect(flat + ".beta", {LawKind::lognormal, 1.0, 0.04}, t.knobs.size() - 1, Action::scale));
    }
  }
  t.analysis.step = 10e-12;
  t.analysis.stop = 0.5e-9;
  t.measures = {last_value("level", "v(bl)")};
  return t;
}

/// An RC beside a chirp. The second coordinate at 1 sends the chirp up to 1e16 Hz: then a run takes minutes.
inline Testbench sleepy_testbench() {
  Testbench t = rc_testbench();
  t.name = "sleepy";
  t.deck.lines.insert(t.deck.lines.end(),
                      {"vf f 0 0", "rf f 0 1", "b1 z 0 v=sin(3e25*v(f)*time*time)", "cz z 0 1n"});
  t.knobs.push_back(device_knob("vf", "dc"));
  t.variables[1] = one_effect("sleep", {LawKind::normal, 0.0, 1.0}, t.knobs.size() - 1);
  return t;
}

}  // namespace flare::engine::testing
