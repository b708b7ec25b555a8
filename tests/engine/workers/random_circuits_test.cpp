// Random small circuits: the engine's runs are pure functions of testbench and point, and have the values that
// plain ngspice gives for a netlist with the sample written into its text.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>

#include "engine/workers/worker_pool.hpp"
#include "tests/engine/workers/random_samples.hpp"
#include "tests/netlists/ngspice_batch.hpp"

namespace flare::engine {
namespace {

using testing::Combination;
using testing::Dice;
using testing::ExpectedDevice;
using testing::ExpectedKnob;
using testing::Flavour;
using testing::random_circuit;
using testing::random_testbench;
using testing::RandomCircuit;
using testing::RandomTestbench;

constexpr std::uint64_t circuits = FLARE_CIRCUITS;
constexpr Eigen::Index samples = 6;

WorkerPoolOptions options_with(int workers) {
  WorkerPoolOptions options;
  options.worker = FLARE_BINARY_DIR "/bin/flare_worker";
  options.workers = workers;
  return options;
}

std::vector<RandomTestbench> all_testbenches() {
  std::vector<RandomTestbench> all;
  for (std::uint64_t seed = 0; seed < circuits; ++seed) all.push_back(random_testbench(seed, samples));
  return all;
}

/// Results by (circuit, sample).
using Results = std::map<std::pair<std::size_t, Eigen::Index>, RunResult>;

/// Runs `rows`, in their order. `split`: every run is a job of its own, so that testbenches alternate.
Results evaluate_all(Evaluator& pool, const std::vector<RandomTestbench>& all,
                     const std::vector<std::pair<std::size_t, Eigen::Index>>& rows, bool split) {
  std::vector<std::shared_ptr<const Testbench>> testbenches;
  for (const RandomTestbench& t : all) testbenches.push_back(std::make_shared<Testbench>(t.testbench));
  std::vector<Job> jobs;
  std::vector<std::vector<Eigen::Index>> rows_of_job;
  std::vector<std::size_t> circuit_of_job;
  for (const auto& [circuit, row] : rows) {
    if (split || circuit_of_job.empty() || circuit_of_job.back() != circuit) {
      jobs.push_back({testbenches[circuit], Matrix(0, all[circuit].points.cols())});
      rows_of_job.emplace_back();
      circuit_of_job.push_back(circuit);
    }
    Matrix& points = jobs.back().points;
    points.conservativeResize(points.rows() + 1, Eigen::NoChange);
    points.bottomRows(1) = all[circuit].points.row(row);
    rows_of_job.back().push_back(row);
  }
  Results results;
  pool.evaluate(jobs, [&](std::size_t job, std::size_t row, const RunResult& result) {
    EXPECT_TRUE(results.emplace(std::pair(circuit_of_job[job], rows_of_job[job][row]), result).second);
  });
  return results;
}

std::vector<std::pair<std::size_t, Eigen::Index>> rows_in_order() {
  std::vector<std::pair<std::size_t, Eigen::Index>> rows;
  for (std::size_t circuit = 0; circuit < circuits; ++circuit) {
    for (Eigen::Index row = 0; row < samples; ++row) rows.emplace_back(circuit, row);
  }
  return rows;
}

std::vector<std::pair<std::size_t, Eigen::Index>> rows_shuffled(std::uint64_t seed) {
  auto rows = rows_in_order();
  Dice dice(seed);
  for (std::size_t i = rows.size(); i > 1; --i)
    std::swap(rows[i - 1], rows[static_cast<std::size_t>(dice.below(static_cast<int>(i)))]);
  return rows;
}

std::vector<std::uint64_t> bits_of(const std::vector<double>& values) {
  std::vector<std::uint64_t> bits;
  for (const double value : values) bits.push_back(std::bit_cast<std::uint64_t>(value));
  return bits;
}

void expect_same_bits(const Results& a, const Results& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [place, result] : a) {
    const RunResult& other = b.at(place);
    EXPECT_EQ(result.outcome, other.outcome) << "seed " << place.first << " sample " << place.second;
    EXPECT_EQ(bits_of(result.measures), bits_of(other.measures))
        << "seed " << place.first << " sample " << place.second << ": " << result.measures.front() << " and "
        << other.measures.front();
  }
}

/// The measures of one sample by plain ngspice, the values written into the netlist's text.
std::vector<double> plain_ngspice(const RandomTestbench& t, Eigen::Index row) {
  std::string netlist = t.circuit.changed_netlist(t.changes(row), t.temperature(row));
  netlist += ".control\nset numdgt=15\n";
  const Analysis& a = t.circuit.analysis;
  netlist += a.kind == AnalysisKind::operating_point
                 ? "op\n"
                 : fmt::format("tran {} {} 0 {}\n", a.step, a.stop, a.max_step);
  std::vector<std::string> files;
  for (const std::string& vector : t.circuit.observed) {
    files.push_back(fmt::format("f{}.data", files.size()));
    netlist += fmt::format("wrdata {} {}\n", files.back(), vector);
  }
  netlist += ".endc\n.end\n";
  const std::string& modes = t.circuit.simulator.compatibility;
  const auto run = netlist_test::run_ngspice(netlist, files, modes.empty() ? "" : "set ngbehavior=" + modes);
  std::vector<double> measures;
  for (const std::string& file : files) {
    const netlist_test::Curve& curve = run.curves.at(file);
    if (curve.y.empty()) throw std::runtime_error("no data: " + run.output);
    measures.push_back(curve.y.back());
  }
  return measures;
}

TEST(RandomCircuits, TheListingSaysWhatWasWritten) {
  WorkerPool pool(options_with(1));
  for (std::uint64_t seed = 0; seed < circuits; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const RandomTestbench t = random_testbench(seed, 0);
    const Circuit circuit = pool.listing(t.testbench.deck, t.testbench.options).circuit();
    const std::vector<ExpectedDevice> expected = t.circuit.devices();
    EXPECT_EQ(circuit.devices().size(), expected.size());
    std::set<std::string> nodes;
    for (const ExpectedDevice& device : expected) {
      const CircuitDevice* found = circuit.find(device.name);
      ASSERT_NE(found, nullptr) << device.name;
      EXPECT_EQ(found->type, device.type) << device.name;
      EXPECT_EQ(found->nodes, device.nodes) << device.name;
      EXPECT_EQ(found->model, device.model) << device.name;
      EXPECT_EQ(found->waveform, device.waveform) << device.name;
      EXPECT_FALSE(found->initial);
      EXPECT_EQ(circuit.model_of(*found) != nullptr, !device.model.empty()) << device.name;
      for (const std::string& node : device.nodes) {
        if (node != "0") nodes.insert(node);
      }
    }
    for (const std::string& node : nodes) {
      EXPECT_EQ(std::count(circuit.vectors().begin(), circuit.vectors().end(), node), 1) << node;
    }
    EXPECT_EQ(circuit.floating_nodes(), t.circuit.floating);
    EXPECT_EQ(circuit.has_initial("q"), t.circuit.flavour == Flavour::latch);
  }
}

TEST(RandomCircuits, EveryKnobStartsFromItsNetlist) {
  WorkerPool pool(options_with(1));
  std::size_t compared = 0;
  for (std::uint64_t seed = 0; seed < circuits; ++seed) {
    const RandomCircuit circuit = random_circuit(seed);
    const std::vector<ExpectedKnob> expected = circuit.knobs();
    std::vector<Knob> knobs;
    for (const ExpectedKnob& knob : expected) knobs.push_back(knob.knob);
    const std::vector<double> values =
        pool.values(parse_deck(circuit.netlist(), "random.cir"), circuit.simulator, {}, knobs);
    for (std::size_t k = 0; k < knobs.size(); ++k, ++compared) {
      EXPECT_NEAR(values[k], expected[k].nominal, 1e-14 * std::fabs(expected[k].nominal))
          << "seed " << seed << ": " << to_string(knobs[k]);
    }
  }
  RecordProperty("compared", static_cast<int>(compared));
}

TEST(RandomCircuits, EveryKindOfKnobMovesByEveryLawAndAction) {
  std::set<Combination> seen;
  for (const RandomTestbench& t : all_testbenches()) seen.merge(t.combinations());
  EXPECT_EQ(seen.size(), 4u * 4u * 3u);
}

TEST(RandomCircuits, SameBitsForAnyWorkersOrderAndCompany) {
  const std::vector<RandomTestbench> all = all_testbenches();
  WorkerPool one(options_with(1));
  WorkerPool two(options_with(2));
  WorkerPool five(options_with(5));
  const Results first = evaluate_all(one, all, rows_in_order(), false);
  ASSERT_EQ(first.size(), circuits * samples);
  for (const auto& [place, result] : first)
    EXPECT_EQ(result.outcome, Outcome::ok) << "seed " << place.first << ": " << result.message;
  auto backwards = rows_in_order();
  std::reverse(backwards.begin(), backwards.end());
  expect_same_bits(first, evaluate_all(two, all, backwards, false));
  expect_same_bits(first, evaluate_all(five, all, rows_shuffled(5), true));
}

/// A rehearsal is the run at zero, made from a fresh start.
TEST(RandomCircuits, RehearsalsNameWhatFloatsAndNothingElse) {
  WorkerPool pool(options_with(1));
  for (std::uint64_t seed = 0; seed < circuits; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomTestbench t = random_testbench(seed, 1);
    const Rehearsal rehearsal = pool.rehearse(t.testbench);
    EXPECT_EQ(rehearsal.singular_node, t.circuit.floating.empty() ? "" : t.circuit.floating.front());
    EXPECT_FALSE(rehearsal.remembers());
    t.points.setZero();
    const Results plain = evaluate_all(pool, {t}, {{0, 0}}, false);
    EXPECT_EQ(bits_of(rehearsal.nominal.measures), bits_of(plain.at({0, 0}).measures));
  }
}

/// Same program, options and numbers but for their last digit, so an analysis takes the same steps and differs by
/// rounding. A node that floats makes the matrix singular, and rounding decides: only what the iteration accepts holds.
double tolerance(const RandomCircuit& circuit, double value) {
  if (circuit.floating.empty()) return 1e-9 * std::fabs(value) + 1e-12;
  return circuit.simulator.reltol * std::fabs(value) + circuit.simulator.vntol;
}

TEST(RandomCircuits, SampleBySampleThatIsPlainNgspice) {
  const std::vector<RandomTestbench> all = all_testbenches();
  WorkerPool pool(options_with(2));
  const Results results = evaluate_all(pool, all, rows_in_order(), false);
  int compared = 0;
  int same_digits = 0;
  for (const auto& [place, result] : results) {
    const RandomTestbench& t = all[place.first];
    ASSERT_EQ(result.outcome, Outcome::ok) << "seed " << place.first << ": " << result.message;
    const std::vector<double> plain = plain_ngspice(t, place.second);
    for (std::size_t i = 0; i < plain.size(); ++i, ++compared) {
      same_digits += plain[i] == result.measures[i] ? 1 : 0;
      EXPECT_NEAR(result.measures[i], plain[i], tolerance(t.circuit, plain[i]))
          << "seed " << place.first << " sample " << place.second << " " << t.circuit.observed[i]
          << " flavour " << static_cast<int>(t.circuit.flavour) << " rung " << static_cast<int>(result.rung);
    }
  }
  RecordProperty("compared", compared);
  RecordProperty("same_digits", same_digits);
}

}  // namespace
}  // namespace flare::engine
