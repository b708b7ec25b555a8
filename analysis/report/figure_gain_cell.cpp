#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_gain_cell.hpp"
#include "analysis/verdict/verdict.hpp"

namespace flare::analysis {
namespace {

using engine::GainCellTables;
using Corners = std::vector<const GainCellTables*>;

constexpr FigureSize size{920, 480};
constexpr double bars = 3.0;  // sigma, to either side

double middle_part(const GainCellTables& t, double v) { return v - t.middle; }

std::string axes(const char* x, const char* y) {
  return fmt::format(
      "set xlabel '{}' textcolor rgb '#333333'\nset ylabel '{}' textcolor rgb '#333333'\n"
      "set xzeroaxis lc rgb '#999999'\n",
      x, y);
}

std::string title_of(const GainCellTables& t) { return gnuplot_text(corner_text(t.corner)); }

void add(FigureParts& parts, const std::string& name, const std::string& content, const std::string& clause) {
  if (content.empty()) return;
  parts.files.push_back({name, content});
  parts.plots.push_back(fmt::format("'{}' {}", name, clause));
}

ReportFigure drawn(const std::string& name, const std::string& heading, const std::string& caption,
                   const std::string& script, const FigureParts& parts) {
  if (parts.plots.empty()) return {};
  return {figure_name(name), heading, caption,
          draw_svg(figure_name(name), script + plot_command(parts.plots), parts.files, size)};
}

/// Points of the cubic between the lowest and the highest level.
std::string cubic_curve(const GainCellTables& t) {
  constexpr int steps = 60;
  if (t.transfer.size() < 2 || !std::isfinite(t.polynomial.g[0])) return "";
  const double low = t.transfer.front().voltage;
  const double high = t.transfer.back().voltage;
  std::string content;
  for (int i = 0; i <= steps; ++i) {
    const double v = low + (high - low) * i / steps;
    content +=
        fmt::format("{:.5g} {:.6g}\n", v, 1e6 * engine::cubic_value(t.polynomial.g, middle_part(t, v)));
  }
  return content;
}

ReportFigure transfer_figure(const std::string& cell, const Corners& corners) {
  FigureParts parts;
  for (std::size_t c = 0; c < corners.size(); ++c) {
    const GainCellTables& t = *corners[c];
    std::string points;
    for (const engine::TransferRow& r : t.transfer) {
      if (!std::isfinite(r.mean)) continue;
      points += fmt::format("{:.5g} {:.6g} {:.6g} {:.6g}\n", r.voltage, 1e6 * r.mean,
                            1e6 * (r.mean - bars * r.sigma), 1e6 * (r.mean + bars * r.sigma));
    }
    const std::string colour = series_colour(c);
    add(parts, fmt::format("fan{}.dat", c), points,
        fmt::format("using 1:3:4 with filledcurves lc rgb '{}' fs transparent solid 0.15 notitle", colour));
    add(parts, fmt::format("mean{}.dat", c), points,
        fmt::format("using 1:2 with points pt 7 ps 0.7 lc rgb '{}' title {}", colour, title_of(t)));
    add(parts, fmt::format("cubic{}.dat", c), cubic_curve(t),
        fmt::format("with lines lw 1.6 lc rgb '{}' notitle", colour));
  }
  return drawn(
      "gain_cell_transfer_" + cell, "Current of a cell over its stored voltage: " + cell,
      "Points: mean over cells at every level; bands: three sigma of mismatch to either side; lines: the "
      "least-squares cubic. Positive: drawn from the bitline.",
      axes("stored voltage (V)", "current (uA)") + "set key outside top center\n", parts);
}

ReportFigure residual_figure(const std::string& cell, const Corners& corners) {
  FigureParts parts;
  for (std::size_t c = 0; c < corners.size(); ++c) {
    const GainCellTables& t = *corners[c];
    if (t.transfer.size() < 2) continue;
    const double full = t.transfer.back().mean - t.transfer.front().mean;
    std::string points;
    for (const engine::TransferRow& r : t.transfer) {
      const double off = r.mean - engine::cubic_value(t.polynomial.g, middle_part(t, r.voltage));
      if (!std::isfinite(off / full)) continue;
      points += fmt::format("{:.5g} {:.6g} {:.6g}\n", r.voltage, 100.0 * off / full, 100.0 * r.sigma / full);
    }
    add(parts, fmt::format("residual{}.dat", c), points,
        fmt::format("using 1:2:3 with yerrorlines pt 7 ps 0.7 lw 1.6 lc rgb '{}' title {}", series_colour(c),
                    title_of(t)));
  }
  return drawn("gain_cell_residual_" + cell, "What a cubic leaves of the current: " + cell,
               "Mean current of a level less the cubic, as a part of the span from the lowest to the highest "
               "level. Bars: one sigma of mismatch of the current, for comparison.",
               axes("stored voltage (V)", "off the cubic (% of full scale)"), parts);
}

/// Every level from its voltage on: "ms V (bar)", a blank line between levels.
std::string held_levels(const GainCellTables& t) {
  std::string lines;
  for (const engine::TransferRow& level : t.transfer) {
    lines += fmt::format("0 {:.6g} 0\n", level.voltage);
    for (const engine::RetentionRow& r : t.retention) {
      if (r.level != level.level || !std::isfinite(r.mean)) continue;
      lines += fmt::format("{:.6g} {:.6g} {:.6g}\n", 1e3 * r.time, r.mean, bars * r.sigma);
    }
    lines += '\n';
  }
  return lines;
}

/// A panel a corner, side by side.
ReportFigure retention_figure(const std::string& cell, const Corners& corners) {
  constexpr std::size_t most_panels = 6;
  const std::size_t panels = std::min(corners.size(), most_panels);
  double top = 0.0;
  for (const GainCellTables* t : corners) top = std::max(top, t->supply);
  std::string script = fmt::format(
      "set multiplot layout 1,{}\nset yrange [0:{:.3g}]\nunset key\nset bars 0.4\n"
      "set xlabel 'ms' textcolor rgb '#333333'\nset ylabel 'stored voltage (V)' textcolor rgb '#333333'\n",
      panels, top + 0.02);
  std::vector<DataFile> files;
  for (std::size_t c = 0; c < panels; ++c) {
    const std::string name = fmt::format("held{}.dat", c);
    files.push_back({name, held_levels(*corners[c])});
    script += fmt::format(
        "set title {} font ',13' noenhanced\n"
        "plot '{}' using 1:2:3 with yerrorlines pt 7 ps 0.4 lw 1.2 lc rgb '{}'\nunset ylabel\n",
        title_of(*corners[c]), name, series_colour(c));
  }
  const std::string name = figure_name("gain_cell_retention_" + cell);
  return {
      name, "Levels over time without a write: " + cell,
      fmt::format("Mean over cells from every level; bars: three sigma of mismatch to either side. The cards "
                  "have neither gate tunnelling nor gate-induced drain leakage: cells of silicon lose at "
                  "least as much.{}",
                  panels < corners.size() ? " The first corners alone." : ""),
      draw_svg(name, script + "unset multiplot\n", files, size)};
}

/// Rows of the converter with mismatch; the others are the curve without.
bool sampled(const engine::PulseWidthRow& row) { return row.runs + row.unknown > 1; }

/// Where a curve is left open.
bool sign_changes(double before, double charge) { return before < 0.0 && charge > 0.0; }

ReportFigure width_figure(const std::string& cell, const Corners& corners) {
  FigureParts parts;
  for (std::size_t c = 0; c < corners.size(); ++c) {
    const GainCellTables& t = *corners[c];
    for (const char* mode : {"rectifier", "signed"}) {
      std::string curve, points;
      double before = 0.0;
      for (const engine::PulseWidthRow& r : t.widths) {
        if (r.mode != mode || !std::isfinite(r.width)) continue;
        if (!sampled(r) && sign_changes(before, r.charge)) curve += '\n';
        before = r.charge;
        (sampled(r) ? points : curve) +=
            fmt::format("{:.6g} {:.6g} {:.6g}\n", 1e12 * r.charge, 1e9 * r.width, 1e9 * bars * r.sigma);
      }
      const bool rectifier = std::string_view(mode) == "rectifier";
      add(parts, fmt::format("{}{}.dat", mode, c), curve,
          fmt::format("using 1:2 with lines lw 1.6 dt {} lc rgb '{}' {}", rectifier ? "1" : "(8,4)",
                      series_colour(c), rectifier ? "title " + title_of(t) : std::string("notitle")));
      add(parts, fmt::format("{}_spread{}.dat", mode, c), points,
          fmt::format("using 1:2:3 with yerrorbars pt {} ps 0.7 lw 1.4 lc rgb '{}' notitle",
                      rectifier ? 7 : 6, series_colour(c)));
    }
  }
  return drawn(
      "gain_cell_width_" + cell, "Pulse width over charge: " + cell,
      "Solid, full points: with the rectifier; dashed, open points: with sign. Lines without mismatch; "
      "points over converters with bars of three sigma.",
      axes("charge drawn from the bitline (pC)", "pulse (ns)"), parts);
}

ReportFigure linearity_figure(const std::string& cell, const Corners& corners) {
  FigureParts parts;
  for (std::size_t c = 0; c < corners.size(); ++c) {
    const GainCellTables& t = *corners[c];
    for (const engine::PulseConverterRow& line : t.converters) {
      std::string curve;
      double before = 0.0;
      for (const engine::PulseWidthRow& r : t.widths) {
        if (r.mode != line.mode || sampled(r) || !(r.width > 0.0)) continue;
        if (sign_changes(before, r.charge)) curve += '\n';
        before = r.charge;
        const double ideal = line.gain * std::fabs(r.charge) / t.full_scale + line.offset;
        if (std::isfinite(ideal))
          curve += fmt::format("{:.6g} {:.6g}\n", 1e12 * r.charge, 1e12 * (r.width - ideal));
      }
      const bool rectifier = line.mode == "rectifier";
      add(parts, fmt::format("linearity_{}{}.dat", rectifier ? "rectifier" : "signed", c), curve,
          fmt::format("using 1:2 with linespoints pt {} ps 0.6 lw 1.6 dt {} lc rgb '{}' {}",
                      rectifier ? 7 : 6, rectifier ? "1" : "(8,4)", series_colour(c),
                      rectifier ? "title " + title_of(t) : std::string("notitle")));
    }
  }
  return drawn(
      "gain_cell_linearity_" + cell, "Pulse width off its line: " + cell,
      "Width without mismatch less the mean line over converters. Solid: with the rectifier; dashed: with "
      "sign, one line for both signs, so that the step at zero is what the two mirrors differ by.",
      axes("charge drawn from the bitline (pC)", "off the line (ps)"), parts);
}

}  // namespace

std::vector<ReportFigure> gain_cell_figures(const std::vector<GainCellTables>& cells) {
  std::vector<ReportFigure> figures;
  for (const std::string& cell : distinct(cells, [](const GainCellTables& t) { return t.cell; })) {
    Corners corners;
    for (const GainCellTables& t : cells) {
      if (t.cell == cell) corners.push_back(&t);
    }
    for (const ReportFigure& figure :
         {transfer_figure(cell, corners), residual_figure(cell, corners), retention_figure(cell, corners),
          width_figure(cell, corners), linearity_figure(cell, corners)}) {
      if (!figure.svg.empty()) figures.push_back(figure);
    }
  }
  return figures;
}

}  // namespace flare::analysis
