// Writes the table of analysis/README.md: every problem with a known answer, repeated with different seeds.
//   estimator_validation [--repeats N] [--problem NAME] [--markdown]
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>

#include "tests/analysis/rare_event/rare_event_validation.hpp"

int main(int argc, char** argv) {
  using namespace flare::analysis;
  std::size_t repeats = 200;
  std::uint64_t first_seed = 2'000'001;
  std::string only;
  std::string forced(to_string(RareEventMethod::automatic));
  std::map<std::string, RareEventMethod> methods;
  for (int m = 0; m <= static_cast<int>(RareEventMethod::scaled_sigma); ++m) {
    const auto method = static_cast<RareEventMethod>(m);
    methods.emplace(to_string(method), method);
  }
  bool markdown = false, verbose = false, misses = false;
  CLI::App app("Coverage and error of the rare-event estimators on problems with known answers");
  app.add_option("--repeats", repeats, "repeats of each problem");
  app.add_option("--first-seed", first_seed, "seed of the first repeat");
  app.add_option("--problem", only, "only the problems whose name contains this");
  app.add_option("--method", forced, "one method, forced on every problem")->check(CLI::IsMember(methods));
  app.add_flag("--markdown", markdown, "a Markdown table instead of CSV");
  app.add_flag("--verbose", verbose, "every repeat on standard error");
  app.add_flag("--misses", misses, "the repeats whose interval misses, on standard error");
  CLI11_PARSE(app, argc, argv);
  std::fputs(validation_header(markdown).c_str(), stdout);
  for (const RareEventProblem& problem : rare_event_problems()) {
    if (problem.name.find(only) == std::string::npos) continue;
    const auto begin = std::chrono::steady_clock::now();
    const ValidationRow row = validate(
        problem, repeats, first_seed,
        [&](const RareEventSummary& summary) {
          const bool miss = summary.status == TailStatus::estimated &&
                            (summary.log_p_low > problem.log_p || summary.log_p_high < problem.log_p_high);
          if (!verbose && !(misses && miss)) return;
          std::fprintf(stderr, "%s, truth %.4g: %s", problem.name.c_str(), std::exp(problem.log_p),
                       summary.full_report().c_str());
        },
        methods.at(forced));
    std::fputs(validation_line(row, markdown).c_str(), stdout);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::fprintf(stderr, "%-28s %6.1f s\n", problem.name.c_str(), took.count());
    std::fflush(stdout);
  }
  return 0;
}
