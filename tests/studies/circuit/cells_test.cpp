// Transistor circuits as designers bring them, against plain ngspice: a cell that is written or not, a chain of inverters, a
// ring, a butterfly.
#include <cmath>

#include "tests/netlists/ngspice_batch.hpp"
#include "tests/studies/circuit_fixture.hpp"

namespace {

using flare::studies::testing::cell;
using flare::studies::testing::CircuitFixture;
using flare::studies::testing::plain;
using flare::studies::testing::Samples;
using ::testing::HasSubstr;

const std::string models =
    ".model nch nmos level=54 version=4.8.0 toxe=1.8n vth0=0.40 u0=0.030 vsat=1e5\n"
    ".model pch pmos level=54 version=4.8.0 toxe=1.8n vth0=-0.40 u0=0.012 vsat=1e5\n";
const std::string inverter =
    ".subckt inv a y v\nmp y a v v pch w=400n l=60n\nmn y a 0 0 nch w=200n l=60n\nc y 0 2f\n.ends\n";

std::string mismatch(const std::string& pelgrom) {
  return "[[variation]]\nparameter = \"vth\"\npelgrom = \"" + pelgrom + "\"\n";
}

/// A measure of plain ngspice's own, without variation.
double measured_by_ngspice(const std::string& lines, const std::string& analysis,
                           const std::string& measure) {
  return flare::netlist_test::run_ngspice("t\n" + lines + ".options method=trap reltol=1e-5\n.control\n" +
                                          analysis + "\nmeas " + measure + "\n.endc\n.end\n")
      .measures.at("m");
}

class Cells : public CircuitFixture {
 protected:
  static std::string circuit(const std::string& stop) {
    return "[circuit]\nnetlist = \"cell.cir\"\nstop = \"" + stop + "\"\nstep = \"5 ps\"\n";
  }
  static std::string crossing(const std::string& name, const std::string& node, const std::string& level,
                              const std::string& edge) {
    return "[[measure]]\nname = \"" + name + "\"\nkind = \"crossing\"\nvector = \"v(" + node +
           ")\"\nlevel = \"" + level + "\"\nedge = \"" + edge + "\"\n";
  }
};

// A 0 written over a 1, the word line weak enough for about half of the cells.
std::string write_circuit(const std::string& word_line) {
  return models + "vdd vdd 0 0.9\nvwl wl 0 pulse(0 " + word_line +
         " 50p 10p 10p 120p 10n)\nvbl bl 0 0\nvblb blb 0 0.9\n"
         "mpl q qb vdd vdd pch w=200n l=60n\nmnl q qb 0 0 nch w=200n l=60n\nmpr qb q vdd vdd pch w=200n "
         "l=60n\n"
         "mnr qb q 0 0 nch w=200n l=60n\nmal bl wl q 0 nch w=120n l=60n\nmar blb wl qb 0 nch w=120n l=60n\n"
         "cq q 0 0.2f\ncqb qb 0 0.2f\n.ic v(q)=0.9 v(qb)=0\n";
}

TEST_F(Cells, AWriteTimeThatDoesNotExistDiscardsNoCell) {
  write("cell.cir", cell(write_circuit("0.82")));
  study_runs(circuit("500 ps") + "[[measure]]\nname = \"q_end\"\nvector = \"v(q)\"\n" +
             crossing("write_time", "q", "0.1 V", "fall") +
             "[failing]\nmeasure = \"q_end\"\nabove = \"0.45 V\"\n" + mismatch("3.5 mV um") + plain(200));
  EXPECT_EQ(failures().integers("unknown")[0], 0);
  expect_probability(0.47);  // 94 of 200 cells of plain ngspice end above 0.45 V
  const Samples s = samples();
  for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
    if (s.measures(r, 0) < 0.45) continue;
    EXPECT_TRUE(std::isnan(s.measures(r, 1))) << r;
  }
}

TEST_F(Cells, ACellThatIsNeverWrittenIsTooLate) {
  write("cell.cir", cell(write_circuit("0.85")));
  const std::string late = circuit("500 ps") + crossing("t", "q", "0.1 V", "fall") +
                           "[failing]\nabove = \"400 ps\"\n" + mismatch("3.5 mV um") + plain(150);
  EXPECT_THAT(run_study(late).out, HasSubstr("unmeasured = \"fails\""));
  study_runs(late, "--set failing.unmeasured=fails");
  const double by_time = failures().numbers("p")[0];
  EXPECT_EQ(failures().integers("unknown")[0], 0);
  // The same asked of the level at that time.
  study_runs(circuit("500 ps") +
             "[[measure]]\nname = \"q\"\nvector = \"v(q)\"\nat = \"400 ps\"\n"
             "[failing]\nabove = \"0.1 V\"\n" +
             mismatch("3.5 mV um") + plain(150));
  EXPECT_EQ(failures().numbers("p")[0], by_time);
  EXPECT_GT(by_time, 0.1);
}

TEST_F(Cells, ADelayBetweenTwoNodesThatBothMove) {
  const std::string chain =
      models + inverter +
      "vdd vdd 0 0.9\nvin a 0 pulse(0 0.9 20p 5p 5p 1n)\nx1 a b vdd inv\nx2 b c vdd inv\n";
  write("cell.cir", cell(chain));
  study_runs(circuit("300 ps") + crossing("t_b", "b", "0.45 V", "fall") +
             crossing("t_c", "c", "0.45 V", "rise") +
             "[failing]\nmeasure = \"t_c - t_b\"\nabove = \"80 ps\"\n" + mismatch("3 mV um") + plain(300));
  expect_probability(0.110);  // 66 of 600, trig and targ of plain ngspice
  const double nominal = measured_by_ngspice(chain, "tran 0.2p 300p",
                                             "tran m trig v(b) val=0.45 fall=1 targ v(c) val=0.45 rise=1");
  const Samples s = samples();
  EXPECT_NEAR(s.measures.col(2).mean(), nominal, 0.02 * nominal);
}

TEST_F(Cells, ThePeriodOfARing) {
  const std::string ring =
      models + inverter +
      "vdd vdd 0 0.9\nx1 n1 n2 vdd inv\nx2 n2 n3 vdd inv\nx3 n3 n1 vdd inv\n.ic v(n1)=0\n";
  write("cell.cir", cell(ring));
  study_runs(circuit("1.5 ns") +
             "[[measure]]\nname = \"period\"\nkind = \"period\"\nvector = \"v(n1)\"\n"
             "level = \"0.45 V\"\nfrom = \"300 ps\"\n[failing]\nabove = \"1 ns\"\n" +
             mismatch("0.001 mV um") + plain(20));
  const double right = measured_by_ngspice(ring, "tran 0.5p 1.5n",
                                           "tran m trig v(n1) val=0.45 rise=2 targ v(n1) val=0.45 rise=3");
  EXPECT_NEAR(value(), right, 2e-3 * right);
}

TEST_F(Cells, TheSmallerLobeOfAButterfly) {
  // Two read inverters over one sweep: where each crosses the diagonal, and the lower of the two.
  const std::string halves =
      models +
      "vdd vdd 0 0.9\nvin in 0 0\n"
      "mpl a in vdd vdd pch w=100n l=60n\nmnl a in 0 0 nch w=200n l=60n\nmal vdd vdd a 0 nch w=120n l=60n\n"
      "mpr b in vdd vdd pch w=100n l=60n\nmnr b in 0 0 nch w=260n l=60n\nmar vdd vdd b 0 nch w=120n l=60n\n";
  write("cell.cir", cell(halves));
  const auto threshold = [](const std::string& node) {
    return "[[measure]]\nname = \"" + node + "\"\nkind = \"crossing\"\nvector = \"v(" + node +
           ",in)\"\nlevel = \"0 V\"\n";
  };
  study_runs(
      "[circuit]\nnetlist = \"cell.cir\"\nanalysis = \"dc\"\nsweep = \"vin\"\nstart = \"0 V\"\nstop = \"0.9 "
      "V\"\n"
      "step = \"5 mV\"\n" +
      threshold("a") + threshold("b") + "[failing]\nmeasure = \"min(a, b)\"\nbelow = \"0.1 V\"\n" +
      mismatch("0.0001 mV um") + plain(20));
  const Samples s = samples();
  for (const auto& [column, node] : {std::pair{0, "a"}, {1, "b"}}) {
    const double right = measured_by_ngspice(
        halves, "dc vin 0 0.9 0.005\nlet d = v(" + std::string(node) + ") - v(in)", "dc m when d=0 cross=1");
    EXPECT_NEAR(s.measures.col(column).mean(), right, 1e-5);
  }
  for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
    EXPECT_LT(s.measures(r, 1), s.measures(r, 0));  // the stronger driver gives way earlier
    EXPECT_EQ(s.measures(r, 2), s.measures(r, 1));
  }
}

}  // namespace
