#include "flare_arch/gain_cell/cell_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "engine/base/file_error.hpp"

namespace flare::arch {
namespace {

std::vector<double> distances_of(const StoredLevels& stored) {
  std::vector<double> distances;
  distances.reserve(static_cast<std::size_t>(stored.levels));
  for (int level = 0; level < stored.levels; ++level) distances.push_back(stored.distance(level));
  return distances;
}

/// The tables' levels are even steps from 0 V: what codes stand for.
StoredLevels stored_levels(const engine::GainCellTables& tables) {
  const auto levels = static_cast<int>(tables.transfer.size());
  if (levels < 2 || levels > 8)
    throw std::invalid_argument(fmt::format("transfer holds {} levels, 2 to 8 can be stored", levels));
  StoredLevels stored{levels, tables.transfer.back().voltage, tables.middle};
  for (int level = 0; level < levels; ++level) {
    const engine::TransferRow& row = tables.transfer[static_cast<std::size_t>(level)];
    const double expected = stored.top * level / (levels - 1);
    if (row.level != level || !(std::abs(row.voltage - expected) <= 1e-6))
      throw std::invalid_argument(fmt::format(
          "transfer, level {}: even levels from 0 V are expected, not {:g} V", level, row.voltage));
    if (!std::isfinite(row.mean))
      throw std::invalid_argument(
          fmt::format("transfer, level {}: its current is unknown; run the study again with --fresh", level));
  }
  return stored;
}

void add_retention(const engine::GainCellTables& tables, MeasuredCell& cell) {
  std::set<double> times;
  for (const engine::RetentionRow& row : tables.retention) times.insert(row.time);
  cell.times.assign(times.begin(), times.end());
  cell.voltages =
      MatrixD::Constant(static_cast<Eigen::Index>(times.size()), cell.stored.levels, std::nan(""));
  for (const engine::RetentionRow& row : tables.retention) {
    if (row.level < 0 || row.level >= cell.stored.levels)
      throw std::invalid_argument(fmt::format("retention has a level {}, which transfer has not", row.level));
    cell.voltages(std::distance(times.begin(), times.find(row.time)), row.level) = row.mean;
  }
  if (!cell.voltages.allFinite())
    throw std::invalid_argument("retention: a level's voltage is unknown at a time; run the study again");
}

void add_spread(const engine::GainCellTables& tables, MeasuredCell& cell) {
  cell.polynomial = tables.polynomial.g;
  cell.spread.covariance = tables.polynomial.covariance;
  for (const engine::PulseConverterRow& row : tables.converters) {
    const bool is_pulse = row.mode == "rectifier";
    (is_pulse ? cell.spread.converter_gain : cell.spread.counter_gain) = row.gain_sigma;
    (is_pulse ? cell.spread.converter_offset : cell.spread.counter_offset) =
        row.offset_sigma / tables.read_pulse;
  }
  cell.spread.check();
}

/// One after the other: a query into the keys, the pulse of its charge into the values, the pulse that is counted.
double head_time(const engine::GainCellTables& tables) {
  if (tables.converters.size() != 2) return 0;
  double time = tables.read_pulse;
  for (const engine::PulseConverterRow& row : tables.converters)
    time += row.gain * tables.read_pulse + row.offset;
  return std::isfinite(time) ? time : 0;
}

std::string list_of(const std::vector<engine::GainCellTables>& all) {
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const auto& tables : all) names.push_back(tables.cell + "/" + tables.corner);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<engine::GainCellTables> tables_of(const std::filesystem::path& file) {
  try {
    std::vector<engine::GainCellTables> all = engine::read_gain_cells(engine::open_result(file));
    if (all.empty())
      throw engine::FileError(
          "holds no gain cell; a result of `flare run` on a study with [gain_cell] is expected");
    return all;
  } catch (const engine::FileError& e) {
    const std::string what = e.what();
    throw engine::FileError(what.starts_with(file.string()) ? what : file.string() + ": " + what);
  }
}

MeasuredCell cell_of(const std::filesystem::path& file, const engine::GainCellTables& tables) {
  try {
    return measured_cell(tables);
  } catch (const std::invalid_argument& e) {
    throw engine::FileError(fmt::format("{}: {}: {}", file.string(), tables.path(), e.what()));
  }
}

}  // namespace

CellLaw MeasuredCell::polynomial_law() const { return arch::polynomial_law(cell + "/" + corner, polynomial); }

CellLaw MeasuredCell::transfer_law() const {
  return tabulated_law(cell + "/" + corner + ", transfer", distances_of(stored), transfer);
}

Retention MeasuredCell::retention(int window, double token_time) const {
  if (times.empty())
    throw std::invalid_argument(
        fmt::format("cell {}/{}: retention was not measured; name times in the study's [gain_cell] "
                    "retention, or give --decay",
                    cell, corner));
  const double needed = (window - 1) * token_time;
  if (needed > times.back() * (1 + 1e-9))
    throw std::invalid_argument(fmt::format(
        "cell {}/{}: a window of {} tokens of {:g} s lasts {:.4g} s, longer than the {:g} s its "
        "retention was measured for; take a window of at most {} tokens, or a longer [gain_cell] retention",
        cell, corner, window, token_time, needed, times.back(),
        static_cast<std::int64_t>(times.back() / token_time) + 1));
  return tabulated_retention(stored, times, voltages, token_time);
}

MeasuredCell measured_cell(const engine::GainCellTables& tables) {
  MeasuredCell cell;
  cell.cell = tables.cell;
  cell.corner = tables.corner;
  cell.temperature = tables.temperature;
  cell.stored = stored_levels(tables);
  cell.transfer.reserve(tables.transfer.size());
  for (const engine::TransferRow& row : tables.transfer) cell.transfer.push_back(row.mean);
  cell.full_scale = tables.full_scale;
  cell.read_pulse = tables.read_pulse;
  cell.head_time = head_time(tables);
  if (!(tables.full_scale > 0) || !(tables.read_pulse > 0))
    throw std::invalid_argument("full_scale and read_pulse must be positive");
  for (const engine::EnergyRow& row : tables.energy)
    if (row.use == "token") cell.token_energy = row.energy;
  add_retention(tables, cell);
  add_spread(tables, cell);
  return cell;
}

std::vector<MeasuredCell> load_cells(const std::filesystem::path& file, const std::string& cell) {
  std::vector<MeasuredCell> cells;
  for (const engine::GainCellTables& tables : tables_of(file))
    if (cell.empty() || tables.cell == cell) cells.push_back(cell_of(file, tables));
  return cells;
}

MeasuredCell load_cell(const std::filesystem::path& file, const std::string& place) {
  const std::vector<engine::GainCellTables> all = tables_of(file);
  std::vector<const engine::GainCellTables*> fit;
  for (const auto& tables : all)
    if (place.empty() || place == tables.cell || place == tables.cell + "/" + tables.corner)
      fit.push_back(&tables);
  if (fit.size() == 1) return cell_of(file, *fit.front());
  throw engine::FileError(fmt::format("{}: {} gain cell '{}'; write FILE:CELL/CORNER with one of {}",
                                      file.string(), fit.empty() ? "there is no" : "more than one fits",
                                      place, list_of(all)));
}

}  // namespace flare::arch
