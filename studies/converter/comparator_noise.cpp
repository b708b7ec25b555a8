#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "studies/converter/comparator_study.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

namespace {

constexpr double boltzmann = 1.380649e-23;  // J/K
constexpr double gamma_noise = 1.0;         // of the channel's thermal noise over 4kT gm
constexpr double before_clock = 15e-12;  // charge put on a node earlier is gone: it is held by its precharge
constexpr double charge = 0.25;          // aC to either side: d stays linear at every instant

/// A transistor of the comparator and the nodes its noise current flows between; empty: held by a source.
struct NoisyDevice {
  std::string name, drain, source;
};

/// Transistors of x0; nodes that a source holds do not move.
std::vector<NoisyDevice> noisy_devices(const engine::Circuit& circuit) {
  std::set<std::string> held = {"0", "gnd"};
  for (const engine::CircuitDevice& device : circuit.devices()) {
    if (device.type == 'v') held.insert(device.nodes.begin(), device.nodes.end());
  }
  const auto free_node = [&](const std::string& node) { return held.contains(node) ? std::string() : node; };
  std::vector<NoisyDevice> found;
  for (const engine::CircuitDevice& device : circuit.devices()) {
    if (device.type != 'm' || device.nodes.size() < 3) continue;
    found.push_back({device.name, free_node(device.nodes[0]), free_node(device.nodes[2])});
  }
  return found;
}

std::set<std::string> nodes_of(const std::vector<NoisyDevice>& devices) {
  std::set<std::string> nodes;
  for (const NoisyDevice& device : devices) {
    for (const std::string& node : {device.drain, device.source}) {
      if (!node.empty()) nodes.insert(node);
    }
  }
  return nodes;
}

/// Middles of equal pieces from before the clock to where d is looked at.
std::vector<double> instants_of(double end, int count) {
  std::vector<double> times;
  const double begin = clock_start - before_clock;
  for (int i = 0; i < count; ++i) times.push_back(begin + (i + 0.5) * (end - begin) / count);
  return times;
}

/// gm and gds of every device at every instant, at balance.
engine::Testbench conductance_testbench(const ComparatorPlace& place, double end,
                                        const std::vector<NoisyDevice>& devices,
                                        const std::vector<double>& times) {
  engine::Testbench bench = decision_testbench(place.bench, end);
  for (const NoisyDevice& device : devices) {
    for (const char* parameter : {"gm", "gds"}) {
      for (const double time : times) {
        engine::Measure measure;
        measure.name = fmt::format("g{}", bench.measures.size());
        measure.vector = fmt::format("@{}[{}]", device.name, parameter);
        measure.unit = std::string("S");
        measure.at = time;
        bench.measures.push_back(measure);
      }
    }
  }
  return bench;
}

/// One place on its way: what is asked of the simulator, and what becomes of the answers.
class NoiseMeasurement {
 public:
  NoiseMeasurement(const ComparatorRuns& runs, const ComparatorPlace& place, double end, int instants)
      : place_(place), end_(end), times_(instants_of(end, instants)) {
    const engine::Testbench bench = decision_testbench(place.bench, end);
    devices_ = noisy_devices(runs.evaluator.listing(bench.deck, bench.options).circuit());
  }

  void ask(std::vector<engine::RunRequest>& requests) const {
    engine::Matrix inputs(2, 1);
    inputs << 0.25e-3 / input_unit, -0.25e-3 / input_unit;
    engine::Matrix charges = engine::Matrix::Zero(2, 2);
    charges(0, 1) = charge;
    charges(1, 1) = -charge;
    const auto add = [&](const std::string& what, engine::Testbench bench, const engine::Matrix& points) {
      requests.push_back(
          {place_.stream + what, 0, std::make_shared<const engine::Testbench>(std::move(bench)), points});
    };
    add("/gain", decision_testbench(place_.bench, end_), inputs);
    add("/conductances", conductance_testbench(place_, end_, devices_, times_), engine::Matrix::Zero(1, 1));
    for (const std::string& node : nodes_of(devices_)) {
      for (std::size_t i = 0; i < times_.size(); ++i) {
        add(fmt::format("/impulse/{}/{}", node, i), impulse_testbench(place_.bench, end_, node, times_[i]),
            charges);
      }
    }
  }

  /// `results`: those of what was asked, in that order. V rms.
  double noise(const std::vector<engine::RunResult>* results) const {
    const double gain =
        (measured(results[0][0], 0) - measured(results[0][1], 0)) / 0.5e-3;  // d over the input
    std::map<std::string, std::vector<double>> sensitivity;                  // V/C at the input
    const std::vector<engine::RunResult>* next = results + 2;
    for (const std::string& node : nodes_of(devices_)) {
      for (std::size_t i = 0; i < times_.size(); ++i, ++next) {
        const double rise = measured((*next)[0], 0) - measured((*next)[1], 0);
        sensitivity[node].push_back(rise / (2.0 * charge * 1e-18) / gain);
      }
    }
    return std::sqrt(variance(sensitivity, results[1][0]));
  }

 private:
  double variance(const std::map<std::string, std::vector<double>>& sensitivity,
                  const engine::RunResult& conductances) const {
    const double kt = boltzmann * (place_.bench.drive.temperature + 273.15);
    const double piece = times_[1] - times_[0];
    const auto at = [&](const std::string& node, std::size_t i) {
      return node.empty() ? 0.0 : sensitivity.at(node)[i];
    };
    double sum = 0.0;
    std::size_t measure = 1;  // behind d
    for (const NoisyDevice& device : devices_) {
      for (std::size_t i = 0; i < times_.size(); ++i, ++measure) {
        const double gm = std::fabs(measured(conductances, measure));
        const double gds = std::fabs(measured(conductances, measure + times_.size()));
        const double h = at(device.drain, i) - at(device.source, i);
        sum += h * h * 2.0 * kt * (gamma_noise * gm + gds) * piece;
      }
      measure += times_.size();
    }
    return sum;
  }

  const ComparatorPlace& place_;
  double end_;
  std::vector<double> times_;
  std::vector<NoisyDevice> devices_;
};

}  // namespace

std::vector<double> comparator_noise(const ComparatorRuns& runs, const std::vector<ComparatorPlace>& places,
                                     const std::vector<DecisionTimes>& times, int instants) {
  std::vector<NoiseMeasurement> measurements;
  std::vector<engine::RunRequest> requests;
  std::vector<std::size_t> begins;
  for (std::size_t p = 0; p < places.size(); ++p) {
    measurements.emplace_back(runs, places[p], times[p].early, instants);
    begins.push_back(requests.size());
    measurements.back().ask(requests);
  }
  const auto results = runs.make(requests);
  std::vector<double> noise;
  for (std::size_t p = 0; p < places.size(); ++p) {
    noise.push_back(measurements[p].noise(&results[begins[p]]));
  }
  return noise;
}

}  // namespace flare::studies
