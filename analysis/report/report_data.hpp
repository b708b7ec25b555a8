// What a report shows, read from a result file and from nothing else. A file comes from elsewhere: every part
// may be absent, and every name is text to be escaped.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "analysis/report/report_carriers.hpp"
#include "analysis/report/report_samples.hpp"
#include "analysis/report/report_tornado.hpp"
#include "analysis/results/accuracy_table.hpp"
#include "analysis/results/adc_table.hpp"
#include "analysis/results/cost_table.hpp"
#include "analysis/results/map_table.hpp"
#include "analysis/results/point_tables.hpp"
#include "analysis/results/screening_table.hpp"
#include "analysis/results/spec_table.hpp"
#include "analysis/results/sweep_table.hpp"
#include "analysis/results/verdict_table.hpp"
#include "engine/base/gain_cell_tables.hpp"

namespace flare::analysis {

/// One level of a point that was run in full.
struct ReportLevel {
  std::size_t k = 0;
  double mean = 0.0;   // V
  double sigma = 0.0;  // V
  double skewness = 0.0;
  double kurtosis = 3.0;
  std::size_t runs = 0;
  std::size_t unknown = 0;
  std::vector<double> samples;      // V, runs with an answer; empty where the file holds none
  std::optional<LevelShape> shape;  // the fitted law
  std::vector<TailRuns> tail;       // weighted runs, one entry a proposal
};

/// One (cell, SAWL, corner) run in full.
struct ReportPoint {
  ModelKey key;  // adc empty
  std::vector<ReportLevel> levels;
  std::vector<TailRow> tails;  // of all converters
};

/// One error model, i.e. one (cell, SAWL, converter, corner).
struct ReportModel {
  ModelKey key;
  TailProbability error;           // of the worst level; without its runs and method
  std::vector<double> thresholds;  // steps
  std::vector<double> level_mean;  // steps
  engine::Matrix confusion;        // P(code | k)
  double threshold_sigma = 0.0;    // steps a threshold scatters by: offset and noise of a read
};

struct ReportData {
  std::string file, title, study, flare_version, ngspice_version, created;
  std::int64_t seed = 0;
  bool complete = false;
  std::vector<VerdictRow> verdict;
  std::string pick, rule;
  std::string tracking;     // what follows the die, where die-wide variables exist; else empty
  std::string composition;  // how column and converter were put together; empty in older files
  double target =
      six_sigma_probability();  // largest error per read, or P(fail), that passes; of rows, where they differ
  std::string target_text = "6 sigma";
  std::vector<SpecRow> specs;           // the verdict of a circuit
  std::vector<LimitRow> limits;         // that a circuit's study asks for
  std::vector<ReportMeasure> measures;  // of a circuit, at every corner
  std::string spec_rule, spec_verdict, limit_verdict;
  std::vector<ReportTornado> tornados;
  Sweep sweep;  // of several studies in one file; without columns: none
  std::vector<ReportPoint> points;
  std::vector<ReportModel> models;
  std::vector<ScreeningRow> screening;
  std::vector<ConverterScreening> screening_error;  // by converter
  std::vector<AccuracyRow> accuracy;
  std::vector<FailureRow> failures;  // of a study of a circuit rather than of a column
  ResultMap map;                     // of a study that asks for one
  std::vector<AdcResult> adcs;       // converters measured as circuits
  CostResult cost;                   // what a model costs on an architecture
  std::vector<engine::GainCellTables> gain_cells;
  std::vector<ReportCarriers> carriers;  // of each converter where it decides, or of the circuit

  const ReportPoint* point(const ModelKey& key) const;  // adc ignored
  const ReportModel* model(const ModelKey& key) const;

  /// There are rows in the verdict or failures, and every one is refused.
  bool all_refused() const;
};

/// Throws engine::FileError for a file that is not a result or is damaged.
ReportData read_report_data(const std::filesystem::path& file);

}  // namespace flare::analysis
