#include "analysis/report/report_data.hpp"

#include "analysis/results/spec_table.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

namespace flare::analysis {
namespace {

std::string text_or(const H5::H5File& file, const std::string& name, const std::string& otherwise) {
  return engine::has_attribute(file, "/", name) ? engine::read_text(file, "/", name) : otherwise;
}

std::vector<std::string> members_of(const H5::H5File& file, const std::string& path) {
  return engine::exists(file, path) ? engine::members(file, path) : std::vector<std::string>{};
}

std::optional<int> sawl_of(const std::string& name) {
  constexpr std::size_t most_digits = 4;
  if (name.size() < 5 || name.size() > 4 + most_digits || name.rfind("sawl", 0) != 0) return std::nullopt;
  if (!std::all_of(name.begin() + 4, name.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  return std::stoi(name.substr(4));
}

// The law the tails of level k were read from, rebuilt from its moments.
std::optional<LevelShape> shape_of(const ReportLevel& level, const std::vector<TailRow>& tails) {
  if (!(level.sigma > 0.0)) return std::nullopt;
  Family family = Family::shifted_lognormal;
  for (const TailRow& row : tails) {
    if (row.tail.k != level.k) continue;
    if (row.tail.probability.status == TailStatus::refused) return std::nullopt;
    if (row.tail.probability.method.find(to_string(Family::sinh_arcsinh_4)) != std::string::npos) {
      family = Family::sinh_arcsinh_4;
    }
  }
  try {
    return LevelShape(family, level.mean, level.sigma, level.skewness, level.kurtosis);
  } catch (const std::exception&) {
    return std::nullopt;  // not drawn
  }
}

ReportPoint read_point(const H5::H5File& file, const ModelKey& key) {
  ReportPoint point{key, {}, {}};
  const std::string path = key.point_path();
  if (engine::exists(file, path + "/tails")) point.tails = read_tails(file, key);
  for (const LevelRow& row : read_levels(file, key)) {
    ReportLevel level{row.k,    row.mean,    row.sigma, row.skewness, row.kurtosis,
                      row.runs, row.unknown, {},        {},           {}};
    const std::string k = "/k" + std::to_string(level.k);
    level.samples = plain_values(file, path + "/samples" + k);
    level.tail = weighted_values(file, path + "/tail_samples" + k);
    level.shape = shape_of(level, point.tails);
    point.levels.push_back(std::move(level));
  }
  return point;
}

ReportModel read_model(const H5::H5File& file, const ModelKey& key) {
  const ErrorModel model = read_error_model(file, key);
  ReportModel result;
  result.key = key;
  for (std::size_t k = 0; k < model.p_wrong.size(); ++k) {
    TailProbability error;
    error.p = Probability(model.p_wrong[k]);
    error.low = Probability(model.p_wrong_low.at(k));
    error.high = Probability(model.p_wrong_high.at(k));
    if (!std::isnan(model.p_wrong[k])) error.status = tail_status(model.status);
    if (k == 0 || worse(error, result.error)) result.error = error;
  }
  result.thresholds = model.thresholds;
  result.level_mean = model.level_mean;
  result.confusion = model.confusion;
  result.threshold_sigma = std::hypot(model.frozen.threshold_offset_sigma, model.per_read.noise_sigma);
  return result;
}

void read_points(const H5::H5File& file, ReportData& data) {
  for (const std::string& cell : members_of(file, "/points")) {
    for (const std::string& sawl_name : members_of(file, "/points/" + cell)) {
      const std::optional<int> sawl = sawl_of(sawl_name);
      if (!sawl) continue;
      for (const std::string& corner : members_of(file, "/points/" + cell + "/" + sawl_name)) {
        const ModelKey key{cell, *sawl, "", corner};
        if (engine::exists(file, key.point_path() + "/levels")) data.points.push_back(read_point(file, key));
      }
    }
  }
  std::stable_sort(data.points.begin(), data.points.end(),
                   [](const ReportPoint& a, const ReportPoint& b) { return a.key.sawl < b.key.sawl; });
}

void read_models(const H5::H5File& file, ReportData& data) {
  for (const std::string& cell : members_of(file, "/error_models")) {
    for (const std::string& sawl_name : members_of(file, "/error_models/" + cell)) {
      const std::optional<int> sawl = sawl_of(sawl_name);
      if (!sawl) continue;
      const std::string folder = "/error_models/" + cell + "/" + sawl_name;
      for (const std::string& adc : members_of(file, folder)) {
        for (const std::string& corner : members_of(file, folder + "/" + adc)) {
          data.models.push_back(read_model(file, {cell, *sawl, adc, corner}));
        }
      }
    }
  }
  std::stable_sort(data.models.begin(), data.models.end(),
                   [](const ReportModel& a, const ReportModel& b) { return a.key.sawl < b.key.sawl; });
}

/// Where each converter decides: at the largest SAWL that passes, else at the smallest.
void read_carriers(const H5::H5File& file, ReportData& data) {
  std::map<std::pair<std::string, std::string>, const VerdictRow*> deciding;
  for (const VerdictRow& row : data.verdict) {
    const VerdictRow*& best = deciding[{row.key.cell, row.key.adc}];
    if (best == nullptr || (row.passes && (!best->passes || row.key.sawl > best->key.sawl)) ||
        (!row.passes && !best->passes && row.key.sawl < best->key.sawl)) {
      best = &row;
    }
  }
  for (const auto& [name, row] : deciding) {
    ReportCarriers carriers = column_carriers(file, row->key);
    if (!carriers.bars.empty()) data.carriers.push_back(std::move(carriers));
  }
  if (data.failures.empty()) return;
  std::vector<std::string> corners;
  for (const FailureRow& row : data.failures) corners.push_back(row.corner);
  for (const std::string& circuit : members_of(file, "/points")) {
    ReportCarriers carriers = circuit_carriers(file, circuit, corners);
    if (!carriers.bars.empty()) data.carriers.push_back(std::move(carriers));
  }
}

std::string text_of(const H5::H5File& file, const std::string& path, const std::string& name) {
  return engine::has_attribute(file, path, name) ? engine::read_text(file, path, name) : std::string();
}

void read_specs_of(const H5::H5File& file, ReportData& data) {
  data.specs = read_specs(file);
  data.limits = read_limits(file);
  data.sweep = read_sweep_table(file);
  if (!data.specs.empty()) {
    data.spec_rule = text_of(file, "/specs", "rule");
    data.spec_verdict = text_of(file, "/specs", "verdict");
    data.target_text = text_of(file, "/specs", "target_text");
    data.target = data.specs.front().target;
  }
  if (!data.limits.empty()) data.limit_verdict = text_of(file, "/limits", "verdict");
  if (!data.sweep.answers.empty()) data.target = data.sweep.answers.front().target;
}

/// Corners that a circuit's answers name.
std::vector<std::string> measured_corners(const ReportData& data) {
  std::vector<std::string> corners;
  const auto add = [&](const std::string& corner) {
    if (std::find(corners.begin(), corners.end(), corner) == corners.end()) corners.push_back(corner);
  };
  for (const FailureRow& row : data.failures) add(row.corner);
  for (const LimitRow& row : data.limits) add(row.corner);
  return corners;
}

bool same_point(const ModelKey& a, const ModelKey& b) {
  return a.cell == b.cell && a.sawl == b.sawl && a.corner == b.corner;
}

}  // namespace

const ReportPoint* ReportData::point(const ModelKey& key) const {
  const auto at = std::find_if(points.begin(), points.end(),
                               [&](const ReportPoint& point) { return same_point(point.key, key); });
  return at == points.end() ? nullptr : &*at;
}

bool ReportData::all_refused() const {
  const auto refused = [](const TailProbability& tail) { return tail.status == TailStatus::refused; };
  return !(verdict.empty() && failures.empty()) &&
         std::all_of(verdict.begin(), verdict.end(), [&](const VerdictRow& r) { return refused(r.error); }) &&
         std::all_of(failures.begin(), failures.end(), [&](const FailureRow& r) { return refused(r.tail); });
}

const ReportModel* ReportData::model(const ModelKey& key) const {
  const auto at = std::find_if(models.begin(), models.end(), [&](const ReportModel& model) {
    return same_point(model.key, key) && model.key.adc == key.adc;
  });
  return at == models.end() ? nullptr : &*at;
}

ReportData read_report_data(const std::filesystem::path& path) {
  const H5::H5File file = engine::open_result(path);
  ReportData data;
  data.file = path.filename().string();
  const std::string format = text_or(file, "format", "");
  const bool cost_alone = format == "flare-cost/1";
  if (format != "flare/1" && !cost_alone) {
    throw engine::FileError(path.string() + ": format \"" + format +
                            "\" is not flare/1; give a file written by flare run or flare cost -o");
  }
  data.title = text_or(file, "title", "");
  data.study = text_or(file, "study", "");
  data.flare_version = text_or(file, "flare_version", "unknown");
  data.ngspice_version = text_or(file, "ngspice_version", "unknown");
  data.created = text_or(file, "created", "");
  if (engine::has_attribute(file, "/", "seed")) data.seed = engine::read_integer(file, "/", "seed");
  if (engine::has_attribute(file, "/", "complete"))
    data.complete = engine::read_integer(file, "/", "complete") != 0;
  data.complete |= cost_alone;
  if (engine::exists(file, "/verdict")) {
    data.verdict = read_verdict(file);
    if (engine::has_attribute(file, "/verdict", "pick"))
      data.pick = engine::read_text(file, "/verdict", "pick");
    if (engine::has_attribute(file, "/verdict", "rule"))
      data.rule = engine::read_text(file, "/verdict", "rule");
    if (engine::has_attribute(file, "/verdict", "composition"))
      data.composition = engine::read_text(file, "/verdict", "composition");
    if (engine::has_attribute(file, "/verdict", "tracking"))
      data.tracking = engine::read_text(file, "/verdict", "tracking");
    if (engine::has_attribute(file, "/verdict", "target")) {
      data.target = engine::read_number(file, "/verdict", "target");
    }
    data.target_text = read_target_text(file);
  }
  read_specs_of(file, data);
  read_points(file, data);
  read_models(file, data);
  data.screening = read_screening(file);
  data.screening_error = read_screening_error(file);
  data.accuracy = read_accuracy(file);
  data.failures = read_failures(file);
  data.map = read_map(file);
  data.adcs = read_adcs(file);
  data.cost = read_cost(file);
  data.gain_cells = engine::read_gain_cells(file);
  read_carriers(file, data);
  if (data.verdict.empty()) data.measures = read_measures(file, measured_corners(data));
  data.tornados = read_tornados(file, data.specs, data.verdict);
  return data;
}

}  // namespace flare::analysis
