// Whole converters under the plain ngspice program: the same numbers as in a study.
#include "engine/simulate/netlist_text.hpp"
#include "studies/converter/flash_bench.hpp"
#include "studies/converter/sar_bench.hpp"
#include "tests/netlists/ngspice_batch.hpp"
#include "tests/studies/converter/converter_fixture.hpp"

namespace flare::studies {
namespace {

class PlainConverters : public ConverterCircuits {
 protected:
  // Every measure of a testbench as it stands, here and there.
  void expect_same(engine::Testbench bench) {
    bench.knobs.clear();
    bench.variables.clear();
    const auto plain = netlist_test::run_ngspice(engine::netlist_text(bench)).measures;
    const auto shared = std::make_shared<const engine::Testbench>(bench);
    const auto run = make_({{bench.name, 0, shared, engine::Matrix(1, 0)}})[0][0];
    for (std::size_t m = 0; m < bench.measures.size(); ++m) {
      const double expected = run.measures[m];
      // ngspice's own integrals end with whole time steps.
      EXPECT_NEAR(plain.at(bench.measures[m].name), expected, 3e-3 * std::fabs(expected) + 1e-18)
          << bench.measures[m].name;
    }
  }
};

TEST_F(PlainConverters, AFlashIsTheSame) {
  for (const char* name : {"flash", "flash_ladder"}) {
    const FlashBench bench{
        shipped_converter(name), drive_at(nominal_corner), {0.875, 0.825, 0.775}, 70e-15, false};
    expect_same(flash_energy_testbench(bench, 0.8, 240e-12));
    expect_same(flash_load_testbench(bench));
  }
}

TEST_F(PlainConverters, ASarIsTheSame) {
  expect_same(
      sar_testbench({shipped_converter("sar"), drive_at(nominal_corner), 0.6, 145e-12, {}, 1.0}, 0.6));
}

}  // namespace
}  // namespace flare::studies
