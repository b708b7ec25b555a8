// Errors drawn only where they happen.
#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "flare_arch/array/array_job.hpp"
#include "flare_arch/array/error_candidates.hpp"

namespace flare::arch {
namespace {

/// On-cells of a read of fixed groups, straight from the operands.
int on_cells_of_group(const ArrayJob& job, Eigen::Index token, int plane, int group, int bitline) {
  const int sawl = job.array.segmentation().rows_per_read, depth = job.array.depth();
  const int begin = group * sawl, end = std::min(depth, begin + sawl);
  const std::uint32_t* column = job.array.column_patterns(bitline / job.weight_planes());
  const int weight_plane = bitline % job.weight_planes();
  std::uint32_t k = 0;
  for (int row = begin; row < end; ++row)
    k += (column[row] >> weight_plane) & (job.format.pattern(job.inputs(token, row)) >> plane) & 1;
  return static_cast<int>(k);
}

/// The number of a read among `reads` of a plane, and its bit line, from its position.
std::pair<std::int64_t, int> read_and_line(std::int64_t position, std::int64_t bitlines) {
  if (position <= 0xffffffff) {  // a shorter division
    const auto p = static_cast<std::uint32_t>(position), lines = static_cast<std::uint32_t>(bitlines);
    return {p / lines, static_cast<int>(p % lines)};
  }
  return {position / bitlines, static_cast<int>(position % bitlines)};
}

/// Reads of fixed groups of a plane, at one bit line.
std::int64_t fixed_reads_of(const ArrayJob& job, Eigen::Index token) {
  const int sawl = job.array.segmentation().rows_per_read;
  return (job.depth_of(token) + sawl - 1) / sawl;
}

/// Reads of a token, at all bit lines.
std::int64_t reads_of(const ArrayJob& job, Eigen::Index token, const TokenPlan* plan) {
  return (plan != nullptr ? plan->cycles() : fixed_reads_of(job, token) * job.format.planes()) *
         job.bitlines_of(token);
}

/// A read that may err, found.
struct Suspect {
  Eigen::Index token = 0;
  int plane = 0, bitline = 0;
  int column = 0, weight_plane = 0;  // of the bit line
  std::int64_t read = 0;
  ErrorCandidate drawn;
  TokenPlan* plan = nullptr;            // null for fixed groups
  std::span<const std::uint16_t> rows;  // that it drives, where cells are looked up row by row
  ReadRows room{};
};

/// The candidates of one token, one after the other. Every read is a candidate with the largest level error rate, so the distance
/// to the next one is geometric.
class TokenWalk {
 public:
  /// plan: null for fixed groups.
  TokenWalk(const ArrayJob& job, Eigen::Index token, TokenPlan* plan)
      : token_(token),
        plan_(plan),
        planes_(job.format.planes()),
        bitlines_(job.bitlines_of(token)),
        fixed_reads_(fixed_reads_of(job, token)),
        total_(reads_of(job, token, plan)) {
    constexpr double worth_a_plan = 3;  // candidates of a plane
    const double expected = static_cast<double>(total_) * job.errors.sampler->largest_error_rate();
    many_ = expected > worth_a_plan * job.format.planes();
    if (plan != nullptr && many_) plan->plan_all();
  }

  Eigen::Index token() const { return token_; }
  /// The number of the next candidate.
  std::uint32_t number() const { return number_; }
  std::int64_t reads_left() const { return total_ - position_ - 1; }

  /// Goes on to the next candidate; false where there is none.
  bool advance(const ErrorCandidate& drawn, Suspect& s) {
    ++number_;
    if (!(drawn.distance < static_cast<double>(reads_left()))) return false;
    position_ += 1 + static_cast<std::int64_t>(drawn.distance);
    find_plane();
    std::tie(s.read, s.bitline) = read_and_line(position_ - plane_begin_, bitlines_);
    s.token = token_;
    s.plane = plane_;
    s.drawn = drawn;
    s.plan = plan_;
    return true;
  }

 private:
  std::int64_t plane_size(int plane) const {
    return (plan_ != nullptr ? plan_->reads(plane) : fixed_reads_) * bitlines_;
  }

  /// Of few candidates all planes are looked at: a branch on where one falls could not be foreseen.
  void find_plane() {
    if (many_) {
      while (position_ - plane_begin_ >= plane_size(plane_)) plane_begin_ += plane_size(plane_++);
      return;
    }
    std::int64_t end = plane_begin_;
    for (int plane = plane_; plane < planes_; ++plane) {
      end += plane_size(plane);
      const bool beyond = position_ >= end;
      plane_ += beyond ? 1 : 0;
      plane_begin_ = beyond ? end : plane_begin_;
    }
  }

  Eigen::Index token_;
  TokenPlan* plan_;
  int planes_;
  bool many_ = false;  // candidates in every plane
  std::int64_t bitlines_, fixed_reads_, total_;
  std::int64_t position_ = -1, plane_begin_ = 0;
  int plane_ = 0;
  std::uint32_t number_ = 0;
};

/// Candidates that wait for their cells, which are fetched meanwhile. A candidate errs with its own level's rate over the largest,
/// and then draws which wrong code.
class Suspects {
 public:
  Suspects(const ArrayJob& job, std::vector<ColumnError>& found)
      : job_(job), cells_(job.array.format()), weight_planes_(job.weight_planes()), found_(found) {}
  ~Suspects() { settle_all(); }
  Suspects(const Suspects&) = delete;
  Suspects& operator=(const Suspects&) = delete;

  /// Takes the walk's next candidate; false where it has none.
  bool take(TokenWalk& walk, const ErrorCandidate& drawn) {
    if (held_ == waiting_.size()) settle_all();
    Suspect& s = waiting_[held_];
    if (!walk.advance(drawn, s)) return false;
    ++held_;
    const auto planes = static_cast<unsigned>(weight_planes_), line = static_cast<unsigned>(s.bitline);
    s.column = static_cast<int>(line / planes);
    s.weight_plane = static_cast<int>(line % planes);
    fetch_cells(s);
    return true;
  }

 private:
  void fetch_cells(Suspect& s) const {
    if (job_.cell_slices.words != nullptr) return __builtin_prefetch(job_.cell_slices.line(s.bitline));
    s.rows = {};
    if (s.plan == nullptr) return;
    s.rows = s.plan->rows(s.plane, s.read, s.room);
    const MatrixI& weights = job_.array.weights();
    const std::int32_t* column = weights.data() + s.column;
    for (const std::uint16_t row : s.rows) __builtin_prefetch(column + row * weights.cols());
  }

  void settle_all() {
    for (std::size_t i = 0; i < held_; ++i) settle(waiting_[i]);
    held_ = 0;
  }

  void settle(const Suspect& s) {
    const CodeSampler& sampler = *job_.errors.sampler;
    const int k = on_cells(s);
    if ((s.drawn.thin + 0.5) * 0x1.0p-32 * sampler.largest_error_rate() >= sampler.error_rate(k)) return;
    const std::int32_t wrong = sampler.wrong_value(k, (s.drawn.which + 0.5) * 0x1.0p-32);
    const std::int64_t scale = std::int64_t{job_.format.scale(s.plane)} * cells_.scale(s.weight_plane);
    found_.push_back({s.token, s.column, scale * (wrong - sampler.base_value(k))});
  }

  int on_cells(const Suspect& s) const {
    if (s.plan == nullptr)
      return on_cells_of_group(job_, s.token, s.plane, static_cast<int>(s.read), s.bitline);
    if (job_.cell_slices.words != nullptr)
      return s.plan->on_cells(s.plane, s.read, job_.cell_slices.line(s.bitline));
    const MatrixI& weights = job_.array.weights();
    const std::int32_t* column = weights.data() + s.column;
    std::uint32_t k = 0;
    for (const std::uint16_t row : s.rows)
      k += (cells_.pattern(column[row * weights.cols()]) >> s.weight_plane) & 1;
    return static_cast<int>(k);
  }

  const ArrayJob& job_;
  PlaneFormat cells_;
  int weight_planes_;
  std::vector<ColumnError>& found_;
  std::array<Suspect, 16> waiting_;
  std::size_t held_ = 0;
};

/// Candidates to draw at once for a walk: as many as are expected. The numbers do not depend on it.
std::size_t worth_drawing(const TokenWalk& walk, double rate) {
  constexpr double most = 16;
  return static_cast<std::size_t>(std::clamp(static_cast<double>(walk.reads_left()) * rate, 1.0, most));
}

}  // namespace

void find_sparse_errors(const ArrayJob& job, StreamKey key, Eigen::Index first_token, int tokens,
                        std::span<TokenPlan> plans, std::vector<ColumnError>& found) {
  const double rate = job.errors.sampler->largest_error_rate();
  if (rate <= 0) return;
  const double log_keep = std::log1p(-rate);
  Suspects suspects(job, found);
  std::vector<TokenWalk> open;
  open.reserve(static_cast<std::size_t>(tokens));
  for (int t = 0; t < tokens; ++t)
    open.emplace_back(job, first_token + t, plans.empty() ? nullptr : &plans[static_cast<std::size_t>(t)]);
  std::vector<CandidateNumber> numbers;
  std::vector<ErrorCandidate> drawn;
  while (!open.empty()) {
    numbers.clear();
    for (const TokenWalk& walk : open)
      for (std::uint32_t i = 0; i < worth_drawing(walk, rate); ++i)
        numbers.push_back({job.token_number(walk.token()), walk.number() + i});
    drawn.resize(numbers.size());
    draw_candidates(key, numbers, log_keep, drawn.data());
    const ErrorCandidate* next = drawn.data();
    std::size_t left = 0;  // of the walks: those that go on
    for (TokenWalk& walk : open) {
      const ErrorCandidate* const end = next + worth_drawing(walk, rate);
      bool goes_on = true;
      for (; goes_on && next < end; ++next) goes_on = suspects.take(walk, *next);
      next = end;
      if (goes_on) open[left++] = walk;
    }
    open.resize(left, open.front());
  }
}

}  // namespace flare::arch
