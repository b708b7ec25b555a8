#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"
#include "analysis/report/sigma_axis.hpp"

namespace flare::analysis {
namespace {

/// One estimate over its runs.
struct Converging {
  std::string name;
  std::string row;  // of the verdict
  std::vector<RunningPoint> points;
  TailProbability answer;
};

/// Of several proposals the one that knows most at its end; nothing where none knows better than a factor of two.
std::vector<RunningPoint> best_of(const std::vector<TailRuns>& weighted, double limit, Side side,
                                  double noise) {
  constexpr double most_relative = 0.5;
  std::vector<RunningPoint> best;
  double least = most_relative;
  for (const TailRuns& runs : weighted) {
    std::vector<RunningPoint> points = running_estimate(runs, limit, side, noise);
    if (points.empty()) continue;
    const double relative = (points.back().high - points.back().p) / points.back().p;
    if (relative >= least) continue;
    least = relative;
    best = std::move(points);
  }
  return best;
}

std::vector<Converging> of_specs(const ReportData& data) {
  std::vector<Converging> all;
  for (const SpecRow& spec : data.specs) {
    if (std::isfinite(spec.min) && std::isfinite(spec.max)) continue;  // two estimates, one answer
    const Side side = std::isfinite(spec.min) ? Side::below : Side::above;
    for (const ReportMeasure& measure : data.measures) {
      if (measure.name != spec.measure || measure.corner != spec.corner) continue;
      std::vector<RunningPoint> points =
          best_of(measure.weighted, side == Side::below ? spec.min : spec.max, side, 0.0);
      if (!points.empty())
        all.push_back({spec.spec, "spec_" + figure_name(spec.spec), std::move(points), spec.failure});
    }
  }
  return all;
}

/// Steps of the model, of a level in V; volts and steps agree at the first and the last level.
TailRuns in_steps(const TailRuns& runs, const ReportPoint& point, const ReportModel& model) {
  const double per_volt = (model.level_mean.back() - model.level_mean.front()) /
                          (point.levels.back().mean - point.levels.front().mean);
  TailRuns steps = runs;
  for (double& x : steps.values) x = model.level_mean.front() + (x - point.levels.front().mean) * per_volt;
  return steps;
}

/// Of the one tail that is drawn: a level may be misread to its other side, too. Refused where the file does not hold it.
TailProbability tail_of(const ReportPoint& point, const VerdictRow& row) {
  for (const TailRow& tail : point.tails) {
    if (tail.adc == row.key.adc && tail.tail.k == row.level && tail.tail.direction == row.direction)
      return tail.tail.probability;
  }
  return {};
}

std::vector<Converging> of_levels(const ReportData& data) {
  std::vector<Converging> all;
  for (const VerdictRow& row : data.verdict) {
    const ReportPoint* point = data.point(row.key);
    const ReportModel* model = data.model(row.key);
    if (point == nullptr || model == nullptr || point->levels.size() < 2 ||
        model->thresholds.size() + 1 != point->levels.size() ||
        model->level_mean.size() != point->levels.size()) {
      continue;
    }
    const bool up = row.direction == Direction::up;
    const auto k = static_cast<std::size_t>(row.level);
    if (k >= point->levels.size() || (up && k == model->thresholds.size()) || (!up && k == 0)) continue;
    std::vector<TailRuns> weighted;
    weighted.reserve(point->levels[k].tail.size());
    for (const TailRuns& runs : point->levels[k].tail) weighted.push_back(in_steps(runs, *point, *model));
    std::vector<RunningPoint> points = best_of(weighted, model->thresholds[up ? k : k - 1],
                                               up ? Side::above : Side::below, model->threshold_sigma);
    if (points.empty()) continue;
    all.push_back({fmt::format("{} SAWL {} {}, level {} {}", row.key.cell, row.key.sawl, row.key.adc, k,
                               to_string(row.direction)),
                   verdict_row_id(row.key), std::move(points), tail_of(*point, row)});
  }
  return all;
}

void add(const Converging& one, std::size_t s, FigureParts& parts) {
  std::string band, line;
  for (const RunningPoint& at : one.points) {
    const double high = at.low > 0.0 ? sigma_of_probability(at.low) : most_sigma_drawn;
    const double low = at.high < 1.0 ? sigma_of_probability(at.high) : -most_sigma_drawn;
    band += fmt::format("{} {:.5g} {:.5g}\n", at.runs, low, high);
    line += fmt::format("{} {:.5g}\n", at.runs, sigma_of_probability(std::min(at.p, 1.0)));
  }
  const std::string colour = series_colour(s);
  parts.files.push_back({fmt::format("band{}.dat", s), band});
  parts.files.push_back({fmt::format("line{}.dat", s), line});
  parts.plots.push_back(fmt::format(
      "'band{}.dat' using 1:2:3 with filledcurves fs solid 0.15 noborder lc rgb '{}' notitle", s, colour));
  parts.plots.push_back(fmt::format("'line{}.dat' using 1:2 with lines lw 1.8 lc rgb '{}' title {}", s,
                                    colour, gnuplot_text(one.name)));
  if (one.answer.status == TailStatus::refused) return;
  parts.plots.push_back(
      fmt::format("{:.6g} with lines lw 1.2 dt (6,4) lc rgb '{}' notitle", one.answer.sigma(), colour));
}

}  // namespace

ReportFigure convergence_figure(const ReportData& data) {
  std::vector<Converging> all = of_specs(data);
  for (Converging& one : of_levels(data)) all.push_back(std::move(one));
  constexpr std::size_t most = 6;
  if (all.size() > most) all.resize(most);
  if (all.empty()) return {};
  FigureParts parts;
  double low = most_sigma_drawn, high = 0.0;
  ReportFigure figure;
  for (std::size_t s = 0; s < all.size(); ++s) {
    add(all[s], s, parts);
    figure.rows.push_back(all[s].row);
    const double end = sigma_of_probability(all[s].points.back().p);
    low = std::min(low, end - 0.8);
    high = std::max(high, end + 0.8);
  }
  parts.plots.emplace_back("NaN with lines lw 1.2 dt (6,4) lc rgb '#444444' title 'answer'");
  const std::string script = fmt::format(
      "set yrange [{:.3g}:{:.3g}]\nset xlabel 'weighted runs of the frozen proposal' "
      "textcolor "
      "rgb '#333333'\nset ylabel 'sigma' textcolor rgb '#333333'\n",
      low, high);
  figure.name = "convergence";
  figure.word = "convergence";
  figure.heading = "Convergence of the estimates over their runs";
  figure.caption =
      "The weighted mean of the runs that an answer rests on, after each of them, with its 95 % band, as "
      "sigma. "
      "Dashed: the answer, which corrects a fitted plane by the same runs and has less noise. Estimates "
      "along "
      "lines have no weight a run and are not drawn.";
  figure.svg = draw_svg(figure.name, script + plot_command(parts.plots), parts.files);
  return figure;
}

}  // namespace flare::analysis
