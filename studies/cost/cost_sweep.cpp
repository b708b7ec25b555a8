#include "studies/cost/cost_sweep.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <map>

#include "studies/cost/architecture_file.hpp"
#include "studies/cost/study_figures.hpp"

namespace flare::studies {

namespace {

constexpr std::size_t most_points = 10'000;

/// Points of a grid as overrides, the last axis fastest.
std::vector<std::vector<std::string>> grid(const std::vector<CostAxis>& axes) {
  std::vector<std::vector<std::string>> points = {{}};
  for (const CostAxis& axis : axes) {
    if (points.size() * axis.values.size() > most_points)
      throw StudyError(fmt::format("--sweep: more than {} points; give fewer values", most_points));
    std::vector<std::vector<std::string>> more;
    for (const auto& point : points)
      for (const std::string& value : axis.values) {
        more.push_back(point);
        more.back().push_back(axis.key + "=" + value);
      }
    points = std::move(more);
  }
  return points;
}

/// Counts of the points so far, by what they depend on.
class CountedPoints {
 public:
  explicit CountedPoints(const CostModel& model) : model_(model) {}

  CostRun run(const arch::Architecture& a) {
    if (!model_.model || !model_.data || model_.counts) return run_cost(model_, a);
    const auto at = counts_.find(counting_key(a));
    if (at != counts_.end()) {
      CostModel counted = model_;
      counted.counts = at->second;
      return run_cost(counted, a);
    }
    CostRun run = run_cost(model_, a);
    counts_[counting_key(a)] = cost_result(run, {}, {}, {});
    return run;
  }

 private:
  const CostModel& model_;
  std::map<std::string, analysis::CostResult> counts_;
};

}  // namespace

CostAxis parse_axis(const std::string& text) {
  CostAxis axis;
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw StudyError("--sweep " + text +
                     ": expected KEY=VALUE,VALUE,..., e.g. --sweep arrays.dynamic.sawl=2,4,8");
  axis.key = text.substr(0, equals);
  std::size_t from = equals + 1;
  while (from <= text.size()) {
    const std::size_t to = std::min(text.find(',', from), text.size());
    if (to == from) throw StudyError("--sweep " + text + ": an empty value");
    axis.values.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return axis;
}

analysis::CostSweepRow sweep_row(const CostRun& run, const std::string& point, double x) {
  using arch::CostReport;
  return {point,
          x,
          run.range([](const CostReport& c) { return c.tokens_per_second(); }),
          run.range([](const CostReport& c) { return c.token_energy(); }),
          run.range([](const CostReport& c) { return c.mac_energy(); }),
          run.range([](const CostReport& c) { return c.area; })};
}

std::vector<analysis::CostSweepRow> sweep_cost(const CostModel& model, const SweepBase& base,
                                               const std::vector<CostAxis>& axes) {
  std::vector<analysis::CostSweepRow> rows;
  if (axes.empty()) return rows;
  CountedPoints counted(model);
  for (const std::vector<std::string>& point : grid(axes)) {
    std::vector<std::string> overrides = base.overrides;
    overrides.insert(overrides.end(), point.begin(), point.end());
    arch::Architecture a = read_architecture(base.architecture, overrides);
    for (const std::filesystem::path& study : base.studies) apply_study(a, study);
    std::string name;
    for (const std::string& change : point) name += (name.empty() ? "" : ", ") + change;
    const std::string first = point.front().substr(point.front().find('=') + 1);
    rows.push_back(sweep_row(counted.run(a), name, std::strtod(first.c_str(), nullptr)));
  }
  return rows;
}

}  // namespace flare::studies
