#include "analysis/report/report_tornado.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {
namespace {

constexpr std::size_t most_bars = 14;

void add(std::string subject, const std::string& name, std::string of_row, std::vector<CarrierRow> rows,
         std::vector<ReportTornado>& tornados) {
  std::erase_if(rows, [](const CarrierRow& row) { return std::isnan(row.coordinate); });
  if (rows.empty()) return;
  std::stable_sort(rows.begin(), rows.end(),
                   [](const CarrierRow& a, const CarrierRow& b) { return a.share > b.share; });
  const double distance = rows.front().distance;
  tornados.push_back(
      {std::move(subject), figure_name("tornado_" + name), std::move(of_row), distance, std::move(rows)});
}

}  // namespace

std::vector<ReportTornado> read_tornados(const H5::H5File& file, const std::vector<SpecRow>& specs,
                                         const std::vector<VerdictRow>& verdict) {
  std::vector<ReportTornado> tornados;
  const bool points = engine::exists(file, "/points");
  for (const SpecRow& spec : specs) {
    for (const std::string& circuit :
         points ? engine::members(file, "/points") : std::vector<std::string>{}) {
      std::vector<CarrierRow> rows = read_circuit_carriers(file, circuit, spec.corner);
      std::erase_if(rows, [&](const CarrierRow& row) { return row.spec != spec.spec; });
      add(fmt::format("{} at {}", spec.spec, corner_text(spec.corner)), spec.spec,
          "spec_" + figure_name(spec.spec), std::move(rows), tornados);
    }
  }
  for (const VerdictRow& row : verdict) {
    std::vector<CarrierRow> rows = read_column_carriers(file, row.key);
    std::erase_if(rows,
                  [&](const CarrierRow& r) { return r.k != row.level || r.direction != row.direction; });
    add(fmt::format("SAWL {}, {}: level {} {} at {}", row.key.sawl, row.key.adc, row.level,
                    to_string(row.direction), corner_text(row.key.corner)),
        fmt::format("{}_{}_{}", row.key.cell, row.key.sawl, row.key.adc), verdict_row_id(row.key),
        std::move(rows), tornados);
  }
  return tornados;
}

ReportFigure tornado_figure(const ReportTornado& tornado) {
  if (tornado.rows.empty()) return {};
  const std::size_t bars = std::min(tornado.rows.size(), most_bars);
  std::string data;
  std::string values;
  std::vector<std::string> labels;
  double reach = 0.0;
  for (std::size_t b = 0; b < bars; ++b) {
    const CarrierRow& row = tornado.rows[b];
    const double y = static_cast<double>(bars - 1 - b);
    data += fmt::format("{0:.5g} {1} 0 {0:.5g} {2} {3}\n", row.coordinate, y, y - 0.36, y + 0.36);
    const std::string area =
        row.area_slope > 0.0 ? fmt::format(", d sigma / d ln area {:.3f}", row.area_slope) : std::string();
    values += fmt::format("{:.5g} {} \"{:+.2f} sigma, {:.1f} %{}\"\n", 0.5 * row.coordinate, y,
                          row.coordinate, 100.0 * row.share, area);
    reach = std::max(reach, std::fabs(row.coordinate));
    labels.insert(labels.begin(), row.variable);
  }
  std::string script =
      fmt::format("set yrange [-0.7:{}]\nset xrange [{:.4g}:{:.4g}]\nset ytics {} noenhanced\n",
                  static_cast<double>(bars) - 0.3, -1.1 * reach, 1.1 * reach, tics(labels));
  script += "set lmargin 18\nset xlabel 'deviation at the most probable failing point (sigma)'\nunset key\n";
  script +=
      "plot 'bars.dat' using 1:2:3:4:5:6 with boxxyerror fs solid 0.85 noborder lc rgb '#0072b2' notitle, "
      "'values.dat' using 1:2:3 with labels hypertext point pt 7 ps 2 lc rgb '#ff000000' notitle\n";
  ReportFigure figure;
  figure.name = tornado.name;
  figure.word = "blame";
  figure.rows = {tornado.row};
  figure.heading = "Who is to blame: " + tornado.subject;
  figure.caption = fmt::format(
      "The most probable failing point, {:.2f} sigma away, by variable with its sign; the {} largest of {}. "
      "Where a variable's "
      "sigma follows the gate area, more area of its device gains d sigma / d ln area = coordinate^2 / (2 "
      "distance).",
      tornado.distance, bars, tornado.rows.size());
  figure.svg = draw_svg(figure.name, script, {{"bars.dat", data}, {"values.dat", values}},
                        {920, static_cast<int>(120 + 26 * bars)});
  return figure;
}

}  // namespace flare::analysis
