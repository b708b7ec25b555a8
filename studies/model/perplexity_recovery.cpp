#include "studies/model/perplexity_recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure.hpp"

namespace flare::studies {
namespace {

constexpr int rows_of_a_seed = 3;

std::string points_of(const std::vector<Recovery>& all, double Recovery::*loss) {
  std::string points;
  for (const Recovery& r : all) points += fmt::format("{} {:.6g}\n", r.seed, r.*loss);
  return points;
}

}  // namespace

std::vector<PerplexityRow> recovery_rows(PerplexityBench& bench, const NamedCell& cell,
                                         const NamedCell& trained_on, const RecoveryOptions& options) {
  std::vector<PerplexityRow> rows;
  NamedCell of_seed = cell;
  for (int i = 0; i < options.seeds; ++i) {
    if (options.progress) options.progress(i, options.seeds);
    of_seed.system.seed = cell.system.seed + static_cast<std::uint64_t>(i);
    bench.draw_text(of_seed.system.seed);
    rows.push_back(bench.as_trained(trained_on));
    rows.back().seed = of_seed.system.seed;
    for (const NamedCell* target : {static_cast<const NamedCell*>(nullptr), &trained_on})
      rows.push_back(bench.on_cells(of_seed, options.with_dies ? 1 : 0, target));
  }
  return rows;
}

std::vector<Recovery> recoveries(const std::vector<PerplexityRow>& rows) {
  std::vector<Recovery> all;
  for (std::size_t i = 0; i + rows_of_a_seed <= rows.size(); i += rows_of_a_seed)
    all.push_back({rows[i].seed, rows[i].loss, rows[i + 1].loss, rows[i + 2].loss});
  return all;
}

std::string recovery_text(const std::vector<Recovery>& all) {
  double sum = 0, squares = 0, lowest = INFINITY;
  for (const Recovery& r : all) {
    sum += r.share();
    lowest = std::min(lowest, r.share());
  }
  const auto n = static_cast<double>(all.size());
  for (const Recovery& r : all) squares += (r.share() - sum / n) * (r.share() - sum / n);
  const std::string spread = n > 1 ? fmt::format(" +- {:.1f} %", 100 * std::sqrt(squares / (n - 1))) : "";
  return fmt::format("recovered {:.1f} %{} ({} seed{}), lowest {:.1f} %", 100 * sum / n, spread, all.size(),
                     all.size() == 1 ? "" : "s", 100 * lowest);
}

engine::Table recovery_table(const std::vector<Recovery>& all) {
  using Row = const Recovery&;
  engine::Table table;
  table.add("seed", "", engine::column_of(all, [](Row r) { return static_cast<std::int64_t>(r.seed); }))
      .add("trained", "nat", engine::column_of(all, [](Row r) { return r.trained; }))
      .add("before", "nat", engine::column_of(all, [](Row r) { return r.before; }))
      .add("adapted", "nat", engine::column_of(all, [](Row r) { return r.adapted; }))
      .add("recovered", "", engine::column_of(all, [](Row r) { return r.share(); }));
  return table;
}

std::string draw_recovery(const std::vector<Recovery>& all) {
  const std::string script =
      fmt::format(
          "set ylabel 'loss (nat per character)' textcolor rgb '#333333'\nset xlabel 'seed' textcolor rgb "
          "'#333333'\nset key outside right top\nset xtics 1\nset offsets 0.3, 0.3, 0.05, 0.02\n"
          "set label {} at graph 0.02, graph 0.96 textcolor rgb '#555555' noenhanced\n",
          analysis::gnuplot_text(recovery_text(all) + "; paper: one run")) +
      fmt::format(
          "plot 'before.dat' using 1:2 with points pt 7 ps 0.9 lc rgb '{}' title 'not adapted', \\\n"
          "     'adapted.dat' using 1:2 with points pt 7 ps 0.9 lc rgb '{}' title 'adapted', \\\n"
          "     'trained.dat' using 1:2 with points pt 2 ps 0.9 lc rgb '#555555' title 'cell of the "
          "training'\n",
          analysis::series_colour(1), analysis::series_colour(0));
  return analysis::draw_svg("perplexity_recovery", script,
                            {{"before.dat", points_of(all, &Recovery::before)},
                             {"adapted.dat", points_of(all, &Recovery::adapted)},
                             {"trained.dat", points_of(all, &Recovery::trained)}});
}

}  // namespace flare::studies
