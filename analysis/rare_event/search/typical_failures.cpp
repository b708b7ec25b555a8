#include "analysis/rare_event/search/typical_failures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace flare::analysis {
namespace {

using engine::Vector;

constexpr std::size_t most_blocks = 8;  // of coordinates
constexpr double of_all = 0.45;         // size of the moves of all coordinates
constexpr double of_a_block = 0.6;      // of those that do not draw a block anew

// Each leaves N(0, I) as it is. They take turns: what failing hangs on may be single coordinates, nothing along the axis, the
// axis and some, or all coordinates across it. Blocks take turns, too, and change after each sweep: a coordinate without a say
// in the failing is soon typical, whichever have one.
class Moves {
 public:
  Moves(Eigen::Index dimension, NormalStream& random)
      : random_(&random),
        order_(static_cast<std::size_t>(dimension)),
        blocks_(std::min(order_.size(), most_blocks)),
        block_(blocks_ - 1) {
    std::iota(order_.begin(), order_.end(), Eigen::Index{0});
  }

  void begin_turn(int turn) {
    kind_ = turns[static_cast<std::size_t>(turn) % turns.size()];
    if (kind_ == Kind::axis || kind_ == Kind::all_across) return;
    block_ = (block_ + 1) % blocks_;
    if (block_ == 0) random_->shuffle(order_);
  }

  Vector proposed(const Vector& x, const Vector& axis) {
    switch (kind_) {
      case Kind::block:
        return block_moved(x, 1.0);
      case Kind::axis:
        return x + (random_->normal() - axis.dot(x)) * axis;
      case Kind::block_across:
        return along_kept(x, block_moved(x, 1.0), axis);
      case Kind::all_across:
        return along_kept(x, all_moved(x), axis);
      case Kind::block_across_a_little:
        break;
    }
    return along_kept(x, block_moved(x, of_a_block), axis);
  }

 private:
  enum class Kind { block, axis, block_across, all_across, block_across_a_little };
  static constexpr std::array turns = {Kind::block,        Kind::axis,
                                       Kind::block_across, Kind::all_across,
                                       Kind::block,        Kind::block_across_a_little,
                                       Kind::block_across, Kind::block_across_a_little};

  Vector all_moved(const Vector& x) {
    return std::sqrt(1.0 - of_all * of_all) * x + of_all * random_->normal_vector(x.size());
  }

  Vector block_moved(const Vector& x, double size) {
    Vector result = x;
    for (std::size_t i = block_; i < order_.size(); i += blocks_)
      result(order_[i]) = std::sqrt(1.0 - size * size) * x(order_[i]) + size * random_->normal();
    return result;
  }

  // As far along the axis as before.
  static Vector along_kept(const Vector& x, Vector moved, const Vector& axis) {
    moved += axis.dot(x - moved) * axis;
    return moved;
  }

  NormalStream* random_;
  std::vector<Eigen::Index> order_;  // of the coordinates, from block to block
  std::size_t blocks_;
  std::size_t block_;
  Kind kind_ = Kind::block;
};

// Beside the way to failing no farther out than a draw of N(0, I) on average.
bool is_typical(const Vector& x, double distance) {
  const auto d = static_cast<double>(x.size());
  return x.squaredNorm() < distance * distance + d;
}

// One turn of chains in step; those that `moving` names.
void advance(EvaluationLedger& ledger, Moves& moves, int turn, const std::vector<LineRegion>& regions,
             const std::vector<std::size_t>& moving, std::vector<Vector>& failing, Purpose purpose) {
  moves.begin_turn(turn);
  engine::Matrix points(static_cast<Eigen::Index>(moving.size()), ledger.dimension());
  for (std::size_t j = 0; j < moving.size(); ++j) {
    const Vector& x = failing[moving[j]];
    points.row(static_cast<Eigen::Index>(j)) =
        moves.proposed(x, regions[furthest_along(regions, x)].direction);
  }
  const std::vector<Evaluated> outcomes = ledger.evaluate(points, purpose);
  for (std::size_t j = 0; j < moving.size(); ++j)
    if (outcomes[j].failed) failing[moving[j]] = points.row(static_cast<Eigen::Index>(j));
}

}  // namespace

std::vector<engine::Matrix> failing_chains(EvaluationLedger& ledger, std::vector<Vector> failing,
                                           const std::vector<LineRegion>& regions, int steps,
                                           NormalStream& random, Purpose purpose) {
  Moves moves(ledger.dimension(), random);
  std::vector<std::size_t> all(failing.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::vector<engine::Matrix> states(failing.size(), engine::Matrix(steps, ledger.dimension()));
  for (int turn = 0; turn < steps; ++turn) {
    advance(ledger, moves, turn, regions, all, failing, purpose);
    for (std::size_t k = 0; k < failing.size(); ++k) states[k].row(turn) = failing[k];
  }
  return states;
}

std::vector<Vector> typical_failures(EvaluationLedger& ledger, std::vector<Vector> failing,
                                     const std::vector<LineRegion>& regions, const ChainRules& rules,
                                     NormalStream& random, Purpose purpose) {
  const double distance = nearest_offset(regions);
  Moves moves(ledger.dimension(), random);
  for (int i = 0; i < rules.steps; ++i) {
    std::vector<std::size_t> open;
    for (std::size_t k = 0; k < failing.size(); ++k)
      if (!is_typical(failing[k], distance) && !(rules.known && rules.known(failing[k]))) open.push_back(k);
    if (open.empty()) break;
    advance(ledger, moves, i, regions, open, failing, purpose);
  }
  return failing;
}

}  // namespace flare::analysis
