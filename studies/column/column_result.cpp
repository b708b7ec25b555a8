#include "studies/column/column_result.hpp"

#include <fmt/format.h>

#include "studies/column/column_die.hpp"
#include "studies/run/rare_event_runs.hpp"

namespace flare::studies {

namespace {

/// How far the screening was off, converter by converter.
void write_screening_error(H5::H5File& file, const Study& study, const CornerRecord& corners) {
  std::vector<std::string> adc;
  std::vector<double> known;
  std::vector<double> least;
  std::vector<double> most;
  std::vector<double> scatter;
  for (std::size_t c = 0; c < study.converters.size(); ++c) {
    const analysis::ScreeningError error = corners.error(c);
    adc.push_back(study.converters[c].name);
    known.push_back(static_cast<double>(error.corners));
    least.push_back(error.least);
    most.push_back(error.most);
    scatter.push_back(error.scatter);
  }
  engine::write_attribute(file, "/screening", "adc", adc);
  engine::write_attribute(file, "/screening", "corners_estimated", known);
  engine::write_attribute(file, "/screening", "least_ratio", least);
  engine::write_attribute(file, "/screening", "most_ratio", most);
  engine::write_attribute(file, "/screening", "scatter", scatter);
  engine::write_attribute(
      file, "/screening", "about",
      std::string(
          "sigma: least margin over first-order spread. By converter: how many corners have an estimate too, "
          "the least and the greatest estimated / screened, and the standard deviation of its logarithm "
          "about the mean of each SAWL"));
}

void write_screening(H5::H5File& file, const Study& study, const ColumnResult& result) {
  engine::TableRows<std::string, std::int64_t, std::string, std::string, double, double, std::int64_t, double>
      screening({{{"cell", ""},
                  {"sawl", ""},
                  {"corner", ""},
                  {"adc", ""},
                  {"wordline_off", "s"},
                  {"sigma", "sigma"},
                  {"full", ""},
                  {"estimated", "sigma"}}});
  for (std::size_t p = 0; p < result.design.points.size(); ++p) {
    const ColumnPoint& point = result.design.points[p];
    for (std::size_t c = 0; c < study.converters.size(); ++c) {
      const analysis::ScreenedCorner& corner = result.corners.corner(p, c);
      screening.add(study.column->setup.cell.name, point.sawl, point.corner.name(), study.converters[c].name,
                    result.design.wordline_off[p], corner.screened, corner.full() ? 1 : 0, corner.estimated);
    }
  }
  engine::write_table(file, "/screening", std::move(screening).table());
  write_screening_error(file, study, result.corners);
}

void write_point(H5::H5File& file, const Study& study, const ColumnResult& result, std::size_t p,
                 const FullPoint& full) {
  const ColumnPoint& point = result.design.points[p];
  const analysis::ModelKey key{study.column->setup.cell.name, point.sawl, "", point.corner.name()};
  analysis::write_levels(file, key, full.levels.fits);
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
void write_tails_of(H5::H5File& file, const ConvertedColumn& converted, const engine::Testbench& bench) {
  engine::TableRows<std::int64_t, std::string, double, std::string, double> carriers(
      {{{"k", ""}, {"direction", ""}, {"distance", "sigma"}, {"variable", ""}, {"share", ""}}});
  for (const EstimatedTail& tail : converted.tails) {
    if (!tail.own.runs.empty()) {
      write_samples(file,
                    fmt::format("{}/tail_samples/{}/k{}_{}", converted.key.point_path(), converted.key.adc,
                                tail.tail.k, to_string(tail.tail.direction)),
                    tail.own);
    }
    for (const VariableShare& s : variable_shares(tail.nearest, bench)) {
      carriers.add(static_cast<std::int64_t>(tail.tail.k), to_string(tail.tail.direction),
                   tail.nearest.norm(), s.variable, s.share);
    }
  }
  if (carriers.empty()) return;
  engine::write_table(file, fmt::format("{}/carriers/{}", converted.key.point_path(), converted.key.adc),
                      std::move(carriers).table());
}

}  // namespace

void write_column_result(H5::H5File& file, const Study& study, const ColumnResult& result) {
  write_screening(file, study, result);
  for (const auto& [p, full] : result.full) write_point(file, study, result, p, full);
  for (const ConvertedColumn& c : result.converted) {
    analysis::write_error_model(file, c.key, c.model);
    write_tails_of(file, c, *result.full.at(c.point).levels.samples.front().testbench);
  }
  analysis::write_verdict(file, result.verdict);
  const std::string tracking = tracking_text(study);
  if (!tracking.empty()) engine::write_attribute(file, "/verdict", "tracking", tracking);
}

}  // namespace flare::studies
