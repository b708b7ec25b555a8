#include "engine/workers/worker_pool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "engine/simulate/spice_text.hpp"
#include "engine/simulate/testbench_io.hpp"
#include "engine/workers/worker_protocol.hpp"

extern char** environ;

namespace flare::engine {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds start_limit{30'000};
constexpr milliseconds stop_patience{
    300};  // how long a stop waits for runs in flight before it gives them up
constexpr int max_failed_starts = 3;

/// One row of one job, on its way.
struct RunRef {
  std::size_t job = 0;
  std::size_t row = 0;
  int attempts = 0;  // that ended with the worker's death
};

std::filesystem::path find_worker(const std::filesystem::path& given) {
  if (!given.empty()) return given;
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::filesystem::path beside = here / "flare_worker";
  if (std::filesystem::exists(beside)) return beside;
  return here.parent_path() / "libexec" / "flare" / "flare_worker";
}

/// One worker process and the pool's end of its socket.
class WorkerProcess {
 public:
  WorkerProcess() = default;
  ~WorkerProcess() { kill(); }
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  bool running() const { return pid_ > 0; }
  int socket() const { return socket_; }
  pid_t pid() const { return pid_; }
  bool wants_to_send() const { return sent_ < out_.size(); }

  void start(const std::filesystem::path& program);
  /// Ends the process at once.
  void kill();
  /// Lets an idle process end by itself, for a while.
  void dismiss();

  void post(MessageKind kind, std::span<const std::uint8_t> body);
  /// Both return false once the worker is gone.
  bool flush();
  bool receive();
  std::optional<Message> next() { return cutter_.next(); }

 private:
  void forget();

  pid_t pid_ = -1;
  int socket_ = -1;
  Bytes out_;
  std::size_t sent_ = 0;
  MessageCutter cutter_;
};

void WorkerProcess::start(const std::filesystem::path& program) {
  kill();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a socket for a worker");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // What ngspice prints belongs on nobody's terminal; its messages come through the socket.
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
  // Whoever interrupts the program interrupts its parent, which decides what becomes of the workers.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t blocked;
  sigemptyset(&blocked);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&blocked, signal);
  posix_spawnattr_setsigmask(&attributes, &blocked);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

  std::string name = program.string();
  std::string parent = std::to_string(getpid());
  char* const arguments[] = {name.data(), parent.data(), nullptr};
  const int error = posix_spawn(&pid_, name.c_str(), &actions, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    pid_ = -1;
    throw std::system_error(error, std::generic_category(), "cannot start the worker " + name);
  }
  socket_ = ends[0];
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
}

void WorkerProcess::forget() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  pid_ = -1;
  out_.clear();
  sent_ = 0;
  cutter_ = {};
}

void WorkerProcess::kill() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  forget();
}

void WorkerProcess::dismiss() {
  if (!running()) return;
  shutdown(socket_, SHUT_RDWR);
  for (int i = 0; i < 200; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) return forget();
    std::this_thread::sleep_for(milliseconds(1));
  }
  kill();
}

void WorkerProcess::post(MessageKind kind, std::span<const std::uint8_t> body) {
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
  }
  append_message(kind, body, &out_);
}

bool WorkerProcess::flush() {
  while (wants_to_send()) {
    const ssize_t put = send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (put <= 0) return false;
    sent_ += static_cast<std::size_t>(put);
  }
  return true;
}

bool WorkerProcess::receive() {
  std::array<std::uint8_t, 65536> buffer;
  for (;;) {
    const ssize_t got = recv(socket_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (got <= 0) return false;
    cutter_.feed({buffer.data(), static_cast<std::size_t>(got)});
  }
}

/// A worker with what the pool knows of it.
struct Slot {
  WorkerProcess process;
  bool greeted = false;                     // has said hello
  std::shared_ptr<const Testbench> loaded;  // held, so that no other testbench can have its address
  std::size_t job = std::numeric_limits<std::size_t>::max();  // of the current evaluate()
  std::deque<RunRef> queue;                                   // sent; the first is being simulated
  std::optional<RunRef> retry;                                // to be done first, by a fresh process
  Clock::time_point since;  // when the first of the queue (or the start) began
  double mean_run = 0.0;    // s, of late; 0: not known
  int runs = 0;             // by this process
  bool traces = false;      // what was loaded has set what stays for the next circuit: leaves_traces()

  bool busy() const { return !queue.empty(); }
};

/// What is left to do in one evaluate().
class Schedule {
 public:
  explicit Schedule(std::span<const Job> jobs)
      : jobs_(jobs), next_(jobs.size(), 0), workers_(jobs.size(), 0) {
    for (const Job& job : jobs) left_ += static_cast<std::size_t>(job.points.rows());
  }

  std::size_t left() const { return left_; }
  void done() { --left_; }

  /// The next row for a worker that is at job `*at`: of the same job as long as it lasts, then of the job
  /// that has the fewest workers, so that netlists are loaded rarely.
  std::optional<RunRef> take(std::size_t* at) {
    if (*at < jobs_.size() && has_rows(*at)) return RunRef{*at, next_[*at]++, 0};
    leave(at);
    std::optional<std::size_t> best;
    for (std::size_t job = first_; job < jobs_.size(); ++job) {
      if (!has_rows(job)) continue;
      if (!best) first_ = job;
      if (!best || workers_[job] < workers_[*best]) best = job;
      if (workers_[*best] == 0) break;
    }
    if (!best) return std::nullopt;
    *at = *best;
    ++workers_[*best];
    return RunRef{*at, next_[*at]++, 0};
  }

  /// Rows that were sent but not simulated, back to be done.
  void give_back(const RunRef& run) { returned_.push_back(run); }
  std::optional<RunRef> take_returned() {
    if (returned_.empty()) return std::nullopt;
    const RunRef run = returned_.front();
    returned_.pop_front();
    return run;
  }
  void leave(std::size_t* at) {
    if (*at < jobs_.size()) --workers_[*at];
    *at = std::numeric_limits<std::size_t>::max();
  }

 private:
  bool has_rows(std::size_t job) const {
    return next_[job] < static_cast<std::size_t>(jobs_[job].points.rows());
  }

  std::span<const Job> jobs_;
  std::vector<std::size_t> next_;
  std::vector<int> workers_;
  std::deque<RunRef> returned_;
  std::size_t first_ = 0;  // no job before it has rows
  std::size_t left_ = 0;
};

/// Runs to keep in a worker's queue: enough to hide the way to the pool and back, few enough that no worker
/// idles at the end while another has runs waiting.
std::size_t queue_depth(double mean_run) {
  if (mean_run <= 0.0) return 2;
  if (mean_run > 0.05) return 1;
  return static_cast<std::size_t>(std::clamp(1.0 + 0.004 / mean_run, 2.0, 32.0));
}

void check_jobs(std::span<const Job> jobs) {
  for (const Job& job : jobs) {
    if (!job.testbench) throw std::invalid_argument("a job without a testbench");
    const auto columns = static_cast<std::size_t>(job.points.cols());
    if (columns != job.testbench->dimension() && job.points.rows() > 0) {
      throw std::invalid_argument(fmt::format("points of {} coordinates for {} variables in {}", columns,
                                              job.testbench->dimension(), job.testbench->name));
    }
  }
}

/// What outlives one evaluate(): the workers.
struct Workers {
  WorkerPoolOptions options;
  std::filesystem::path program;
  std::vector<Slot> slots;
  std::string version;
  int failed_starts = 0;

  explicit Workers(WorkerPoolOptions given);

  void start(Slot& slot);
  void greet(Slot& slot, const Message& message);
  void load(Slot& slot, const std::shared_ptr<const Testbench>& testbench);
  Message ask(MessageKind kind, std::span<const std::uint8_t> body,
              const std::shared_ptr<const Testbench>& testbench);
  Message ask_about(MessageKind kind, const Testbench& testbench);
  std::vector<pollfd> wait(milliseconds at_most) const;
};

Workers::Workers(WorkerPoolOptions given) : options(std::move(given)), program(find_worker(options.worker)) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument(error);
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  slots = std::vector<Slot>(static_cast<std::size_t>(options.workers > 0 ? options.workers : cores));
}

void Workers::start(Slot& slot) {
  if (failed_starts >= max_failed_starts) {
    throw std::runtime_error("the worker " + program.string() + " ends as soon as it is started");
  }
  slot.process.start(program);
  slot.greeted = false;
  slot.loaded.reset();
  slot.traces = false;
  slot.runs = 0;
  slot.since = Clock::now();
}

void Workers::greet(Slot& slot, const Message& message) {
  version = BodyReader(message.body).text();
  slot.greeted = true;
  failed_starts = 0;
  slot.since = Clock::now();
}

void Workers::load(Slot& slot, const std::shared_ptr<const Testbench>& testbench) {
  if (slot.loaded == testbench) return;
  slot.process.post(MessageKind::load, to_cbor(*testbench));
  slot.loaded = testbench;
  slot.traces = leaves_traces(testbench->deck, testbench->options);
}

std::vector<pollfd> Workers::wait(milliseconds at_most) const {
  std::vector<pollfd> polled;
  polled.reserve(slots.size());
  for (const Slot& slot : slots) {
    // A descriptor below zero is passed over by poll.
    const int events = POLLIN | (slot.process.wants_to_send() ? POLLOUT : 0);
    polled.push_back({slot.process.socket(), static_cast<short>(events), 0});
  }
  poll(polled.data(), polled.size(), static_cast<int>(at_most.count()));
  return polled;
}

/// One question to one worker, and its answer; for what is asked rarely.
Message Workers::ask(MessageKind kind, std::span<const std::uint8_t> body,
                     const std::shared_ptr<const Testbench>& testbench) {
  Slot& slot = slots.front();
  for (int attempt = 0; attempt < 2; ++attempt) {
    // A worker that is at hand serves, unless what it has loaded stays with it.
    if (attempt > 0 || !slot.process.running() || !slot.greeted || slot.traces) start(slot);
    if (testbench) load(slot, testbench);
    if (kind != MessageKind::hello) slot.process.post(kind, body);
    // A rehearsal is three runs and what comes before them.
    const Clock::time_point deadline = Clock::now() + start_limit + 4 * options.run_time_limit;
    bool alive = true;
    while (alive && Clock::now() < deadline) {
      pollfd polled{slot.process.socket(),
                    static_cast<short>(POLLIN | (slot.process.wants_to_send() ? POLLOUT : 0)), 0};
      poll(&polled, 1, 50);
      alive = slot.process.flush() && slot.process.receive();
      while (std::optional<Message> message = slot.process.next()) {
        if (message->kind == MessageKind::failed) {
          slot.process.kill();
          slot.loaded.reset();
          throw CircuitRefused(BodyReader(message->body).text());
        }
        if (message->kind == MessageKind::hello) greet(slot, *message);
        if (message->kind == kind) return *message;
      }
    }
    if (!slot.greeted) ++failed_starts;
    slot.process.kill();
  }
  throw std::runtime_error("the simulator crashed or ran past its time limit, twice");
}

/// A question about a testbench, which takes the place of whatever the worker had loaded.
Message Workers::ask_about(MessageKind kind, const Testbench& testbench) {
  failed_starts = 0;
  const Message answer = ask(kind, to_cbor(testbench), nullptr);
  Slot& slot = slots.front();
  slot.loaded.reset();
  slot.traces = leaves_traces(testbench.deck, testbench.options);
  return answer;
}

/// One call of evaluate().
class Evaluation {
 public:
  Evaluation(Workers& pool, std::span<const Job> jobs, const OnRun& on_run)
      : pool_(pool), jobs_(jobs), on_run_(on_run), schedule_(jobs) {
    for (Slot& slot : pool_.slots) slot.job = std::numeric_limits<std::size_t>::max();
  }
  /// A worker that is still busy when the call ends, early or by an exception, is of no further use.
  ~Evaluation() {
    for (Slot& slot : pool_.slots) {
      if (slot.busy()) slot.process.kill();
      slot.queue.clear();
      slot.retry.reset();
    }
  }
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  void run(const std::stop_token& stop);

 private:
  void fill(Slot& slot);
  void send(Slot& slot, const RunRef& run);
  void exchange(Slot& slot);
  void take_result(Slot& slot, const Message& message);
  void replace(Slot& slot, Outcome why);
  void watch_time(Slot& slot);
  milliseconds patience() const;

  Workers& pool_;
  std::span<const Job> jobs_;
  const OnRun& on_run_;
  Schedule schedule_;
};

void Evaluation::send(Slot& slot, const RunRef& run) {
  const Job& job = jobs_[run.job];
  pool_.load(slot, job.testbench);
  const auto row = static_cast<Eigen::Index>(run.row);
  const std::span<const double> point(job.points.data() + row * job.points.cols(),
                                      static_cast<std::size_t>(job.points.cols()));
  const std::uint64_t tag = (static_cast<std::uint64_t>(run.job) << 40) | run.row;
  slot.process.post(MessageKind::run, BodyWriter().number(tag).numbers(point).take());
  if (slot.queue.empty()) slot.since = Clock::now();
  slot.queue.push_back(run);
}

void Evaluation::fill(Slot& slot) {
  const bool worn_out = slot.process.running() && slot.runs >= pool_.options.runs_per_worker;
  if (worn_out) {
    if (slot.busy()) return;
    slot.process.dismiss();
  }
  const std::size_t depth = queue_depth(slot.mean_run);
  const auto room = [&] {
    return slot.queue.size() < depth &&
           slot.runs + static_cast<int>(slot.queue.size()) < pool_.options.runs_per_worker;
  };
  while (!slot.process.running() || room()) {
    std::optional<RunRef> run = std::exchange(slot.retry, std::nullopt);
    if (!run) run = schedule_.take_returned();
    if (!run) run = schedule_.take(&slot.job);
    if (!run) break;
    if (slot.process.running() && slot.traces && slot.loaded != jobs_[run->job].testbench) {
      if (slot.busy()) {
        slot.retry = run;  // once this process has done what it has
        break;
      }
      slot.process.dismiss();
    }
    if (!slot.process.running()) pool_.start(slot);
    send(slot, *run);
  }
}

void Evaluation::take_result(Slot& slot, const Message& message) {
  std::uint64_t tag = 0;
  const RunResult result = decode_result(message.body, &tag);
  if (slot.queue.empty()) throw ProtocolError("a result nobody asked for");
  const RunRef run = slot.queue.front();
  if (tag != ((static_cast<std::uint64_t>(run.job) << 40) | run.row))
    throw ProtocolError("results out of order");
  slot.queue.pop_front();
  ++slot.runs;
  const Clock::time_point now = Clock::now();
  const double took = std::chrono::duration<double>(now - slot.since).count();
  slot.mean_run = slot.mean_run > 0.0 ? 0.9 * slot.mean_run + 0.1 * took : took;
  slot.since = now;
  schedule_.done();
  on_run_(run.job, run.row, result);
}

/// The worker crashed or was too slow: its first run is to blame, the others are sent elsewhere.
void Evaluation::replace(Slot& slot, Outcome why) {
  slot.process.kill();
  if (!slot.greeted) ++pool_.failed_starts;
  slot.loaded.reset();
  if (slot.queue.empty()) return;
  RunRef blamed = slot.queue.front();
  slot.queue.pop_front();
  for (const RunRef& run : slot.queue) schedule_.give_back(run);
  slot.queue.clear();
  if (slot.greeted) ++blamed.attempts;
  slot.since = Clock::now();
  if (blamed.attempts < 2) {
    slot.retry = blamed;
    return;
  }
  RunResult result;
  result.outcome = why;
  result.measures.assign(jobs_[blamed.job].testbench->measures.size(),
                         std::numeric_limits<double>::quiet_NaN());
  result.message = why == Outcome::timed_out ? "past the time limit, twice" : "the simulator died, twice";
  schedule_.done();
  on_run_(blamed.job, blamed.row, result);
}

void Evaluation::exchange(Slot& slot) {
  bool alive = slot.process.flush() && slot.process.receive();
  try {
    while (std::optional<Message> message = slot.process.next()) {
      if (message->kind == MessageKind::hello) {
        pool_.greet(slot, *message);
      } else if (message->kind == MessageKind::result) {
        take_result(slot, *message);
      } else if (message->kind == MessageKind::failed) {
        const std::string name = slot.busy() ? jobs_[slot.queue.front().job].testbench->name : std::string();
        throw CircuitRefused((name.empty() ? "" : name + ": ") + BodyReader(message->body).text());
      }
    }
  } catch (const ProtocolError&) {
    alive = false;  // it does not talk sense: as good as dead
  }
  if (!alive) replace(slot, Outcome::crashed);
}

void Evaluation::watch_time(Slot& slot) {
  if (!slot.busy()) return;
  const milliseconds limit = slot.greeted ? pool_.options.run_time_limit : start_limit;
  if (Clock::now() - slot.since > limit) replace(slot, Outcome::timed_out);
}

/// Until the next deadline, and never so long that a stop has to wait.
milliseconds Evaluation::patience() const {
  milliseconds least{50};
  for (const Slot& slot : pool_.slots) {
    if (!slot.busy() || !slot.greeted) continue;
    const auto left =
        std::chrono::duration_cast<milliseconds>(slot.since + pool_.options.run_time_limit - Clock::now());
    least = std::clamp(left + milliseconds(1), milliseconds(1), least);
  }
  return least;
}

void Evaluation::run(const std::stop_token& stop) {
  std::optional<Clock::time_point> stopping;
  while (schedule_.left() > 0) {
    if (stop.stop_requested() && !stopping) stopping = Clock::now();
    const bool any_busy =
        std::any_of(pool_.slots.begin(), pool_.slots.end(), [](const Slot& s) { return s.busy(); });
    if (stopping && (!any_busy || Clock::now() - *stopping > stop_patience)) return;
    for (Slot& slot : pool_.slots) {
      if (!stopping) fill(slot);
      if (slot.process.running() && !slot.process.flush()) replace(slot, Outcome::crashed);
    }
    const std::vector<pollfd> polled = pool_.wait(patience());
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].fd >= 0 && polled[i].revents != 0) exchange(pool_.slots[i]);
      watch_time(pool_.slots[i]);
    }
  }
}

}  // namespace

struct WorkerPool::Impl : Workers {
  using Workers::Workers;
};

bool WorkerPoolOptions::is_valid(std::string* error) const {
  const auto wrong = [&](const char* why) {
    if (error) *error = why;
    return false;
  };
  if (workers < 0 || workers > 1024) return wrong("the number of workers is 0 (one per core) to 1024");
  if (run_time_limit.count() <= 0) return wrong("the time limit of a run is above zero");
  if (runs_per_worker < 1) return wrong("a worker makes at least one run");
  return true;
}

WorkerPool::WorkerPool(WorkerPoolOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

WorkerPool::~WorkerPool() {
  for (Slot& slot : impl_->slots) slot.process.dismiss();
}

void WorkerPool::evaluate(std::span<const Job> jobs, const OnRun& on_run, std::stop_token stop) {
  check_jobs(jobs);
  impl_->failed_starts = 0;
  Evaluation(*impl_, jobs, on_run).run(stop);
}

Listing WorkerPool::listing(const Deck& deck, const SimulatorOptions& options) {
  Testbench asked;
  asked.deck = deck;
  asked.options = options;
  const Message answer = impl_->ask_about(MessageKind::listing, asked);
  BodyReader body(answer.body);
  Listing listing;
  listing.lines = body.texts();
  listing.vectors = body.texts();
  return listing;
}

std::vector<double> WorkerPool::values(const Deck& deck, const SimulatorOptions& options,
                                       std::span<const Setting> settings, std::span<const Knob> knobs) {
  Testbench asked;
  asked.deck = deck;
  asked.options = options;
  asked.settings.assign(settings.begin(), settings.end());
  asked.knobs.assign(knobs.begin(), knobs.end());
  const Message answer = impl_->ask_about(MessageKind::values, asked);
  const std::vector<double> values = BodyReader(answer.body).numbers();
  if (values.size() != knobs.size()) throw ProtocolError("an answer of the wrong size");
  return values;
}

Rehearsal WorkerPool::rehearse(const Testbench& testbench) {
  return decode_rehearsal(impl_->ask_about(MessageKind::rehearse, testbench).body);
}

Waveforms WorkerPool::waveforms(const Testbench& testbench, const Eigen::RowVectorXd& point) {
  if (static_cast<std::size_t>(point.size()) != testbench.dimension()) {
    throw std::invalid_argument("the point has not one coordinate for every variable");
  }
  impl_->failed_starts = 0;
  const std::span<const double> values(point.data(), static_cast<std::size_t>(point.size()));
  const Message answer = impl_->ask(MessageKind::waveforms, BodyWriter().numbers(values).take(),
                                    std::make_shared<const Testbench>(testbench));
  return decode_waveforms(answer.body);
}

int WorkerPool::workers() const { return static_cast<int>(impl_->slots.size()); }

std::string WorkerPool::ngspice_version() {
  if (impl_->version.empty()) impl_->ask(MessageKind::hello, {}, nullptr);
  return impl_->version;
}

}  // namespace flare::engine
