#include "studies/run/work_estimate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

namespace flare::studies {

double WorkEstimate::efficiency(int shards) const {
  const double n = shards;
  const double before = std::max(shared_before / n, chain_before);
  const double levels = std::max(0.0, likely_seconds - shared_before - chain_before);
  const double took = before + std::max(levels / n, longest_item);
  return took > 0.0 ? likely_seconds / (n * took) : 1.0;
}

int WorkEstimate::sensible_shards() const {
  constexpr double worth = 0.7;
  int most = 1;
  for (int n = 2; n <= static_cast<int>(std::min<std::size_t>(items, 100'000)); ++n) {
    if (efficiency(n) >= worth) most = n;
  }
  return most;
}

double WorkEstimate::megabytes() const {
  const double bytes_a_run = 640.0 + 16.0 * static_cast<double>(dimension);
  return static_cast<double>(likely_runs - counted_runs) * bytes_a_run * 1e-6;
}

std::vector<std::string> describe(const WorkEstimate& work, int cores) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("runs      at least {}, likely {}, at most {}", work.least_runs,
                              work.likely_runs, work.most_runs));
  if (!std::isfinite(work.likely_seconds)) return lines;
  const double minutes = 1.0 / (60.0 * cores);
  lines.push_back(
      fmt::format("cost      likely {:.2g} core-hours, at most {:.2g}: on {} here {:.2g} to {:.2g} minutes, "
                  "as fast as this machine is now",
                  work.likely_seconds / 3600.0, work.most_seconds / 3600.0,
                  cores == 1 ? std::string("one core") : fmt::format("{} cores", cores),
                  work.likely_seconds * minutes, work.most_seconds * minutes));
  lines.push_back(fmt::format(
      "shards    {} items, the longest {:.2g} s: up to {} shards of one core keep 0.7 of them busy",
      work.items, work.longest_item, work.sensible_shards()));
  lines.push_back(
      fmt::format("memory    likely {:.0f} MB, and 20 MB a worker", std::ceil(10.0 + work.megabytes())));
  return lines;
}

double time_a_run(engine::Evaluator& evaluator, const engine::Testbench& bench) {
  constexpr int timed = 3;
  const auto dimension = static_cast<Eigen::Index>(bench.dimension());
  const auto shared = std::make_shared<const engine::Testbench>(bench);
  bool simulated = true;
  const auto run = [&](int runs) {
    const engine::Job job{shared, engine::Matrix::Zero(runs, dimension)};
    evaluator.evaluate({&job, 1}, [&](std::size_t, std::size_t, const engine::RunResult& result) {
      simulated = simulated && engine::simulated(result.outcome);
    });
  };
  run(1);  // loads the netlist
  const auto begun = std::chrono::steady_clock::now();
  run(timed);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  return simulated ? took.count() / timed : NAN;
}

}  // namespace flare::studies
