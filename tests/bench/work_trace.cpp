// Records how a column study asks for its runs: batch by batch, with what each took on one worker, as CSV for
// replay_work.py.
//
//   work_trace STUDY.toml TRACE.csv
//
//   serve     number of the stage in which tasks go on at once; 0: before or between them
//   task      of the stage, in the order in which tasks begin
//   rows      runs of the batch
//   seconds   of one core for all of them
//   thought   seconds between the task's batch before and this one
#include <fmt/format.h>
#include <fmt/os.h>

#include <chrono>
#include <map>

#include "engine/workers/worker_pool.hpp"
#include "studies/column/column_study.hpp"

namespace {

using namespace flare;
using Clock = std::chrono::steady_clock;

double seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

/// Passes everything on and writes down what it sees.
class Tracing final : public engine::Evaluator {
 public:
  Tracing(engine::WorkerPool& pool, const std::string& csv) : pool_(pool), out_(fmt::output_file(csv)) {
    out_.print("serve,task,rows,seconds,thought\n");
  }

  void evaluate(std::span<const engine::Job> jobs, const engine::OnRun& on_run,
                std::stop_token stop) override {
    std::size_t rows = 0;
    for (const engine::Job& job : jobs) rows += static_cast<std::size_t>(job.points.rows());
    const Clock::time_point begun = Clock::now();
    pool_.evaluate(jobs, on_run, std::move(stop));
    out_.print("0,0,{},{:.6f},0\n", rows, seconds(Clock::now() - begun));
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
        : trace_(trace), source_(source), last_(Clock::now()) {}
    std::vector<const engine::Job*> more() override {
      std::vector<const engine::Job*> jobs = source_.more();
      const Clock::time_point now = Clock::now();
      if (idle() && !jobs.empty()) last_ = now;
      for (const engine::Job* job : jobs) {
        const auto before = ended_.find(job->priority);
        const double thought = before == ended_.end() ? 0.0 : seconds(now - before->second);
        batches_.push_back({-job->priority, static_cast<std::size_t>(job->points.rows()), 0, 0.0, thought});
        open_ += batches_.back().rows > 0 ? 1 : 0;
      }
      return jobs;
    }
    bool ended() override { return source_.ended(); }
    int descriptor() const override { return source_.descriptor(); }
    void on_run(std::size_t job, std::size_t row, const engine::RunResult& result) override {
      const Clock::time_point now = Clock::now();
      Batch& batch = batches_[job];
      batch.took += seconds(now - last_);
      last_ = now;
      if (++batch.done == batch.rows) {
        --open_;
        ended_[-batch.task] = now;
        trace_.out_.print("{},{},{},{:.6f},{:.6f}\n", trace_.serve_, batch.task, batch.rows, batch.took,
                          batch.thought);
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
    };
    bool idle() const { return open_ == 0; }

    Tracing& trace_;
    engine::JobSource& source_;
    Clock::time_point last_;
    std::vector<Batch> batches_;
    std::map<int, Clock::time_point> ended_;  // by priority
    std::size_t open_ = 0;
  };

  engine::WorkerPool& pool_;
  fmt::ostream out_;
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
