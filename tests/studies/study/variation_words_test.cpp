// What a study asks to vary and cannot: one line that says where, why and what to write instead, and status 2.
#include "tests/studies/circuit_fixture.hpp"

namespace {

using flare::studies::testing::cell;
using flare::studies::testing::CircuitFixture;
using flare::studies::testing::operating_point;
using flare::studies::testing::plain;
using flare::studies::testing::varies;
using ::testing::HasSubstr;

constexpr const char* parts =
    ".param gain=1\n.model d d(is=1e-14)\n.model n nmos(level=1 vto=0.4 kp=200u)\ni1 0 o 1m\nr1 o 0 1k\nv0 z "
    "0 0\nrz z 0 1\n"
    "d1 o 0 d\nm1 o z 0 0 n w=4u l=2u\n.subckt s a\n.param inner=1k\nr1 a 0 {inner}\n.ends\nx1 o s";

struct Refused {
  std::string variation;
  std::string place;
  std::string words;
};

class VariationWords : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write("cell.cir", cell(parts));
  }
};

TEST_F(VariationWords, SayWhereAndWhatIsTakenInstead) {
  const std::string resistor = varies("resistance", "r1", "1 %");
  const auto param = [](const std::string& name, const std::string& sigma) {
    return "[[variation]]\nparam = \"" + name + "\"\nsigma = " + sigma + "\n";
  };
  for (const auto& [variation, place, words] : std::initializer_list<Refused>{
           {varies("resistance", "r1", "10 V"), "variation[0].sigma", "expected a quantity in Ohm"},
           {varies("resistance", "q1", "1 %"), "variation[0].devices", "did you mean 'r1'"},
           {varies("resistence", "r1", "1 %"), "r1.resistence", "no parameter 'resistence'"},
           {varies("w", "r1", "1 %"), "variation[0].devices", "fits no device"},
           {varies("w", "m1", "5"), "variation[0].sigma", "has no unit"},
           {varies("vth", "m1", "1 %"), "variation[0].sigma", "write it in V"},
           {varies("vth", "m1", "20"), "variation[0].sigma", "has no unit"},
           {varies("vth", "m1", "20 mV"), "model n, nmos level 1", "no threshold shift per instance"},
           {varies("vth", "m1", "20 mV"), "model n, nmos level 1", "source in series with its gate"},
           {varies("beta", "m1", "1 %"), "model n, nmos level 1", "no mobility factor per instance"},
           {varies("dc", "v0", "1 %"), "v0.dc", "which is 0 in the circuit"},
           {resistor + "effect = \"shift\"\n", "variation[0].effect", "a percentage scales"},
           {resistor + "effect = \"replace\"\n", "variation[0]", "needs 'median'"},
           {resistor + "effect = \"multiply\"\n", "variation[0].effect", "shift, scale, replace"},
           {resistor + "law = \"gauss\"\n", "variation[0].law", "normal, lognormal, uniform, gumbel"},
           {varies("resistance", "r1", "1 ohm") + "law = \"lognormal\"\n", "variation[0].sigma",
            "without unit"},
           {varies("resistance", "r1", "1 ohm") + "effect = \"scale\"\n", "variation[0].effect",
            "relative 'sigma'"},
           {varies("resistance", "r1", "0 %"), "variation[0].sigma", "above 0"},
           {varies("resistance", "r1", "1 %") + "pelgrom = \"1 % um\"\n", "variation[0]", "either 'pelgrom'"},
           {"[[variation]]\nparameter = \"vth\"\npelgrom = \"20 mV\"\n", "variation[0].pelgrom", "V m"},
           {"[[variation]]\nparameter = \"vth\"\nscope = \"die\"\npelgrom = \"1 mV um\"\n",
            "variation[0].pelgrom", "single devices"},
           {param("gian", "\"1 %\""), "variation[0].param", "did you mean 'gain'"},
           {param("inner", "\"1 %\""), "variation[0].param", "top level"},
           {param("gain", "\"1 V\""), "variation[0].sigma", "plain number"},
           {param("gain", "\"1 %\"") + "scope = \"instance\"\n", "variation[0].scope",
            "its scope is \"die\""},
           {param("gain", "\"1 %\"") + "devices = \"r1\"\n", "variation[0]", "give one of them"},
           {"[[variation]]\nmodel = \"dd\"\nparameter = \"is\"\nsigma = \"1 %\"\n", "variation[0].model",
            "did you mean 'd'"},
           {"[[variation]]\nmodel = \"d\"\nparameter = \"isx\"\nsigma = \"1 %\"\n", "d.isx",
            "no value of d[isx]"},
           {"[[die]]\nsource = \"v1\"\nsigma = \"1 mV\"\n", "die[0].source", "did you mean"},
           {"[[die]]\nsigma = \"1 mV\"\n", "die[0]", "temperature = true"},
           {varies("resistance", "r1", "1 %") + "median = \"1 kohm\"\n" + varies("r", "r1", "2 %") +
                "median = \"2 kohm\"\n",
            "r1.resistance and r1.r", "both replace r1[resistance]"},
       }) {
    const std::string said = refusal(operating_point("v(o)") + variation);
    EXPECT_THAT(said, HasSubstr(place)) << variation;
    EXPECT_THAT(said, HasSubstr(words)) << variation;
  }
}

TEST_F(VariationWords, ATableOrAKeyThatIsMisspeltIsSuggested) {
  const std::string study = operating_point("v(o)") + varies("resistance", "r1", "1 %");
  EXPECT_THAT(refusal(study + "[corner]\ntemperature = [\"27 degC\"]\n"),
              HasSubstr("did you mean 'corners'"));
  EXPECT_THAT(refusal(study + "[estimater]\nruns = 20\n"), HasSubstr("did you mean 'estimator'"));
  EXPECT_THAT(refusal(study + "[simulater]\nreltol = 1e-3\n"), HasSubstr("did you mean 'simulator'"));
  EXPECT_THAT(refusal(study + "sgima = \"2 %\"\n"), HasSubstr("did you mean 'sigma'"));
  EXPECT_THAT(refusal(study + "[corners]\ntemperature = [27]\n"),
              ::testing::AllOf(HasSubstr("corners.temperature"), HasSubstr("with its unit")));
  EXPECT_THAT(refusal(operating_point("v(o)", "\"10 A\"") + varies("resistance", "r1", "1 %")),
              HasSubstr("expected a quantity in V"));
}

TEST_F(VariationWords, ASimulatorsRefusalIsBadInputInItsOwnWords) {
  write("cell.cir", cell("i1 0 o 1m\nr1 o 0 1k\nb1 x 0 v=nosuch(v(o))"));
  EXPECT_THAT(refusal(operating_point("v(o)") + varies("resistance", "r1", "1 %")),
              HasSubstr("ngspice does not load the netlist: Error: no such function 'nosuch'"));
}

// A spread so wide that a resistance becomes negative: such a sample has no answer, counts against the circuit, and the
// reason is said.
TEST_F(VariationWords, AValueThatCannotBeHasNoAnswer) {
  const flare::studies::testing::Ended ended =
      run_study(operating_point("v(o)") + varies("resistance", "r1", "80 %") + plain(40));
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out, HasSubstr("r1[resistance] would be -"));
  EXPECT_THAT(ended.out, HasSubstr("a law such as lognormal keeps it above zero"));
  const flare::studies::testing::Samples s = samples();
  int negative = 0;
  for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
    EXPECT_EQ(std::isnan(s.measures(r, 0)), 1.0 + 0.8 * s.z(r, 0) <= 0.0);
    negative += std::isnan(s.measures(r, 0)) ? 1 : 0;
  }
  EXPECT_GT(negative, 0);
  EXPECT_EQ(failures().integers("unknown")[0], negative);
  EXPECT_EQ(failures().texts("status")[0], "bound");
  EXPECT_GT(failures().numbers("p")[0], negative / 40.0);
}

}  // namespace
