// Every knob starts from what the circuit says: each kind of parameter by each law, against its closed form, sample by
// sample. One row of a table is one part of a circuit, what varies there, and what the part's node then shows.
#include <cmath>
#include <functional>

#include "tests/studies/circuit_fixture.hpp"

namespace {

using flare::studies::testing::CircuitFixture;
using flare::studies::testing::phi;
using flare::studies::testing::plain;
using ::testing::HasSubstr;

struct Row {
  const char* name;
  std::string lines;      // elements; # is the row's number, and v(o#) is measured
  std::string variation;  // one variable
  std::function<double(double)> closed_form;
};

double uniform(double z) { return 2.0 * phi(z) - 1.0; }
double gumbel(double z) { return -std::log(-std::log(phi(z))); }

std::string numbered(std::string text, std::size_t row) {
  for (std::size_t at = text.find('#'); at != std::string::npos; at = text.find('#'))
    text.replace(at, 1, std::to_string(row));
  return text;
}

/// [[variation]] with these keys.
std::string variation(const std::string& keys) { return "[[variation]]\n" + keys + "\n"; }

class Nominals : public CircuitFixture {
 protected:
  /// All rows in one circuit and one study; every sample of every row.
  void expect_closed_forms(const std::vector<Row>& rows, const std::string& circuit,
                           const std::string& measure, double tolerance) const {
    std::string netlist = "parts, each by itself\n";
    std::string study = "[circuit]\nnetlist = \"cell.cir\"\n" + circuit;
    std::string variations;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      netlist += numbered(rows[i].lines, i) + "\n";
      study += numbered("[[measure]]\nname = \"o#\"\nvector = \"v(o#)\"\n" + measure, i);
      variations += numbered(rows[i].variation, i);
    }
    write("cell.cir", netlist + ".end\n");
    study_runs(study + "[failing]\nmeasure = \"o0\"\nbelow = \"-1000 V\"\n" + variations + plain(25));
    const flare::studies::testing::Samples s = samples();
    ASSERT_EQ(s.z.cols(), static_cast<Eigen::Index>(rows.size()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto column = static_cast<Eigen::Index>(i);
      for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
        const double right = rows[i].closed_form(s.z(r, column));
        EXPECT_NEAR(s.measures(r, column), right, tolerance * std::fabs(right))
            << rows[i].name << " at z = " << s.z(r, column);
      }
    }
  }
};

// 1 mA through a resistor of 1 kOhm: 1 V.
constexpr const char* loaded_resistor = "i# 0 o# 1m\nr# o# 0 1k";

Row resistor(const char* name, const std::string& keys, std::function<double(double)> ohms) {
  return {name, loaded_resistor, variation("parameter = \"resistance\"\ndevices = \"r#\"\n" + keys),
          [ohms = std::move(ohms)](double z) { return 1e-3 * ohms(z); }};
}

TEST_F(Nominals, EveryLawShiftsScalesOrReplacesWhatAResistorIs) {
  const std::vector<Row> rows{
      resistor("normal, relative", "sigma = \"1 %\"", [](double z) { return 1e3 * (1 + 0.01 * z); }),
      resistor("normal, in ohm", "sigma = \"10 ohm\"", [](double z) { return 1e3 + 10 * z; }),
      resistor("normal, bare", "sigma = \"10\"", [](double z) { return 1e3 + 10 * z; }),
      resistor("normal about a median", "sigma = \"20 ohm\"\nmedian = \"2 kohm\"",
               [](double z) { return 2e3 + 20 * z; }),
      resistor("normal, a part of the median", "sigma = \"1 %\"\nmedian = \"2 kohm\"",
               [](double z) { return 2e3 * (1 + 0.01 * z); }),
      resistor("lognormal", "sigma = \"3 %\"\nlaw = \"lognormal\"",
               [](double z) { return 1e3 * std::exp(0.03 * z); }),
      resistor("lognormal, replaced", "sigma = \"3 %\"\nlaw = \"lognormal\"\nmedian = \"2 kohm\"",
               [](double z) { return 2e3 * std::exp(0.03 * z); }),
      resistor("lognormal, added",
               "sigma = \"30 %\"\nlaw = \"lognormal\"\nmedian = \"10 ohm\"\neffect = \"shift\"",
               [](double z) { return 1e3 + 10 * std::exp(0.3 * z); }),
      resistor("uniform, relative", "sigma = \"3 %\"\nlaw = \"uniform\"",
               [](double z) { return 1e3 * (1 + 0.03 * uniform(z)); }),
      resistor("uniform, in ohm", "sigma = \"10 ohm\"\nlaw = \"uniform\"",
               [](double z) { return 1e3 + 10 * uniform(z); }),
      resistor("uniform about a median", "sigma = \"10 ohm\"\nlaw = \"uniform\"\nmedian = \"3 kohm\"",
               [](double z) { return 3e3 + 10 * uniform(z); }),
      resistor("gumbel, relative", "sigma = \"3 %\"\nlaw = \"gumbel\"",
               [](double z) { return 1e3 * (1 + 0.03 * gumbel(z)); }),
      resistor("gumbel, in ohm", "sigma = \"10 ohm\"\nlaw = \"gumbel\"",
               [](double z) { return 1e3 + 10 * gumbel(z); }),
      resistor("gumbel about a median", "sigma = \"10 ohm\"\nlaw = \"gumbel\"\nmedian = \"2 kohm\"",
               [](double z) { return 2e3 + 10 * gumbel(z); }),
  };
  expect_closed_forms(rows, "analysis = \"operating_point\"\n", "", 1e-9);
}

TEST_F(Nominals, EveryParameterStartsFromItsValueInTheCircuit) {
  const double vt = 1.380649e-23 * 300.15 / 1.602176634e-19;  // V, at 27 degC
  const auto diode_voltage = [vt](double area, double is) { return vt * std::log(1e-3 / (area * is) + 1.0); };
  const auto square_law = [](double w, double l, double vto) {
    return 0.5 * 200e-6 * w / l * std::pow(1.0 - vto, 2);
  };
  // The transistor is saturated; its current through 1 kOhm is told by a mirror of that current.
  const std::string transistor =
      "vd# d# 0 2\nvg# g# 0 1\nm# d# g# 0 0 n# w=4u l=2u\n.model n# nmos(level=1 vto=0.4 kp=200u)\n"
      "f# 0 o# vd# -1k\nr# o# 0 1";
  const auto of_transistor = [](const std::string& keys) { return variation("devices = \"m#\"\n" + keys); };
  const std::vector<Row> rows{
      {"a voltage", "v# o# 0 0.5\nr# o# 0 1k",
       variation("parameter = \"dc\"\ndevices = \"v#\"\nsigma = \"20 mV\""),
       [](double z) { return 0.5 + 0.02 * z; }},
      {"a part of a voltage", "v# o# 0 0.5\nr# o# 0 1k",
       variation("parameter = \"dc\"\ndevices = \"v#\"\nsigma = \"2 %\""),
       [](double z) { return 0.5 * (1 + 0.02 * z); }},
      {"a source without a value", "v# o# 0\nr# o# 0 1k",
       variation("parameter = \"dc\"\ndevices = \"v#\"\nsigma = \"0.005\""),
       [](double z) { return 0.005 * z; }},
      {"a current", "i# 0 o# 1m\nr# o# 0 1k",
       variation("parameter = \"dc\"\ndevices = \"i#\"\nsigma = \"10 uA\""),
       [](double z) { return 1e3 * (1e-3 + 1e-5 * z); }},
      {"a source within a subcircuit",
       ".subckt mtj# a b rp=6k tmr=1.5\nrp a x {rp}\nbt x b v=v(a,x)*v(t)\nvt t 0 {tmr}\n.ends\n"
       "x# a# s# mtj#\nva# a# 0 0.1\nvs# s# 0 0\nh# o# 0 vs# 1k",
       variation("parameter = \"dc\"\ndevices = \"x#.vt\"\nsigma = \"0.075\""),
       [](double z) { return 1e3 * 0.1 / (6e3 * (2.5 + 0.075 * z)); }},
      {"a resistor within a subcircuit", ".subckt s# a\nr1 a 0 {2*500}\n.ends\nx# o# s#\ni# 0 o# 1m",
       variation("parameter = \"R\"\ndevices = \"x#.r1\"\nsigma = \"2 %\""),
       [](double z) { return 1.0 + 0.02 * z; }},
      {"the gain of a source", "v# a# 0 0.5\ne# o# 0 a# 0 2\nr# o# 0 1k",
       variation("parameter = \"gain\"\ndevices = \"e#\"\nsigma = \"5 %\""),
       [](double z) { return 0.5 * 2.0 * (1 + 0.05 * z); }},
      {"the area of a diode", "i# 0 o# 1m\nd# o# 0 dm# area=8\n.model dm# d(is=1e-14)",
       variation("parameter = \"area\"\ndevices = \"d#\"\nsigma = \"2 %\""),
       [=](double z) { return diode_voltage(8.0 * (1 + 0.02 * z), 1e-14); }},
      {"the card of a diode", "i# 0 o# 1m\nd# o# 0 dm#\n.model dm# d(is=1e-14)",
       variation("model = \"dm#\"\nparameter = \"is\"\nsigma = \"20 %\"\nlaw = \"lognormal\""),
       [=](double z) { return diode_voltage(1.0, 1e-14 * std::exp(0.2 * z)); }},
      {"width, relative", transistor, of_transistor("parameter = \"w\"\nsigma = \"3 %\""),
       [=](double z) { return 1e3 * square_law(4e-6 * (1 + 0.03 * z), 2e-6, 0.4); }},
      {"width, in nm", transistor, of_transistor("parameter = \"W\"\nsigma = \"50 nm\""),
       [=](double z) { return 1e3 * square_law(4e-6 + 50e-9 * z, 2e-6, 0.4); }},
      {"length", transistor, of_transistor("parameter = \"l\"\nsigma = \"20 nm\""),
       [=](double z) { return 1e3 * square_law(4e-6, 2e-6 + 20e-9 * z, 0.4); }},
      {"width by Pelgrom", transistor, of_transistor("parameter = \"w\"\npelgrom = \"5 % um\""),
       [=](double z) { return 1e3 * square_law(4e-6 * (1 + 0.05 / std::sqrt(8.0) * z), 2e-6, 0.4); }},
      {"multiplicity", transistor, of_transistor("parameter = \"m\"\nsigma = \"4 %\""),
       [=](double z) { return 1e3 * square_law(4e-6, 2e-6, 0.4) * (1 + 0.04 * z); }},
      {"the card of a transistor", transistor,
       variation("model = \"n#\"\nparameter = \"vto\"\nsigma = \"20 mV\""),
       [=](double z) { return 1e3 * square_law(4e-6, 2e-6, 0.4 + 0.02 * z); }},
  };
  expect_closed_forms(rows, "analysis = \"operating_point\"\n", "", 1e-6);
}

TEST_F(Nominals, ParametersOfTheNetlistReachAllThatHangsOnThem) {
  const std::string two = ".param base#=0.4 level#={2*base#}\nv# o# 0 {level#}\nr# o# 0 1k";
  const std::vector<Row> rows{
      {"relative", two, variation("param = \"base#\"\nsigma = \"5 %\""),
       [](double z) { return 0.8 * (1 + 0.05 * z); }},
      {"absolute", two, variation("param = \"BASE#\"\nsigma = 0.01"),
       [](double z) { return 0.8 + 0.02 * z; }},
      {"uniform", two, variation("param = \"base#\"\nsigma = \"5 %\"\nlaw = \"uniform\""),
       [](double z) { return 0.8 * (1 + 0.05 * uniform(z)); }},
      {"lognormal, replaced", two,
       variation("param = \"base#\"\nsigma = \"5 %\"\nlaw = \"lognormal\"\nmedian = \"0.3\""),
       [](double z) { return 0.6 * std::exp(0.05 * z); }},
  };
  expect_closed_forms(rows, "analysis = \"operating_point\"\n", "", 1e-9);
}

TEST_F(Nominals, ReactancesStartFromTheirValues) {
  // 1 A of 1 GHz through a capacitor of 1 pF, an inductor of 1 nH.
  const double omega = 2e9 * std::acos(-1.0);
  const std::string capacitor = "i# 0 o# dc 0 ac 1\nc# o# 0 1p\nr# o# 0 1e15";
  const auto volts = [=](double farad) { return 1.0 / (omega * farad); };
  const auto of_capacitor = [](const std::string& keys) {
    return variation("parameter = \"capacitance\"\ndevices = \"c#\"\n" + keys);
  };
  const std::vector<Row> rows{
      {"relative", capacitor, of_capacitor("sigma = \"3 %\""),
       [=](double z) { return volts(1e-12 * (1 + 0.03 * z)); }},
      {"in fF", capacitor, of_capacitor("sigma = \"20 fF\""),
       [=](double z) { return volts(1e-12 + 20e-15 * z); }},
      {"lognormal", capacitor, of_capacitor("sigma = \"3 %\"\nlaw = \"lognormal\""),
       [=](double z) { return volts(1e-12 * std::exp(0.03 * z)); }},
      {"replaced", capacitor, of_capacitor("sigma = \"20 fF\"\nmedian = \"2 pF\""),
       [=](double z) { return volts(2e-12 + 20e-15 * z); }},
      {"inductance", "i# 0 o# dc 0 ac 1\nl# o# 0 1n",
       variation("parameter = \"inductance\"\ndevices = \"l#\"\nsigma = \"3 %\""),
       [=](double z) { return omega * 1e-9 * (1 + 0.03 * z); }},
  };
  expect_closed_forms(rows, "analysis = \"ac\"\nstart = \"1 GHz\"\nstop = \"2 GHz\"\npoints = 10\n",
                      "at = \"1 GHz\"\n", 1e-6);
}

}  // namespace
