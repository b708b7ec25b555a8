// Errors drawn only where they happen.
#include <array>
#include <cmath>
#include <tuple>

#include "flare_arch/array/array_job.hpp"
#include "flare_arch/array/error_candidates.hpp"

namespace flare::arch {
namespace {

static_assert(sparse_tokens == ErrorCandidates::at_once);

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

/// The errors of one token, candidate after candidate. Every read is a candidate with the largest level error rate, so the
/// distance to the next candidate is geometric. A candidate errs with its own level's rate over the largest, and then draws
/// which wrong code.
class TokenErrors {
 public:
  /// plan: null for fixed groups.
  TokenErrors(const ArrayJob& job, StreamKey key, Eigen::Index token, double log_keep, TokenPlan* plan,
              const ErrorCandidate& first)
      : job_(job),
        token_(token),
        plan_(plan),
        bitlines_(job.bitlines_of(token)),
        fixed_reads_(fixed_reads_of(job, token)),
        total_(reads_of(job, token, plan)),
        expected_(static_cast<double>(total_) * job.errors.sampler->largest_error_rate()),
        candidates_(key, job.token_number(token), log_keep, first, expected_) {
    constexpr double worth_a_plan = 3;  // candidates of a plane
    if (plan != nullptr && expected_ > worth_a_plan * job.format.planes()) plan->plan_all();
  }

  /// Goes on to the next candidate and fetches its cells; false where there is none.
  bool locate() {
    candidate_ = candidates_.next();
    if (!(candidate_.distance < static_cast<double>(total_ - position_ - 1))) return false;
    position_ += 1 + static_cast<std::int64_t>(candidate_.distance);
    while (position_ - plane_begin_ >= plane_size(plane_)) plane_begin_ += plane_size(plane_++);
    std::tie(read_, bitline_) = read_and_line(position_ - plane_begin_, bitlines_);
    if (plan_ == nullptr) return true;
    rows_ = plan_->rows(plane_, read_);
    const MatrixI& weights = job_.array.weights();
    const std::int32_t* column = weights.data() + bitline_ / job_.weight_planes();
    for (const std::uint16_t row : rows_) __builtin_prefetch(column + row * weights.cols());
    return true;
  }

  /// Appends the error of the candidate where it errs.
  void settle(std::vector<ColumnError>& found) const {
    const CodeSampler& sampler = *job_.errors.sampler;
    const int k = plan_ != nullptr
                      ? job_.on_cells(rows_, bitline_)
                      : on_cells_of_group(job_, token_, plane_, static_cast<int>(read_), bitline_);
    if ((candidate_.thin + 0.5) * 0x1.0p-32 * sampler.largest_error_rate() >= sampler.error_rate(k)) return;
    const std::int32_t wrong = sampler.wrong_value(k, (candidate_.which + 0.5) * 0x1.0p-32);
    found.push_back(
        {bitline_ / job_.weight_planes(), job_.scale(plane_, bitline_) * (wrong - sampler.base_value(k))});
  }

 private:
  std::int64_t plane_size(int plane) const {
    return (plan_ != nullptr ? plan_->reads(plane) : fixed_reads_) * bitlines_;
  }

  const ArrayJob& job_;
  Eigen::Index token_;
  TokenPlan* plan_;
  std::int64_t bitlines_, fixed_reads_, total_;
  double expected_;
  ErrorCandidates candidates_;
  ErrorCandidate candidate_;
  std::int64_t position_ = -1, plane_begin_ = 0, read_ = 0;
  int plane_ = 0, bitline_ = 0;
  std::span<const std::uint16_t> rows_;
};

}  // namespace

void find_sparse_errors(const ArrayJob& job, StreamKey key, Eigen::Index first_token,
                        std::span<TokenPlan> plans, std::span<std::vector<ColumnError>> found) {
  const double largest = job.errors.sampler->largest_error_rate();
  if (largest <= 0) return;
  constexpr double many = 8;  // candidates: by themselves
  const double log_keep = std::log1p(-largest);
  std::array<ErrorCandidate, ErrorCandidates::at_once> first;
  draw_first_candidates(key, job.token_number(first_token), log_keep, first.data());
  std::vector<TokenErrors> open;
  std::array<std::size_t, sparse_tokens> of{};  // the tokens of those that are open
  for (std::size_t t = 0; t < found.size(); ++t) {
    const Eigen::Index token = first_token + static_cast<Eigen::Index>(t);
    TokenPlan* plan = plans.empty() ? nullptr : &plans[t];
    const auto reads = static_cast<double>(reads_of(job, token, plan));
    if (!(first[t].distance < reads)) continue;
    TokenErrors errors(job, key, token, log_keep, plan, first[t]);
    if (reads * largest > many) {
      while (errors.locate()) errors.settle(found[t]);
    } else if (errors.locate()) {
      of[open.size()] = t;
      open.push_back(errors);
    }
  }
  // A round settles what the one before has fetched.
  for (std::size_t left = open.size(); left > 0;) {
    left = 0;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (of[i] == found.size()) continue;
      open[i].settle(found[of[i]]);
      if (open[i].locate())
        ++left;
      else
        of[i] = found.size();
    }
  }
}

}  // namespace flare::arch
