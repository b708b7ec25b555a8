// Writes the tables of analysis/README.md: problems with known answers, repeated with different seeds.
//   estimator_validation [--repeats N] [--problem NAME] [--family NAME] [--accuracy SIGMA] [--fresh-seeds] [--markdown]
//   estimator_validation --refusals [...]   the default method beside each engine by itself, where it often gives no estimate
//   estimator_validation --set drawn --draw-seed S --draws N   problems drawn at random, that nobody has looked at
//   estimator_validation --peers    the same problems given to OpenTURNS as well, where it is installed
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <future>
#include <map>
#include <set>

#include "tests/analysis/rare_event/openturns_peers.hpp"
#include "tests/analysis/rare_event/rare_event_validation.hpp"

namespace {

using namespace flare::analysis;

// Seeds of the table, which the methods were made with, and seeds that nobody looked at while they were made.
constexpr std::uint64_t table_seed = 2'000'001, fresh_seed = 2'400'000'001;

struct Arguments {
  ValidationOptions validation;
  std::string problem, family, set = "all", method;
  bool fresh = false, markdown = false, verbose = false, misses = false, list = false, peers = false,
       refusals = false;
  std::uint64_t peer_runs = 20000, draw_seed = 1;
  std::size_t jobs = 1, draws = 24;
};

std::map<std::string, RareEventMethod> methods() {
  std::map<std::string, RareEventMethod> named;
  for (int m = 0; m <= static_cast<int>(RareEventMethod::scaled_sigma); ++m) {
    const auto method = static_cast<RareEventMethod>(m);
    named.emplace(to_string(method), method);
  }
  return named;
}

void declare(CLI::App& app, Arguments& a) {
  app.add_option("--repeats", a.validation.repeats, "repeats of each problem");
  app.add_option("--first-seed", a.validation.first_seed, "seed of the first repeat");
  app.add_flag("--fresh-seeds", a.fresh, "a second range of seeds, not used while the methods were made");
  app.add_option("--set", a.set, "which problems: table, hard, all (both) or drawn (at random)")
      ->check(CLI::IsMember({"table", "hard", "all", "drawn"}));
  app.add_option("--draws", a.draws, "with --set drawn: how many")->check(CLI::Range(1, 10000));
  app.add_option("--draw-seed", a.draw_seed, "with --set drawn: other problems for every number");
  app.add_option("--problem", a.problem, "only the problems whose name contains this");
  app.add_option("--family", a.family, "only the families whose name contains this");
  app.add_option("--accuracy", a.validation.target, "half-width asked for on every problem, sigma");
  app.add_option("--budget", a.validation.budget, "runs allowed on every problem");
  app.add_option("--method", a.method, "one method, forced on every problem")
      ->check(CLI::IsMember(methods()));
  app.add_option("--jobs", a.jobs, "problems at the same time; the numbers are the same for any")
      ->check(CLI::Range(1, 64));
  app.add_flag("--markdown", a.markdown, "a Markdown table instead of CSV");
  app.add_flag("--verbose", a.verbose, "every repeat on standard error");
  app.add_flag("--misses", a.misses, "the repeats whose interval misses, on standard error");
  app.add_flag("--list", a.list, "the problems with family, P and where it comes from; nothing is run");
  app.add_flag("--peers", a.peers, "OpenTURNS on the same problems, where it is installed");
  app.add_flag(
      "--refusals", a.refusals,
      "the default method and, where it gives no estimate in a tenth of the repeats, each engine by itself: "
      "estimates of each and their coverage");
  app.add_flag("--what-is-left", a.validation.with_what_is_left,
               "with --refusals: an engine has the runs that the default method left unused, no more");
  app.add_option("--peer-runs", a.peer_runs, "runs after which a method of OpenTURNS is stopped");
}

std::vector<RareEventProblem> chosen(const Arguments& a) {
  std::vector<RareEventProblem> all = a.set == "table"   ? rare_event_problems()
                                      : a.set == "hard"  ? hard_problems()
                                      : a.set == "drawn" ? drawn_problems(a.draw_seed, a.draws)
                                                         : all_rare_event_problems();
  std::erase_if(all, [&](const RareEventProblem& problem) {
    return problem.name.find(a.problem) == std::string::npos ||
           problem.family.find(a.family) == std::string::npos;
  });
  return all;
}

void list(const std::vector<RareEventProblem>& problems) {
  for (const RareEventProblem& problem : problems)
    std::printf("%-18s %-50s d=%-5zu P=%.7g (%s)\n", problem.family.c_str(), problem.name.c_str(),
                problem.dimension, std::exp(problem.log_p), problem.answer.c_str());
}

// The lines of one problem, ours and the peers'.
std::string lines_of(const RareEventProblem& problem, const Arguments& a) {
  const ValidationRow row =
      validate(problem, a.validation, [&](const RareEventSummary& summary, const ValidationAnswer& answer) {
        const bool miss = summary.status == TailStatus::estimated && !covers(problem, answer);
        if (!a.verbose && !(a.misses && miss)) return;
        std::fprintf(stderr, "%s, truth %.4g, met by %zu runs: %s", problem.name.c_str(),
                     std::exp(problem.log_p), answer.met, summary.full_report().c_str());
      });
  std::string lines = validation_line(row, a.markdown);
  if (a.peers) {
    for (const ValidationRow& peer : validate_peers(problem, a.validation, a.peer_runs))
      lines += validation_line(peer, a.markdown);
  }
  return lines;
}

std::string timed_lines_of(const RareEventProblem& problem, const Arguments& a) {
  const auto begin = std::chrono::steady_clock::now();
  std::string lines =
      a.refusals ? survey_line(survey_engines(problem, a.validation), a.markdown) : lines_of(problem, a);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::fprintf(stderr, "%-50s %6.1f s\n", problem.name.c_str(), took.count());
  return lines;
}

// In the order of the problems, `jobs` at a time.
void print_table(const std::vector<RareEventProblem>& problems, const Arguments& a) {
  std::fputs((a.refusals ? survey_header(a.markdown) : validation_header(a.markdown)).c_str(), stdout);
  for (std::size_t first = 0; first < problems.size(); first += a.jobs) {
    std::vector<std::future<std::string>> running;
    for (std::size_t i = first; i < std::min(first + a.jobs, problems.size()); ++i)
      running.push_back(std::async(a.jobs > 1 ? std::launch::async : std::launch::deferred,
                                   [&, i] { return timed_lines_of(problems[i], a); }));
    for (std::future<std::string>& line : running) {
      std::fputs(line.get().c_str(), stdout);
      std::fflush(stdout);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  arguments.validation.first_seed = table_seed;
  CLI::App app("Coverage and error of the rare-event estimators on problems with known answers");
  declare(app, arguments);
  CLI11_PARSE(app, argc, argv);
  if (arguments.fresh) arguments.validation.first_seed = fresh_seed;
  if (!arguments.method.empty()) arguments.validation.method = methods().at(arguments.method);
  const std::vector<RareEventProblem> problems = chosen(arguments);
  if (problems.empty()) {
    std::fputs("no problem of that name or family; --list shows them\n", stderr);
    return 1;
  }
  if (arguments.list) {
    list(problems);
    return 0;
  }
  if (arguments.peers && !peers_installed()) {
    std::fputs(
        "peers: OpenTURNS is not installed for /usr/bin/python3 (Debian: python3-openturns); only this "
        "program's "
        "methods are run\n",
        stderr);
    arguments.peers = false;
  }
  print_table(problems, arguments);
  return 0;
}
