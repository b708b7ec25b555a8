#include "analysis/output_tails/output_audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/output_tails/unexpected_outputs.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr Eigen::Index wide_runs = 16;  // draws around the origin
constexpr Eigen::Index side_runs = 32;  // near the limits of one side
constexpr Eigen::Index closer_runs = 48;
static_assert(wide_runs + 2 * side_runs <= static_cast<Eigen::Index>(output_audit_runs));
constexpr double too_much = 0.3;  // of P, at the upper limit: a closer look is made
// Sigma by which that limit may widen an interval before it is no answer.
// Far out (P below 1e-23) a small excess is worth many times P, and half a sigma decides nothing.
double most_widened(double sigma) { return sigma < 10.0 ? 0.07 : 0.5; }

class OutputAudit {
 public:
  OutputAudit(OutputSession& session, const PlaneExploration& explored, const SharedRuns& made)
      : session_(session), explored_(explored), made_(made) {
    KnownOutputs nominal = explored.near;
    nominal.add(made.fresh.points, made.fresh.values);
    looks_ = {{explored.far_scale, explored.far}, {1.0, std::move(nominal), true}};
  }

  void run() {
    const double scale = std::clamp(explored_.farthest / 1.2, 2.0, 4.5);
    const auto count = static_cast<Eigen::Index>(std::min<std::uint64_t>(session_.remaining(), wide_runs));
    if (count == 0) return;
    const OutputDraws draws = session_.made_draws(scale, count, &RunCounts::audit);
    KnownOutputs seen;
    seen.add(draws.points, draws.values);
    session_.note(fmt::format("audit: {} draws at {:.1f} sigma", count, scale));
    const std::string objection = explored_.surprise(session_.questions(), seen, scale);
    if (!objection.empty()) return session_.refuse_all("audit: " + objection);
    keep({scale, std::move(seen)});
    look_at_limits(scale);
    for (const FrozenQuestion& frozen : made_.questions) judge(frozen);
    for (const FrozenQuestion& frozen : made_.questions) {
      OutputTail& tail = session_.summary().tails[frozen.question];
      if (tail.status == TailStatus::estimated) tail.met_half_space = chance_to_meet(tail.log_p);
    }
  }

 private:
  // A share Phi(-beta / s) of draws at scale s lies in a half-space at beta sigma.
  double chance_to_meet(double log_p) const {
    const double beta = upper_tail_quantile(log_p);
    double log_missed = 0.0;
    for (const OutputLook& look : looks_) {
      log_missed += static_cast<double>(look.runs.count()) * std::log1p(-normal_tail(beta / look.scale));
    }
    return -std::expm1(log_missed);
  }

  void keep(OutputLook look) {
    const auto at = std::find_if(looks_.begin(), looks_.end(),
                                 [&](const OutputLook& other) { return other.scale <= look.scale; });
    looks_.insert(at, std::move(look));
  }

  void look_at_limits(double scale) {
    for (const double side : {-1.0, 1.0}) {
      std::vector<double> places;  // a little before the limits: what is unexpected fails early
      for (const FrozenQuestion& frozen : made_.questions) {
        if (side * frozen.place.mean > 0.0) places.push_back(0.85 * frozen.place.mean);
      }
      if (places.empty() || session_.remaining() < side_runs) continue;
      look_near(made_.questions.front().surrogate.axis(), places, side_runs, scale);
    }
  }

  // Draws of scale * N(0, I) across the axis, along it at the places in turn.
  void look_near(const Vector& axis, const std::vector<double>& places, Eigen::Index count, double scale) {
    Matrix points = scale * session_.random().normal_matrix(count, session_.dimension());
    for (Eigen::Index i = 0; i < count; ++i) {
      const Vector x = points.row(i);
      const double at = places[static_cast<std::size_t>(i) % places.size()];
      points.row(i) += (at + 0.5 * session_.random().normal() - axis.dot(x)) * axis;
    }
    session_.note(
        fmt::format("closer: {} draws at {:.1f} sigma across, {:.1f} along", count, scale, places.front()));
    KnownOutputs seen;
    seen.add(points, session_.evaluate(points, &RunCounts::audit));
    keep({scale, std::move(seen), true});
  }

  void judge(const FrozenQuestion& frozen) {
    OutputTail& tail = session_.summary().tails[frozen.question];
    if (tail.status != TailStatus::estimated) return;
    const TailQuestion& question = session_.questions()[frozen.question];
    UnexpectedWorth worth = worth_of_unexpected(frozen, question, looks_);
    for (double wider = 1.0; wider < 2.0 && worth.limit > too_much; wider += 0.5) {
      // What was met as often as that needs no closer look.
      const bool sure = wider > 1.0 && worth.middle > too_much;
      if (sure || session_.remaining() < closer_runs) break;
      look_closer(frozen, worth, wider);
      worth = worth_of_unexpected(frozen, question, looks_);
    }
    const double sigma_low = upper_tail_quantile(tail.log_p_high);
    tail.log_p_high = std::min(0.0, tail.log_p_high + std::log1p(worth.limit));
    if (sigma_low - upper_tail_quantile(tail.log_p_high) > most_widened(sigma_low)) {
      return session_.refuse(
          frozen.question,
          "outputs that no plane explains were met, and may hold a good part of the failures");
    }
    tail.target_met = tail.half_width() <= session_.options().target_half_width;
  }

  // Where most of what is feared would lie: if it were there, one of six of these runs would meet it, of a look that is
  // half as wide again one of four.
  void look_closer(const FrozenQuestion& frozen, const UnexpectedWorth& worth, double wider) {
    const double scale = std::clamp(wider * worth.distance, 1.5, 4.5);
    const double slope = std::abs(frozen.surrogate.slope(frozen.place.mean));
    const double mean = frozen.place.mean;
    // What grows with the way shows little where the way is short.
    const double nearest = worth.carried == Carried::unchanged ? 0.0 : 0.75 * std::abs(mean);
    const double at = std::copysign(std::max(nearest, std::abs(mean) - worth.excess / slope), mean);
    look_near(frozen.surrogate.axis(), {at}, closer_runs, scale);
  }

  OutputSession& session_;
  const PlaneExploration& explored_;
  const SharedRuns& made_;
  std::vector<OutputLook> looks_;  // largest scale first
};

}  // namespace

void audit_outputs(OutputSession& session, const PlaneExploration& explored, const SharedRuns& made) {
  const std::vector<OutputTail>& tails = session.summary().tails;
  const auto answered = [](const OutputTail& tail) { return tail.status == TailStatus::estimated; };
  if (std::any_of(tails.begin(), tails.end(), answered)) OutputAudit(session, explored, made).run();
}

}  // namespace flare::analysis
