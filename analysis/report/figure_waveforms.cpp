#include "analysis/report/figure_waveforms.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/report/figure_parts.hpp"

namespace flare::analysis {

std::string draw_waveforms(const std::string& axis, bool logarithmic,
                           const std::vector<std::pair<std::string, std::vector<Trace>>>& panels) {
  std::vector<DataFile> files;
  std::string script = fmt::format("set multiplot layout {},1\nset key outside right top noenhanced\n",
                                   std::max<std::size_t>(panels.size(), 1));
  if (logarithmic) script += "set logscale x\n";
  script += fmt::format("set xlabel {} noenhanced\n", gnuplot_text(axis));
  for (std::size_t p = 0; p < panels.size(); ++p) {
    std::vector<std::string> plots;
    for (std::size_t t = 0; t < panels[p].second.size(); ++t) {
      const Trace& trace = panels[p].second[t];
      const std::string name = fmt::format("p{}t{}.dat", p, t);
      std::string data;
      for (std::size_t i = 0; i < trace.x.size() && i < trace.y.size(); ++i)
        data += fmt::format("{:.9g} {:.9g}\n", trace.x[i], trace.y[i]);
      files.push_back({name, data});
      plots.push_back(fmt::format("'{}' using 1:2 with lines lw {} lc rgb '{}' title {}", name,
                                  trace.nominal ? "2.4" : "1.2", trace.nominal ? "#222222" : series_colour(t),
                                  gnuplot_text(trace.name)));
    }
    script += fmt::format("set ylabel {} noenhanced\n", gnuplot_text(panels[p].first)) + plot_command(plots);
  }
  script += "unset multiplot\n";
  return draw_svg("waveforms", script, files,
                  {920, static_cast<int>(60 + 260 * std::max<std::size_t>(panels.size(), 1))});
}

}  // namespace flare::analysis
