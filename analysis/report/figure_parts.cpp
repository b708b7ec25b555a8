#include "analysis/report/figure_parts.hpp"

#include <fmt/format.h>

#include <cctype>
#include <utility>

namespace flare::analysis {

void FigureParts::add(const StatusSeries& points, const std::string& prefix, const std::string& title,
                      const std::string& colour) {
  for (std::string& plot : points.plots(prefix, title, colour, files)) plots.push_back(std::move(plot));
  points.tell(drawn);
}

std::string FigureParts::refused_text() const {
  if (refused.empty()) return "";
  std::string text = " Not drawn, because refused: ";
  for (std::size_t i = 0; i < refused.size(); ++i) text += (i > 0 ? "; " : "") + refused[i];
  return text + ".";
}

std::string figure_name(const std::string& text) {
  std::string name;
  for (const char c : text.substr(0, 60)) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

std::string tics(const std::vector<std::string>& labels) {
  std::string text = "(";
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += (i == 0 ? "" : ", ") + gnuplot_text(labels[i]) + fmt::format(" {}", i);
  }
  return text + ")";
}

std::string sawl_axis(const std::vector<int>& sawl) {
  std::vector<std::string> labels;
  labels.reserve(sawl.size());
  for (const int n : sawl) labels.push_back(std::to_string(n));
  return fmt::format("set xrange [-0.5:{}]\nset xtics {} noenhanced\n",
                     static_cast<double>(sawl.size()) - 0.5, tics(labels)) +
         "set xlabel 'SAWL (rows read at once)' textcolor rgb '#333333'\n";
}

std::string plot_command(const std::vector<std::string>& clauses) {
  std::string text;
  for (const std::string& clause : clauses) text += (text.empty() ? "plot " : ", \\\n     ") + clause;
  return text + "\n";
}

std::string palette_cells(const std::string& file) {
  return fmt::format(
      "'{}' using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 with boxxyerror fs solid 1 noborder lc palette "
      "notitle",
      file);
}

double beside(std::size_t i, std::size_t n, double width) {
  return n < 2 ? 0.0 : width * (static_cast<double>(i) / static_cast<double>(n - 1) - 0.5);
}

}  // namespace flare::analysis
