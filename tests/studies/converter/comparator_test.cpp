// What is measured of the shipped comparators, against limits, other ways to measure it, and figures known of them.
#include <fmt/format.h>

#include "engine/base/sampling.hpp"
#include "engine/simulate/netlist_text.hpp"
#include "tests/netlists/ngspice_batch.hpp"
#include "tests/studies/converter/converter_fixture.hpp"

namespace flare::studies {
namespace {

struct KnownComparator {
  const char* converter;
  double common_mode;
  ProcessCorner corner;
  double offset_sigma;  // V
  double noise;         // V; 0: not known
};

// Offset spreads measured before, from 16 to 300 samples each: good to 4 ... 18 %.
constexpr KnownComparator known_comparators[] = {
    {"strongarm", 0.525, nominal_corner, 8.8e-3, 1.03e-3},
    {"strongarm", 0.7, nominal_corner, 13.0e-3, 1.88e-3},
    {"strongarm", 0.875, nominal_corner, 25.4e-3, 3.53e-3},
    {"strongarm", 0.435, cold_corner, 8.1e-3, 0.0},
    {"strongarm_slim", 0.525, nominal_corner, 8.4e-3, 0.0},
    {"strongarm_slim", 0.7, nominal_corner, 9.5e-3, 0.0},
    {"strongarm_slim", 0.875, nominal_corner, 13.9e-3, 0.0},
    {"strongarm_slim", 0.785, cold_corner, 11.6e-3, 0.0},
    {"strongarm_a", 0.525, nominal_corner, 6.0e-3, 0.80e-3},
    {"strongarm_a", 0.7, nominal_corner, 6.8e-3, 1.14e-3},
    {"strongarm_a", 0.875, nominal_corner, 10.7e-3, 1.93e-3},
    {"strongarm_a", 0.435, cold_corner, 5.7e-3, 0.0},
    {"strongarm_a", 0.785, cold_corner, 8.9e-3, 0.0},
    {"strongarm_b", 0.525, nominal_corner, 4.3e-3, 0.0},
    {"strongarm_b", 0.7, nominal_corner, 4.9e-3, 0.0},
    {"strongarm_b", 0.875, nominal_corner, 8.5e-3, 0.0},
};

TEST_F(ConverterCircuits, Explore) {
  std::vector<ComparatorPlace> places;
  for (const KnownComparator& known : known_comparators)
    places.push_back(place_of(known.converter, known.common_mode, known.corner));
  places.push_back(place_of("strongarm", 0.785, cold_corner));
  const auto times = decision_times(runs_, places);
  const auto slopes = comparator_slopes(runs_, places, times);
  const auto noise = comparator_noise(runs_, places, times, 16);
  const auto energy = decision_energies(runs_, places, times);
  const auto offsets = comparator_offsets(runs_, places, slopes, 60);
  for (std::size_t p = 0; p < places.size(); ++p) {
    fmt::print(
        "{} cm {} {}: early {:.1f} late {:.1f} decided {:.1f} ps gain {:.1f} nominal {:.2g} mV first order "
        "{:.2f} mV MC {:.2f} ({:.1f} runs) noise {:.2f} mV energy {:.2f}+{:.2f}+{:.2g} fJ\n",
        places[p].bench.part.name, places[p].bench.common_mode, places[p].bench.drive.section,
        times[p].early * 1e12, times[p].late * 1e12, times[p].decided * 1e12, slopes[p].gain,
        slopes[p].nominal * 1e3, slopes[p].first_order_sigma() * 1e3, spread(offsets[p].offsets) * 1e3,
        static_cast<double>(offsets[p].runs) / 60.0, noise[p] * 1e3, energy[p].supply * 1e15,
        energy[p].clock * 1e15, energy[p].input * 1e15);
  }
}

// ---- Noise by random sources: each transistor's current noise as a source of its own, under plain ngspice.

// "m.x0.mip" and the nodes of the comparator, by name inside.
struct Channel {
  const char *device, *drain, *source;
};
constexpr Channel channels[] = {
    {"mtail", "x0.tail", "0"}, {"mip", "x0.xn", "x0.tail"}, {"min", "x0.xp", "x0.tail"},
    {"mnn", "x0n", "x0.xn"},   {"mnp", "x0p", "x0.xp"},     {"mpn", "x0n", "vdd"},
    {"mpp", "x0p", "vdd"},     {"mrn", "x0n", "vdd"},       {"mrp", "x0p", "vdd"},
    {"mxn", "x0.xn", "vdd"},   {"mxp", "x0.xp", "vdd"}};
constexpr double random_step = 0.5e-12;

// The same circuit with commands of its own.
std::string circuit_text(const ComparatorPlace& place, const std::string& more) {
  return comparator_netlist(place.bench, 0.0,
                            fmt::format(".options temp={} method=trap reltol=1e-3 trtol=1 chgtol=1e-16\n{}",
                                        place.bench.drive.temperature, more));
}

// sqrt(2 k T (gm + gds)/step) of a channel over time as a piecewise linear source.
std::string amplitude(const netlist_test::Curve& gm, const netlist_test::Curve& gds, double temperature) {
  std::string points;
  for (std::size_t i = 0; i < gm.x.size(); ++i) {
    if (i > 0 && gm.x[i] <= gm.x[i - 1]) continue;
    const double g = std::fabs(gm.y[i]) + std::fabs(gds.y[i]);
    points += fmt::format(" {} {}", gm.x[i],
                          std::sqrt(2.0 * 1.380649e-23 * (temperature + 273.15) * g / random_step));
  }
  return points;
}

// d at `time` over `runs` random runs.
std::vector<double> random_decisions(const ComparatorPlace& place, double time, int runs) {
  std::string save;
  std::vector<std::string> files;
  for (const Channel& c : channels) {
    for (const char* g : {"gm", "gds"}) {
      files.push_back(fmt::format("{}_{}", c.device, g));
      save += fmt::format("wrdata {} @m.x0.{}[{}]\n", files.back(), c.device, g);
    }
  }
  std::string all = "save";
  for (const Channel& c : channels) all += fmt::format(" @m.x0.{0}[gm] @m.x0.{0}[gds]", c.device);
  const auto quiet = netlist_test::run_ngspice(
      circuit_text(place, fmt::format(".control\n{}\ntran 1p {} 0 2p\n{}.endc\n.end\n", all, time, save)),
      files);
  std::string noisy;
  for (const Channel& c : channels) {
    const std::string d = c.device;
    noisy += fmt::format(
        "va{0} a{0} 0 pwl({1})\nvz{0} z{0} 0 dc 0 trnoise(1 {2} 0 0)\nb{0} {3} {4} i=v(a{0})*v(z{0})\n", d,
        amplitude(quiet.curves.at(d + "_gm"), quiet.curves.at(d + "_gds"), place.bench.drive.temperature),
        random_step, c.drain, c.source);
  }
  const std::string loop = fmt::format(
      ".control\nsave x0p x0n\nlet i=0\ndestroy all\nrepeat {}\ntran 1p {} 0 {}\nlet d=x0p-x0n\nprint "
      "d[length(d)-1]\ndestroy all\nend\n.endc\n.end\n",
      runs, time, random_step);
  std::vector<double> found;
  const std::string output = netlist_test::run_ngspice(circuit_text(place, noisy + loop)).output;
  const std::string mark = "d[length(d)-1] = ";
  for (std::size_t at = output.find(mark); at != std::string::npos; at = output.find(mark, at + 1)) {
    found.push_back(std::stod(output.substr(at + mark.size(), 24)));
  }
  return found;
}

// At half the time from the clock to the early look, where d is still linear at several sigma.
TEST_F(ConverterCircuits, NoiseIsThatOfRandomSources) {
  for (const double common_mode : {0.525, 0.875}) {
    const std::vector<ComparatorPlace> places = {place_of("strongarm", common_mode)};
    auto times = decision_times(runs_, places);
    times[0].early -= 20e-12;
    const double noise = comparator_noise(runs_, places, times)[0];
    const auto slopes = comparator_slopes(runs_, places, times);
    const std::vector<double> d = random_decisions(places[0], times[0].early, 300);
    ASSERT_EQ(d.size(), 300u);
    const double random = spread(d) / slopes[0].gain;
    fmt::print("noise at {} V: {:.3f} mV, random sources {:.3f} mV (gain {:.1f})\n", common_mode, noise * 1e3,
               random * 1e3, slopes[0].gain);
    EXPECT_NEAR(random / noise, 1.0, 3.0 / std::sqrt(2.0 * 300.0));
  }
}

}  // namespace
}  // namespace flare::studies
