#include "analysis/rare_event/search/failure_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/rare_event/search/failure_regions.hpp"
#include "analysis/rare_event/search/plane_search.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr Eigen::Index max_scan_dimension = 30;
constexpr double most_unseen = 0.1;
constexpr std::size_t typical_starts = 15;  // of a failing population
// Where regions cost hundreds of runs and proposals often fail, this much of the budget is not theirs to spend.
constexpr Eigen::Index many_dimensions = 60;
constexpr std::uint64_t kept_percent = 35;
constexpr int usual_levels = 10;  // of subset simulation

// The first rows of a failing population.
std::vector<Vector> first_rows(const Matrix& population) {
  std::vector<Vector> rows;
  for (Eigen::Index i = 0; i < population.rows() && rows.size() < typical_starts; ++i)
    rows.push_back(population.row(i));
  return rows;
}

std::vector<Vector> failing_draws(const ReadDraws& draws) {
  std::vector<Vector> rows;
  for (Eigen::Index i = 0; i < draws.points.rows(); ++i)
    if (draws.outcomes[static_cast<std::size_t>(i)].failed && rows.size() < typical_starts)
      rows.push_back(draws.points.row(i));
  return rows;
}

std::size_t scan_runs(const EstimatorSession& session) {
  const EvaluationLedger& ledger = session.ledger();
  const std::size_t most = ledger.dimension() <= max_scan_dimension
                               ? 1500
                               : 300 + 3 * static_cast<std::size_t>(ledger.dimension());
  const std::uint64_t share = ledger.margins() ? 35 : 55;  // percent; nothing else searches without margins
  return std::min<std::size_t>(most,
                               std::min(session.options().max_runs * share / 100, ledger.remaining() / 2));
}

std::optional<SubsetResult> first_subset(EstimatorSession& session, const PlainLook& look) {
  if (!session.ledger().margins() || look.failures >= look.runs() / 4) return std::nullopt;
  SubsetOptions options;
  options.population = 100;
  options.max_runs = session.options().max_runs * 45 / 100;
  SubsetResult subset = subset_simulation(session.ledger(), options, look.draws.points, look.draws.outcomes,
                                          session.random(), Purpose::explore);
  session.note(fmt::format("subset simulation: {} levels, {}", subset.levels,
                           subset.reached
                               ? fmt::format("log10 P = {:.2f} +- {:.2f}", subset.log_p / std::log(10.0),
                                             subset.log_sd / std::log(10.0))
                               : std::string("failure not reached")));
  if (!subset.reached) return std::nullopt;
  return subset;
}

// Where inflated sigma hardly meets failures, an independent second subset simulation is the other witness.
void ask_second_opinion(EstimatorSession& session, const SubsetResult& first, RegionFinder& finder) {
  EvaluationLedger& ledger = session.ledger();
  SubsetOptions options;
  options.max_runs = ledger.remaining() / 2;
  options.population = 60;
  const SubsetResult other = subset_simulation(ledger, options, {}, {}, session.random(), Purpose::explore);
  if (!other.reached) return;
  finder.add(first_rows(other.failing), false, ledger.dimension() > 60 ? 1 : -1);
  finder.count_population(first.failing);
  finder.count_population(other.failing);
  session.note(fmt::format("second subset simulation: log10 P = {:.2f}", other.log_p / std::log(10.0)));
}

void search_widely(EstimatorSession& session, const PlainLook& look, RegionFinder& finder,
                   std::optional<SubsetResult>& subset) {
  EvaluationLedger& ledger = session.ledger();
  for (const Vector& start : session.options().warm_starts) {
    if (ledger.evaluate_one(1.02 * start, Purpose::explore).failed) finder.add({1.02 * start}, false);
  }
  finder.add(session.seen_failures(), false);
  subset = first_subset(session, look);
  if (subset) finder.set_population(subset->failing);
  const int most_built = look.origin.failed ? 1 : (ledger.dimension() > 60 ? 3 : -1);
  finder.add(subset ? first_rows(subset->failing) : failing_draws(look.draws), false, most_built);
  if (!look.origin.failed) {
    finder.scan(scan_runs(session), 3.0, ledger.margins() ? 5 : 40);
    if (finder.starts() < 8 && subset) ask_second_opinion(session, *subset, finder);
  }
  session.note(fmt::format("scan at inflated sigma: {} failing starts, {} regions, unseen share {:.2f}",
                           finder.starts(), finder.regions().size(), finder.unseen_share()));
  finder.shape_from_population();
}

}  // namespace

double SearchResult::unseen_allowance(std::size_t estimated) const {
  if (estimated < 2 || starts == 0) return unseen_share;
  return unseen_share + 2.0 / static_cast<double>(starts);
}

std::uint64_t SearchResult::runs_for_chains() const {
  return runs_for_repeats(subset ? subset->levels : usual_levels) + least_reach_runs;
}

void search_failures(EstimatorSession& session, const PlainLook& look, SearchResult& result) {
  RegionFinder finder(session.ledger(), session.random(), !look.origin.failed, session.options().max_regions);
  finder.expect_noise(look.relative_noise(), !look.noisy());
  PlaneSearch planar = search_plane(session, look, finder);
  result.plane = std::move(planar.plane);
  result.planar = planar.explains_all;
  result.log_p_behind_jumps = planar.log_p_behind_jumps;
  if (!planar.explains_all) {
    if (session.options().method == RareEventMethod::automatic && session.ledger().margins() &&
        session.ledger().dimension() > many_dimensions) {
      result.kept = session.options().max_runs * kept_percent / 100;
      session.ledger().hold_back(result.kept);
    }
    search_widely(session, look, finder, result.subset);
  }
  result.unseen_share = planar.explains_all || finder.starts() == 0 ? 0.0 : finder.unseen_share();
  result.starts = finder.starts();
  finder.drop_negligible();
  result.regions = std::move(finder.regions());
}

std::string unseen_objection(const SearchResult& result) {
  if (!(result.unseen_share > most_unseen)) return {};
  return fmt::format("{:.0f} % of the search's starts found regions of their own",
                     100.0 * result.unseen_share);
}

void search_again(EstimatorSession& session, const PlainLook& look, const std::vector<Vector>& surprises,
                  SearchResult& result) {
  RegionFinder finder(session.ledger(), session.random(), !look.origin.failed, session.options().max_regions);
  finder.expect_noise(look.relative_noise(), !look.noisy());
  finder.regions() = result.regions;
  finder.count_found(result.planar ? 1 : 2);
  finder.add(surprises, true, 4);
  if (result.planar) {
    search_widely(session, look, finder, result.subset);
    result.unseen_share = finder.unseen_share();
    result.starts = finder.starts();
  } else {
    const auto before = static_cast<double>(result.starts), more = static_cast<double>(finder.starts());
    // Never less than before: some of the surprises are failures of the same starts, remembered.
    result.unseen_share =
        std::max(result.unseen_share, (before * result.unseen_share + more * finder.unseen_share()) /
                                          std::max(1.0, before + more));
    result.starts += finder.starts();
  }
  result.planar = false;
  finder.drop_negligible(result.regions.size());
  result.regions = std::move(finder.regions());
}

void search_unknown_points(EstimatorSession& session, const PlainLook& look, SearchResult& result) {
  RegionFinder finder(session.ledger(), session.random(), !look.origin.failed, session.options().max_regions);
  finder.regions() = result.regions;
  finder.count_found(2);
  finder.add(session.ledger().unknown_points(), true, 6);
  result.unseen_share = std::max(result.unseen_share, finder.unseen_share());
  finder.drop_negligible();
  result.regions = std::move(finder.regions());
  // Margins lead past failures that have none: roots are found from passes and failures alone.
  for (LineRegion& region : result.regions) region.steepness = std::numeric_limits<double>::infinity();
  result.subset.reset();  // its levels passed over the unknown runs
}

}  // namespace flare::analysis
