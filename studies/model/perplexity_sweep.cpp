#include "studies/model/perplexity_sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {
namespace {

struct SweepPoint {
  NamedCell cell;
  int dies = 0;
};

/// Decay per token by window: what leaks over a window is their product.
std::vector<SweepPoint> leakage_points(const SweepOptions& o, int positions) {
  std::vector<SweepPoint> points;
  for (int window = positions; window >= std::max(16, positions / 4); window /= 2)
    for (const double decay : {1.6e-4, 1e-3, 3e-3, 1e-2, 3e-2}) {
      CellChoice choice = o.choice;
      choice.window = window;
      choice.decay = decay;
      points.push_back({named_cell(o.cells, choice), 0});
    }
  return points;
}

std::vector<SweepPoint> mismatch_points(const SweepOptions& o) {
  std::vector<SweepPoint> points;
  for (const double times : {0.0, 1.0, 2.0, 4.0, 8.0}) {
    CellChoice choice = o.choice;
    choice.mismatch = times;
    points.push_back({named_cell(o.cells, choice), times > 0 ? o.dies : 0});
    if (times > 0 && points.back().cell.system.spread.is_none())
      throw StudyError(
          fmt::format("--sweep mismatch: cell '{}' has no measured mismatch; name one of a result file with "
                      "--cells FILE.h5:CELL",
                      o.cells));
  }
  return points;
}

std::vector<SweepPoint> temperature_points(const SweepOptions& o) {
  const std::filesystem::path file = cell_spec_file(o.cells);
  if (file.empty())
    throw StudyError("--sweep temperature: needs cells that were measured, --cells FILE.h5:CELL");
  const std::string place = cell_spec_place(o.cells);
  std::vector<SweepPoint> points;
  for (const arch::MeasuredCell& cell : arch::load_cells(file, place.substr(0, place.find('/'))))
    points.push_back({measured_system(cell, o.choice), 0});
  std::stable_sort(points.begin(), points.end(), [](const SweepPoint& a, const SweepPoint& b) {
    return a.cell.temperature < b.cell.temperature;
  });
  if (points.size() < 2)
    throw StudyError(
        fmt::format("--sweep temperature: {} holds one corner; two or more are needed", file.string()));
  return points;
}

std::vector<SweepPoint> law_points(const SweepOptions& o) {
  std::vector<SweepPoint> points;
  std::vector<std::string> cells = {"linear", "paper"};
  for (const std::string& shape : arch::law_shapes()) cells.push_back("shape:" + shape);
  if (std::find(cells.begin(), cells.end(), o.cells) == cells.end()) cells.push_back(o.cells);
  for (const std::string& cell : cells) points.push_back({named_cell(cell, o.choice), 0});
  return points;
}

std::vector<SweepPoint> points_of(const std::string& sweep, const SweepOptions& o, int positions) {
  if (sweep == "leakage") return leakage_points(o, positions);
  if (sweep == "mismatch") return mismatch_points(o);
  if (sweep == "temperature") return temperature_points(o);
  if (sweep == "laws") return law_points(o);
  throw StudyError(fmt::format("unknown sweep '{}'; known: {}", sweep, fmt::join(perplexity_sweeps(), ", ")));
}

}  // namespace

std::vector<std::string> perplexity_sweeps() { return {"leakage", "mismatch", "temperature", "laws"}; }

std::vector<PerplexityRow> sweep_perplexity(const std::string& sweep, PerplexityBench& bench,
                                            const NamedCell& trained_on, const SweepOptions& options) {
  const std::vector<SweepPoint> points = points_of(sweep, options, bench.positions());
  std::vector<PerplexityRow> rows;
  const int total = 2 * static_cast<int>(points.size());
  for (const SweepPoint& point : points)
    for (const bool adapted : {false, true}) {
      if (options.progress)
        options.progress(static_cast<int>(rows.size()), total,
                         point.cell.cell + (adapted ? ", adapted" : ""));
      rows.push_back(bench.on_cells(point.cell, point.dies, adapted ? &trained_on : nullptr));
    }
  return rows;
}

}  // namespace flare::studies
