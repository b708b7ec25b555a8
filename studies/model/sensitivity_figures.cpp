#include "studies/model/sensitivity_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure.hpp"
#include "analysis/report/figure_parts.hpp"

namespace flare::studies {
namespace {

/// Shares in per cent, losses as they are.
double shown(const AccuracyEvaluation& row, double value) { return row.is_loss() ? value : 100 * value; }

}  // namespace

std::vector<SawlMark> sawl_marks(const std::vector<analysis::VerdictRow>& verdict,
                                 const std::vector<AccuracyEvaluation>& rows) {
  std::vector<SawlMark> marks;
  for (const analysis::VerdictRow& v : verdict) {
    const double rate = v.error.p.value();
    if (!(rate > 0)) continue;
    SawlMark mark{fmt::format("{} SAWL {} {}", v.key.cell, v.key.sawl, v.key.adc), rate, std::nullopt};
    for (const AccuracyEvaluation& row : rows)
      if (row.mode == "read" && row.cell == v.key.cell && row.sawl == v.key.sawl && row.adc == v.key.adc)
        mark.drop = shown(row, row.drop);
    marks.push_back(mark);
  }
  return marks;
}

std::string sweep_svg(const std::vector<SweepPoint>& points, const std::vector<SawlMark>& marks) {
  if (points.empty()) throw analysis::FigureError("a sweep without rates cannot be drawn");
  std::string curve, marked, lines;
  for (const SweepPoint& p : points)
    curve += fmt::format("{:.6g} {:.6g} {:.6g} {:.6g}\n", p.rate, shown(p.row, p.row.drop),
                         shown(p.row, p.row.drop_low), shown(p.row, p.row.drop_high));
  // Far below the sweep nothing happens: marks stand at its left end there.
  const double left = points.front().rate / 10;
  for (const SawlMark& mark : marks) {
    const double at = std::max(mark.rate, left);
    lines += fmt::format(
        "set arrow from {0:.6g}, graph 0 to {0:.6g}, graph 1 nohead lw 1 dt (2,3) lc rgb '#a04000'\n"
        "set label {1} at {0:.6g}, graph 0.97 rotate by 90 right offset 0.6,0 font ',10' textcolor rgb "
        "'#a04000'\n",
        at, analysis::gnuplot_text((mark.rate < left ? "< " : "") + mark.name));
    if (mark.drop) marked += fmt::format("{:.6g} {:.6g}\n", at, *mark.drop);
  }
  std::vector<analysis::DataFile> files = {{"sweep.dat", curve}};
  std::vector<std::string> plots = {
      "'sweep.dat' using 1:2:3:4 with yerrorlines pt 7 ps 0.8 lw 1.6 lc rgb '#0072b2' title 'every read "
      "wrong by one "
      "code at this rate'"};
  if (!marked.empty()) {
    files.push_back({"marks.dat", marked});
    plots.emplace_back(
        "'marks.dat' using 1:2 with points pt 9 ps 1.2 lc rgb '#a04000' title 'under the error model of a "
        "SAWL'");
  }
  const bool loss = points.front().row.is_loss();
  const std::string script = fmt::format(
      "set logscale x\nset format x '10^{{%T}}'\nset xlabel 'errors per read of the worst level'\n"
      "set ylabel '{}'\nset key top left\n{}",
      loss ? "loss above floating point (nat)" : "drop from floating point (%)", lines);
  return analysis::draw_svg("accuracy_sweep", script + analysis::plot_command(plots), files, {920, 480});
}

std::string map_svg(const std::vector<MapCell>& cells) {
  if (cells.empty()) throw analysis::FigureError("a map without cells cannot be drawn");
  const auto names = analysis::distinct(cells, [](const MapCell& c) { return operand_name(c.operand); });
  const auto layers = analysis::distinct(cells, [](const MapCell& c) { return c.layer; });
  std::string data;
  for (const MapCell& c : cells)
    data += fmt::format("{} {} {:.6g} {:.2f}\n", analysis::index_of(names, operand_name(c.operand)), c.layer,
                        100 * (1 - c.row.agreement), 100 * (1 - c.row.agreement));
  const std::string script = fmt::format(
      "set xrange [-0.5:{}]\nset yrange [-0.5:{}]\nset ylabel 'layer'\nset ytics 1\n"
      "set palette defined (0 '#ffffff', 1 '#0072b2')\nset cblabel 'answers that differ from floating point "
      "(%)'\n"
      "set cbrange [0:*]\nunset key\nset xtics ({})\n",
      static_cast<double>(names.size()) - 0.5, static_cast<double>(layers.size()) - 0.5, [&] {
        std::string tics;
        for (std::size_t i = 0; i < names.size(); ++i)
          tics += fmt::format("{}{} {}", i > 0 ? ", " : "", analysis::gnuplot_text(names[i]), i);
        return tics;
      }());
  return analysis::draw_svg("accuracy_map",
                            script + analysis::plot_command({"'map.dat' using 1:2:3 with image",
                                                             "'map.dat' using 1:2:4 with labels font ',10'"}),
                            {{"map.dat", data}}, {920, 120 + 40 * static_cast<int>(layers.size())});
}

}  // namespace flare::studies
