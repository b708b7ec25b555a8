// The reads that may err on the sparse path: random words and distances, many at a time.
#pragma once

#include <cstdint>
#include <span>

#include "flare_arch/array/random_streams.hpp"

namespace flare::arch {

/// Candidate number i of a token has the random words of the counter (token, i, 0, 0).
struct CandidateNumber {
  std::uint32_t token = 0, number = 0;
};

struct ErrorCandidate {
  double distance = 0;                // reads between the one before and this: a whole number, geometric
  std::uint32_t thin = 0, which = 0;  // uniform words: whether it errs, and to which code
};

/// candidates[i] is that of numbers[i]: 53 bits for the distance floor(log(u) / log(1 - rate)), 32 to thin, 32 for the wrong
/// code. log_keep: log(1 - rate), below 0.
void draw_candidates(StreamKey key, std::span<const CandidateNumber> numbers, double log_keep,
                     ErrorCandidate* candidates);

namespace scalar {
/// The same in a plain loop: what the vectors are tested against.
void draw_candidates(StreamKey key, std::span<const CandidateNumber> numbers, double log_keep,
                     ErrorCandidate* candidates);
}  // namespace scalar

}  // namespace flare::arch
