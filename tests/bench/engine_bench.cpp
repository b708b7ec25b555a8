// Runs a second of the engine, side by side with ngspice as a person would drive it, on the shipped 8T column
// (SAWL 8, thresholds and mobilities of all matched devices varying):
//   engine        WorkerPool, two workers (and one)
//   process       (a) one `ngspice -b` process for every sample
//   loop          (b) one ngspice process whose .control block alters the same parameters and
//                 measures the same level
// (a) and (b) are made with our integration options and with ngspice's defaults; (b) also with ngspice's
// default tolerances and steps small enough for our accuracy, and with the number of OpenMP threads ngspice
// takes by itself. `error_mV` is the largest deviation of a level from a run with ten times finer steps,
// `cpu_ms` the processor time of a run. Run with --benchmark_repetitions=5
// --benchmark_enable_random_interleaving=true on an idle machine.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>

#include "engine/netlist/deck.hpp"
#include "engine/simulate/ngspice.hpp"
#include "engine/simulate/testbench_runner.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/column/column.hpp"

namespace flare {
namespace {

using engine::Testbench;
using Levels = std::vector<double>;

constexpr int samples = 200;               // of a batch
constexpr int few_samples = 20;            // of a batch with a process each, or with many threads
constexpr double step_share = 1.0 / 20.0;  // largest time step over the length of the transient

/// A folder that goes away.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "flare-bench-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Testbench column() {
  studies::ColumnOptions options;
  options.cell = studies::shipped_cell("sram8t");
  options.card = FLARE_SOURCE_DIR "/netlists/cards/cmos28.lib";
  options.on_cells = 5;
  Testbench t = studies::column_testbench(options);
  t.name = "column";
  t.analysis.step = t.analysis.max_step = t.analysis.stop * step_share;
  for (const std::string& element : studies::varying_elements(options)) {
    const std::string device = "m." + element;
    for (const char* parameter : {"delvto", "mulu0"}) {
      const bool threshold = parameter[0] == 'd';
      t.knobs.push_back({engine::KnobKind::instance, device, parameter});
      engine::Variable variable;
      variable.law = threshold ? engine::Law{engine::LawKind::normal, 0.0, 0.005}
                               : engine::Law{engine::LawKind::lognormal, 1.0, 0.02};
      variable.effects = {{t.knobs.size() - 1, threshold ? engine::Action::shift : engine::Action::scale}};
      t.variables.push_back(variable);
    }
  }
  return t;
}

/// What the shipped cell's circuit says: no threshold shift, mobility factor 1.
std::vector<double> nominals(const Testbench& t) {
  std::vector<double> values;
  for (const engine::Knob& knob : t.knobs) values.push_back(knob.parameter == "delvto" ? 0.0 : 1.0);
  return values;
}

engine::Matrix points(const Testbench& t) {
  std::mt19937_64 generator(1);
  std::normal_distribution<double> normal;
  engine::Matrix x(samples, static_cast<Eigen::Index>(t.dimension()));
  for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = normal(generator);
  return x;
}

Levels engine_levels(engine::WorkerPool& pool, const std::shared_ptr<const Testbench>& t,
                     const engine::Matrix& x) {
  Levels levels(static_cast<std::size_t>(x.rows()), NAN);
  const engine::Job job{t, x};
  pool.evaluate(std::span(&job, 1), [&](std::size_t, std::size_t row, const engine::RunResult& result) {
    if (result.outcome == engine::Outcome::ok) levels[row] = result.measures.at(0);
  });
  return levels;
}

engine::WorkerPoolOptions pool_options(int workers) {
  engine::WorkerPoolOptions options;
  options.worker = FLARE_BINARY_DIR "/bin/flare_worker";
  options.workers = workers;
  return options;
}

std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string text;
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, got);
  if (pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return text;
}

/// How plain ngspice is told to integrate.
struct Plain {
  std::string options;  // card; empty: ngspice's defaults
  double max_step = 0.0;
  int threads = 1;  // 0: ngspice's own choice
};

std::string tran(const Testbench& t, const Plain& plain) {
  return fmt::format("tran {} {} 0 {}\n", t.analysis.step, t.analysis.stop, plain.max_step);
}

std::string alters(const Testbench& t, const engine::Matrix& x, Eigen::Index row) {
  const std::vector<double> settings = engine::knob_settings(t.knobs, t.variables, nominals(t), x.row(row));
  std::string text;
  for (std::size_t k = 0; k < settings.size(); ++k) {
    text += fmt::format("alter @{}[{}]={}\n", t.knobs[k].device, t.knobs[k].parameter, settings[k]);
  }
  return text;
}

/// One sample as a person would script it: alter, simulate, measure, forget.
std::string sample_script(const Testbench& t, const engine::Matrix& x, Eigen::Index row, const Plain& plain) {
  return alters(t, x, row) + tran(t, plain) +
         fmt::format("meas tran level find v(rbl) at={}\necho LEVEL $&level\ndestroy all\n", t.analysis.stop);
}

std::string script(const Testbench& t, const engine::Matrix& x, Eigen::Index first, Eigen::Index count,
                   const Plain& plain) {
  std::string text;
  for (const std::string& line : t.deck.lines) text += line + "\n";
  text += plain.options + "\n.save v(rbl)\n.control\nset numdgt=12\n";
  if (plain.threads > 0) text += fmt::format("set num_threads={}\n", plain.threads);
  for (Eigen::Index row = first; row < first + count; ++row) text += sample_script(t, x, row, plain);
  return text + "quit 0\n.endc\n.end\n";
}

Levels levels_in(const std::string& output) {
  Levels levels;
  for (std::size_t at = output.find("LEVEL "); at != std::string::npos; at = output.find("LEVEL ", at + 1)) {
    levels.push_back(std::strtod(output.c_str() + at + 6, nullptr));
  }
  return levels;
}

Levels loop_levels(const Testbench& t, const engine::Matrix& x, Eigen::Index count, const Plain& plain,
                   const Scratch& scratch) {
  const std::filesystem::path file = scratch.path() / "loop.cir";
  std::ofstream(file) << script(t, x, 0, count, plain);
  return levels_in(output_of("ngspice -b " + file.string() + " 2>/dev/null"));
}

Levels process_levels(const Testbench& t, const engine::Matrix& x, const Plain& plain,
                      const Scratch& scratch) {
  Levels levels;
  for (Eigen::Index row = 0; row < few_samples; ++row) {
    const std::filesystem::path file = scratch.path() / "one.cir";
    std::ofstream(file) << script(t, x, row, 1, plain);
    const Levels one = levels_in(output_of("ngspice -b " + file.string() + " 2>/dev/null"));
    levels.insert(levels.end(), one.begin(), one.end());
  }
  return levels;
}

/// Processor time of this process, of its children that have ended and of its living workers, s. Unlike the
/// wall clock it does not count what else the machine does.
double processor_seconds() {
  const auto seconds = [](clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  rusage ended{};
  getrusage(RUSAGE_CHILDREN, &ended);
  double total = seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (const timeval& time : {ended.ru_utime, ended.ru_stime}) {
    total += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  }
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream stat(entry.path() / "stat");
    pid_t id = 0;
    std::string name;
    std::string state;
    pid_t parent = 0;
    clockid_t clock = 0;
    if (stat >> id >> name >> state >> parent; parent != getpid() || name != "(flare_worker)") continue;
    if (clock_getcpuclockid(id, &clock) == 0) total += seconds(clock);
  }
  return total;
}

double worst_error(const Levels& levels, const Levels& reference) {
  double worst = levels.empty() ? NAN : 0.0;
  for (std::size_t i = 0; i < levels.size(); ++i)
    worst = std::max(worst, std::fabs(levels[i] - reference[i]));
  return worst;
}

/// The same testbench with ten times finer steps: the largest step directly, those that the truncation error
/// sets through its tolerance (the error of a step grows with its third power, the step is taken from the square root).
Testbench ten_times_finer(Testbench t) {
  t.analysis.max_step /= 10.0;
  t.analysis.step /= 10.0;
  t.options.reltol /= 100.0;  // Newton's method; times trtol, the truncation error: a hundredth too
  t.options.bypass = false;
  return t;
}

/// Everything the benchmarks share, and the rates they found.
struct Bench {
  Testbench testbench = column();
  std::shared_ptr<const Testbench> shared = std::make_shared<const Testbench>(testbench);
  engine::Matrix x = points(testbench);
  Scratch scratch;
  Levels reference;
  std::map<std::string, std::vector<double>> rates;  // runs a second
  std::map<std::string, std::vector<double>> cost;   // processor time of a run, s

  Bench() {
    engine::WorkerPool pool(pool_options(2));
    reference = engine_levels(pool, std::make_shared<const Testbench>(ten_times_finer(testbench)), x);
  }

  template <typename Batch>
  void run(benchmark::State& state, const std::string& name, Batch batch) {
    Levels levels;
    double seconds = 0.0;
    const double before = processor_seconds();
    for (auto _ : state) {
      const auto start = std::chrono::steady_clock::now();
      levels = batch();
      seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    const double count = static_cast<double>(levels.size()) * static_cast<double>(state.iterations());
    const double processor = (processor_seconds() - before) / count;
    rates[name].push_back(count / seconds);
    cost[name].push_back(processor);
    state.counters["cpu_ms"] = 1e3 * processor;
    state.SetItemsProcessed(static_cast<std::int64_t>(count));
    state.counters["error_mV"] = 1e3 * worst_error(levels, reference);
  }

  static double median(std::vector<double> all) {
    if (all.empty()) return NAN;
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
    return all[all.size() / 2];
  }
};

/// Where the time of one run goes, in this process.
void breakdown(benchmark::State& state, const Testbench& t, const engine::Matrix& x) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  };
  static engine::NgspiceSimulator simulator;  // a process holds one
  const std::vector<std::string> save = engine::measured_vectors(t);
  double load = 0.0;
  double set = 0.0;
  double op = 0.0;
  double transient = 0.0;
  double time_points = 0.0;
  double runs = 0.0;
  for (auto _ : state) {
    auto start = Clock::now();
    simulator.load(t.deck, t.options, 0, save);
    load += since(start);
    engine::Waveforms waveforms;
    for (Eigen::Index row = 0; row < 20; ++row) {
      const std::vector<double> settings =
          engine::knob_settings(t.knobs, t.variables, nominals(t), x.row(row));
      start = Clock::now();
      simulator.set(t.knobs, settings);
      set += since(start);
      start = Clock::now();
      simulator.run("op", 0.0, save, &waveforms);
      op += since(start);
      start = Clock::now();
      simulator.run(engine::analysis_command(t.analysis, 0), t.analysis.stop, save, &waveforms);
      transient += since(start);
      time_points += static_cast<double>(waveforms.time.size());
      runs += 1.0;
    }
  }
  state.counters["load_ms"] = load / static_cast<double>(state.iterations());
  state.counters["set_ms"] = set / runs;
  state.counters["op_ms"] = op / runs;
  state.counters["tran_ms"] = transient / runs;
  state.counters["time_points"] = time_points / runs;
}

void register_all(Bench& bench) {
  const auto add = [&bench](const std::string& name, auto batch) {
    benchmark::RegisterBenchmark(
        name.c_str(), [&bench, name, batch](benchmark::State& state) { bench.run(state, name, batch); })
        ->Iterations(1)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  };
  // A pool is made once: its start is no part of a sample.
  for (const int workers : {2, 1}) {
    const auto pool = std::make_shared<engine::WorkerPool>(pool_options(workers));
    engine_levels(*pool, bench.shared, bench.x.topRows(4));
    add(fmt::format("engine/workers:{}", workers),
        [&bench, pool] { return engine_levels(*pool, bench.shared, bench.x); });
  }
  const Testbench& t = bench.testbench;
  const auto process = [&](const std::string& name, const Plain& plain) {
    add("process/" + name, [&bench, &t, plain] { return process_levels(t, bench.x, plain, bench.scratch); });
  };
  const auto loop = [&](const std::string& name, Eigen::Index count, const Plain& plain) {
    add("loop/" + name,
        [&bench, &t, plain, count] { return loop_levels(t, bench.x, count, plain, bench.scratch); });
  };
  const std::string ours = engine::option_card(t.options, 0);
  const double habit = t.analysis.stop / 50.0;  // the largest step ngspice takes by itself
  process("same_options", {ours, t.analysis.max_step, 1});
  process("defaults", {"", habit, 1});
  loop("same_options", samples, {ours, t.analysis.max_step, 1});
  loop("defaults", samples, {"", habit, 1});
  // Default tolerances with the largest step small enough for our accuracy.
  loop("defaults_to_our_accuracy", samples, {"", t.analysis.stop / 160.0, 1});
  // As Debian installs it: two OpenMP threads, which wait for each other by spinning.
  loop("defaults_two_threads", few_samples, {"", habit, 0});
  benchmark::RegisterBenchmark(
      "breakdown", [&bench](benchmark::State& state) { breakdown(state, bench.testbench, bench.x); })
      ->Iterations(1)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void print_ratios(Bench& bench) {
  const double rate = Bench::median(bench.rates["engine/workers:2"]);
  const double cost = Bench::median(bench.cost["engine/workers:2"]);
  fmt::print(
      "\nMedians. Runs a second; how many times that the engine with two workers makes; processor time of a "
      "run in "
      "ms; the\nsame ratio in processor time, twice over for the second core (what an idle machine would "
      "show)\n");
  for (const auto& [name, rates] : bench.rates) {
    const double own = Bench::median(bench.cost[name]);
    fmt::print("{:28} {:8.1f} {:8.2f} {:8.2f} {:8.2f}\n", name, Bench::median(rates),
               rate / Bench::median(rates), 1e3 * own, 2.0 * own / cost);
  }
}

}  // namespace
}  // namespace flare

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  flare::Bench bench;
  flare::register_all(bench);
  benchmark::RunSpecifiedBenchmarks();
  flare::print_ratios(bench);
  return 0;
}
