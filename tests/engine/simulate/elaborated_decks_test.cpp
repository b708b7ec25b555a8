// Random decks in the manner of kits: nested subcircuits, functions, conditions, bins, draws of every kind. Elaborated
// they give what plain ngspice gives, with all draws switched off, and with all draws forced to given values: there by
// settings in the loaded circuit, in plain ngspice by the text of the netlist.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/netlist/elaborated_circuit.hpp"
#include "engine/netlist/formula.hpp"
#include "engine/simulate/ngspice.hpp"

namespace flare::engine {
namespace {

/// A netlist written twice: with draws, and with parameters that carry what the draws would be.
class TwinDeck {
 public:
  explicit TwinDeck(unsigned seed) : random_(seed) {
    line("twin decks");
    line(".param sw=1");
    line(".func scaled(x,y) {x*y+0.1}");
    line(fmt::format(".param die={{sw*{}}}", call("g", "0.0", "0.3")));
    resistor();
    diode();
    transistor();
    behaviour();
    middle("mid1", "resistor", "w={k}", "diode", "area={s}");
    middle("mid2", "transistor", fmt::format("l={}", pick(2) ? "0.3u" : "1.4u"), "behaviour", "");
    line("vs in 0 1.2");
    for (int i = 0; i < 3; ++i) top(i);
    drawn += ".end\n";
    forced += ".end\n";
  }

  std::string drawn;
  std::string forced;
  std::map<std::string, double> coordinates;  // by the names of the draws

 private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  double real(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }

  void line(const std::string& text) {
    drawn += text + "\n";
    std::string other = text;
    for (const auto& [call, replaced] : replaced_) {
      const std::size_t at = other.find(call);
      if (at != std::string::npos) other.replace(at, call.size(), replaced);
    }
    forced += other + "\n";
    replaced_.clear();
  }

  /// A call of one of the random functions; in the other text the parameter z_`name` stands for the coordinate as the
  /// function uses it: itself, evenly spread over -1 ... 1, or its sign.
  std::string call(const std::string& name, const std::string& nominal, const std::string& spread) {
    const int kind = pick(5);
    kinds_[name] = kind;
    const std::string z = name == "g" ? fmt::format("{:.17g}", shaped("g", coordinate("die"))) : "z_" + name;
    const std::string n = kind == 0 || kind == 1 ? fmt::format("{}", 1 + pick(3)) : "";
    static constexpr const char* functions[] = {"agauss", "gauss", "aunif", "unif", "limit"};
    std::string text = fmt::format("{}({},{}", functions[kind], nominal, spread);
    text += n.empty() ? ")" : fmt::format(",{})", n);
    const std::string part = kind == 1 || kind == 3 ? fmt::format("({})*({})", nominal, spread) : spread;
    const std::string value = fmt::format("(({})+({})*({}){})", nominal, z, part, n.empty() ? "" : "/" + n);
    replaced_.emplace_back(text, value);
    return text;
  }

  double coordinate(const std::string& draw) { return coordinates[draw] = real(-2.0, 2.0); }

  double shaped(const std::string& name, double z) const {
    const int kind = kinds_.at(name);
    if (kind == 4) return z > 0 ? 1.0 : -1.0;
    return kind >= 2 ? std::erf(z / std::sqrt(2.0)) : z;
  }

  void head(const std::string& name, const std::string& parameters, const std::vector<std::string>& carried) {
    drawn += fmt::format(".subckt {} a b {}\n", name, parameters);
    std::string more;
    for (const std::string& z : carried) more += fmt::format(" z_{}=0", z);
    forced += fmt::format(".subckt {} a b {}{}\n", name, parameters, more);
  }

  void resistor() {
    head("resistor", "w=1 l=2", {"r"});
    line(fmt::format(".param mis={{sw*{}}} f='1+0.1*w'", call("r", "1+0.1*w", "0.05/sqrt(w*l)")));
    line(".if (w>1.5)");
    line("r1 a b {scaled(f,l)/w*1k*(1+mis)}");
    line(".else");
    line("r1 a b r='1.2k*f*(1+0.5*mis)*exp(0.1*mis)'");
    line(".endif");
    line(".ends");
  }

  void diode() {
    head("diode", "area=1", {"d"});
    line(fmt::format(".param mis={{sw*{}}}", call("d", "0.1", "0.1")));
    line("d1 a b dm area={area*(1+0.3*mis)}");
    line("r1 a b 20k");
    line(".model dm d (is={1e-14*(1+0.5*mis)} n=1.1)");
    line(".ends");
  }

  void transistor() {
    head("transistor", "w=1u l=0.2u", {"m", "k"});
    line(fmt::format(".param mis_vth={{sw*{}}} mis_k={{sw*{}}}", call("m", "0.2", "0.2"),
                     call("k", "0.05", "0.5")));
    line("m1 a g b 0 nn w=w l=l delvto='0.05*mis_vth' mulu0='1+0.1*mis_k*(1+mis_vth)'");
    line("vg g b 0.9");
    line("r1 a b 50k");
    for (const char* bin :
         {"nn.1 nmos lmin=0.1u lmax=0.5u vth0=0.4", "nn.2 nmos lmin=0.5u lmax=9u vth0={0.35+0.01*mis_k}"}) {
      line(fmt::format(".model {} wmin=0.1u wmax=9u level=14 version=4.8 toxe=2n lpe0=0 k2=0 k3=0", bin));
    }
    line(".ends");
  }

  void behaviour() {
    head("behaviour", "", {"b"});
    line(fmt::format(".param mis={{sw*{}}}", call("b", "0.3", "0.2")));
    line("b1 a b i=v(a,b)*1m*(1+mis)+0.1m*v(a,b)*v(a,b)");
    line("r1 a b 5k");
    line(".ends");
  }

  static std::vector<std::string> inside(const std::string& name) {
    if (name == "resistor") return {"r"};
    if (name == "diode") return {"d"};
    if (name == "behaviour") return {"b"};
    return {"m", "k"};
  }

  void instance(const std::string& name, const std::string& nodes, const std::string& of,
                const std::string& more) {
    drawn += fmt::format("{} {} {} {}\n", name, nodes, of, more);
    forced += fmt::format("{} {} {} {}", name, nodes, of, more);
    for (const std::string& z : inside(of)) forced += fmt::format(" z_{}={{z_{}_{}}}", z, name, z);
    forced += "\n";
  }

  void middle(const std::string& name, const std::string& first, const std::string& first_more,
              const std::string& second, const std::string& second_more) {
    std::vector<std::string>& all = of_middle_[name];
    const std::string c = name == "mid1" ? "c1" : "c2";
    all = {c};
    for (const std::string& z : inside(first)) all.push_back("x1_" + z);
    for (const std::string& z : inside(second)) all.push_back("x2_" + z);
    head(name, "s=1", all);
    line(fmt::format(".param k={{s*1.2}} own={{sw*{}}}", call(c, "0.1", "0.1")));
    instance("x1", "a c", first, first_more);
    line("rc c 0 {2k*(1+own)}");
    instance("x2", "c b", second, second_more);
    line(".ends");
  }

  void top(int i) {
    const std::string of = pick(2) ? "mid1" : "mid2";
    const std::string x = fmt::format("x{}", i);
    const std::string text = fmt::format("{} in n{} {} s={:.3f}", x, i, of, real(0.8, 2.0));
    drawn += text + "\n";
    forced += text;
    static const std::map<std::string, std::string> parameters{{"c1", "own"}, {"c2", "own"}, {"r", "mis"},
                                                               {"d", "mis"},  {"b", "mis"},  {"m", "mis_vth"},
                                                               {"k", "mis_k"}};
    for (const std::string& z : of_middle_[of]) {
      const std::size_t bar = z.find('_');
      const std::string kind = bar == std::string::npos ? z : z.substr(bar + 1);
      const std::string path = bar == std::string::npos ? x : x + "." + z.substr(0, bar);
      forced += fmt::format(" z_{}={:.17g}", z, shaped(kind, coordinate(path + "." + parameters.at(kind))));
    }
    forced += "\n";
    line(fmt::format("r{} n{} 0 {{500*(1+0.2*die)}}", i, i));
  }

  std::mt19937 random_;
  std::map<std::string, int> kinds_;
  std::map<std::string, std::vector<std::string>> of_middle_;
  std::vector<std::pair<std::string, std::string>> replaced_;
};

SimulatorOptions tight() {
  SimulatorOptions options;
  options.reltol = 1e-9;
  options.vntol = 1e-12;
  options.abstol = 1e-18;
  return options;
}

std::map<std::string, double> voltages(NgspiceSimulator& simulator) {
  Waveforms waves;
  EXPECT_TRUE(simulator.run("op", 0.0, {}, &waves)) << simulator.messages();
  std::map<std::string, double> found;
  for (std::size_t i = 0; i < waves.names.size(); ++i) {
    if (waves.names[i].find("flare") == std::string::npos) found[waves.names[i]] = waves.values[i].front();
  }
  return found;
}

std::map<std::string, double> plain(NgspiceSimulator& simulator, const std::string& text) {
  simulator.load(parse_deck(text, "plain.cir"), tight(), 0, {});
  return voltages(simulator);
}

/// The elaborated deck at the twin's coordinates.
std::map<std::string, double> at_coordinates(NgspiceSimulator& simulator, const ElaboratedCircuit& circuit,
                                             const std::map<std::string, double>& coordinates) {
  simulator.load(circuit.deck, tight(), 0, {});
  std::map<std::size_t, std::size_t> order;
  std::vector<double> x;
  for (const std::size_t draw : circuit.moving) {
    order[draw] = x.size();
    x.push_back(coordinates.at(circuit.draws[draw].name));
  }
  std::vector<Knob> knobs;
  std::vector<double> values;
  for (const DrawnValue& v : circuit.values) {
    knobs.push_back({v.model ? KnobKind::model : KnobKind::instance, v.device, v.parameter});
    values.push_back(Formula(v.value, order)(x));
  }
  simulator.set(knobs, values);
  return voltages(simulator);
}

void expect_same(const std::map<std::string, double>& a, const std::map<std::string, double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, value] : a) {
    ASSERT_TRUE(b.contains(name)) << name;
    EXPECT_NEAR(b.at(name), value, 1e-9 * std::fabs(value) + 1e-15) << name;
  }
}

TEST(ElaboratedDecks, GiveWhatPlainNgspiceGives) {
  NgspiceSimulator simulator;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    const TwinDeck twin(seed);
    SCOPED_TRACE(fmt::format("seed {}\n{}\n{}", seed, twin.drawn, twin.forced));
    DeckOptions off;
    off.parameters["sw"] = "0";
    const ElaboratedCircuit switched_off = elaborate(parse_deck(twin.drawn, "twin.cir", off));
    EXPECT_TRUE(switched_off.moving.empty());
    std::string text = twin.forced;
    text.replace(text.find("sw=1"), 4, "sw=0");
    expect_same(plain(simulator, text), at_coordinates(simulator, switched_off, {}));
    const ElaboratedCircuit circuit = elaborate(parse_deck(twin.drawn, "twin.cir"));
    EXPECT_GT(circuit.moving.size(), 6u);
    expect_same(plain(simulator, twin.forced), at_coordinates(simulator, circuit, twin.coordinates));
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace flare::engine
