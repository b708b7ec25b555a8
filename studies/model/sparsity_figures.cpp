#include "studies/model/sparsity_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analysis/report/figure.hpp"

namespace flare::studies {
namespace {

using analysis::DataFile;
using arch::Encoding;
using arch::Packing;
using arch::SparsityRow;

constexpr Encoding encodings[] = {Encoding::twos_complement, Encoding::sign_magnitude};

const char* panel_title(Encoding encoding) {
  return encoding == Encoding::twos_complement ? "two''s complement" : "sign-magnitude";
}

/// The row of a tensor in a panel's encoding; scores are unsigned in both.
const SparsityRow& row_of(const std::vector<SparsityRow>& rows, const std::string& tensor,
                          Encoding encoding) {
  const auto at = std::find_if(rows.begin(), rows.end(), [&](const SparsityRow& row) {
    return row.tensor == tensor && (row.encoding == encoding || row.encoding == Encoding::unsigned_binary);
  });
  if (at == rows.end()) throw analysis::FigureError("the sparsity table has no tensor " + tensor);
  return *at;
}

/// Room for the key above the upper panel and for a line of names below each.
std::string panel_frame(int panel) {
  const double top = panel == 0 ? 0.875 : 0.435, bottom = panel == 0 ? 0.565 : 0.125;
  return fmt::format(
      "set lmargin at screen 0.085\nset rmargin at screen 0.985\nset tmargin at screen {}\n"
      "set bmargin at screen {}\n",
      top, bottom);
}

// ---- zeros by grain -------------------------------------------------------------------------------------

constexpr const char* grain_colours[] = {"#0072b2", "#56b4e9", "#e69f00", "#7a4a00"};
constexpr int grains = 4;

void add_bars(const std::string& title, const arch::Sparsity& s, int position, std::string& data,
              std::string& tics) {
  const double shares[grains] = {s.bits, s.column_slices, s.values, s.value_groups};
  data += fmt::format("{}", position);
  for (const double share : shares) data += fmt::format(" {:.6f}", 100 * share);
  data += "\n";
  tics += fmt::format("{}{} {}", tics.empty() ? "" : ", ", analysis::gnuplot_text(title), position);
}

/// Four bars a tensor, each with its number.
std::string bar_plots(const std::string& file, const arch::SparsityOptions& options, bool with_key) {
  const std::string names[grains] = {"bits", fmt::format("slices of {} bits of one plane", options.group),
                                     "values", fmt::format("groups of {} values", options.group)};
  std::string text;
  for (int g = 0; g < grains; ++g) {
    const std::string x = fmt::format("($1+{:.3f})", 0.2 * (g - 1.5));
    text += fmt::format("{}'{}' using {}:{}:(0.18) with boxes fs solid 1.0 noborder lc rgb '{}' {}",
                        g == 0 ? "plot " : ", \\\n     ", file, x, g + 2, grain_colours[g],
                        with_key ? "title " + analysis::gnuplot_text(names[g]) : "notitle");
    text += fmt::format(
        ", \\\n     '{}' using {}:{}:(sprintf('%.0f', ${})) with labels offset 0,0.55 font ',11' "
        "textcolor rgb '#333333' notitle",
        file, x, g + 2, g + 2);
  }
  return text + "\n";
}

// ---- boost ----------------------------------------------------------------------------------------------

constexpr const char* fed_tensors[] = {"input", "input_kv", "query", "scores", "output", "all"};

/// Lines of one way of packing, a blank line between tensors.
std::string boost_lines(const std::vector<SparsityRow>& rows, Encoding encoding, Packing packing,
                        const std::vector<int>& lengths) {
  std::string data;
  double x = 0;
  for (const char* tensor : fed_tensors) {
    const SparsityRow& row = row_of(rows, tensor, encoding);
    for (const int length : lengths) data += fmt::format("{:.3f} {:.6f}\n", x++, row.boost(packing, length));
    data += "\n";
    x += 1;
  }
  return data;
}

/// Level segments across each tensor's slice lengths.
std::string level_lines(const std::vector<SparsityRow>& rows, Encoding encoding, std::size_t lengths,
                        double (*level)(const SparsityRow&)) {
  std::string data;
  double x = 0;
  for (const char* tensor : fed_tensors) {
    const double y = level(row_of(rows, tensor, encoding));
    data += fmt::format("{:.3f} {:.6f}\n{:.3f} {:.6f}\n\n", x - 0.35, y,
                        x + static_cast<double>(lengths) - 0.65, y);
    x += static_cast<double>(lengths) + 1;
  }
  return data;
}

double ideal_boost(const SparsityRow& row) { return row.boost(Packing::ideal); }
double expected_boost(const SparsityRow& row) { return row.expected_boost(); }

std::string boost_tics(const std::vector<int>& lengths) {
  std::string text;
  double x = 0;
  for (std::size_t t = 0; t < std::size(fed_tensors); ++t, x += 1)
    for (const int length : lengths)
      text += fmt::format("{}'{}' {:.3f}", text.empty() ? "" : ", ", length, x++);
  return text;
}

/// Names under the tics, with the length of the tensor's vectors.
std::string boost_names(const std::vector<SparsityRow>& rows, Encoding encoding,
                        const arch::SparsityOptions& options) {
  const std::size_t lengths = options.slice_lengths.size();
  std::string text = "unset label\n";
  double middle = (static_cast<double>(lengths) - 1) / 2;
  for (const char* tensor : fed_tensors) {
    const SparsityRow& row = row_of(rows, tensor, encoding);
    std::string title = row.tensor == "all" ? "all cycles" : tensor_title(tensor);
    if (row.tensor != "all" && options.depth == 0) title += fmt::format(" ({} rows)", row.longest);
    text +=
        fmt::format("set label {} at first {:.3f}, graph -0.2 center textcolor rgb '#333333' noenhanced\n",
                    analysis::gnuplot_text(title), middle);
    middle += static_cast<double>(lengths) + 1;
  }
  return text;
}

std::string boost_plots(const std::string& panel, bool with_key) {
  struct Series {
    const char* file;
    const char* style;
    const char* title;
  };
  const Series series[] = {{"ideal", "lines lw 2.2 lc rgb '#444444'", "ideal: ones / SAWL, rounded up"},
                           {"expected", "lines lw 1.8 dt (5,4) lc rgb '#888888'", "1 / (1 - bit sparsity)"},
                           {"first", "linespoints lw 1.4 pt 8 ps 0.9 lc rgb '#d55e00'", "first fit"},
                           {"next", "linespoints lw 1.4 pt 7 ps 0.7 lc rgb '#0072b2'", "next fit (default)"}};
  std::string text;
  for (const Series& s : series)
    text += fmt::format("{}'{}{}.dat' using 1:2 with {} {}", text.empty() ? "plot " : ", \\\n     ", s.file,
                        panel, s.style, with_key ? "title " + analysis::gnuplot_text(s.title) : "notitle");
  return text + "\n";
}

}  // namespace

std::string tensor_title(const std::string& tensor) {
  static const std::map<std::string, std::string> titles = {
      {"input_kv", "input of K, V"}, {"query", "Q"}, {"key", "K"}, {"value", "V"}};
  const auto at = titles.find(tensor);
  return at == titles.end() ? tensor : at->second;
}

std::string draw_sparsity(const std::vector<SparsityRow>& rows, const arch::SparsityOptions& options) {
  std::vector<DataFile> files;
  std::string script = "set multiplot\nset yrange [0:112]\nset ytics 0,20,100\nset xtics scale 0\n";
  for (int panel = 0; panel < 2; ++panel) {
    const Encoding encoding = encodings[panel];
    std::string data, tics;
    int position = 0;
    for (const char* tensor : {"input", "query", "key", "value", "output"})
      add_bars(tensor_title(tensor), row_of(rows, tensor, encoding).sparsity, position++, data, tics);
    add_bars("average of these", arch::average_sparsity(rows, encoding), position++, data, tics);
    add_bars("input of K, V", row_of(rows, "input_kv", encoding).sparsity, position++, data, tics);
    add_bars("scores (unsigned)", row_of(rows, "scores", encoding).sparsity, position++, data, tics);
    const std::string file = fmt::format("zeros{}.dat", panel);
    files.push_back({file, data});
    script += panel_frame(panel);
    script +=
        fmt::format("set xrange [-0.6:{}]\nset xtics ({}) font ',11' noenhanced\n", position - 0.4, tics);
    script += fmt::format("set ylabel 'zeros, {} (%)' textcolor rgb '#333333'\n", panel_title(encoding));
    script +=
        panel == 0 ? "set key at screen 0.5, screen 0.975 center top horizontal maxrows 2\n" : "unset key\n";
    script += bar_plots(file, options, panel == 0);
  }
  return analysis::draw_svg("sparsity", script + "unset multiplot\n", files, {1000, 640});
}

std::string draw_boost(const std::vector<SparsityRow>& rows, const arch::SparsityOptions& options) {
  const std::vector<int>& lengths = options.slice_lengths;
  std::vector<DataFile> files;
  double most = 1;
  for (const SparsityRow& row : rows)
    if (row.is_fed()) most = std::max({most, ideal_boost(row), expected_boost(row)});
  const double end =
      static_cast<double>(std::size(fed_tensors)) * static_cast<double>(lengths.size() + 1) - 1;
  std::string script =
      fmt::format("set multiplot\nset yrange [0:{:.2f}]\nset xrange [-1:{}]\nset xtics ({}) font ',11'\n",
                  1.08 * most, end, boost_tics(lengths));
  for (int panel = 0; panel < 2; ++panel) {
    const Encoding encoding = encodings[panel];
    const std::string number = std::to_string(panel);
    files.push_back({"next" + number + ".dat", boost_lines(rows, encoding, Packing::next_fit, lengths)});
    files.push_back({"first" + number + ".dat", boost_lines(rows, encoding, Packing::first_fit, lengths)});
    files.push_back({"ideal" + number + ".dat", level_lines(rows, encoding, lengths.size(), ideal_boost)});
    files.push_back(
        {"expected" + number + ".dat", level_lines(rows, encoding, lengths.size(), expected_boost)});
    script += panel_frame(panel) + boost_names(rows, encoding, options);
    if (panel == 1)
      script += fmt::format("set label '{}{}' at screen 0.535, screen 0.025 center textcolor rgb '#333333'\n",
                            "slice length L (bits a local pop controller sees)",
                            options.depth > 0 ? fmt::format("; vectors of {} rows", options.depth) : "");
    script += fmt::format("set ylabel 'boost, {}' textcolor rgb '#333333'\n", panel_title(encoding));
    script +=
        panel == 0 ? "set key at screen 0.5, screen 0.975 center top horizontal maxrows 2\n" : "unset key\n";
    script += boost_plots(number, panel == 0);
  }
  return analysis::draw_svg("boost", script + "unset multiplot\n", files, {1000, 640});
}

}  // namespace flare::studies
