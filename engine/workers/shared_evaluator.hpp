// One evaluator for several tasks that go on at once, so that workers are not idle while one of them thinks.
//
// Estimators ask for a batch, look at it, and ask for the next. One alone cannot keep many workers busy; many of them at
// once can, and as a run is a pure function of testbench and point, what they find does not depend on how their batches
// mix.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "engine/simulate/evaluator.hpp"

namespace flare::engine {

/// Within run() every task may call evaluate() as if it had the workers to itself; outside it passes on what it is asked.
/// All calls of the evaluator behind it come from the thread that calls run().
class SharedEvaluator final : public Evaluator, private JobSource {
 public:
  /// At most `at_once` tasks are under way, each on a thread of its own. The evaluator must outlive this.
  SharedEvaluator(Evaluator& evaluator, std::size_t at_once);
  ~SharedEvaluator() override;
  SharedEvaluator(const SharedEvaluator&) = delete;
  SharedEvaluator& operator=(const SharedEvaluator&) = delete;

  /// Runs the tasks, those in front first: their runs go before those of later ones. Returns when all have ended. Where
  /// one throws, or `stop` is requested, the evaluate() of the others returns early; then throws what the evaluator
  /// threw, or the first task in order of those that threw before they were cut short.
  void run(const std::vector<std::function<void()>>& tasks, std::stop_token stop);

  void evaluate(std::span<const Job> jobs, const OnRun& on_run, std::stop_token stop = {}) override;
  // Not within run(): they throw std::logic_error there.
  Listing listing(const Deck& deck, const SimulatorOptions& options) override;
  std::vector<double> values(const Deck& deck, const SimulatorOptions& options,
                             std::span<const Setting> settings, std::span<const Knob> knobs) override;
  Rehearsal rehearse(const Testbench& testbench) override;
  Waveforms waveforms(const Testbench& testbench, const Eigen::RowVectorXd& point) override;

 private:
  /// One call of evaluate() by a task, until all its runs are told.
  struct Call {
    std::vector<Job> jobs;  // with the task's priority
    const OnRun* on_run = nullptr;
    std::size_t left = 0;
  };
  struct Place {
    Call* call = nullptr;
    std::size_t job = 0;  // of the call
  };

  std::vector<const Job*> more() override;
  bool ended() override;
  int descriptor() const override { return news_; }
  void on_run(std::size_t job, std::size_t row, const RunResult& result) override;

  void start_threads(const std::vector<std::function<void()>>& tasks, std::vector<std::jthread>& threads);
  void work(const std::vector<std::function<void()>>& tasks);
  void do_task(const std::function<void()>& task, std::size_t number);
  void serve_tasks(const std::stop_token& stop);
  void tell_news() const;
  Evaluator& alone() const;

  Evaluator& evaluator_;
  std::size_t at_once_;
  int news_ = -1;  // eventfd: calls have come, or a thread has ended

  std::mutex mutex_;
  std::condition_variable changed_;
  bool running_ = false;
  bool cut_ = false;   // no further task begins and no further call is taken
  bool over_ = false;  // nobody evaluates any more: calls that are not done never will be
  std::stop_source stop_;
  std::size_t next_task_ = 0;
  std::size_t threads_ = 0;  // that have not ended
  std::map<std::thread::id, std::size_t> task_of_;
  std::deque<Call*> posted_;
  std::vector<Place> places_;                           // of the jobs handed out, by number
  std::map<std::size_t, std::exception_ptr> failures_;  // by task
};

}  // namespace flare::engine
