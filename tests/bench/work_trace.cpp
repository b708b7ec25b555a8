// Records how a column study asks for its runs: batch by batch, with what each took on one worker, as CSV for
// replay_work.py.
//
//   work_trace STUDY.toml TRACE.csv
//
//   serve     number of the stage
//   task      of the stage, in the order in which tasks begin; where there are none, all batches are posted at once
//   rows      runs of the batch
//   seconds   of processor time of the worker for all of them
//   thought   seconds of processor time of this program between the task's batch before and this one
//   bench     name of the testbench: which level of which point
//
// Processor time, not the clock's: what else the machine does meanwhile is not recorded.
#include <fmt/format.h>
#include <fmt/os.h>

#include <unistd.h>

#include <ctime>
#include <fstream>
#include <map>

#include "engine/workers/worker_pool.hpp"
#include "studies/column/column_study.hpp"

namespace {

using namespace flare;
/// Processor time of this process, s.
double own_time() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Processor time of the one worker, s; of a new one that has taken its place, what both had.
class WorkerTime {
 public:
  double now() {
    const pid_t worker = child();
    if (worker != worker_) {
      before_ += last_;
      last_ = 0.0;
      worker_ = worker;
    }
    clockid_t clock = 0;
    timespec time{};
    if (worker > 0 && ::clock_getcpuclockid(worker, &clock) == 0 && ::clock_gettime(clock, &time) == 0)
      last_ = static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    return before_ + last_;
  }

 private:
  static pid_t child() {
    pid_t found = 0;
    std::ifstream(fmt::format("/proc/self/task/{}/children", ::getpid())) >> found;
    return found;
  }

  pid_t worker_ = 0;
  double before_ = 0.0;
  double last_ = 0.0;
};

/// Passes everything on and writes down what it sees.
class Tracing final : public engine::Evaluator {
 public:
  Tracing(engine::WorkerPool& pool, const std::string& csv) : pool_(pool), out_(fmt::output_file(csv)) {
    out_.print("serve,task,rows,seconds,thought,bench\n");
  }

  void evaluate(std::span<const engine::Job> jobs, const engine::OnRun& on_run,
                std::stop_token stop) override {
    ++serve_;
    std::vector<double> took(jobs.size(), 0.0);
    double last = worker_.now();
    const engine::OnRun watched = [&](std::size_t job, std::size_t row, const engine::RunResult& result) {
      const double now = worker_.now();
      took[job] += now - last;
      last = now;
      on_run(job, row, result);
    };
    pool_.evaluate(jobs, watched, std::move(stop));
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      out_.print("{},0,{},{:.6f},0,{}\n", serve_, jobs[j].points.rows(), took[j], jobs[j].testbench->name);
    }
  }

  void serve(engine::JobSource& source, std::stop_token stop) override {
    ++serve_;
    Watched watched(*this, source);
    pool_.serve(watched, std::move(stop));
  }

  engine::Listing listing(const engine::Deck& deck, const engine::SimulatorOptions& options) override {
    return pool_.listing(deck, options);
  }
  std::vector<double> values(const engine::Deck& deck, const engine::SimulatorOptions& options,
                             std::span<const engine::Setting> settings,
                             std::span<const engine::Knob> knobs) override {
    return pool_.values(deck, options, settings, knobs);
  }
  engine::Rehearsal rehearse(const engine::Testbench& bench) override { return pool_.rehearse(bench); }
  engine::Waveforms waveforms(const engine::Testbench& bench, const Eigen::RowVectorXd& point) override {
    return pool_.waveforms(bench, point);
  }

 private:
  /// One worker: what passes between two results is what the second took.
  class Watched final : public engine::JobSource {
   public:
    Watched(Tracing& trace, engine::JobSource& source)
        : trace_(trace), source_(source), last_(trace.worker_.now()) {}
    std::vector<const engine::Job*> more() override {
      std::vector<const engine::Job*> jobs = source_.more();
      const double now = own_time();
      for (const engine::Job* job : jobs) {
        const auto before = ended_.find(job->priority);
        const double thought = before == ended_.end() ? 0.0 : now - before->second;
        batches_.push_back({-job->priority, static_cast<std::size_t>(job->points.rows()), 0, 0.0, thought,
                            job->testbench->name});
      }
      return jobs;
    }
    bool ended() override { return source_.ended(); }
    int descriptor() const override { return source_.descriptor(); }
    void on_run(std::size_t job, std::size_t row, const engine::RunResult& result) override {
      const double now = trace_.worker_.now();
      Batch& batch = batches_[job];
      batch.took += now - last_;
      last_ = now;
      if (++batch.done == batch.rows) {
        ended_[-batch.task] = own_time();
        trace_.out_.print("{},{},{},{:.6f},{:.6f},{}\n", trace_.serve_, batch.task, batch.rows, batch.took,
                          batch.thought, batch.bench);
      }
      source_.on_run(job, row, result);
    }

   private:
    struct Batch {
      int task = 0;
      std::size_t rows = 0;
      std::size_t done = 0;
      double took = 0.0;
      double thought = 0.0;
      std::string bench;
    };
    Tracing& trace_;
    engine::JobSource& source_;
    double last_;  // processor time of the worker
    std::vector<Batch> batches_;
    std::map<int, double> ended_;  // by task: processor time of this program
  };

  engine::WorkerPool& pool_;
  fmt::ostream out_;
  WorkerTime worker_;
  int serve_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "work_trace STUDY.toml TRACE.csv\n");
    return 2;
  }
  const studies::Study study = studies::read_study(argv[1], {});
  engine::WorkerPoolOptions options;
  options.workers = 1;
  engine::WorkerPool pool(options);
  Tracing tracing(pool, argv[2]);
  engine::SharedEvaluator shared(tracing, 4);
  engine::RunStore store;
  studies::Progress progress(stderr);
  const studies::StudyRun run{study, shared, store, progress, {}, {}};
  studies::run_column_study(run);
  return 0;
}
