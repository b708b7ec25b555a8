#include "studies/column/column_result.hpp"

#include <fmt/format.h>

#include "analysis/results/carrier_table.hpp"
#include "analysis/results/point_tables.hpp"
#include "analysis/results/screening_table.hpp"
#include "analysis/results/verdict_table.hpp"
#include "studies/column/column_die.hpp"
#include "studies/column/column_energy.hpp"
#include "studies/column/column_references.hpp"
#include "studies/run/rare_event_runs.hpp"
#include "studies/run/sample_rows.hpp"

namespace flare::studies {

namespace {

void add_screening(const Study& study, const ColumnResult& result, bool several,
                   std::vector<analysis::ScreeningRow>& rows,
                   std::vector<analysis::ConverterScreening>& errors) {
  for (std::size_t p = 0; p < result.design.points.size(); ++p) {
    const ColumnPoint& point = result.design.points[p];
    for (std::size_t c = 0; c < study.converters.size(); ++c) {
      const analysis::ScreenedCorner& corner = result.corners.corner(p, c);
      rows.push_back({study.column->setup.cell.name, point.sawl, point.corner.name(),
                      study.converters[c].name, result.design.wordline_off[p], corner.screened, corner.full(),
                      corner.estimated});
    }
  }
  for (std::size_t c = 0; c < study.converters.size(); ++c)
    errors.push_back(
        {several ? study.column->setup.cell.name + " " + study.converters[c].name : study.converters[c].name,
         result.corners.error(c)});
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
  for (std::size_t k = 0; k < full.counted.size(); ++k) {
    if (full.counted[k].failing.runs.empty()) continue;
    write_samples_of(file, fmt::format("{}/failing_samples/k{}", key.point_path(), k),
                     full.counted[k].failing, full.counted[k].indices);
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

namespace {

void write_models(H5::H5File& file, const Study& study, const ColumnResult& result) {
  for (const auto& [p, full] : result.full) write_point(file, study, result, p, full);
  for (const ConvertedColumn& c : result.converted) {
    const FullPoint& full = result.full.at(c.point);
    analysis::write_error_model(file, c.key, c.model);
    engine::write_read_cost(file, c.key, read_cost(study, result.design, c, full.energies));
    write_tails_of(file, study, c, *full.levels.samples.front().testbench);
  }
}

/// How every converter's references are made, a line each.
std::string composition_text(const std::vector<StudiedColumn>& columns) {
  std::string text("Column and converter composed: levels simulated, thresholds and their deviations added.");
  for (const StudiedColumn& column : columns) {
    for (const ConverterStudy& c : column.study.converters) {
      const std::string line = fmt::format("\n{}: {}", c.name, references_text(column.study, c));
      if (text.find(line) == std::string::npos) text += line;
    }
  }
  return text;
}

}  // namespace

void write_column_results(H5::H5File& file, const std::vector<StudiedColumn>& columns) {
  std::vector<analysis::ScreeningRow> screening;
  std::vector<analysis::ConverterScreening> errors;
  std::vector<analysis::VerdictRow> verdict;
  for (const auto& [study, result] : columns) {
    add_screening(study, result, columns.size() > 1, screening, errors);
    write_models(file, study, result);
    verdict.insert(verdict.end(), result.verdict.begin(), result.verdict.end());
  }
  analysis::write_screening(file, screening, errors);
  analysis::write_verdict(file, verdict, {analysis::PassRule::upper_bound, columns.front().study.target});
  engine::write_attribute(file, "/verdict", "composition", composition_text(columns));
  const std::string tracking = tracking_text(columns.front().study);
  if (!tracking.empty()) engine::write_attribute(file, "/verdict", "tracking", tracking);
}

}  // namespace flare::studies
