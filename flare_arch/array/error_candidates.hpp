// The reads of one token that may err on the sparse path: random words and distances, many at a time.
#pragma once

#include <array>
#include <cstdint>

#include "flare_arch/array/random_streams.hpp"

namespace flare::arch {

struct ErrorCandidate {
  double distance = 0;                // reads between the one before and this: a whole number, geometric
  std::uint32_t thin = 0, which = 0;  // uniform words: whether it errs, and to which code
};

/// Candidate number i of a token has the random words of the counter (token, i, 0, 0): 53 bits for the distance
/// floor(log(u) / log(1 - rate)), 32 to thin, 32 for the wrong code.
class ErrorCandidates {
 public:
  /// log_keep: log(1 - rate), below 0. first: candidate number 0. expected: how many will be asked for, roughly; the numbers do not
  /// depend on it.
  ErrorCandidates(StreamKey key, std::uint32_t token, double log_keep, const ErrorCandidate& first,
                  double expected);

  const ErrorCandidate& next() {
    if (used_ == made_) make();
    return candidates_[static_cast<std::size_t>(used_++)];
  }

  static constexpr int at_once = 16;

 private:
  void make();

  StreamKey key_;
  std::uint32_t token_, first_ = 1;
  double log_keep_;
  bool many_;
  int used_ = 0, made_ = 1;
  std::array<ErrorCandidate, at_once> candidates_;
};

/// ErrorCandidates::at_once candidates from number `first` on.
void draw_candidates(StreamKey key, std::uint32_t token, std::uint32_t first, double log_keep,
                     ErrorCandidate* candidates);

/// Candidate number 0 of ErrorCandidates::at_once tokens from `token` on.
void draw_first_candidates(StreamKey key, std::uint32_t token, double log_keep, ErrorCandidate* candidates);

namespace scalar {
/// `count` of them in a plain loop: what the vectors are tested against.
void draw_candidates(StreamKey key, std::uint32_t token, std::uint32_t first, double log_keep, int count,
                     ErrorCandidate* candidates);
}  // namespace scalar

}  // namespace flare::arch
