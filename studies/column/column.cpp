#include "studies/column/column.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace flare::studies {
namespace {

constexpr int max_sawl = 64;
constexpr int max_rows = 65'536;

engine::Measure last_value(std::string_view name, std::string_view vector, std::string_view unit) {
  engine::Measure measure;
  measure.name = name;
  measure.vector = vector;
  measure.unit = std::string(unit);
  return measure;
}

engine::Measure charge(std::string_view name, std::string_view current, double from, double to) {
  engine::Measure measure = last_value(name, current, "A s");
  measure.kind = engine::MeasureKind::integral;
  measure.from = from;
  measure.to = to;
  return measure;
}

}  // namespace

bool ColumnOptions::is_valid(std::string* error) const {
  const auto fail = [error](std::string why) {
    if (error != nullptr) *error = std::move(why);
    return false;
  };
  if (sawl < 1 || sawl > max_sawl) return fail(fmt::format("sawl is {}, expected 1 to {}", sawl, max_sawl));
  if (rows < sawl || rows > max_rows) {
    return fail(fmt::format("rows is {}, expected {} (sawl) to {}", rows, sawl, max_rows));
  }
  if (dummy_rows < 0 || dummy_rows > sawl) {
    return fail(fmt::format("dummy_rows is {}, expected 0 to {} (sawl)", dummy_rows, sawl));
  }
  const int data_rows = sawl - dummy_rows;
  if (stored.empty() && (on_cells < 0 || on_cells > data_rows)) {
    return fail(
        fmt::format("on_cells is {}, expected 0 to {} (rows that are not dummies)", on_cells, data_rows));
  }
  if (!stored.empty() && stored.size() != static_cast<std::size_t>(data_rows)) {
    return fail(fmt::format("{} stored bits for {} rows that are not dummies", stored.size(), data_rows));
  }
  const auto positive = [](double x) { return std::isfinite(x) && x > 0; };
  const auto not_negative = [](double x) { return std::isfinite(x) && x >= 0; };
  if (row_model == RowModel::whole_cell && !cell.whole) {
    return fail(fmt::format("{} has no [whole] cell", cell.name));
  }
  if (!not_negative(wire_capacitance) || !not_negative(sense_capacitance))
    return fail("a capacitance is negative");
  if (!positive(wire_resistance)) return fail("wire_resistance is not positive");
  if (!(position >= 0 && position <= 1)) return fail("position is not within 0 to 1");
  if (!(unselected_ones >= 0 && unselected_ones <= 1)) return fail("unselected_ones is not within 0 to 1");
  if (!positive(supply) || !positive(wordline_ratio)) return fail("supply or wordline_ratio is not positive");
  if (!(temperature > -273.15 && temperature < 1000))
    return fail("temperature is not within -273.15 to 1000 degC");
  if (!positive(edge) || !not_negative(settle)) return fail("edge is not positive or settle is negative");
  if (!not_negative(restore)) return fail("restore is negative");
  if (cell.read == ReadKind::clamp && !(cell.develop > edge)) {
    return fail(
        fmt::format("the clamp's capacitor is let go at {} ps, before the word line is up ({} ps): ask for a "
                    "shorter edge",
                    cell.develop * 1e12, edge * 1e12));
  }
  if (!(wordline_off > read_start(*this)) || !std::isfinite(wordline_off)) {
    return fail(fmt::format(
        "wordline_off is {} ps, before {} ({} ps): ask for a larger swing, more rows or a shorter "
        "edge",
        wordline_off * 1e12,
        cell.read == ReadKind::clamp ? "the clamp's capacitor is let go" : "the word line is up",
        read_start(*this) * 1e12));
  }
  if (!not_negative(max_step)) return fail("max_step is negative");
  return true;
}

double read_start(const ColumnOptions& o) {
  return o.edge + (o.cell.read == ReadKind::clamp ? o.cell.develop : o.edge);
}

std::string sense_node(const ColumnOptions& o) {
  return std::string(o.cell.read == ReadKind::clamp ? "sense" : "rbl");
}

double sense_time(const ColumnOptions& o) { return o.wordline_off + o.edge + o.settle; }

std::vector<bool> stored_bits(const ColumnOptions& o) {
  std::vector<bool> bits = o.stored;
  if (bits.empty()) {
    bits.assign(static_cast<std::size_t>(o.sawl), false);
    std::fill_n(bits.begin(), o.on_cells, true);
  }
  bits.resize(static_cast<std::size_t>(o.sawl), false);
  return bits;
}

const CellRow& active_row(const ColumnOptions& o) {
  return o.row_model == RowModel::whole_cell ? *o.cell.whole : o.cell.active;
}

engine::Testbench column_testbench(const ColumnOptions& o, const std::filesystem::path& origin,
                                   const engine::DeckOptions& deck_options) {
  const double sense = sense_time(o);
  engine::Testbench bench;
  bench.name = fmt::format("{} sawl {}", o.cell.name, o.sawl);
  bench.deck = engine::parse_deck(column_netlist(o), origin, deck_options);
  bench.options.temperature = o.temperature;
  bench.analysis.max_step = o.max_step > 0.0 ? o.max_step : sense / 20.0;
  bench.analysis.step = bench.analysis.max_step;
  bench.analysis.stop = sense + o.restore;
  bench.measures = {last_value(level_measure, fmt::format("v({})", sense_node(o)), "V")};
  if (o.cell.differential) bench.measures.front().reference = fmt::format("v({}_bar)", sense_node(o));
  if (o.restore > 0.0) {
    bench.measures.front().at = sense;
    bench.measures.push_back(charge("supply_charge", "i(vdd)", 0.0, bench.analysis.stop));
    const double rise = o.cell.read == ReadKind::clamp ? 0.0 : o.edge;
    bench.measures.push_back(
        charge("wordline_charge", "i(brwl)", rise, std::min(rise + 2 * o.edge, o.wordline_off)));
  }
  return bench;
}

std::vector<std::string> varying_elements(const ColumnOptions& o) {
  std::vector<std::string> paths;
  const char* const end = o.cell.read == ReadKind::clamp ? "xclamp" : "xpre";
  for (const std::string& element : o.cell.end.call.varies) {
    paths.push_back(fmt::format("{}.{}", end, element));
    if (o.cell.has_complement()) paths.push_back(fmt::format("{}_bar.{}", end, element));
  }
  for (int i = 0; i < o.sawl; ++i) {
    for (const std::string& element : active_row(o).call.varies) {
      paths.push_back(fmt::format("x{}.{}", i, element));
    }
  }
  return paths;
}

TimingRun timing_run(const ColumnOptions& options, double swing) {
  TimingRun run{options, options.supply - swing};
  run.options.stored.clear();
  run.options.dummy_rows = 0;
  run.options.on_cells = options.sawl;
  const double per_row = options.wire_capacitance + options.cell.row_capacitance();
  const double capacitance = options.rows * per_row + options.sense_capacitance;
  run.options.wordline_off =
      read_start(options) + options.edge + options.cell.read_time(capacitance, swing, options.sawl);
  run.options.settle = 0.0;
  run.options.restore = 0.0;
  // A clamp's current depends on the wire; a bitline's charge does not, only when it arrives.
  if (options.cell.read == ReadKind::discharge) run.options.wire_resistance = 1e-3;
  return run;
}

}  // namespace flare::studies
