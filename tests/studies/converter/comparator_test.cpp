// What is measured of the shipped comparators, against limits, other ways to measure it, and figures known of them.
#include <fmt/format.h>

#include "tests/studies/converter/converter_fixture.hpp"

namespace flare::studies {
namespace {

TEST_F(ConverterCircuits, Explore) {
  std::vector<ComparatorPlace> places;
  for (const char* name : {"strongarm", "strongarm_slim", "strongarm_a", "strongarm_b"}) {
    for (const double cm : {0.525, 0.7, 0.875}) places.push_back(place_of(name, cm));
    for (const double cm : {0.435, 0.785}) places.push_back(place_of(name, cm, cold_corner));
  }
  const auto times = decision_times(runs_, places);
  const auto slopes = comparator_slopes(runs_, places, times);
  const auto noise = comparator_noise(runs_, places, times);
  const auto energy = decision_energies(runs_, places, times);
  const auto offsets = comparator_offsets(runs_, places, slopes, 40);
  for (std::size_t p = 0; p < places.size(); ++p) {
    fmt::print(
        "{} cm {} {}: early {:.1f} late {:.1f} decided {:.1f} ps gain {:.1f} nominal {:.2g} mV first order "
        "{:.2f} mV MC {:.2f} ({:.1f} runs) noise {:.2f} mV energy {:.2f}+{:.2f}+{:.2g} fJ area {:.3f}\n",
        places[p].bench.part.name, places[p].bench.common_mode, places[p].bench.drive.section,
        times[p].early * 1e12, times[p].late * 1e12, times[p].decided * 1e12, slopes[p].gain * 1e3,
        slopes[p].nominal, slopes[p].first_order_sigma() * 1e3, spread(offsets[p].offsets) * 1e3,
        static_cast<double>(offsets[p].runs) / 40.0, noise[p] * 1e3, energy[p].supply * 1e15,
        energy[p].clock * 1e15, energy[p].input * 1e15, comparator_area(runs_, places[p]) * 1e12);
  }
}

}  // namespace
}  // namespace flare::studies
