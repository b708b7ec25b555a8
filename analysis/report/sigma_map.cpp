#include "analysis/report/sigma_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"
#include "analysis/tails/tail_text.hpp"

namespace flare::analysis {

std::string sigma_map_svg(const std::string& name, const SigmaMap& map) {
  std::string cells;
  std::string labels;
  double most = 0.5;
  for (const SigmaMap::Cell& cell : map.cells) {
    if (cell.tail.status == TailStatus::refused) {
      labels += fmt::format("{} {} refused\n", cell.x, cell.y);
      continue;
    }
    const double sigma = cell.tail.sigma();
    most = std::max(most, std::min(std::fabs(sigma - map.target), 10.0));
    cells += fmt::format("{} {} {:.6g}\n", cell.x, cell.y, sigma);
    labels += fmt::format("{} {} \"{}{}\"\n", cell.x, cell.y, sigma_text(cell.tail), cell.passes ? "" : "*");
  }
  if (cells.empty()) return {};
  std::string script =
      fmt::format("set xrange [-0.5:{}]\nset yrange [-0.5:{}]\nset cbrange [{:.4g}:{:.4g}]\n",
                  static_cast<double>(map.across.size()) - 0.5, static_cast<double>(map.up.size()) - 0.5,
                  map.target - most, map.target + most);
  script +=
      "set style fill solid 1 noborder\nset palette defined (-1 '#d55e00', 0 '#f7f7f7', 1 '#0072b2')\nset "
      "cblabel 'sigma'\nunset key\n";
  script += fmt::format("set xtics {} noenhanced\nset ytics {} noenhanced\n", tics(map.across), tics(map.up));
  script += fmt::format("set xlabel {} noenhanced\nset ylabel {} noenhanced\n",
                        gnuplot_text(map.across_title), gnuplot_text(map.up_title));
  FigureSize size;
  size.height = std::max(size.height, static_cast<int>(24 * map.up.size()) + 90);
  return draw_svg(
      name,
      script + plot_command({palette_cells("cells.dat"), "'labels.dat' using 1:2:3 with labels notitle"}),
      {{"cells.dat", cells}, {"labels.dat", labels}}, size);
}

std::string sigma_map_caption(double target) {
  return fmt::format(
      "Sigma at the worst corner. White is the target, {:.3g} sigma; blue lies above it, orange below. A "
      "star: "
      "not shown to hold it; > and < before a number: a bound.",
      target);
}

}  // namespace flare::analysis
