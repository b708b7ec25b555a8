#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analysis/report/figure.hpp"
#include "studies/model/perplexity_sweep.hpp"

namespace flare::studies {
namespace {

using analysis::DataFile;

/// A line of a figure: what it is called, and its points.
struct Series {
  std::string title;
  std::string points;
  bool adapted = false;
};

const char* how(bool adapted) { return adapted ? "adapted" : "not adapted"; }

/// The name of a shape alone.
std::string law_name(const std::string& cell) {
  return cell.starts_with("shape:") ? cell.substr(cell.find(':') + 1) : cell;
}

double abscissa(const std::string& sweep, const PerplexityRow& row) {
  if (sweep == "mismatch") return row.mismatch;
  if (sweep == "temperature") return row.temperature;
  return 100 * row.leak;
}

/// One line for every window and either state of adaptation, or by process where temperatures are compared.
std::vector<Series> series_of(const std::string& sweep, const std::vector<PerplexityRow>& rows) {
  std::vector<Series> all;
  std::map<std::string, std::size_t> known;
  for (const PerplexityRow& row : rows) {
    const std::string process = row.corner.substr(0, row.corner.find('_'));
    const std::string title = sweep == "leakage" ? fmt::format("window {}, {}", row.window, how(row.adapted))
                              : sweep == "temperature" ? fmt::format("{}, {}", process, how(row.adapted))
                                                       : how(row.adapted);
    const auto [at, is_new] = known.emplace(title, all.size());
    if (is_new) all.push_back({title, "", row.adapted});
    all[at->second].points +=
        fmt::format("{:.6g} {:.6g} {:.6g}\n", abscissa(sweep, row), row.loss, row.sigma);
  }
  return all;
}

const char* axis_of(const std::string& sweep) {
  if (sweep == "mismatch") return "mismatch, times the simulated sigma";
  if (sweep == "temperature") return "temperature (degC)";
  return "current lost over the window (%)";
}

/// What the paper says of the same question.
const char* stated(const std::string& sweep) {
  if (sweep == "mismatch") return "paper: no figure of mismatch";
  if (sweep == "temperature") return "paper: no figure of temperature; tau 5 ms";
  if (sweep == "laws")
    return "paper: its cell 1757 to 21 perplexity adapted (linear 22.9); exponential fails";
  return "paper: one leakage, 15 % of a stored voltage over 1024 tokens";
}

std::string head_of(const std::string& note) {
  return fmt::format(
      "set ylabel 'loss (nat per character)' textcolor rgb '#333333'\nset key outside right top\n"
      "set errorbars small\nset label {} at graph 0.02, graph 0.96 textcolor rgb '#555555' noenhanced\n",
      analysis::gnuplot_text(note));
}

std::string draw_lines(const std::string& sweep, const std::vector<PerplexityRow>& rows) {
  std::vector<DataFile> files;
  const char* sides = sweep == "temperature" ? "graph 0.03, graph 0.03" : "0, 0";  // beside single points
  std::string script = head_of(stated(sweep)) +
                       fmt::format("set offsets {}, graph 0.12, 0\nset xlabel {} textcolor rgb '#333333'\n",
                                   sides, analysis::gnuplot_text(axis_of(sweep)));
  std::string plots;
  const std::vector<Series> all = series_of(sweep, rows);
  for (std::size_t i = 0; i < all.size(); ++i) {
    files.push_back({fmt::format("s{}.dat", i), all[i].points});
    plots += fmt::format("{}'s{}.dat' using 1:2:3 with yerrorlines lw 1.6 ps 0.7 {} lc rgb '{}' title {}",
                         i == 0 ? "plot " : ", \\\n     ", i, all[i].adapted ? "pt 7" : "pt 6 dt (5,4)",
                         analysis::series_colour(i / 2), analysis::gnuplot_text(all[i].title));
  }
  return analysis::draw_svg("perplexity_" + sweep, script + plots + "\n", files);
}

/// A pair of bars for every law.
std::string draw_bars(const std::vector<PerplexityRow>& rows) {
  std::string before, after, tics;
  double most = 0, least = 1e9;
  for (std::size_t i = 0; i + 1 < rows.size(); i += 2) {
    before += fmt::format("{} {:.6g}\n", i / 2, rows[i].loss);
    after += fmt::format("{} {:.6g}\n", i / 2, rows[i + 1].loss);
    tics += fmt::format("{}{} {}", i == 0 ? "" : ", ", analysis::gnuplot_text(law_name(rows[i].cell)), i / 2);
    most = std::max({most, rows[i].loss, rows[i + 1].loss});
    least = std::min({least, rows[i].loss, rows[i + 1].loss});
  }
  std::string script = head_of(stated("laws"));
  script += fmt::format(
      "set style fill solid\nset boxwidth 0.36\nset xtics ({}) noenhanced\nset yrange [{:.3g}:{:.3g}]\n",
      tics, std::max(0.0, least - 0.3), most + 0.3);
  const auto bars = [](const char* file, double shift, std::size_t colour, bool adapted) {
    return fmt::format(
        "'{0}' using ($1+{1}):2 with boxes lc rgb '{2}' title '{3}', \\\n     '{0}' using "
        "($1+{1}):2:(sprintf('%.3f', $2)) with labels offset 0,0.6 font ',10' notitle",
        file, shift, analysis::series_colour(colour), how(adapted));
  };
  script +=
      "plot " + bars("before.dat", -0.19, 1, false) + ", \\\n     " + bars("after.dat", 0.19, 0, true) + "\n";
  return analysis::draw_svg("perplexity_laws", script, {{"before.dat", before}, {"after.dat", after}});
}

}  // namespace

std::string draw_sweep(const std::string& sweep, const std::vector<PerplexityRow>& rows) {
  return sweep == "laws" ? draw_bars(rows) : draw_lines(sweep, rows);
}

std::string draw_trace(const std::vector<double>& losses) {
  std::string points;
  for (std::size_t i = 0; i < losses.size(); ++i) points += fmt::format("{} {:.6g}\n", i, losses[i]);
  return analysis::draw_svg(
      "perplexity_trace",
      head_of("paper: 1757 to 21 perplexity; authors' loss 8.66, 13.8, 5.15, 3.81 ... 3.10") +
          fmt::format("set xlabel 'pass' textcolor rgb '#333333'\nset offsets 0, 0, graph 0.12, "
                      "0\nplot 'trace.dat' using 1:2 with linespoints lw 1.6 pt 7 ps 0.6 lc "
                      "rgb '{}' notitle\n",
                      analysis::series_colour(0)),
      {{"trace.dat", points}});
}

}  // namespace flare::studies
