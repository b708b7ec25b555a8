#include "tests/analysis/report/synthetic_result.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/results/accuracy_table.hpp"
#include "analysis/results/point_tables.hpp"
#include "analysis/results/screening_table.hpp"
#include "analysis/results/verdict_table.hpp"
#include "engine/base/random_stream.hpp"
#include "tests/analysis/levels/column_function.hpp"

namespace flare::analysis::testing {
namespace {

struct Corner {
  const char* name;
  double spread;  // of the threshold voltage, relative to tt
  double drive;   // of the overdrive
  bool full;
};

constexpr Corner corners[] = {{"tt_0.90V_27C", 1.0, 1.0, true},    {"ss_0.81V_-40C", 1.0, 0.8, true},
                              {"ff_0.99V_125C", 1.0, 1.1, true},   {"tt_0.81V_27C", 1.0, 0.87, false},
                              {"tt_0.99V_27C", 1.0, 1.12, false},  {"ss_0.90V_27C", 1.0, 0.92, false},
                              {"ss_0.99V_125C", 1.0, 1.04, false}, {"ff_0.81V_-40C", 1.0, 0.93, false},
                              {"ff_0.90V_27C", 1.0, 1.08, false}};

ColumnFunction column(int sawl, int k, const Corner& corner) {
  ColumnFunction function;
  function.cells = std::max(k, 1);
  function.step = 0.4 / sawl;
  function.overdrive = 0.55 * corner.drive;
  function.sigma_vt = k == 0 ? 2e-4 : 0.0085 * corner.spread;
  function.sigma_beta = k == 0 ? 1e-4 : 0.008;
  function.compression = 0.0;
  return function;
}

struct Point {
  std::vector<LevelFit> levels;
  std::vector<std::vector<double>> samples;
  std::vector<double> nominal;
};

Point sample_point(int sawl, const Corner& corner, std::size_t runs) {
  Point point;
  for (int k = 0; k <= sawl; ++k) {
    const ColumnFunction function = column(sawl, k, corner);
    const auto seed = engine::stream_key(corner.name) + static_cast<std::uint64_t>(100 * sawl + k);
    engine::Matrix inputs;
    std::vector<double> samples = function.sample(seed, 0, runs, 2 * (sawl - std::max(k, 1)), &inputs);
    const double shift = k == 0 ? function.step : 0.0;
    for (double& x : samples) x += shift;
    point.nominal.push_back(function.level(std::max(k, 1)) + shift);
    point.levels.push_back(LevelFit::from_runs(samples, inputs));
    point.samples.push_back(std::move(samples));
  }
  return point;
}

void write_samples(H5::H5File& file, const std::string& path, const std::vector<double>& samples) {
  engine::Matrix measures(static_cast<Eigen::Index>(samples.size()), 1);
  for (std::size_t i = 0; i < samples.size(); ++i) measures(static_cast<Eigen::Index>(i), 0) = samples[i];
  engine::write_matrix(file, path + "/measures", measures);
  engine::write_attribute(file, path + "/measures", "names", std::vector<std::string>{"level"});
}

std::vector<ConverterOptions> converters() {
  ConverterOptions flash;
  flash.name = "flash";
  flash.offset_sigma_step = 0.03;
  ConverterOptions enob;
  enob.name = "enob5";
  enob.kind = ConverterKind::enob;
  enob.enob = 5.0;
  return {flash, enob};
}

// The screening of flash; that of the other converter is 2 sigma worse everywhere, so that they cannot be confused.
void write_screening(H5::H5File& file, const SyntheticOptions& options) {
  std::vector<ScreeningRow> rows;
  for (const int n : {2, 4, 8, 16}) {
    for (const Corner& corner : corners) {
      const double relative = std::hypot(1.3 * 0.0085 / (0.55 * corner.drive), 0.008);
      const double flash = 0.5 / std::hypot(relative * std::sqrt(static_cast<double>(n)), 0.03);
      for (const ConverterOptions& converter : converters()) {
        const double sigma = converter.name == "flash" ? flash : flash - 2.0;
        rows.push_back({options.cell, n, corner.name, converter.name, 2e-10, sigma, corner.full,
                        corner.full ? 1.01 * sigma : std::numeric_limits<double>::quiet_NaN()});
      }
    }
  }
  analysis::write_screening(
      file, rows, {{"flash", {12, 0.99, 1.02, 8.0, 0.004}}, {"enob5", {12, 0.98, 1.01, 8.0, 0.003}}});
}

void write_accuracy(H5::H5File& file, const SyntheticOptions& options) {
  struct Evaluation {
    int sawl;
    const char* mode;
    double mean, std;
  };
  constexpr Evaluation evaluations[] = {
      {0, "exact", 0.9694, 0.0},   {2, "read", 0.9694, 0.0},   {4, "read", 0.9694, 0.0},
      {8, "read", 0.9689, 0.0006}, {16, "read", 0.951, 0.004}, {2, "die", 0.9694, 0.0},
      {4, "die", 0.9694, 0.0},     {8, "die", 0.9686, 0.001},  {16, "die", 0.942, 0.011}};
  std::vector<AccuracyRow> rows;
  for (const Evaluation& e : evaluations) {
    AccuracyRow row;
    row.model = "digits_vit";
    row.dataset = "digits";
    row.quantizer = "eMSB-Q 8 bit";
    row.sawl = e.sawl;
    row.mode = e.mode;
    row.examples = 360;
    row.mean = e.mean;
    row.std = e.std;
    row.floating = 0.9722;
    row.low = e.mean - 0.004;
    row.high = e.mean + 0.004;
    row.drop = row.floating - e.mean;
    row.drop_low = row.drop - 0.004;
    row.drop_high = row.drop + 0.004;
    row.allowed = 0.01;
    row.difference = "no difference seen";
    if (e.sawl > 0) {
      row.cell = options.cell;
      row.adc = "flash";
      row.corner = "ss_0.81V_-40C";
      row.repeats = 3;
    }
    rows.push_back(row);
  }
  analysis::write_accuracy(file, rows);
}

void write_points(H5::H5File& file, const SyntheticOptions& options) {
  std::vector<NamedPoint> named;
  for (const int sawl : {2, 4, 8, 16}) {
    for (const Corner& corner : corners) {
      if (!corner.full) continue;
      const Point point = sample_point(sawl, corner, options.runs);
      ModelKey key{options.cell, sawl, "", corner.name};
      std::vector<TailRow> tails;
      for (const ConverterOptions& converter : converters()) {
        key.adc = converter.name;
        const ReferenceLevels reference(point.nominal);
        const ConvertedPoint converted = convert(point.levels, reference, converter);
        for (const LevelTail& tail : converted.tails) tails.push_back({converter.name, tail});
        write_error_model(file, key, make_error_model(point.levels, reference, converted));
        named.push_back(named_point(key, converted));
      }
      write_levels(file, key, point.nominal, point.levels);
      write_tails(file, key, tails);
      for (std::size_t k = 0; k < point.samples.size(); ++k) {
        write_samples(file, key.point_path() + "/samples/k" + std::to_string(k), point.samples[k]);
      }
    }
  }
  write_verdict(file, make_verdict(named));
}

}  // namespace

void write_synthetic_result(const std::filesystem::path& path, const SyntheticOptions& options) {
  H5::H5File file(path.string(), H5F_ACC_TRUNC);
  engine::write_attribute(file, "/", "format", std::string("flare/1"));
  engine::write_attribute(file, "/", "complete", std::int64_t{options.complete ? 1 : 0});
  engine::write_attribute(file, "/", "title", options.title);
  engine::write_attribute(file, "/", "study", options.study);
  engine::write_attribute(file, "/", "seed", std::int64_t{7});
  engine::write_attribute(file, "/", "flare_version", std::string("0.1.0"));
  engine::write_attribute(file, "/", "ngspice_version", std::string("39"));
  engine::write_attribute(file, "/", "created", std::string("2000-01-01T00:00:00Z"));
  write_points(file, options);
  if (options.screening) write_screening(file, options);
  if (options.accuracy) write_accuracy(file, options);
}

}  // namespace flare::analysis::testing
