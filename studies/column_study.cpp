#include "studies/column_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "studies/rare_event_runs.hpp"

namespace flare::studies {

namespace {

using engine::RunRequest;
using engine::Testbench;

constexpr std::string_view level_measure = "level";

std::string point_name(const Study& study, int sawl, const Corner& corner) {
  return fmt::format("{}/sawl{}/{}", study.column->cell, sawl, corner.name());
}

/// One run without variation: a point of no coordinates.
engine::Matrix no_variation() { return engine::Matrix(1, 0); }

std::shared_ptr<Testbench> bare_testbench(const Study& study, const ColumnOptions& options,
                                          const std::string& name) {
  auto bench = std::make_shared<Testbench>();
  bench->name = name;
  bench->deck = column_deck(study, options);
  bench->options = study.simulator;
  bench->options.temperature = options.temperature;
  bench->analysis.stop = sense_time(options);
  bench->analysis.max_step = options.max_step > 0.0 ? options.max_step : bench->analysis.stop / 20.0;
  bench->analysis.step = bench->analysis.max_step;
  return bench;
}

engine::Measure bitline_level() {
  engine::Measure measure;
  measure.name = level_measure;
  measure.vector = "v(rbl)";
  measure.unit = "V";
  return measure;
}

/// A level's testbench; `areas` null: without variation.
std::shared_ptr<Testbench> level_testbench(const Study& study, const ColumnPoint& point, int k,
                                           const DeviceAreas* areas) {
  ColumnOptions options = column_options(study, point.sawl, k, point.corner);
  options.wordline_off = point.wordline_off;
  auto bench =
      bare_testbench(study, options, fmt::format("{} k {}", point_name(study, point.sawl, point.corner), k));
  bench->measures = {bitline_level()};
  if (areas != nullptr) add_variation(study, point.corner, matched_devices(options), "vdd", areas, *bench);
  return bench;
}

std::vector<ColumnPoint> all_points(const Study& study) {
  std::vector<ColumnPoint> points;
  for (const int sawl : study.column->sawl) {
    std::vector<Corner> corners = study.corners;
    if (std::find(corners.begin(), corners.end(), study.nominal) == corners.end()) {
      corners.insert(corners.begin(), study.nominal);
    }
    for (const Corner& corner : corners) {
      ColumnPoint point;
      point.sawl = sawl;
      point.corner = corner;
      points.push_back(std::move(point));
    }
  }
  return points;
}

double single_value(const std::vector<engine::RunResult>& runs, const std::string& what) {
  const engine::RunResult& result = runs.front();
  const double value = measured(result, 0);
  if (!std::isnan(value)) return value;
  throw std::runtime_error(
      fmt::format("{}: no answer without any variation ({}{}{}); the design does not work there", what,
                  engine::simulated(result.outcome) ? "unmeasured" : engine::to_string(result.outcome),
                  result.message.empty() ? "" : ": ", result.message));
}

/// Word-line pulses: as long as the full-scale level takes to fall by the swing, at each corner or at the
/// nominal one.
void find_pulses(const StudyRun& run, std::vector<ColumnPoint>& points) {
  const Study& study = run.study;
  std::vector<RunRequest> requests;
  std::vector<std::size_t> owner;
  std::vector<TimingRun> timings;
  for (std::size_t p = 0; p < points.size(); ++p) {
    if (!study.column->tracking_timing && points[p].corner != study.nominal) continue;
    const TimingRun timing = timing_run(
        column_options(study, points[p].sawl, points[p].sawl, points[p].corner), study.column->swing);
    const std::string name = point_name(study, points[p].sawl, points[p].corner);
    auto bench = bare_testbench(study, timing.options, name + " timing");
    engine::Measure crossing;
    crossing.name = "crossing";
    crossing.kind = engine::MeasureKind::crossing;
    crossing.vector = "v(rbl)";
    crossing.level = timing.level;
    crossing.edge = engine::Edge::fall;
    crossing.unit = "s";
    bench->measures = {crossing};
    requests.push_back({"timing/" + name, 0, bench, no_variation()});
    owner.push_back(p);
    timings.push_back(timing);
  }
  const auto results = run.run("timing", requests);
  for (std::size_t i = 0; i < owner.size(); ++i) {
    const double crossing = single_value(
        results[i], fmt::format("{}: timing: the full-scale level never falls by the swing",
                                point_name(study, points[owner[i]].sawl, points[owner[i]].corner)));
    points[owner[i]].wordline_off = timings[i].wordline_off(crossing);
  }
  if (study.column->tracking_timing) return;
  for (ColumnPoint& point : points) {
    for (const ColumnPoint& other : points) {
      if (other.sawl == point.sawl && other.corner == study.nominal) point.wordline_off = other.wordline_off;
    }
  }
}

void find_nominal_levels(const StudyRun& run, std::vector<ColumnPoint>& points) {
  std::vector<RunRequest> requests;
  for (const ColumnPoint& point : points) {
    for (int k = 0; k <= point.sawl; ++k) {
      requests.push_back({fmt::format("nominal/{}/k{}", point_name(run.study, point.sawl, point.corner), k),
                          0, level_testbench(run.study, point, k, nullptr), no_variation()});
    }
  }
  const auto results = run.run("nominal levels", requests);
  std::size_t next = 0;
  for (ColumnPoint& point : points) {
    for (int k = 0; k <= point.sawl; ++k, ++next) {
      point.nominal.push_back(single_value(results[next], requests[next].stream));
    }
  }
}

const ColumnPoint& nominal_point(const Study& study, const std::vector<ColumnPoint>& points, int sawl) {
  for (const ColumnPoint& point : points) {
    if (point.sawl == sawl && point.corner == study.nominal) return point;
  }
  throw std::logic_error("the nominal corner is always among the points");
}

analysis::ConverterOptions converter_options(const ConverterStudy& study) {
  analysis::ConverterOptions options;
  options.name = study.name;
  options.kind = study.kind == ConverterKind::ideal ? analysis::ConverterKind::ideal
                                                    : analysis::ConverterKind::behavioural;
  options.reference =
      study.tracking_references ? analysis::ReferenceMode::tracking : analysis::ReferenceMode::fixed;
  options.enob = study.enob;
  options.offset_sigma_volt = study.offset_sigma_volt;
  options.offset_sigma_step = study.offset_sigma_step;
  return options;
}

const std::vector<double>& reference_levels(const Study& study, const std::vector<ColumnPoint>& points,
                                            const ColumnPoint& point, const ConverterStudy& converter) {
  return converter.tracking_references ? point.nominal : nominal_point(study, points, point.sawl).nominal;
}

/// Smallest distance of a level to a neighbouring threshold over its spread, taking the variance of level k
/// as k/SAWL of the full-scale level's. Infinite margins do not exist: every level has a neighbour.
double screened_sigma(const analysis::Converter& converter, const analysis::ReferenceLevels& reference,
                      const ColumnPoint& point, double full_scale_sigma) {
  double least = std::numeric_limits<double>::infinity();
  const double sigma_steps = full_scale_sigma / std::fabs(reference.step());
  for (int k = 0; k <= point.sawl; ++k) {
    const double level = reference.to_steps(point.nominal[static_cast<std::size_t>(k)]);
    const double share = static_cast<double>(k) / point.sawl;
    const double spread = std::hypot(sigma_steps * std::sqrt(share), converter.threshold_sigma());
    const std::size_t code = converter.code_of_level[static_cast<std::size_t>(k)];
    double margin = std::numeric_limits<double>::infinity();
    if (code > 0) margin = std::min(margin, level - converter.thresholds[code - 1]);
    if (code < converter.thresholds.size()) margin = std::min(margin, converter.thresholds[code] - level);
    if (margin < least * spread || spread == 0.0)
      least = spread > 0.0 ? margin / spread : std::min(least, 1e3 * margin);
  }
  return least;
}

/// Standard deviation of a level to first order: one run per variable, each moved by one sigma.
double first_order_sigma(const std::vector<engine::RunResult>& moved, double nominal) {
  double variance = 0.0;
  for (const engine::RunResult& run : moved) {
    variance += std::pow(measured(run, 0) - nominal, 2);  // NaN where a run has no level
  }
  return std::sqrt(variance);
}

/// Ranks the corners by the full-scale level's sensitivities: no sampling noise between corners, and each variable
/// counts once.
void screen(const StudyRun& run, std::vector<ColumnPoint>& points, const std::map<int, DeviceAreas>& areas) {
  const Study& study = run.study;
  std::vector<RunRequest> requests;
  for (const ColumnPoint& point : points) {
    auto bench = level_testbench(study, point, point.sawl, &areas.at(point.sawl));
    const auto d = static_cast<Eigen::Index>(bench->dimension());
    requests.push_back({"screen/" + point_name(study, point.sawl, point.corner), 0, std::move(bench),
                        engine::Matrix::Identity(d, d)});
  }
  const auto results = run.run("screening corners", requests);
  for (std::size_t p = 0; p < points.size(); ++p) {
    const double sigma = first_order_sigma(results[p], points[p].nominal.back());
    // A corner that gives no answers is the first to be looked at in full.
    points[p].screen_sigma = std::isfinite(sigma) ? std::numeric_limits<double>::infinity()
                                                  : -std::numeric_limits<double>::infinity();
    for (const ConverterStudy& c : study.converters) {
      if (!std::isfinite(sigma)) break;
      const analysis::ReferenceLevels reference(reference_levels(study, points, points[p], c));
      const analysis::Converter converter = analysis::make_converter(converter_options(c), reference);
      points[p].screen_sigma =
          std::min(points[p].screen_sigma, screened_sigma(converter, reference, points[p], sigma));
    }
  }
}

void choose_full(const Study& study, const Shard& shard, std::vector<ColumnPoint>& points) {
  for (const int sawl : study.column->sawl) {
    std::vector<ColumnPoint*> corners;
    for (ColumnPoint& point : points) {
      if (point.sawl == sawl) corners.push_back(&point);
    }
    std::stable_sort(corners.begin(), corners.end(), [](const ColumnPoint* a, const ColumnPoint* b) {
      return a->screen_sigma < b->screen_sigma;
    });
    for (std::size_t c = 0; c < corners.size(); ++c) {
      corners[c]->full = static_cast<int>(c) < study.full_corners || corners[c]->corner == study.nominal;
    }
  }
  // Shards take turns, point by point.
  std::size_t item = 0;
  for (ColumnPoint& point : points) point.here = point.full && shard.mine(item++);
}

RunRequest plain_samples(const Study& study, const ColumnPoint& point, int k, const DeviceAreas& areas) {
  auto bench = level_testbench(study, point, k, &areas);
  const std::string stream = fmt::format("points/{}/k{}", point_name(study, point.sawl, point.corner), k);
  const auto count = static_cast<std::size_t>(study.estimator.runs);
  const engine::SampleSource source{study.seed, stream, study.estimator.design, count};
  engine::Matrix samples = engine::draw(source, 0, count, bench->dimension());
  return {stream, 0, std::move(bench), std::move(samples)};
}

/// Plain samples of every level of every full point that is this shard's.
void run_levels(const StudyRun& run, std::vector<ColumnPoint>& points,
                const std::map<int, DeviceAreas>& areas) {
  std::vector<RunRequest> requests;
  for (const ColumnPoint& point : points) {
    if (!point.here) continue;
    for (int k = 0; k <= point.sawl; ++k) {
      requests.push_back(plain_samples(run.study, point, k, areas.at(point.sawl)));
    }
  }
  const auto results = run.run("levels", requests);
  std::size_t next = 0;
  for (ColumnPoint& point : points) {
    if (!point.here) continue;
    for (int k = 0; k <= point.sawl; ++k, ++next) {
      const RunRequest& request = requests[next];
      point.levels.push_back({request.stream, 0, request.testbench, request.points, results[next]});
      const SampleSet& set = point.levels.back();
      point.fits.push_back(analysis::LevelFit::from_runs(set.values(), set.known_points(), set.unknown()));
    }
  }
}

/// The converters whose tails are simulated, by their place in the study.
std::vector<std::size_t> asking_converters(const Study& study) {
  std::vector<std::size_t> asking;
  for (std::size_t c = 0; c < study.converters.size(); ++c) {
    if (!study.converters[c].fit_only) asking.push_back(c);
  }
  return asking;
}

/// Rare-event estimates of every full point with every converter. Every shard learns the bend of the full-scale
/// level at the nominal corner, SAWL after SAWL (the same few runs in every shard), and each of its points starts
/// from there: that way the numbers do not depend on who ran what.
class TailStage {
 public:
  using Tails = std::vector<std::vector<std::vector<EstimatedTail>>>;  // [point][converter], empty: not asked

  TailStage(const StudyRun& run, std::vector<ColumnPoint>& points, const std::map<int, DeviceAreas>& areas)
      : run_(run), study_(run.study), points_(points), areas_(areas), asking_(asking_converters(run.study)) {
    // For the progress: a run costs about as its SAWL.
    for (const ColumnPoint& point : points) work_ += point.here ? point.sawl * (point.sawl + 1.0) : 0.0;
  }

  Tails estimate() {
    Tails tails(points_.size(), std::vector<std::vector<EstimatedTail>>(study_.converters.size()));
    if (study_.estimator.method == "fit" || asking_.empty()) return tails;
    // Nothing is learnt beyond the last SAWL that this shard has a point of.
    const auto last =
        std::find_if(points_.rbegin(), points_.rend(), [](const ColumnPoint& point) { return point.here; });
    if (last == points_.rend()) return tails;
    run_.progress.stage("tails");
    std::vector<analysis::TailSurrogate> warm_starts;
    for (const int sawl : study_.column->sawl) {
      const ColumnPoint& nominal = nominal_point(study_, points_, sawl);
      const std::vector<analysis::TailSurrogate> learnt = learn(nominal, warm_starts);
      for (std::size_t p = 0; p < points_.size(); ++p) {
        ColumnPoint& point = points_[p];
        if (!point.here || point.sawl != sawl) continue;
        PointTails made = estimate_tails(run_, levels_of(point), converters_of(point),
                                         options_for(point, &point == &nominal ? warm_starts : learnt));
        point.tail_runs = std::move(made.shared);
        for (std::size_t i = 0; i < asking_.size(); ++i)
          tails[p][asking_[i]] = std::move(made.by_converter[i]);
      }
      if (sawl == last->sawl) break;
      warm_starts = learnt;
    }
    run_.progress.finish(fmt::format("{} runs", runs_));
    return tails;
  }

 private:
  // The stand-ins of the nominal corner's full-scale level: the first level its point would estimate, with the same
  // runs.
  std::vector<analysis::TailSurrogate> learn(const ColumnPoint& nominal,
                                             const std::vector<analysis::TailSurrogate>& warm_starts) {
    if (study_.estimator.method != "auto") return {};
    const RunRequest request = plain_samples(study_, nominal, nominal.sawl, areas_.at(nominal.sawl));
    const auto results = engine::run_all(run_.evaluator, run_.store, {&request, 1}, run_.stop);
    const SampleSet full_scale{request.stream, 0, request.testbench, request.points, results.front()};
    TailOptions options = options_for(nominal, warm_starts);
    options.budget /= static_cast<std::uint64_t>(nominal.sawl) + 1;
    options.on_level = {};
    return estimate_tails(run_, {{static_cast<std::size_t>(nominal.sawl), &full_scale}},
                          converters_of(nominal), options)
        .surrogates;
  }

  static std::vector<TailLevel> levels_of(const ColumnPoint& point) {
    std::vector<TailLevel> levels;
    for (std::size_t k = 0; k < point.levels.size(); ++k) levels.push_back({k, &point.levels[k]});
    return levels;
  }

  std::vector<TailConverter> converters_of(const ColumnPoint& point) const {
    std::vector<TailConverter> converters;
    for (const std::size_t c : asking_) {
      const ConverterStudy& converter = study_.converters[c];
      const analysis::ReferenceLevels reference(reference_levels(study_, points_, point, converter));
      converters.push_back({analysis::make_converter(converter_options(converter), reference), reference});
    }
    return converters;
  }

  TailOptions options_for(const ColumnPoint& point, const std::vector<analysis::TailSurrogate>& warm_starts) {
    TailOptions options;
    const std::string name = point_name(study_, point.sawl, point.corner);
    options.stream = "tails/" + name;
    options.accuracy = study_.estimator.accuracy;
    options.budget = static_cast<std::uint64_t>(study_.estimator.budget);
    options.method = study_.estimator.method;
    options.warm_starts = warm_starts;
    options.on_level = [this, name, sawl = point.sawl](std::size_t made) {
      runs_ += made;
      work_done_ += sawl;
      run_.progress.update(work_done_ / work_, fmt::format("{} runs, {}", runs_, name));
    };
    return options;
  }

  const StudyRun& run_;
  const Study& study_;
  std::vector<ColumnPoint>& points_;
  const std::map<int, DeviceAreas>& areas_;
  std::vector<std::size_t> asking_;
  double work_ = 0.0;
  double work_done_ = 0.0;
  std::size_t runs_ = 0;
};

void convert_points(const Study& study, TailStage::Tails tails, ColumnResult& result) {
  std::vector<analysis::NamedPoint> named;
  for (std::size_t c = 0; c < study.converters.size(); ++c) {
    const ConverterStudy& converter = study.converters[c];
    for (std::size_t p = 0; p < result.points.size(); ++p) {
      const ColumnPoint& point = result.points[p];
      if (!point.full) continue;
      const analysis::ReferenceLevels reference(reference_levels(study, result.points, point, converter));
      analysis::ConvertedPoint value = analysis::convert(point.fits, reference, converter_options(converter));
      std::vector<analysis::LevelTail> estimated;
      for (const EstimatedTail& tail : tails[p][c]) estimated.push_back(tail.tail);
      if (!estimated.empty()) analysis::replace_tails(value, estimated);
      const analysis::ModelKey key{study.column->cell, point.sawl, converter.name, point.corner.name()};
      named.push_back(analysis::named_point(key, value));
      analysis::ErrorModel model = analysis::make_error_model(point.fits, reference, value);
      result.converted.push_back({p, key, std::move(value), std::move(model), std::move(tails[p][c])});
    }
  }
  result.verdict = analysis::make_verdict(named);
}

/// Who carries the failure, as shares of the nearest failing points, and the runs a question had to itself.
void write_tails_of(H5::H5File& file, const ColumnResult::Converted& converted,
                    const engine::Testbench& bench) {
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

ColumnPlan plan_column_study(const Study& study) {
  ColumnPlan plan;
  const std::vector<ColumnPoint> points = all_points(study);
  std::set<std::string> processes;
  for (const ColumnPoint& point : points) {
    // One of each kind shows what is wrong with all of them: every section of the cards once, every SAWL
    // once.
    if (processes.insert(point.corner.process).second)
      column_deck(study, column_options(study, point.sawl, 0, point.corner));
    ++plan.timing;
    plan.nominal += static_cast<std::size_t>(point.sawl) + 1;
    if (plan.dimension.contains(point.sawl)) {
      plan.screening += plan.dimension[point.sawl];
      continue;
    }
    const ColumnOptions options = column_options(study, point.sawl, point.sawl, point.corner);
    engine::Testbench bench;
    bench.deck = column_deck(study, options);
    add_variation(study, point.corner, matched_devices(options), "vdd", nullptr, bench);
    plan.dimension[point.sawl] = bench.dimension();
    plan.screening += bench.dimension();
    plan.full += static_cast<std::size_t>(study.full_corners + 1) *
                 (static_cast<std::size_t>(point.sawl) + 1) * static_cast<std::size_t>(study.estimator.runs);
    if (study.estimator.method == "fit" || asking_converters(study).empty()) continue;
    plan.tails +=
        static_cast<std::size_t>(study.full_corners + 1) * static_cast<std::size_t>(study.estimator.budget);
  }
  plan.points = points.size();
  return plan;
}

ColumnResult run_column_study(const StudyRun& run) {
  const Study& study = run.study;
  ColumnResult result;
  result.points = all_points(study);
  std::map<int, DeviceAreas> areas;
  for (const int sawl : study.column->sawl) {
    const ColumnOptions options = column_options(study, sawl, sawl, study.nominal);
    const engine::Deck deck = column_deck(study, options);
    areas[sawl] = read_areas(run.evaluator, deck, sized_devices(study, deck, matched_devices(options)));
  }
  find_pulses(run, result.points);
  find_nominal_levels(run, result.points);
  screen(run, result.points, areas);
  choose_full(study, run.shard, result.points);
  run_levels(run, result.points, areas);
  TailStage::Tails tails = TailStage(run, result.points, areas).estimate();
  if (run.shard.count == 1) convert_points(study, std::move(tails), result);
  return result;
}

engine::Testbench column_replay_testbench(const Study& study, const H5::H5File& file,
                                          const std::string& group, engine::Evaluator& evaluator) {
  const engine::Table screening = engine::read_table(file, "/screening");
  for (ColumnPoint& point : all_points(study)) {
    const std::string prefix = "/points/" + point_name(study, point.sawl, point.corner) + "/";
    const std::size_t name = group.rfind("/k");
    if (!group.starts_with(prefix) || name == std::string::npos) continue;
    for (std::size_t r = 0; r < screening.rows(); ++r) {
      if (screening.integers("sawl")[r] != point.sawl || screening.texts("corner")[r] != point.corner.name())
        continue;
      point.wordline_off = screening.numbers("wordline_off")[r];
      const int k = std::atoi(group.c_str() + name + 2);  // "k5" or "k5_down"
      const ColumnOptions options = column_options(study, point.sawl, point.sawl, study.nominal);
      const engine::Deck deck = column_deck(study, options);
      const DeviceAreas areas =
          read_areas(evaluator, deck, sized_devices(study, deck, matched_devices(options)));
      return *level_testbench(study, point, k, &areas);
    }
  }
  throw StudyError(fmt::format("{}: {} is not a group of samples of a level", file.getFileName(), group));
}

void write_column_result(H5::H5File& file, const Study& study, const ColumnResult& result) {
  engine::TableRows<std::string, std::int64_t, std::string, double, double, std::int64_t> screening(
      {{{"cell", ""}, {"sawl", ""}, {"corner", ""}, {"wordline_off", "s"}, {"sigma", ""}, {"full", ""}}});
  for (const ColumnPoint& point : result.points) {
    screening.add(study.column->cell, point.sawl, point.corner.name(), point.wordline_off, point.screen_sigma,
                  point.full ? 1 : 0);
  }
  engine::write_table(file, "/screening", std::move(screening).table());

  for (std::size_t p = 0; p < result.points.size(); ++p) {
    const ColumnPoint& point = result.points[p];
    if (!point.full) continue;
    analysis::ModelKey key{study.column->cell, point.sawl, "", point.corner.name()};
    analysis::write_levels(file, key, point.fits);
    for (std::size_t k = 0; k < point.levels.size(); ++k) {
      write_samples(file, fmt::format("{}/samples/k{}", key.point_path(), k), point.levels[k]);
    }
    for (std::size_t k = 0; k < point.tail_runs.size(); ++k) {
      if (point.tail_runs[k].runs.empty()) continue;
      write_samples(file, fmt::format("{}/tail_samples/k{}", key.point_path(), k), point.tail_runs[k]);
    }
    std::vector<analysis::TailRow> tails;
    for (const ColumnResult::Converted& c : result.converted) {
      if (c.point != p) continue;
      for (const analysis::LevelTail& tail : c.value.tails) tails.push_back({c.key.adc, tail});
    }
    analysis::write_tails(file, key, tails);
  }
  for (const ColumnResult::Converted& c : result.converted) {
    analysis::write_error_model(file, c.key, c.model);
    write_tails_of(file, c, *result.points[c.point].levels.front().testbench);
  }
  analysis::write_verdict(file, result.verdict);
}

}  // namespace flare::studies
