#include "flare_arch/array/error_candidates.hpp"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flare_arch/array/error_candidates.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for every target
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include "flare_arch/array/philox_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_HAVE_SCALABLE || !HWY_HAVE_FLOAT64

void draw_candidates_here(StreamKey key, std::span<const CandidateNumber> numbers, double log_keep,
                          ErrorCandidate* candidates) {
  scalar::draw_candidates(key, numbers, log_keep, candidates);
}

#else

constexpr std::size_t at_once = 16;

/// floor(log(u) / log_keep): those of the library's logarithm, on every target.
HWY_ATTR HWY_INLINE void distances(const double* u, double log_keep, double* result) {
  const hn::CappedTag<double, at_once> d;
  const auto keep = hn::Set(d, log_keep), one = hn::Set(d, 1.0), last_places = hn::Set(d, 1e-10);
  for (std::size_t i = 0; i < at_once; i += hn::Lanes(d)) {
    const auto quotient =
        hn::Div(hn::Log(d, hn::LoadU(d, u + i)), keep);  // within some units in the last place
    const auto slack = hn::Mul(last_places, hn::Add(one, quotient));
    const auto whole = hn::Floor(hn::Add(quotient, slack));
    hn::StoreU(whole, d, result + i);
    if (hn::AllTrue(d, hn::Eq(whole, hn::Floor(hn::Sub(quotient, slack))))) continue;
    // Close to a whole number the last places decide.
    for (std::size_t lane = i; lane < i + hn::Lanes(d); ++lane)
      result[lane] = std::floor(std::log(u[lane]) / log_keep);
  }
}

HWY_ATTR void draw_vectors(StreamKey key, const CandidateNumber* numbers, double log_keep,
                           ErrorCandidate* candidates) {
  const hn::CappedTag<std::uint32_t, at_once> d;
  HWY_ALIGN std::uint32_t tokens[at_once], counts[at_once], words[4][at_once];
  for (std::size_t i = 0; i < at_once; ++i) {
    tokens[i] = numbers[i].token;
    counts[i] = numbers[i].number;
  }
  for (std::size_t i = 0; i < at_once; i += hn::Lanes(d)) {
    auto x0 = hn::LoadU(d, tokens + i), x1 = hn::LoadU(d, counts + i), x2 = hn::Zero(d), x3 = x2;
    philox(d, key, x0, x1, x2, x3);
    hn::StoreU(x0, d, words[0] + i);
    hn::StoreU(x1, d, words[1] + i);
    hn::StoreU(x2, d, words[2] + i);
    hn::StoreU(x3, d, words[3] + i);
  }
  double u[at_once], whole[at_once];
  for (std::size_t i = 0; i < at_once; ++i) u[i] = open_uniform(words[0][i], words[1][i]);
  distances(u, log_keep, whole);
  for (std::size_t i = 0; i < at_once; ++i) candidates[i] = {whole[i], words[2][i], words[3][i]};
}

HWY_ATTR void draw_candidates_here(StreamKey key, std::span<const CandidateNumber> numbers, double log_keep,
                                   ErrorCandidate* candidates) {
  constexpr std::size_t few = 2;  // one by one
  std::size_t i = 0;
  for (; i + at_once <= numbers.size(); i += at_once)
    draw_vectors(key, numbers.data() + i, log_keep, candidates + i);
  const std::size_t left = numbers.size() - i;
  if (left <= few) return scalar::draw_candidates(key, numbers.subspan(i), log_keep, candidates + i);
  CandidateNumber padded[at_once] = {};
  ErrorCandidate drawn[at_once];
  std::copy_n(numbers.data() + i, left, padded);
  draw_vectors(key, padded, log_keep, drawn);
  std::copy_n(drawn, left, candidates + i);
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(draw_candidates_here);

void draw_candidates(StreamKey key, std::span<const CandidateNumber> numbers, double log_keep,
                     ErrorCandidate* candidates) {
  HWY_DYNAMIC_DISPATCH(draw_candidates_here)(key, numbers, log_keep, candidates);
}

void scalar::draw_candidates(StreamKey key, std::span<const CandidateNumber> numbers, double log_keep,
                             ErrorCandidate* candidates) {
  for (const CandidateNumber& n : numbers) {
    const auto w = random_words(key, n.token, n.number, 0, 0);
    *candidates++ = {std::floor(std::log(open_uniform(w[0], w[1])) / log_keep), w[2], w[3]};
  }
}

}  // namespace flare::arch
#endif  // HWY_ONCE
