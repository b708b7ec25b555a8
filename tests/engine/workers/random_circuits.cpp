// How the circuits are drawn. What they are as text is in random_circuits_text.cpp.
#include "tests/engine/workers/random_circuits.hpp"

#include <fmt/format.h>

#include <cmath>

namespace flare::engine::testing {

std::uint64_t Dice::bits() {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

double Dice::between(double low, double high) {
  return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53;
}

double Dice::decade(double low, double high) {
  return std::stod(fmt::format("{:.2e}", std::exp(between(std::log(low), std::log(high)))));
}

int Dice::below(int n) { return static_cast<int>(bits() % static_cast<std::uint64_t>(n)); }

namespace {

CircuitValue number(std::string key, double value) { return {std::move(key), fmt::format("{}", value)}; }
CircuitValue formula(std::string key, std::string text) { return {std::move(key), std::move(text), false}; }
CircuitValue unwritten(std::string key, std::string standard) {
  return {std::move(key), std::move(standard), true, false};
}

CircuitModelCard bsim4(const std::string& name, bool n, double vth0) {
  return {name,
          n ? "nmos" : "pmos",
          {number("vth0", n ? vth0 : -vth0), number("u0", n ? 0.03 : 0.012), number("toxe", 1.4e-9)},
          "level=54 version=4.8.2 lpe0=0 lpeb=0 k1=0.3 k2=0 k3=0 vsat=1.2e5 nfactor=1.2 voff=-0.1 ndep=4e18 "
          "xj=20n rdsw=80 cgso=2e-10 cgdo=2e-10"};
}

class Builder {
 public:
  explicit Builder(std::uint64_t seed) : dice_(seed) {
    circuit_.seed = seed;
    circuit_.flavour = flavours[seed % flavours.size()];
  }

  RandomCircuit build() {
    parameters();
    models();
    sources();
    grid();
    devices();
    subcircuits();
    flavour();
    analysis();
    return std::move(circuit_);
  }

 private:
  std::string node() {
    return nodes_[static_cast<std::size_t>(dice_.below(static_cast<int>(nodes_.size())))];
  }
  std::string node_or_ground() { return dice_.chance(0.3) ? "0" : node(); }
  CircuitElement& add(CircuitElement element) {
    circuit_.top.elements.push_back(std::move(element));
    return circuit_.top.elements.back();
  }
  std::string fresh(char type) { return fmt::format("{}{}", type, ++count_); }

  /// r0 and k0 are literal; the others hang on them.
  void parameters() {
    circuit_.top.parameters = {number("r0", dice_.decade(800, 8000)), number("k0", dice_.decade(0.8, 1.6)),
                               formula("r1p", "r0*k0+100"), formula("cp", "20e-15*k0"),
                               number("mode", dice_.below(2))};
  }

  void models() {
    circuit_.top.models = {
        bsim4("nch", true, dice_.decade(0.3, 0.45)),
        bsim4("pch", false, dice_.decade(0.3, 0.45)),
        {"n1", "nmos", {number("vto", 0.4), number("kp", dice_.decade(5e-5, 5e-4))}, "level=1"},
        {"dm", "d", {number("is", dice_.decade(1e-16, 1e-13)), number("n", 1.2)}, "cjo=5f"}};
  }

  void sources() {
    supply_ = dice_.decade(0.8, 1.2);
    add({"vdd", {"vdd", "0"}, "", {number("dc", supply_)}, ""});
    const std::string edge =
        fmt::format("pulse({} {} 0.1n 50p 80p 0.7n 2n)", dice_.decade(0.1, 0.3), supply_);
    transient_ = dice_.chance(0.5);
    // With a DC value of its own besides the time function an operating point takes that value.
    CircuitElement in{"vin", {"in", "0"}, "", {}, transient_ || dice_.chance(0.5) ? edge : ""};
    in.values = {number("dc", dice_.decade(0.2, 0.9))};
    add(in);
    nodes_ = {"vdd", "in"};
  }

  CircuitValue resistance() {
    switch (dice_.below(4)) {
      case 0:
        return formula("resistance", fmt::format("r0*{}", dice_.decade(0.5, 4)));
      case 1:
        return formula("resistance", fmt::format("r1p+{}", dice_.decade(100, 1000)));
      default:
        return number("resistance", dice_.decade(500, 5e4));
    }
  }

  /// Every node is joined to an earlier one by a resistor, so it has a DC path.
  void grid() {
    const int count = 3 + dice_.below(3);
    for (int i = 1; i <= count; ++i) {
      const std::string name = fmt::format("n{}", i);
      add({fresh('r'), {node_or_ground(), name}, "", {resistance()}, ""});
      nodes_.push_back(name);
      if (dice_.chance(0.6)) {
        add({fresh('c'),
             {name, "0"},
             "",
             {dice_.chance(0.4) ? formula("capacitance", "cp*2")
                                : number("capacitance", dice_.decade(5e-15, 2e-13))},
             ""});
      }
    }
    add({fresh('i'),
         {"0", fmt::format("n{}", 1 + dice_.below(count))},
         "",
         {number("dc", dice_.decade(1e-6, 2e-5))},
         ""});
    // Without a DC value an operating point takes that of the function at time 0.
    if (dice_.chance(0.4)) add({fresh('i'), {"0", "n1"}, "", {}, "sin(5u 3u 1g)"});
    add({fresh('r'), {"n1", "0"}, "", {}, "r='5000*(1+0.002*(temper-27))'"});
    add({fresh('r'), {"n2", "0"}, "", {number("resistance", 7000)}, "", "mode==1", dice_is_mode(1)});
    add({fresh('c'), {"n2", "0"}, "", {number("capacitance", 3e-14)}, "", "mode==0", dice_is_mode(0)});
  }

  bool dice_is_mode(int mode) const { return circuit_.top.parameters.back().text == fmt::format("{}", mode); }

  CircuitElement transistor(const std::string& name, std::vector<std::string> nodes, bool n) {
    CircuitElement m{name, std::move(nodes), n ? "nch" : "pch", {}, ""};
    m.values = {number("w", dice_.decade(2e-7, 1e-6)), number("l", dice_.decade(5e-8, 1e-7))};
    // A kit may write a shift of its own.
    m.values.push_back(dice_.chance(0.4) ? number("delvto", dice_.decade(5e-3, 3e-2))
                                         : unwritten("delvto", "0"));
    m.values.push_back(dice_.chance(0.3) ? number("mulu0", dice_.decade(0.8, 1.2)) : unwritten("mulu0", "1"));
    return m;
  }

  void devices() {
    add({fresh('d'), {node(), "0"}, "dm", {number("area", dice_.decade(0.5, 3))}, ""});
    if (dice_.chance(0.5)) add({fresh('d'), {node(), node_or_ground()}, "dm", {unwritten("area", "1")}, ""});
    const int count = 1 + dice_.below(3);
    for (int i = 0; i < count; ++i) {
      const bool n = dice_.chance(0.6);
      add(transistor(fresh('m'), {node(), node(), n ? "0" : "vdd", n ? "0" : "vdd"}, n));
    }
    if (dice_.chance(0.5)) {
      add({fresh('m'),
           {node(), node(), "0", "0"},
           "n1",
           {number("w", dice_.decade(1e-6, 1e-5)), number("l", 1e-6)},
           ""});
    }
  }

  /// "cell" with a model and an .if of its own, "duo" of two cells.
  void subcircuits() {
    CircuitBlock cell{"cell", {"a", "b"}, {number("rr", 2000), number("ww", 3e-7)}, {}, {}};
    cell.elements = {{"r1", {"a", "m"}, "", {formula("resistance", "rr*1.1")}, ""},
                     {"r2", {"m", "b"}, "", {number("resistance", dice_.decade(1e3, 1e4))}, ""},
                     {"c1", {"m", "0"}, "", {formula("capacitance", "cp")}, ""},
                     {"d1", {"m", "0"}, "dl", {number("area", 2)}, "", "mode==1", dice_is_mode(1)}};
    cell.models = {{"dl", "d", {number("is", dice_.decade(1e-16, 1e-14))}, "n=1.1"}};
    CircuitElement m = transistor("m1", {"m", "a", "0", "0"}, true);
    m.values[0] = formula("w", "ww");
    cell.elements.push_back(m);
    CircuitBlock duo{"duo", {"a", "b"}, {number("rs", 3000)}, {}, {}};
    duo.elements = {{"x1", {"a", "k"}, "cell", {formula("rr", "rs*0.7"), number("ww", 4e-7)}, ""},
                    {"x2", {"k", "b"}, "cell", {formula("rr", "rs+r0")}, ""},
                    {"r1", {"k", "0"}, "", {formula("resistance", "rs*3")}, ""}};
    circuit_.subcircuits = {cell, duo};
    add({"xc", {node(), node_or_ground()}, "cell", {number("rr", dice_.decade(1e3, 4e3))}, ""});
    if (dice_.chance(0.7)) add({"xd", {node(), node_or_ground()}, "duo", {formula("rs", "r1p*1.2")}, ""});
  }

  void latch() {
    for (const auto& [in, out, i] : {std::tuple("q", "qb", 1), std::tuple("qb", "q", 2)}) {
      add(transistor(fmt::format("mn{}", i), {out, in, "0", "0"}, true));
      add(transistor(fmt::format("mp{}", i), {out, in, "vdd", "vdd"}, false));
      add({fmt::format("cl{}", i), {out, "0"}, "", {number("capacitance", 1e-15)}, ""});
    }
    circuit_.statements.push_back(fmt::format(".ic v(q)={} v(qb)=0", supply_));
    circuit_.observed.emplace_back("v(q)");
  }

  void floating() {
    add({"cf1", {"n1", "flt"}, "", {number("capacitance", 1e-14)}, ""});
    if (dice_.chance(0.5)) {
      add({"cf2", {"flt", "0"}, "", {number("capacitance", 3e-14)}, ""});
    } else {
      add(transistor("mf2", {"n2", "flt", "0", "0"}, true));
    }
    circuit_.floating = {"flt"};
  }

  void extra_options() {
    const auto written = {fmt::format("gmin={}", dice_.decade(1e-11, 1e-8)),
                          fmt::format("rshunt={}", dice_.decade(1e5, 1e7)),
                          fmt::format("cshunt={}", dice_.decade(1e-15, 1e-13))};
    std::string statement = ".options";
    for (const std::string& option : written) {
      if (dice_.chance(0.6)) statement += fmt::format(" {}", option);
    }
    if (statement != ".options") circuit_.statements.push_back(statement);
  }

  /// ngspice's own ** takes the magnitude of its base, HSPICE's keeps the sign.
  void dialect() {
    add({"rdia", {"n1", "0"}, "", {}, "r={3000+(-1)**3*1000}"});
    if (dice_.chance(0.6)) circuit_.simulator.compatibility = "hsa";
  }

  void binned() {
    CircuitModelCard narrow = bsim4("nb.1", true, 0.45);
    CircuitModelCard wide = bsim4("nb.2", true, 0.35);
    narrow.rest += " lmin=1e-8 lmax=1e-6 wmin=1e-7 wmax=5e-7";
    wide.rest += " lmin=1e-8 lmax=1e-6 wmin=5e-7 wmax=5e-6";
    const bool both = dice_.chance(0.5);
    for (CircuitModelCard* card : {&narrow, &wide}) {
      // ngspice keeps the bins that a device is in: only then there is something to vary.
      if (!both) {
        for (const CircuitValue& value : card->values)
          card->rest += fmt::format(" {}={}", value.key, value.text);
        card->values.clear();
      }
      circuit_.top.models.push_back(*card);
    }
    for (int i = 1; i <= 2; ++i) {
      CircuitElement m = transistor(fmt::format("mb{}", i), {node(), "vdd", "0", "0"}, true);
      m.model = "nb";
      m.values[0] = number("w", both && i == 2 ? 5.1e-7 : 4.95e-7);  // a sample may change the bin
      add(m);
    }
  }

  void flavour() {
    switch (circuit_.flavour) {
      case Flavour::plain:
        return;
      case Flavour::latch:
        return latch();
      case Flavour::floating:
        return floating();
      case Flavour::extra_options:
        return extra_options();
      case Flavour::dialect:
        return dialect();
      case Flavour::binned:
        return binned();
    }
  }

  void analysis() {
    for (const std::string& name : nodes_) {
      if (name.front() == 'n') circuit_.observed.push_back(fmt::format("v({})", name));
    }
    circuit_.observed.emplace_back("i(vdd)");
    circuit_.analysis.kind = transient_ ? AnalysisKind::transient : AnalysisKind::operating_point;
    circuit_.analysis.step = 20e-12;
    circuit_.analysis.stop = 1e-9;
    circuit_.analysis.max_step = 50e-12;
    // Two programs that end Newton's iteration a step apart differ by what these leave: far below the comparison.
    circuit_.simulator.reltol = 1e-6;
    circuit_.simulator.vntol = 1e-9;
    circuit_.simulator.trtol = 100.0;
    circuit_.simulator.method = dice_.chance(0.5) ? "trap" : "gear";
    circuit_.simulator.temperature = dice_.chance(0.5) ? 27.0 : dice_.decade(10, 90);
  }

  Dice dice_;
  RandomCircuit circuit_;
  std::vector<std::string> nodes_;
  double supply_ = 1.0;
  bool transient_ = false;
  int count_ = 0;
};

}  // namespace

RandomCircuit random_circuit(std::uint64_t seed) { return Builder(seed).build(); }

}  // namespace flare::engine::testing
