#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"

namespace flare::analysis {
namespace {

constexpr double lowest_decade = -20.0;
constexpr Eigen::Index most_labelled = 17;  // codes and levels with a number in their cell

}  // namespace

ReportFigure confusion_figure(const ReportModel& model) {
  const engine::Matrix& p = model.confusion;
  if (p.rows() < 2 || p.cols() < 2) return {};
  std::string cells, labels, values;
  double least = -1.0;
  for (Eigen::Index k = 0; k < p.rows(); ++k) {
    for (Eigen::Index code = 0; code < p.cols(); ++code) {
      values += fmt::format("{} {} \"P(code {} | k = {}) = {:.3g}\"\n", code, k, code, k, p(k, code));
      const double decade = std::log10(p(k, code));
      if (!(decade >= lowest_decade)) continue;
      least = std::min(least, decade);
      cells += fmt::format("{} {} {:.5g}\n", code, k, decade);
      labels += fmt::format("{} {} {}\n", code, k, decade > -0.005 ? "1" : fmt::format("{:.1f}", decade));
    }
  }
  std::string script = fmt::format(
      "set xrange [-0.5:{}]\nset yrange [-0.5:{}]\nset cbrange [{:.3g}:0]\nunset key\nunset grid\nset style "
      "fill solid 1 noborder\n"
      "set palette defined (0 '#f7fbff', 0.7 '#6baed6', 1 '#08519c')\nset cblabel 'lg P(code | k)'\n"
      "set xlabel 'code returned'\nset ylabel 'on-cells k'\n",
      static_cast<double>(p.cols()) - 0.5, static_cast<double>(p.rows()) - 0.5, std::floor(least));
  if (std::max(p.rows(), p.cols()) <= most_labelled) script += "set xtics 1\nset ytics 1\n";
  std::vector<std::string> plots = {palette_cells("cells.dat")};
  if (std::max(p.rows(), p.cols()) <= most_labelled) {
    plots.emplace_back(fmt::format(
        "'labels.dat' using 1:2:3:($3 > {:.3g} ? 0xffffff : 0x222222) with labels font ',11' textcolor rgb "
        "variable notitle",
        0.35 * std::floor(least)));
  }
  plots.emplace_back(
      "'values.dat' using 1:2:3 with labels hypertext point pt 5 ps 2.4 lc rgb '#ff000000' notitle");
  ReportFigure figure;
  figure.name =
      figure_name(fmt::format("confusion_{}_sawl{}_{}", model.key.cell, model.key.sawl, model.key.adc));
  figure.word = "confusion";
  figure.rows = {verdict_row_id(model.key)};
  figure.heading =
      fmt::format("What a read returns: {}, SAWL {}, {}", model.key.cell, model.key.sawl, model.key.adc);
  figure.caption = fmt::format(
      "Decimal logarithm of the probability of every code for every number of on-cells, at {}; empty below "
      "{:.0f}.",
      corner_text(model.key.corner), lowest_decade);
  figure.svg = draw_svg(figure.name, script + plot_command(plots),
                        {{"cells.dat", cells}, {"labels.dat", labels}, {"values.dat", values}},
                        {920, static_cast<int>(std::min<Eigen::Index>(150 + 44 * p.rows(), 860))});
  return figure;
}

}  // namespace flare::analysis
