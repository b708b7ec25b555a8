#include "analysis/results/point_tables.hpp"

#include <cmath>

#include "analysis/tails/tail_table.hpp"

namespace flare::analysis {

namespace {

template <class Of>
void add_interval(engine::RowTable<LevelRow>& table, const std::string& name, const std::string& unit,
                  Of of) {
  table
      .column(
          name + "_low", unit, [of](auto& r) -> auto& { return of(r).low; })
      .column(
          name + "_high", unit, [of](auto& r) -> auto& { return of(r).high; });
}

engine::RowTable<LevelRow> level_columns() {
  engine::RowTable<LevelRow> table;
  table
      .column(
          "k", "", [](auto& r) -> auto& { return r.k; })
      .column(
          "nominal", "V", [](auto& r) -> auto& { return r.nominal; }, "nominal")
      .column(
          "mean", "V", [](auto& r) -> auto& { return r.mean; })
      .column(
          "sigma", "V", [](auto& r) -> auto& { return r.sigma; })
      .column(
          "skewness", "1", [](auto& r) -> auto& { return r.skewness; })
      .column(
          "kurtosis", "1", [](auto& r) -> auto& { return r.kurtosis; })
      .column(
          "runs", "", [](auto& r) -> auto& { return r.runs; })
      .column(
          "unknown", "", [](auto& r) -> auto& { return r.unknown; });
  add_interval(
      table, "mean", "V", [](auto& r) -> auto& { return r.mean_interval; });
  add_interval(
      table, "sigma", "V", [](auto& r) -> auto& { return r.sigma_interval; });
  add_interval(
      table, "skewness", "1", [](auto& r) -> auto& { return r.skewness_interval; });
  add_interval(
      table, "kurtosis", "1", [](auto& r) -> auto& { return r.kurtosis_interval; });
  return table;
}

LevelRow level_row(std::size_t k, double nominal, const Moments& m) {
  LevelRow row{k, nominal, m.mean, m.sigma, m.skewness, m.kurtosis, m.runs, m.unknown, {}, {}, {}, {}};
  const bool known = m.runs >= min_moment_runs;
  const auto interval = [&](Interval (Moments::*of)() const) {
    return known ? (m.*of)() : Interval{std::nan(""), std::nan("")};
  };
  row.mean_interval = interval(&Moments::mean_interval);
  row.sigma_interval = interval(&Moments::sigma_interval);
  row.skewness_interval = interval(&Moments::skewness_interval);
  row.kurtosis_interval = interval(&Moments::kurtosis_interval);
  return row;
}

engine::RowTable<TailRow> point_tail_columns() {
  engine::RowTable<TailRow> table;
  table
      .column(
          "adc", "", [](auto& r) -> auto& { return r.adc; })
      .column(
          "k", "", [](auto& r) -> auto& { return r.tail.k; })
      .column(
          "direction", "", [](auto& r) -> auto& { return r.tail.direction; });
  return tail_columns(
      table, "p", "1/read", [](auto& r) -> auto& { return r.tail.probability; });
}

}  // namespace

void write_levels(H5::H5File& file, const ModelKey& key, const std::vector<double>& nominal,
                  const std::vector<LevelFit>& levels) {
  std::vector<LevelRow> rows;
  rows.reserve(levels.size());
  for (std::size_t k = 0; k < levels.size(); ++k)
    rows.push_back(level_row(k, nominal.at(k), levels[k].moments()));
  engine::write_table(file, key.point_path() + "/levels", level_columns().table(rows));
}

std::vector<LevelRow> read_levels(const H5::H5File& file, const ModelKey& key) {
  return level_columns().rows(engine::read_table(file, key.point_path() + "/levels"));
}

void write_tails(H5::H5File& file, const ModelKey& key, const std::vector<TailRow>& tails) {
  engine::write_table(file, key.point_path() + "/tails", point_tail_columns().table(tails));
}

std::vector<TailRow> read_tails(const H5::H5File& file, const ModelKey& key) {
  return point_tail_columns().rows(engine::read_table(file, key.point_path() + "/tails"));
}

}  // namespace flare::analysis
