#include "analysis/output_tails/surrogate_pilot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "analysis/output_tails/axis_proposal.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

class SurrogatePilot {
 public:
  SurrogatePilot(OutputSession& session, PlaneExploration& explored)
      : session_(session), near_(explored.near), axis_(explored.plane.slope.normalized()) {}

  std::vector<QuestionGroup> shape(const KnownOutputs& far) {
    std::vector<QuestionGroup> groups = grouped(far);
    for (QuestionGroup& group : groups) shape(group);
    keep(groups);
    return groups;
  }

  void reshape(std::vector<QuestionGroup>& groups) {
    for (QuestionGroup& group : groups) group.surrogate = best_fit(centre(places(group)));
    keep(groups);
  }

 private:
  void keep(const std::vector<QuestionGroup>& groups) {
    session_.summary().surrogates.clear();
    for (const QuestionGroup& group : groups) session_.summary().surrogates.push_back(group.surrogate);
  }

  static double centre(const std::vector<TailSurrogate::Place>& places) {
    double sum = 0.0;
    for (const TailSurrogate::Place& place : places) sum += place.mean;
    return sum / static_cast<double>(places.size());
  }

  // In the order of their boundaries along the axis, by a first stand-in from the exploration alone.
  std::vector<QuestionGroup> grouped(const KnownOutputs& far) const {
    KnownOutputs rough = near_;
    rough.add(far.points, far.values);
    rough = rough.finite();
    const auto first = TailSurrogate::fit(rough.points, rough.values, axis_, 0.0, {2, false, nullptr});
    if (!first) throw OutputTailsEnded{"too few runs gave an answer to start from"};
    std::vector<double> place;
    std::vector<std::size_t> order;
    for (const TailQuestion& question : session_.questions()) {
      order.push_back(place.size());
      place.push_back(first->boundary(question).mean);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return place[a] < place[b]; });
    std::vector<QuestionGroup> groups;
    for (const std::size_t q : order) {
      const Side side = session_.questions()[q].side;
      const bool joins = !groups.empty() && groups.back().side == side &&
                         place[q] - place[groups.back().questions.front()] < 2.0;
      if (!joins) groups.push_back({side, {}, *first});
      groups.back().questions.push_back(q);
    }
    return groups;
  }

  std::vector<TailSurrogate::Place> places(const QuestionGroup& group) const {
    std::vector<TailSurrogate::Place> places;
    for (const std::size_t q : group.questions)
      places.push_back(group.surrogate.boundary(session_.questions()[q]));
    return places;
  }

  // Runs near the boundaries until the stand-in is good there, or has had its share.
  void shape(QuestionGroup& group) {
    const TailQuestion& foremost = session_.questions()[group.questions.front()];
    double noise = std::numeric_limits<double>::infinity();
    for (const std::size_t q : group.questions) noise = std::min(noise, session_.questions()[q].noise);
    // A neighbour has told half of it.
    const Eigen::Index batch_size = session_.options().warm_starts.empty() ? 12 : 6;
    for (int batch = 0; batch < 4; ++batch) {
      const std::vector<TailSurrogate::Place> targets = places(group);
      const Matrix points = AxisProposal(axis_, targets).draw(batch_size, session_.random());
      near_.add(points, session_.evaluate(points, &RunCounts::pilot));
      const double middle = centre(targets);
      group.surrogate = best_fit(middle);
      const double gain = std::abs(group.surrogate.slope(middle));
      const bool good = group.surrogate.error() < std::max(0.05 * gain, 0.3 * noise);
      const double moved = std::abs(group.surrogate.boundary(foremost).mean - targets.front().mean);
      if (good && moved < 0.5) break;
    }
    session_.note(fmt::format("at {:.1f}: a stand-in with an error of {:.3f} sigma",
                              group.surrogate.boundary(foremost).mean,
                              group.surrogate.error() / std::abs(group.surrogate.slope(0.0))));
  }

  TailSurrogate best_fit(double centre) const {
    const KnownOutputs near = near_.finite();
    std::optional<TailSurrogate> best;
    const auto consider = [&](const TailSurrogate::Shape& shape) {
      auto fit = TailSurrogate::fit(near.points, near.values, axis_, centre, shape);
      if (fit && fit->monotonic() && (!best || fit->error() < best->error())) best = std::move(fit);
    };
    consider({1, false, nullptr});
    consider({2, false, nullptr});
    consider({3, true, nullptr});
    for (const TailSurrogate& neighbour : session_.options().warm_starts) {
      consider({1, true, &neighbour});
    }
    if (!best) throw OutputTailsEnded{"too few runs near the boundary gave an answer"};
    return std::move(*best);
  }

  OutputSession& session_;
  KnownOutputs& near_;
  Vector axis_;
};

}  // namespace

std::vector<QuestionGroup> shape_surrogates(OutputSession& session, PlaneExploration& explored) {
  return SurrogatePilot(session, explored).shape(explored.far);
}

void reshape_surrogates(OutputSession& session, PlaneExploration& explored,
                        std::vector<QuestionGroup>& groups) {
  SurrogatePilot(session, explored).reshape(groups);
}

}  // namespace flare::analysis
