// Time of a sample, circuit by circuit, against what its device evaluations alone take: every circuit that the shipped
// studies simulate in numbers, with the mismatch of a study, one simulator in this process.
//   sample_ms    of a run: settings, operating point, transient, measures
//   devices_ms   of that, ngspice in its devices (evaluation, and writing it into the matrix), by its own count
//   ratio        of the two: 1 is what nobody can beat who makes the same device evaluations
//   evaluations  of transistors, a run: Newton iterations times transistors
//   load_ms      from the netlist's text to a circuit, once a testbench and worker
// All by the wall's clock, as ngspice counts: run it on an idle machine. Circuit studies named on the command line join, each at
// its first corner.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <random>

#include "engine/netlist/circuit.hpp"
#include "engine/simulate/ngspice.hpp"
#include "engine/simulate/testbench_runner.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/circuit/circuit_testbench.hpp"
#include "studies/column/column.hpp"
#include "studies/converter/chain_bench.hpp"
#include "studies/converter/flash_bench.hpp"
#include "studies/converter/sar_bench.hpp"
#include "studies/run/study_testbench.hpp"
#include "tests/studies/mismatch_fixture.hpp"

namespace flare::studies {
namespace {

using engine::Testbench;

constexpr int sawl = 8;
constexpr double decision_time =
    180e-12;  // s, from where a comparator's clock rises: late enough to be decided

struct Circuit {
  std::string name;
  Testbench testbench;
  double transistors = 0.0;
};

/// Puts circuits together as studies do.
class Circuits {
 public:
  Circuits() : pool_(options()) {}

  Circuit column(const std::string& cell, double wordline_off) {
    ColumnOptions made = column_options(cell);
    made.wordline_off = wordline_off;
    return varied(fmt::format("column/{}", cell), column_testbench(made), varying_elements(made));
  }
  Circuit comparator() {
    const ComparatorBench bench{shipped_converter("strongarm"), drive(), 0.6};
    return varied("comparator", decision_testbench(bench, clock_start + decision_time),
                  comparator_elements(bench.part));
  }
  Circuit flash() {
    FlashBench bench{shipped_converter("flash"), drive(), {}, 60e-15, false};
    for (int k = 0; k < sawl; ++k) bench.references.push_back(0.85 - 0.05 * k);
    return varied("flash", flash_testbench(bench, sawl - 1, clock_start + decision_time),
                  comparator_elements(bench.part, fmt::format("x{}", sawl - 1)));
  }
  Circuit sar() {
    const SarBench bench{shipped_converter("sar"), drive(), 0.6, 145e-12, {}, 1.0};
    return varied("sar", sar_testbench(bench, 0.6), comparator_elements(bench.part));
  }
  Circuit chain() {
    ChainBench bench{column_options("sram8t"), shipped_converter("flash"), drive(), {}};
    bench.column.sense_capacitance = 0.0;
    for (int k = 0; k < sawl; ++k) bench.sources.push_back(0.85 - 0.05 * k);
    return varied("chain", chain_testbench(bench, sawl - 1, {decision_time}),
                  chain_elements(bench, sawl - 1));
  }
  /// A circuit study at its first corner.
  Circuit of_study(const std::filesystem::path& file) {
    const Study study = read_study(file);
    const auto made = circuit_testbench(study, study.corners.front(), pool_);
    return {file.stem(), *made.testbench, transistors(*made.testbench)};
  }

 private:
  static engine::WorkerPoolOptions options() {
    engine::WorkerPoolOptions made;
    made.worker = FLARE_BINARY_DIR "/bin/flare_worker";
    made.workers = 1;
    return made;
  }
  static std::filesystem::path card() { return FLARE_SOURCE_DIR "/netlists/cards/cmos28.lib"; }
  static ColumnOptions column_options(const std::string& cell) {
    ColumnOptions made;
    made.cell = shipped_cell(cell);
    made.card = card();
    made.sawl = sawl;
    made.on_cells = sawl / 2;
    return made;
  }
  static ConverterDrive drive() {
    ConverterDrive made;
    made.card = card();
    made.section = "tt";
    return made;
  }
  double transistors(const Testbench& bench) {
    double count = 0.0;
    for (const std::string& line : pool_.listing(bench.deck, bench.options).lines)
      if (line.find(" : m") != std::string::npos) ++count;
    return count;
  }
  Circuit varied(const std::string& name, Testbench bench, const std::vector<std::string>& elements) {
    add_variation(study_, load_circuit(pool_, study_, bench.deck, bench.options, elements), elements, bench);
    const double count = transistors(bench);
    return {name, std::move(bench), count};
  }

  engine::WorkerPool pool_;
  Study study_ = mismatch_study();
};

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

engine::SimulatorCounts operator-(const engine::SimulatorCounts& a, const engine::SimulatorCounts& b) {
  return {a.iterations - b.iterations, a.time_points - b.time_points, a.load_seconds - b.load_seconds};
}

void sample(benchmark::State& state, engine::NgspiceSimulator& simulator, const Circuit& circuit) {
  engine::TestbenchRunner runner(simulator, circuit.testbench);
  Eigen::RowVectorXd x = Eigen::RowVectorXd::Zero(static_cast<Eigen::Index>(circuit.testbench.dimension()));
  double before = wall_seconds();
  runner.run(x);
  const double first = wall_seconds() - before;
  std::mt19937_64 generator(1);
  std::normal_distribution<double> normal;
  double runs = 0.0;
  double seconds = 0.0;
  const engine::SimulatorCounts start = simulator.counts();
  const std::uint64_t loads = simulator.loads();
  for (auto _ : state) {
    for (double& z : x) z = normal(generator);
    before = wall_seconds();
    runner.run(x);
    seconds += wall_seconds() - before;
    runs += 1.0;
  }
  if (simulator.loads() != loads) return state.SkipWithError("the circuit was loaded again on the way");
  const engine::SimulatorCounts counts = simulator.counts() - start;
  state.counters["sample_ms"] = 1e3 * seconds / runs;
  state.counters["devices_ms"] = 1e3 * counts.load_seconds / runs;
  state.counters["ratio"] = seconds / counts.load_seconds;
  state.counters["evaluations"] = counts.iterations * circuit.transistors / runs;
  state.counters["load_ms"] = 1e3 * (first - seconds / runs);
}

}  // namespace
}  // namespace flare::studies

int main(int argc, char** argv) {
  using namespace flare::studies;
  benchmark::Initialize(&argc, argv);
  Circuits make;
  std::vector<Circuit> circuits;
  for (const char* cell : {"sram8t", "sram6t"}) circuits.push_back(make.column(cell, 300e-12));
  for (const char* cell : {"mram_1t", "mram_2t"}) circuits.push_back(make.column(cell, 400e-12));
  for (const Circuit& circuit : {make.comparator(), make.flash(), make.sar(), make.chain()})
    circuits.push_back(circuit);
  circuits.push_back(make.of_study(FLARE_SOURCE_DIR "/studies/own_kit/own_kit.toml"));
  for (int i = 1; i < argc; ++i) circuits.push_back(make.of_study(argv[i]));
  flare::engine::NgspiceSimulator simulator;
  for (const Circuit& circuit : circuits)
    benchmark::RegisterBenchmark(circuit.name.c_str(),
                                 [&](benchmark::State& state) { sample(state, simulator, circuit); })
        ->MinTime(4.0)
        ->Unit(benchmark::kMillisecond);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
