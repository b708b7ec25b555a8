#include "studies/column/column_result.hpp"

#include <fmt/format.h>

#include "analysis/results/carrier_table.hpp"
#include "analysis/results/point_tables.hpp"
#include "analysis/results/screening_table.hpp"
#include "analysis/results/verdict_table.hpp"
#include "studies/column/column_die.hpp"
#include "studies/run/rare_event_runs.hpp"

namespace flare::studies {

namespace {

void write_screening_of(H5::H5File& file, const Study& study, const ColumnResult& result) {
  std::vector<analysis::ScreeningRow> rows;
  for (std::size_t p = 0; p < result.design.points.size(); ++p) {
    const ColumnPoint& point = result.design.points[p];
    for (std::size_t c = 0; c < study.converters.size(); ++c) {
      const analysis::ScreenedCorner& corner = result.corners.corner(p, c);
      rows.push_back({study.column->setup.cell.name, point.sawl, point.corner.name(),
                      study.converters[c].name, result.design.wordline_off[p], corner.screened, corner.full(),
                      corner.estimated});
    }
  }
  std::vector<analysis::ConverterScreening> errors;
  for (std::size_t c = 0; c < study.converters.size(); ++c)
    errors.push_back({study.converters[c].name, result.corners.error(c)});
  analysis::write_screening(file, rows, errors);
}

void write_point(H5::H5File& file, const Study& study, const ColumnResult& result, std::size_t p,
                 const FullPoint& full) {
  const ColumnPoint& point = result.design.points[p];
  const analysis::ModelKey key{study.column->setup.cell.name, point.sawl, "", point.corner.name()};
  analysis::write_levels(file, key, result.design.nominal[p], full.levels.fits);
  for (std::size_t k = 0; k < full.levels.samples.size(); ++k) {
    write_samples(file, fmt::format("{}/samples/k{}", key.point_path(), k), full.levels.samples[k]);
  }
  for (std::size_t k = 0; k < full.tail_runs.size(); ++k) {
    if (full.tail_runs[k].runs.empty()) continue;
    write_samples(file, fmt::format("{}/tail_samples/k{}", key.point_path(), k), full.tail_runs[k]);
  }
  std::vector<analysis::TailRow> tails;
  for (const ConvertedColumn& c : result.converted) {
    if (c.point != p) continue;
    for (const analysis::LevelTail& tail : c.value.tails) tails.push_back({c.key.adc, tail});
  }
  analysis::write_tails(file, key, tails);
}

/// Who carries the failure, as shares of the nearest failing points, and the runs a question had to itself.
void write_tails_of(H5::H5File& file, const Study& study, const ConvertedColumn& converted,
                    const engine::Testbench& bench) {
  std::vector<analysis::CarrierRow> carriers;
  for (const EstimatedTail& tail : converted.tails) {
    if (!tail.own.runs.empty()) {
      write_samples(file,
                    fmt::format("{}/tail_samples/{}/k{}_{}", converted.key.point_path(), converted.key.adc,
                                tail.tail.k, to_string(tail.tail.direction)),
                    tail.own);
    }
    for (const VariableShare& s : variable_shares(tail.nearest, bench)) {
      carriers.push_back({tail.tail.k, tail.tail.direction, tail.nearest.norm(), s.variable, s.share,
                          s.coordinate, area_slope(study, s, tail.nearest.norm())});
    }
  }
  analysis::write_column_carriers(file, converted.key, carriers);
}

}  // namespace

void write_column_result(H5::H5File& file, const Study& study, const ColumnResult& result) {
  write_screening_of(file, study, result);
  for (const auto& [p, full] : result.full) write_point(file, study, result, p, full);
  for (const ConvertedColumn& c : result.converted) {
    analysis::write_error_model(file, c.key, c.model);
    write_tails_of(file, study, c, *result.full.at(c.point).levels.samples.front().testbench);
  }
  analysis::write_verdict(file, result.verdict, {analysis::PassRule::upper_bound, study.target});
  const std::string tracking = tracking_text(study);
  if (!tracking.empty()) engine::write_attribute(file, "/verdict", "tracking", tracking);
}

}  // namespace flare::studies
