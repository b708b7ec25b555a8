#include "analysis/output_tails/unexpected_outputs.hpp"

#include <cmath>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Vector;

/// The runs of a look that say something of a question.
std::vector<Excess> excesses_of(const FrozenQuestion& frozen, const TailQuestion& question, double spread,
                                const OutputLook& look, Carried carried) {
  const auto across = static_cast<double>(look.runs.points.cols() - 1);
  std::vector<Excess> found;
  for (Eigen::Index i = 0; i < look.runs.count(); ++i) {
    const Vector x = look.runs.points.row(i);
    const double c = frozen.surrogate.axis().dot(x);
    const double way = c / frozen.place.mean;
    if (!is_on_the_way(way, carried)) continue;
    const double beyond = question.excess(look.runs.values[static_cast<std::size_t>(i)]);
    found.push_back(
        {(beyond - question.excess(frozen.surrogate(x))) / spread, x.squaredNorm() - c * c - across, way});
  }
  return found;
}

UnexpectedWorth worth_where_carried(const FrozenQuestion& frozen, const TailQuestion& question,
                                    const std::vector<OutputLook>& looks, Carried carried) {
  const double spread = std::hypot(frozen.surrogate.slope(frozen.place.mean), question.noise);
  std::vector<ExcessLook> seen;
  seen.reserve(looks.size());
  for (const OutputLook& look : looks)
    seen.push_back({look.scale, excesses_of(frozen, question, spread, look, carried), look.near_limit});
  UnexpectedWorth worth = worth_of_excesses(
      std::move(seen),
      {upper_tail_quantile(frozen.log_model), frozen.log_model, 2.0 * frozen.surrogate.error() / spread},
      carried);
  worth.excess *= spread;
  return worth;
}

}  // namespace

UnexpectedWorth worth_of_unexpected(const FrozenQuestion& frozen, const TailQuestion& question,
                                    const std::vector<OutputLook>& looks) {
  const UnexpectedWorth unchanged = worth_where_carried(frozen, question, looks, Carried::unchanged);
  const UnexpectedWorth grown = worth_where_carried(frozen, question, looks, Carried::with_the_way);
  return grown.limit > unchanged.limit ? grown : unchanged;
}

}  // namespace flare::analysis
