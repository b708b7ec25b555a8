// A whole flash converter on a bitline: what its comparators do to it and to one another.
#include <algorithm>

#include "studies/converter/flash_measurement.hpp"
#include "tests/studies/converter/converter_fixture.hpp"

namespace flare::studies {
namespace {

class FlashCircuit : public ConverterCircuits {
 protected:
  FlashBench bench_of(const std::string& converter, int count, bool stiff = false) const {
    FlashBench bench{shipped_converter(converter), drive_at(nominal_corner), {}, 70e-15, stiff};
    for (int k = 1; k <= count; ++k) bench.references.push_back(0.9 - (k - 0.5) * 0.05);
    return bench;
  }

  std::vector<double> kicks(const FlashBench& bench, const std::string& stream) {
    std::vector<ComparatorPlace> places;
    for (const double reference : bench.references)
      places.push_back({{bench.part, bench.drive, reference}, stream, ""});
    return flash_kicks(runs_, bench, stream, decision_times(runs_, places));
  }
};

TEST_F(FlashCircuit, Explore) {
  for (const char* name : {"flash", "flash_shipped"}) {
    for (const bool stiff : {true, false}) {
      const auto k = kicks(bench_of(name, 8, stiff), fmt::format("{}{}", name, stiff));
      fmt::print("{} stiff {}: {:.2f} mV\n", name, stiff,
                 fmt::join(
                     [&] {
                       std::vector<double> mv;
                       for (double x : k) mv.push_back(x * 1e3);
                       return mv;
                     }(),
                     " "));
    }
  }
  const auto bench = bench_of("flash", 8);
  const auto e = std::make_shared<engine::Testbench>(flash_energy_testbench(bench, 0.7, 260e-12));
  const auto l = std::make_shared<engine::Testbench>(flash_load_testbench(bench));
  const auto r = make_({{"e", 0, e, engine::Matrix(1, 0)}, {"l", 0, l, engine::Matrix(1, 0)}});
  fmt::print("energy {:.2f} + {:.2f} fJ load {:.2f} fF\n", r[0][0].measures[0] * 1e15,
             r[0][0].measures[1] * 1e15, r[1][0].measures[0] / 0.35 * 1e15);
}

}  // namespace
}  // namespace flare::studies
