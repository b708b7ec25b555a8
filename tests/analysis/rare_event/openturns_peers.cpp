#include "tests/analysis/rare_event/openturns_peers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr int silence_limit_ms = 60'000;

std::string script() {
  return std::string(FLARE_SOURCE_DIR) + "/tests/analysis/rare_event/openturns_peers.py";
}

/// The Python process. Ends with the object.
class PeerProcess {
 public:
  PeerProcess() {
    int down[2], up[2];  // to the child's input, from its output
    if (pipe(down) != 0 || pipe(up) != 0) throw std::runtime_error("no pipe");
    child_ = fork();
    if (child_ == 0) {
      dup2(down[0], STDIN_FILENO);
      dup2(up[1], STDOUT_FILENO);
      if (const int nowhere = open("/dev/null", O_WRONLY); nowhere >= 0)
        dup2(nowhere, STDERR_FILENO);  // tracebacks
      for (const int end : {down[0], down[1], up[0], up[1]}) close(end);
      execl("/usr/bin/python3", "python3", script().c_str(), nullptr);
      _exit(127);
    }
    close(down[0]);
    close(up[1]);
    to_ = down[1];
    from_ = up[0];
  }
  ~PeerProcess() {
    close(to_);
    close(from_);
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
  }
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  bool write_all(const void* data, std::size_t bytes) {
    const char* at = static_cast<const char*>(data);
    while (bytes > 0) {
      const ssize_t written = write(to_, at, bytes);
      if (written <= 0) return false;
      at += written;
      bytes -= static_cast<std::size_t>(written);
    }
    return true;
  }
  /// False where the child ended or was silent for too long.
  bool read_all(void* data, std::size_t bytes) {
    char* at = static_cast<char*>(data);
    while (bytes > 0) {
      pollfd waiting{from_, POLLIN, 0};
      if (poll(&waiting, 1, silence_limit_ms) <= 0) return false;
      const ssize_t got = read(from_, at, bytes);
      if (got <= 0) return false;
      at += got;
      bytes -= static_cast<std::size_t>(got);
    }
    return true;
  }
  std::optional<std::string> read_line() {
    std::string line;
    for (char c = 0; read_all(&c, 1);) {
      if (c == '\n') return line;
      line += c;
    }
    return std::nullopt;
  }

 private:
  pid_t child_ = -1;
  int to_ = -1, from_ = -1;
};

double as_margin(const Response& r) {
  if (r.kind == ResponseKind::margin) return r.value;
  return r.kind == ResponseKind::fail ? -1.0 : 1.0;
}

// Points that the child asks for, answered. False where the pipe broke.
bool serve_points(PeerProcess& peer, const BatchEvaluator& evaluator, std::size_t count, std::size_t d) {
  engine::Matrix points(static_cast<Eigen::Index>(count), static_cast<Eigen::Index>(d));
  if (!peer.read_all(points.data(), sizeof(double) * count * d)) return false;
  std::vector<double> margins;
  for (const Response& r : evaluator(points)) margins.push_back(as_margin(r));
  return peer.write_all(margins.data(), sizeof(double) * count);
}

ValidationAnswer refused(std::string reason) {
  ValidationAnswer answer;
  answer.reason = std::move(reason);
  return answer;
}

ValidationAnswer parsed(const std::string& line) {
  std::istringstream words(line);
  std::string kind;
  double p = 0.0, low = 0.0, high = 0.0;
  if (!(words >> kind >> p >> low >> high) || kind != "result") return refused(line);
  ValidationAnswer answer;
  answer.status = TailStatus::estimated;
  answer.log_p = answer.log_p_fail = std::log(p);
  answer.log_p_low = std::log(low);
  answer.log_p_high = std::log(high);
  answer.half_width = 0.5 * (upper_tail_quantile(answer.log_p_low) - upper_tail_quantile(answer.log_p_high));
  return answer;
}

// One request; the process is made where there is none, and dropped where it does not answer.
ValidationAnswer ask(std::unique_ptr<PeerProcess>& peer, const std::string& request, std::size_t d,
                     const BatchEvaluator& evaluator) {
  if (!peer) peer = std::make_unique<PeerProcess>();
  double runs = 0.0;
  ValidationAnswer answer = refused("no answer");
  bool alive = peer->write_all(request.data(), request.size());
  while (alive) {
    const std::optional<std::string> line = peer->read_line();
    alive = line.has_value();
    if (!alive) break;
    if (!line->starts_with("points ")) {
      answer = parsed(*line);
      break;
    }
    const std::size_t count = std::stoul(line->substr(7));
    runs += static_cast<double>(count);
    alive = serve_points(*peer, evaluator, count, d);
  }
  if (!alive) peer.reset();
  answer.runs = runs;
  return answer;
}

}  // namespace

bool peers_installed() {
  return std::system(("/usr/bin/python3 '" + script() + "' --version > /dev/null 2>&1").c_str()) == 0;
}

std::vector<ValidationRow> validate_peers(const RareEventProblem& problem, const ValidationOptions& options,
                                          std::uint64_t max_runs) {
  if (problem.log_p_high > problem.log_p) return {};
  signal(SIGPIPE, SIG_IGN);  // a child that died is told by write()
  const double target = options.target.value_or(problem.target);
  const double cov = target / 1.96 * normal_hazard(upper_tail_quantile(problem.log_p));
  std::unique_ptr<PeerProcess> peer;
  std::vector<ValidationRow> rows;
  for (const std::string method : {"form", "subset", "nais"}) {
    std::vector<ValidationAnswer> answers;
    for (std::size_t i = 0; i < options.repeats; ++i) {
      const std::uint64_t seed = options.first_seed + i;
      std::size_t met = 0;
      const BatchEvaluator evaluator = counting_met(problem, seed, met);
      const std::string request =
          fmt::format("{} {} {} {} {}\n", method, problem.dimension, seed, cov, max_runs);
      answers.push_back(ask(peer, request, problem.dimension, evaluator));
      answers.back().met = met;
    }
    rows.push_back(tabulate(problem, "OpenTURNS " + method, answers));
  }
  return rows;
}

}  // namespace flare::analysis
