#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"
#include "analysis/report/sigma_axis.hpp"

namespace flare::analysis {
namespace {

std::vector<std::string> all_corners(const ReportData& data, const std::string& cell,
                                     const std::string& adc) {
  std::vector<std::string> corners;
  const auto add = [&](const std::string& corner) {
    if (std::find(corners.begin(), corners.end(), corner) == corners.end()) corners.push_back(corner);
  };
  for (const ScreeningRow& row : data.screening) {
    if (row.cell == cell && row.adc == adc) add(row.corner);
  }
  for (const ReportModel& model : data.models) {
    if (model.key.cell == cell && model.key.adc == adc) add(model.key.corner);
  }
  return corners;
}

std::vector<double> drawn_sigmas(const ReportData& data, const std::string& cell, const std::string& adc) {
  std::vector<double> sigmas;
  for (const ReportModel& model : data.models) {
    if (model.key.cell == cell && model.key.adc == adc) sigmas.push_back(model.error.sigma());
  }
  for (const ScreeningRow& row : data.screening) {
    if (row.cell == cell && !row.full) sigmas.push_back(row.sigma);
  }
  return sigmas;
}

std::vector<int> all_sawl(const ReportData& data, const std::string& cell, const std::string& adc) {
  std::vector<int> sawl;
  for (const ReportModel& model : data.models) {
    if (model.key.cell == cell && model.key.adc == adc) sawl.push_back(model.key.sawl);
  }
  std::sort(sawl.begin(), sawl.end());
  sawl.erase(std::unique(sawl.begin(), sawl.end()), sawl.end());
  return sawl;
}

/// What one figure shows: one cell and converter, corners along the axis, a series a SAWL.
struct CornerPlot {
  const ReportData& data;
  std::string cell, adc;
  std::vector<std::string> corners;
  std::vector<int> sawl;
  TailAxis axis;

  double x_of(const std::string& corner, std::size_t s) const {
    return static_cast<double>(index_of(corners, corner)) + beside(s, sawl.size(), 0.4);
  }
  /// Largest error per read that passes at a SAWL.
  double target(std::size_t s) const {
    for (const VerdictRow& row : data.verdict) {
      if (row.key.cell == cell && row.key.adc == adc && row.key.sawl == sawl[s]) return row.target;
    }
    return data.target;
  }
  bool one_target() const {
    for (std::size_t s = 1; s < sawl.size(); ++s) {
      if (target(s) != target(0)) return false;
    }
    return true;
  }
  StatusSeries estimated(std::size_t s, FigureParts& parts) const;
  bool add_screened(std::size_t s, FigureParts& parts) const;
};

// The corners run in full.
StatusSeries CornerPlot::estimated(std::size_t s, FigureParts& parts) const {
  StatusSeries points(axis);
  for (const ReportModel& model : data.models) {
    const ModelKey& key = model.key;
    if (key.cell != cell || key.adc != adc || key.sawl != sawl[s]) continue;
    points.add(x_of(key.corner, s), model.error);
    if (model.error.status == TailStatus::refused)
      parts.refused.push_back(fmt::format("SAWL {} at {}", key.sawl, corner_text(key.corner)));
  }
  return points;
}

// The corners that were only screened; whether there are any.
bool CornerPlot::add_screened(std::size_t s, FigureParts& parts) const {
  std::string content;
  for (const ScreeningRow& row : data.screening) {
    if (row.cell != cell || row.adc != adc || row.sawl != sawl[s] || row.full || !std::isfinite(row.sigma))
      continue;
    content +=
        fmt::format("{:.4f} {:.5g}\n", x_of(row.corner, s), std::clamp(row.sigma, axis.bottom, axis.top));
  }
  if (content.empty()) return false;
  parts.files.push_back({fmt::format("sawl{}screened.dat", s), content});
  parts.plots.push_back(
      fmt::format("'sawl{}screened.dat' using 1:2 with points pt 2 ps 0.7 lw 1.6 lc rgb '{}' notitle", s,
                  series_colour(s)));
  return true;
}

FigureParts corner_parts(const CornerPlot& plot) {
  FigureParts parts;
  for (std::size_t s = 0; s < plot.sawl.size(); ++s) {
    const double target = sigma_of_probability(plot.target(s));
    if (s > 0 && plot.one_target()) break;
    const bool one = plot.one_target();
    const std::string title =
        plot.data.target_text + (one ? std::string() : fmt::format(", SAWL {}", plot.sawl[s]));
    parts.plots.push_back(target_clause(target, title, one ? "#b00020" : series_colour(s)));
  }
  bool screened = false;
  for (std::size_t s = 0; s < plot.sawl.size(); ++s) {
    const StatusSeries points = plot.estimated(s, parts);
    screened = plot.add_screened(s, parts) || screened;
    parts.add(points, fmt::format("sawl{}", s), fmt::format("SAWL {}", plot.sawl[s]), series_colour(s));
  }
  for (std::string& entry : StatusSeries::key(parts.drawn, plot.axis))
    parts.plots.push_back(std::move(entry));
  if (screened)
    parts.plots.emplace_back("NaN with points pt 2 ps 0.7 lw 1.6 lc rgb '#444444' title 'screened only'");
  return parts;
}

}  // namespace

ReportFigure corner_figure(const ReportData& data, const std::string& cell, const std::string& adc) {
  const CornerPlot plot{data,
                        cell,
                        adc,
                        all_corners(data, cell, adc),
                        all_sawl(data, cell, adc),
                        sigma_axis(sigma_of_probability(data.target), 2.0, drawn_sigmas(data, cell, adc))};
  const FigureParts parts = corner_parts(plot);
  std::vector<std::string> labels;
  for (const std::string& corner : plot.corners) labels.push_back(corner_text(corner));
  const bool many = labels.size() > 5;
  std::string script =
      "set xtics " + tics(labels) + " noenhanced" + (many ? " rotate by -45 left font ',12'" : "") + "\n";
  script += fmt::format("set yrange [0:{:.4g}]\nset xrange [-0.7:{}]\n", plot.axis.top,
                        static_cast<double>(labels.size()) - 0.3);
  script += "set ylabel 'sigma level of the worst level' textcolor rgb '#333333'\n";
  if (many) script += "set bmargin 6.5\nset rmargin 7\n";
  ReportFigure figure;
  figure.name = figure_name(fmt::format("sigma_over_corners_{}_{}", cell, adc));
  figure.heading = fmt::format("Sigma over the corners ({}, {})", cell, adc);
  figure.caption =
      "Sigma level of a read at each corner (process, supply, temperature) with 95 % intervals. Crosses are "
      "corners that were only screened with a few runs, to find the worst; they carry no interval." +
      parts.refused_text();
  figure.svg =
      draw_svg(figure.name, script + plot_command(parts.plots), parts.files, {920, many ? 500 : 460});
  return figure;
}

}  // namespace flare::analysis
