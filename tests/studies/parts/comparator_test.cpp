// The StrongARM comparator, built from its manifest, under plain ngspice.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "studies/parts/converter_part.hpp"
#include "tests/netlists/ngspice_batch.hpp"

namespace flare {
namespace {

// outp - outn, V, 500 ps after the clock edge for each differential input, V.
std::vector<double> decisions(const std::vector<double>& inputs, double common,
                              const std::string& alter = "") {
  const studies::ConverterPart part = studies::shipped_converter("strongarm");
  std::string netlist = fmt::format(
      "strongarm\n.lib \"{}\" tt\n.include \"{}\"\n"
      "vdd vdd 0 0.9\nvcm cm 0 {}\nvd inp cm 0\nvn inn cm 0\nvclk clk 0 pwl(0 0 50p 0 70p 0.9)\n"
      "cp outp 0 1f\ncn outn 0 1f\nbd d 0 v=v(outp)-v(outn)\n",
      (netlist_test::netlist_folder() / "cards/cmos28.lib").string(), part.netlist.string(), common);
  netlist += studies::call_line("x0", part.comparator,
                                {{"input", "inp"},
                                 {"reference", "inn"},
                                 {"clock", "clk"},
                                 {"output", "outp"},
                                 {"output_bar", "outn"},
                                 {"supply", "vdd"},
                                 {"ground", "0"}},
                                part.sizes);
  netlist += ".control\n" + alter;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    netlist += fmt::format("alter vd {}\ntran 5p 600p 0 5p\nmeas tran d{} find v(d) at=570p\n", inputs[i], i);
  }
  const auto measures = netlist_test::run_ngspice(netlist + ".endc\n.end\n").measures;
  std::vector<double> out;
  for (std::size_t i = 0; i < inputs.size(); ++i) out.push_back(measures.at(fmt::format("d{}", i)));
  return out;
}

TEST(StrongArm, DecidesTheSignOfItsInputOverTheRangeOfTheBitline) {
  const std::vector<double> inputs = {-50e-3, -5e-3, -0.2e-3, 0.2e-3, 5e-3, 50e-3};
  for (const double common : {0.5, 0.7, 0.9}) {
    const auto out = decisions(inputs, common);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_GT(inputs[i] > 0 ? out[i] : -out[i], 0.8) << inputs[i] << " V at " << common << " V";
    }
  }
}

// 5 mV on one transistor of the input pair is an offset of about 5 mV, on the other one of about -5 mV.
TEST(StrongArm, OffsetIsThatOfTheInputPair) {
  const auto out = decisions({4e-3, 7e-3}, 0.7, "alter @m.x0.mip[delvto] = 0.005\n");
  EXPECT_LT(out[0], -0.8);
  EXPECT_GT(out[1], 0.8);
  const auto other = decisions({-7e-3, -4e-3}, 0.7, "alter @m.x0.min[delvto] = 0.005\n");
  EXPECT_LT(other[0], -0.8);
  EXPECT_GT(other[1], 0.8);
}

}  // namespace
}  // namespace flare
