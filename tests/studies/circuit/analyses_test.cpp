// Noise, searches and small-signal measures of circuits whose answers are closed forms, and of the gallery.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/netlists/ngspice_batch.hpp"
#include "tests/studies/circuit_fixture.hpp"

namespace flare::studies::testing {
namespace {

using ::testing::HasSubstr;

constexpr double boltzmann = 1.380649e-23;

class Analyses : public CircuitFixture {
 protected:
  /// Exact sigma of row `row` of /specs of a study of the gallery; `numerical`: what its own analysis leaves open.
  void expect_gallery(const std::string& study, std::size_t row, double exact, double numerical = 0.0) const {
    const Ended ended =
        run({"run", source("studies/gallery/" + study + ".toml"), "-o", "o.h5", "--fresh", "-j", "1"});
    ASSERT_EQ(ended.status, 0) << ended.out;
    const engine::Table specs = engine::read_table(engine::open_result(folder_ / "o.h5"), "/specs");
    const double sigma = specs.numbers("sigma")[row];
    EXPECT_EQ(specs.texts("status")[row], "estimated");
    EXPECT_GT(sigma + 1.6 * (specs.numbers("sigma_high")[row] - sigma) + numerical, exact);
    EXPECT_LT(sigma - numerical - 1.6 * (sigma - specs.numbers("sigma_low")[row]), exact);
  }
};

// ln of the corner frequency is normal, 5 % wide: P(f < 0.75 MHz) + P(f > 1.3 MHz), nearly all of it the second.
TEST_F(Analyses, CornerFrequencyOfAnRC) {
  const double both = phi(-std::log(1.3) / 0.05) + phi(std::log(0.75) / 0.05);
  expect_gallery("rc_corner", 0, -quantile(boost::math::normal(), both));
  const engine::Table limits = engine::read_table(engine::open_result(folder_ / "o.h5"), "/limits");
  const double exact = 1e6 * std::exp(-4.0 * 0.05);
  const double limit = limits.numbers("limit")[0];
  EXPECT_GT(limit + 1.6 * (limits.numbers("limit_high")[0] - limit), exact);
  EXPECT_LT(limit - 1.6 * (limit - limits.numbers("limit_low")[0]), exact);
}

// sqrt(kT/C) over all frequencies: the noise of a sample is that of its capacitor, to what the sweep leaves out.
TEST_F(Analyses, NoiseOfASampledCapacitor) {
  const double c0 = 159.15494e-12;
  const double noise = std::sqrt(boltzmann * 300.15 / c0);
  expect_gallery("ktc_noise", 0, 2.0 * std::log(5.6e-6 / noise) / 0.03, 0.015);
  const H5::H5File file = engine::open_result(folder_ / "o.h5");
  const std::string path = "/points/rc/netlist/samples";
  const engine::Matrix z = engine::read_matrix(file, path + "/parameters");
  const engine::Matrix measures = engine::read_matrix(file, path + "/measures");
  for (Eigen::Index i = 0; i < z.rows(); ++i) {
    const double exact = std::sqrt(boltzmann * 300.15 / (c0 * std::exp(0.03 * z(i, 0))));
    EXPECT_NEAR(measures(i, 0), exact, 2e-4 * exact);
  }
}

// out = 2 (in + e): it crosses 0.5 V at in = 0.25 V - e.
TEST_F(Analyses, ASearchFindsTheInputToItsResolution) {
  write("cell.cir", cell("vin in 0 0.1\nve e 0 0\nb1 out 0 v=2*(v(in)+v(e))\nr1 out 0 1k"));
  const std::string study =
      "seed = 1\n[circuit]\nnetlist = \"cell.cir\"\nanalysis = \"operating_point\"\n[[measure]]\nname = "
      "\"flip\"\nkind = "
      "\"search\"\nvector = \"v(out)\"\nlevel = \"0.5 V\"\nsource = \"vin\"\nfrom = \"0 V\"\nto = \"1 "
      "V\"\nresolution = "
      "\"1 mV\"\n[[measure]]\nname = \"out\"\nvector = \"v(out)\"\n[[spec]]\nmeasure = \"flip\"\nmin = \"0.1 "
      "V\"\n[[die]]\n"
      "source = \"ve\"\nsigma = \"20 mV\"\n";
  study_runs(study + plain(40));
  const Samples s = samples("netlist");
  for (Eigen::Index i = 0; i < s.z.rows(); ++i) {
    EXPECT_NEAR(s.measures(i, 0), 0.25 - 0.02 * s.z(i, 0), 0.5e-3 + 1e-9);
    EXPECT_NEAR(s.measures(i, 1), 2.0 * (0.1 + 0.02 * s.z(i, 0)), 1e-6) << "the source is as it was";
  }
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = study;
    other.replace(other.find(from), from.size(), to);
    return refusal(other);
  };
  EXPECT_THAT(changed("to = \"1 V\"", "to = \"0.2 V\""), HasSubstr("'flip' never flips"));
  EXPECT_THAT(changed("to = \"1 V\"", "to = \"0.2 V\""), HasSubstr("s.toml:5: measure[0]"));
  EXPECT_THAT(changed("source = \"vin\"", "source = \"vinn\""), HasSubstr("did you mean 'vin'?"));
}

// A square-law inverter: vm = (vdd - |vtp| + r vtn) / (1 + r), r the root of the ratio of the currents; vtn alone varies.
TEST_F(Analyses, TripPointOfASquareLawInverter) {
  write(
      "cell.cir",
      cell(
          ".model n nmos level=1 vto=0.4 kp=200u lambda=0\n.model p pmos level=1 vto=-0.35 kp=100u lambda=0\n"
          "vdd vdd 0 1.2\nvin in 0 0\nmn out in 0 0 n w=1u l=1u\nmp out in vdd vdd p w=1u l=1u\n"
          "rl out 0 1e9"));
  study_runs(
      "[circuit]\nnetlist = \"cell.cir\"\nanalysis = \"dc\"\nsweep = \"vin\"\nstart = \"0 V\"\nstop = \"1.2 "
      "V\"\nstep = \"2 "
      "mV\"\n[[measure]]\nname = \"trip\"\nkind = \"crossing\"\nvector = \"v(out,in)\"\nlevel = \"0 "
      "V\"\n[[spec]]\nmeasure = "
      "\"trip\"\nmin = \"0.1 V\"\n[[variation]]\nmodel = \"n\"\nparameter = \"vto\"\nsigma = \"30 mV\"\n" +
      plain(20));
  const Samples s = samples("netlist");
  const double r = std::sqrt(2.0);
  for (Eigen::Index i = 0; i < s.z.rows(); ++i) {
    const double vtn = 0.4 + 0.03 * s.z(i, 0);
    EXPECT_NEAR(s.measures(i, 0), (1.2 - 0.35 + r * vtn) / (1.0 + r), 1e-3);
  }
}

/// What plain ngspice says of a bench of the gallery.
double plain_ngspice(const std::string& bench, const std::string& commands, const std::string& name) {
  std::ifstream in(std::string(FLARE_SOURCE_DIR) + "/netlists/benches/" + bench + ".cir");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  for (const std::string folder : {"../cards/", "../cells/", "../converters/"}) {
    for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder))
      text.replace(at, 3, std::string(FLARE_SOURCE_DIR) + "/netlists/");
  }
  text.replace(text.rfind(".end"), 4, ".control\n" + commands + "\n.endc\n.end");
  return netlist_test::run_ngspice(text).measures.at(name);
}

// Without variation the program's measures are those of plain ngspice's own measure statements.
TEST_F(Analyses, TheGalleryWithoutVariationIsPlainNgspices) {
  struct Case {
    const char* study;
    const char* bench;
    const char* commands;
    const char* name;
    double tolerance;
  };
  for (const Case& c :
       {Case{"ota", "ota_loop", "ac dec 20 1k 10g\nmeas ac gain find vdb(out) at=1k", "gain", 1e-4},
        Case{"inverter_trip", "inverter", "dc vin 0 0.9 5m\nlet d=v(out)-v(in)\nmeas dc trip when d=0",
             "trip", 1e-4},
        Case{"sram6t_write", "sram6t_flip",
             // Steps a tenth of the study's: plain ngspice has settled then.
             "tran 0.005n 33n 0 0.005n\nmeas tran margin find v(bl) when v(d)=0 fall=1", "margin", 1e-3},
        Case{"ring5", "ring5",
             "tran 0.2p 400p 0 0.2p uic\nmeas tran period trig v(n1) val=0.45 rise=2 targ v(n1) val=0.45 "
             "rise=3",
             "period", 5e-3}}) {
    const Ended ended = run({"run", source(std::string("studies/gallery/") + c.study + ".toml"), "-o",
                             std::string(c.study) + ".h5", "-j", "1", "--set", "estimator.method=fit",
                             "--set", "estimator.runs=40", "--set", "variation[0].pelgrom=0.0001 mV um",
                             "--set", "variation[1].pelgrom=0.0001 % um"});
    ASSERT_EQ(ended.status, 0) << ended.out;
    const H5::H5File file = engine::open_result(folder_ / (std::string(c.study) + ".h5"));
    const std::string path = std::string("/points/") + c.bench + "/tt_0.90V_27C/samples/measures";
    const std::vector<std::string> names = engine::read_texts(file, path, "names");
    const auto column = std::find(names.begin(), names.end(), c.name) - names.begin();
    const double expected = plain_ngspice(c.bench, c.commands, c.name);
    EXPECT_NEAR(engine::read_matrix(file, path)(0, column), expected, c.tolerance * std::abs(expected))
        << c.study;
  }
}

// The largest square by two noise sources is the margin of the rotated curves: 2 mV of some 100.
TEST_F(Analyses, TwoWaysToAStaticNoiseMargin) {
  const auto margin = [&](const std::string& study, const std::string& bench, const std::string& name) {
    const Ended ended = run({"run",   source(study),
                             "-o",    bench + ".h5",
                             "-j",    "1",
                             "--set", "estimator.method=monte_carlo",
                             "--set", "estimator.runs=20",
                             "--set", "variation[0].pelgrom=0.005 mV um",
                             "--set", "variation[1].pelgrom=0.0001 % um",
                             "--set", "corners.process=tt",
                             "--set", "corners.supply=0.9 V",
                             "--set", "corners.temperature=27 degC"});
    EXPECT_EQ(ended.status, 0) << ended.out;
    const H5::H5File file = engine::open_result(folder_ / (bench + ".h5"));
    const std::string path = "/points/" + bench + "/tt_0.90V_27C/samples/measures";
    const std::vector<std::string> names = engine::read_texts(file, path, "names");
    return engine::read_matrix(file, path)(0, std::find(names.begin(), names.end(), name) - names.begin());
  };
  const double curves = margin("studies/sram6t_snm.toml", "sram6t_snm", "snm");
  const double square = margin("studies/gallery/sram6t_square.toml", "sram6t_noise", "snm");
  EXPECT_NEAR(square, curves, 2e-3);
  EXPECT_GT(curves, 0.05);
}

}  // namespace
}  // namespace flare::studies::testing
