#include "analysis/report/report_samples.hpp"

#include <cmath>

#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

std::vector<double> plain_values(const H5::H5File& file, const std::string& group, std::size_t m) {
  std::vector<double> values;
  if (!engine::exists(file, group + "/measures")) return values;
  const engine::Matrix measures = engine::read_matrix(file, group + "/measures");
  const auto column = static_cast<Eigen::Index>(m);
  for (Eigen::Index i = 0; column < measures.cols() && i < measures.rows(); ++i) {
    if (std::isfinite(measures(i, column))) values.push_back(measures(i, column));
  }
  return values;
}

std::vector<TailRuns> weighted_values(const H5::H5File& file, const std::string& group, std::size_t m) {
  if (!engine::exists(file, group + "/runs") || !engine::exists(file, group + "/measures")) return {};
  const engine::Table runs = engine::read_table(file, group + "/runs");
  if (!runs.has("weight")) return {};
  const engine::Matrix measures = engine::read_matrix(file, group + "/measures");
  const std::vector<double>& weights = runs.numbers("weight");
  const auto column = static_cast<Eigen::Index>(m);
  if (measures.rows() != static_cast<Eigen::Index>(weights.size()) || column >= measures.cols()) {
    throw engine::FileError(group + ": its runs and measures do not belong together");
  }
  std::vector<TailRuns> all;
  bool within = false;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const bool weighted = std::isfinite(weights[i]);
    if (weighted && !within) all.emplace_back();
    within = weighted;
    if (!weighted) continue;
    all.back().values.push_back(measures(static_cast<Eigen::Index>(i), column));
    all.back().weights.push_back(weights[i]);
  }
  return all;
}

std::vector<ReportMeasure> read_measures(const H5::H5File& file, const std::vector<std::string>& corners) {
  std::vector<ReportMeasure> all;
  if (!engine::exists(file, "/points")) return all;
  for (const std::string& circuit : engine::members(file, "/points")) {
    for (const std::string& corner : corners) {
      const std::string group = "/points/" + circuit + "/" + corner;
      const std::string measures = group + "/samples/measures";
      if (!engine::exists(file, measures) || !engine::has_attribute(file, measures, "names")) continue;
      const std::vector<std::string> names = engine::read_texts(file, measures, "names");
      std::vector<std::string> units;
      if (engine::has_attribute(file, measures, "units")) units = engine::read_texts(file, measures, "units");
      units.resize(names.size());
      const auto rows = static_cast<std::size_t>(engine::read_matrix(file, measures).rows());
      for (std::size_t m = 0; m < names.size(); ++m) {
        ReportMeasure one{corner, names[m], units[m] == "1" ? "" : units[m], {}, 0, {}};
        one.plain = plain_values(file, group + "/samples", m);
        one.unknown = rows - one.plain.size();
        one.weighted = weighted_values(file, group + "/tail_samples", m);
        all.push_back(std::move(one));
      }
    }
  }
  return all;
}

}  // namespace flare::analysis
