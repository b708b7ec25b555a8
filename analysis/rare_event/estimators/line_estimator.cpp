#include "analysis/rare_event/estimators/line_estimator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "analysis/rare_event/estimators/sample_checks.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr double largest_pilot = 0.25;   // share of what is left when it begins
constexpr double least_own_lines = 4.0;  // effective ones: fewer say nothing about a region
// Where its law can follow a few points, of the pilots or of a population, whose chains repeat themselves, as many may all
// miss the same part.
constexpr double least_of_narrow_law = 6.0;
// Effective lines of a region's own, or share of all its lines: a law that reaches what it should.
constexpr double clearly_sampled = 20.0;
constexpr double nearly_all = 0.7;
constexpr double largest_deficit = 4.0;      // standard errors of a mean weight
constexpr Eigen::Index few_dimensions = 60;  // in more, a population is too few points to shape a law by
constexpr double price_of_pieces = 4.0;      // times what the pilot promises
constexpr double few_lines_decide = 0.3;     // CoV of a pilot
constexpr std::size_t few_regions = 4;
constexpr double clear_of_luck = 0.12;          // CoV of an estimate
constexpr std::uint64_t enough_for_two = 4000;  // runs: for the modes that were met, and lines after all
constexpr double noise_that_matters = 0.1;      // times the distance: changes P by half a percent and more
constexpr double lines_in_noise = 600.0;        // one run in a hundred that is far off is met several times
constexpr double far_off = 4.5;                 // from where it was expected, robust standard deviations
constexpr double clearly_more = 3.0;            // times what the estimate gives a region
constexpr double worth_knowing = 0.1;           // of P
constexpr double estimate_per_pilot = 4.0;      // runs of the estimate to runs of its pilots

std::size_t lines_each(std::size_t regions) {
  if (regions == 1) return 24;
  if (regions <= 4) return 20;
  return regions <= 8 ? 14 : 7;
}

// (sum v)^2 / sum v^2 of a region's lines.
double effective_lines(const std::vector<LineResult>& lines, std::size_t region) {
  double best = -1e300, sum = 0.0, squares = 0.0;
  for (const LineResult& line : lines)
    if (line.region == region) best = std::max(best, line.log_value);
  if (!(best > -1e299)) return 0.0;
  for (const LineResult& line : lines) {
    if (line.region != region) continue;
    const double value = std::exp(line.log_value - best);
    sum += value;
    squares += value * value;
  }
  return sum * sum / squares;
}

// Lines of each region that the forecast asks for.
std::vector<double> planned_lines(const Forecast& forecast) {
  const double total = std::accumulate(forecast.spreads.begin(), forecast.spreads.end(), 0.0);
  std::vector<double> counts;
  for (const double spread : forecast.spreads) counts.push_back(forecast.values_needed * spread / total);
  return counts;
}

std::vector<double> lines_each_has(const std::vector<LineResult>& lines, std::size_t regions) {
  std::vector<double> counts(regions, 0.0);
  for (const LineResult& line : lines) counts[line.region] += 1.0;
  return counts;
}

// What each region holds by its lines, in units of exp(log_scale).
std::vector<double> held_by_regions(const std::vector<LineResult>& lines, std::size_t regions,
                                    double log_scale) {
  std::vector<double> held(regions, 0.0);
  const std::vector<double> counts = lines_each_has(lines, regions);
  for (const LineResult& line : lines)
    held[line.region] += std::exp(line.log_value - log_scale) / counts[line.region];
  return held;
}

// A failure a little behind each root of the region's lines.
FailuresDrawn failures_of(const std::vector<LineResult>& lines, const std::vector<LineRegion>& regions,
                          std::size_t region, NormalStream& random) {
  FailuresDrawn drawn;
  for (const LineResult& line : lines)
    if (line.region == region && std::isfinite(line.root) && std::isfinite(line.log_value))
      drawn.add(behind_root(line, regions[region], random), line.log_value);
  return drawn;
}

// Of a root from where its region's model expected it, in robust standard deviations of all.
double largest_deviation(const std::vector<LineResult>& lines, const std::vector<LineRegion>& regions) {
  std::vector<double> off;
  for (const LineResult& line : lines)
    if (std::isfinite(line.root) && line.root_free)
      off.push_back(line.root - regions[line.region].root.predict(line.x));
  if (off.size() < 20) return 0.0;
  const auto middle = off.begin() + static_cast<std::ptrdiff_t>(off.size() / 2);
  std::nth_element(off.begin(), middle, off.end());
  const double centre = *middle;
  for (double& value : off) value = std::abs(value - centre);
  std::nth_element(off.begin(), middle, off.end());
  const double typical = 1.4826 * *middle;
  return typical > 0.0 ? *std::max_element(off.begin(), off.end()) / typical : 0.0;
}

}  // namespace

LineEstimator::LineEstimator(std::vector<LineRegion> regions, std::string name, int max_rounds, bool publish)
    : name_(std::move(name)), max_rounds_(max_rounds), publish_(publish) {
  regions_ = std::move(regions);
}

void LineEstimator::learn(const RareEventOptions& options, const std::vector<LineResult>& lines,
                          std::uint64_t cost) {
  double best = -1e300;
  for (const LineResult& line : lines) best = std::max(best, line.log_value);
  watch(lines);
  learnt_.insert(learnt_.end(), lines.begin(), lines.end());
  if (!(best > -1e299)) {  // no line fails
    forecast_.usable = false;
    forecast_.log_p = -std::numeric_limits<double>::infinity();
    return;
  }
  judge(options, line_strata(lines, regions_.size(), best), best, cost);
  if (noise_matters()) forecast_.values_needed = std::max(forecast_.values_needed, lines_in_noise);
  adapt_regions(regions_, learnt_, shaped_by_population_ ? population_.lines() : std::vector<LineResult>{});
}

void LineEstimator::watch(const std::vector<LineResult>& lines) {
  std::vector<double> short_of_root(regions_.size(), 0.0);
  double all = 0.0;
  for (const LineResult& line : lines) {
    all += std::exp(line.log_value - line.log_scale) + line.correction;
    short_of_root[line.region] += std::max(0.0, line.correction);
    if (line.correction == 0.0) continue;
    changed_ = changed_ || check_share_ < 1.0;  // a few large values beside many: the estimate begins again
    check_share_ = 1.0;
  }
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    if (regions_[k].in_pieces || short_of_root[k] <= least_in_pieces * all) continue;
    regions_[k].in_pieces = changed_ = true;
  }
}

void LineEstimator::pilot(Findings& findings) {
  for (LineRegion& region : regions_)
    region.noise = findings.look.rough() ? findings.look.noise / region.steepness : 0.0;
  const EvaluationLedger& ledger = findings.session.ledger();
  const bool asks = findings.search.subset && ledger.dimension() <= few_dimensions;
  doubts_ = !findings.search.planar && ledger.margins() && !asks;
  run_rounds(findings.session);
  if (asks && forecast_.comfortable(ledger)) ask_population(findings);
  changed_ = false;
  scattered_ = few_asked() && forecast_.cov > few_lines_decide && ledger.remaining() >= enough_for_two;
  if (publish_) findings.roots = Findings::Roots{regions_, learnt_, scattered_};
}

void LineEstimator::ask_population(Findings& findings) {
  EstimatorSession& session = findings.session;
  const bool in_pieces_now = population_.ask(session.ledger(), findings.search.subset->failing, regions_,
                                             forecast_.log_p, session.random());
  changed_ = changed_ || in_pieces_now;
  const std::vector<double> counts = planned_lines(forecast_);
  if (!population_.hardly_drawn(regions_, counts, forecast_.log_p) && !changed_) return;
  session.note(fmt::format(
      "{}: of {} failures that subset simulation ended at {:.0f} % lie on lines that "
      "would decide the estimate alone{}",
      name_, population_.size(), 100.0 * population_.heavy_share(regions_, counts, forecast_.log_p),
      changed_ ? ", and searches miss some" : ""));
  shaped_by_population_ = true;
  adapt_regions(regions_, learnt_, population_.lines());
  changed_ = false;
  run_rounds(session);
}

void LineEstimator::run_rounds(EstimatorSession& session) {
  EvaluationLedger& ledger = session.ledger();
  const std::size_t k = regions_.size();
  std::size_t each = lines_each(k);
  const double enough = std::max(40.0, static_cast<double>(k * each));
  const std::uint64_t start = ledger.counts().pilot;
  const double allowed = largest_pilot * static_cast<double>(ledger.remaining());
  for (int round = 0; round < max_rounds_; ++round) {
    LineOptions options;
    options.check_share = check_share_;
    options.log_scale = log_upper_tail(nearest_offset(regions_));
    const std::uint64_t before = ledger.counts().pilot;
    const std::vector<LineResult> lines = sample_lines(ledger, regions_, std::vector<std::size_t>(k, each),
                                                       options, session.random(), Purpose::pilot);
    if (doubts_) find_pieces(ledger, regions_, lines, session.random(), Purpose::pilot);
    learn(session.options(), lines, ledger.counts().pilot - before);
    if (!std::isfinite(forecast_.log_p)) return;
    // Worth going on while the estimate would cost much more than all pilots so far.
    const auto spent = static_cast<double>(ledger.counts().pilot - start);
    const bool paid = round > 0 && forecast_.runs() < estimate_per_pilot * spent;
    if (forecast_.usable && (paid || forecast_.values_needed <= enough)) break;
    if (!forecast_.usable && k == 1) each *= 2;
    if (spent + forecast_.runs_each * static_cast<double>(k * each) > allowed) break;
  }
  note_pilot(session);
}

std::vector<Stratum> LineEstimator::draw(EstimatorSession& session, const std::vector<std::size_t>& counts) {
  LineOptions options;
  options.log_scale = forecast_.log_p;
  options.log_negligible = forecast_.log_p - 9.0;
  options.check_share = check_share_;
  options.tolerance = 0.01;
  const std::vector<LineResult> lines =
      sample_lines(session.ledger(), regions_, counts, options, session.random(), Purpose::estimate);
  drawn_.insert(drawn_.end(), lines.begin(), lines.end());
  watch(lines);
  return line_strata(lines, regions_.size(), options.log_scale);
}

std::vector<LineRegion> LineEstimator::sampled_regions() const {
  const std::vector<double> held = held_by_regions(drawn_, regions_.size(), forecast_.log_p);
  const double all = std::accumulate(held.begin(), held.end(), 0.0);
  std::vector<LineRegion> sampled;
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    const bool may_be_narrow = shaped_by_population_ || regions_[k].direction.size() <= most_to_fit;
    const double least = may_be_narrow ? least_of_narrow_law : least_own_lines;
    if (effective_lines(drawn_, k) < least) continue;
    sampled.push_back(regions_[k]);
    sampled.back().share = all > 0.0 ? held[k] / all : 1.0;
  }
  return sampled;
}

void LineEstimator::relearn(EstimatorSession& session, std::uint64_t cost) {
  learn(session.options(), drawn_, cost);
  drawn_.clear();
  changed_ = false;
}

bool LineEstimator::noise_matters() const {
  return std::any_of(regions_.begin(), regions_.end(), [](const LineRegion& region) {
    return region.noise * region.root.offset > noise_that_matters;
  });
}

bool LineEstimator::in_pieces() const {
  return std::any_of(regions_.begin(), regions_.end(), [](const LineRegion& r) { return r.in_pieces; });
}

double LineEstimator::price() const {
  return FrozenEstimator::price() * (in_pieces() || scattered_ ? price_of_pieces : 1.0);
}

bool LineEstimator::is_comfortable(const EvaluationLedger& ledger) const {
  return !in_pieces() && !scattered_ && FrozenEstimator::is_comfortable(ledger);
}

std::string LineEstimator::objection(const Sampled& sampled) const {
  if (noise_matters() && largest_deviation(drawn_, regions_) > far_off)
    return "the margins are noisy, and the noise is far from normal";
  for (std::size_t k = 0; k < regions_.size(); ++k)
    if (std::abs(weight_deficit(drawn_, k)) > largest_deficit)
      return "the weights of a region's lines do not have mean 1: their law has lost a part of it";
  const std::vector<double> counts = lines_each_has(drawn_, regions_.size());
  if (shaped_by_population_ && population_.decides_nothing(regions_, drawn_, counts, sampled.estimate.log_p))
    return "the lines that decide the estimate lie far from the failures that the search met";
  if (few_decide(sampled)) return "the lines scatter too much to tell a region from a part of it";
  if (pilots_saw_more(sampled.estimate.log_p))
    return "the pilots saw clearly more of a region than the estimate";
  if (population_.hardly_drawn(regions_, counts, sampled.estimate.log_p))
    return "failures that the search met lie where hardly a line is drawn";
  return {};
}

std::string LineEstimator::asked_objection(EstimatorSession& session, const Sampled& sampled) const {
  if (!few_asked()) return {};
  const std::vector<double> counts = lines_each_has(drawn_, regions_.size());
  const auto decides = [&](const engine::Vector& x) {
    return log_value_through(regions_, x) >
           log_value_that_decides(sampled.estimate.log_p, counts[furthest_along(regions_, x)]);
  };
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    const double effective = effective_lines(drawn_, k);
    if (effective >= clearly_sampled || effective >= nearly_all * counts[k]) continue;
    std::string found =
        moved_out_objection(session, failures_of(drawn_, regions_, k, session.random()), decides);
    if (!found.empty()) return found;
  }
  return {};
}

bool LineEstimator::few_asked() const {
  return population_.asked() && regions_.size() > 1 && regions_.size() <= few_regions;
}

bool LineEstimator::few_decide(const Sampled& sampled) const {
  return few_asked() && regions_.front().direction.size() <= most_to_fit &&
         sampled.estimate.coefficient_of_variation > clear_of_luck;
}

bool LineEstimator::pilots_saw_more(double log_p) const {
  const std::vector<double> before = held_by_regions(learnt_, regions_.size(), log_p);
  const std::vector<double> now = held_by_regions(drawn_, regions_.size(), log_p);
  for (std::size_t k = 0; k < regions_.size(); ++k)
    if (before[k] > clearly_more * now[k] && before[k] - now[k] > worth_knowing) return true;
  return false;
}

void LineEstimator::describe_regions(const WeightedEstimate& estimate, RareEventSummary& summary) const {
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    const engine::Vector& point = regions_[k].most_probable_point;
    summary.regions.push_back({point, point.norm(), estimate.shares[k]});
  }
}

std::unique_ptr<Estimator> lines_around_regions(const SearchResult& search, int max_rounds) {
  return std::make_unique<LineEstimator>(search.regions, "regions", max_rounds, true);
}

}  // namespace flare::analysis
