#include "flare_arch/array/error_candidates.hpp"

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

void draw_candidates_here(StreamKey key, std::uint32_t token, std::uint32_t first, double log_keep,
                          ErrorCandidate* candidates) {
  scalar::draw_candidates(key, token, first, log_keep, ErrorCandidates::at_once, candidates);
}

void draw_first_candidates_here(StreamKey key, std::uint32_t token, double log_keep,
                                ErrorCandidate* candidates) {
  for (std::uint32_t i = 0; i < ErrorCandidates::at_once; ++i)
    scalar::draw_candidates(key, token + i, 0, log_keep, 1, candidates + i);
}

#else

/// log(u) / log_keep, within a few units in the last place.
HWY_ATTR void quotients(const double* u, double log_keep, double* result) {
  const hn::CappedTag<double, ErrorCandidates::at_once> d;
  const auto keep = hn::Set(d, log_keep);
  for (int i = 0; i < ErrorCandidates::at_once; i += static_cast<int>(hn::Lanes(d)))
    hn::StoreU(hn::Div(hn::Log(d, hn::LoadU(d, u + i)), keep), d, result + i);
}

/// Random words to candidates.
HWY_ATTR void finish(const std::uint32_t (&words)[4][ErrorCandidates::at_once], double log_keep,
                     ErrorCandidate* candidates) {
  constexpr int count = ErrorCandidates::at_once;
  double u[count], quotient[count];
  for (int i = 0; i < count; ++i) u[i] = open_uniform(words[0][i], words[1][i]);
  quotients(u, log_keep, quotient);
  for (int i = 0; i < count; ++i) {
    // Close to a whole number the last places decide: those of the library's logarithm, on every target.
    const double slack = 1e-10 * (1 + quotient[i]);
    double whole = std::floor(quotient[i] + slack);
    if (whole != std::floor(quotient[i] - slack)) whole = std::floor(std::log(u[i]) / log_keep);
    candidates[i] = {whole, words[2][i], words[3][i]};
  }
}

/// Of the counters (token, first, 0, 0), the token or the number rising by one from lane to lane.
HWY_ATTR void draw(StreamKey key, std::uint32_t token, std::uint32_t first, bool tokens_rise, double log_keep,
                   ErrorCandidate* candidates) {
  const hn::CappedTag<std::uint32_t, ErrorCandidates::at_once> d;
  std::uint32_t words[4][ErrorCandidates::at_once];
  for (int i = 0; i < ErrorCandidates::at_once; i += static_cast<int>(hn::Lanes(d))) {
    const auto lane = hn::Iota(d, static_cast<std::uint32_t>(i));
    auto x0 = hn::Set(d, token), x1 = hn::Set(d, first), x2 = hn::Zero(d), x3 = x2;
    (tokens_rise ? x0 : x1) = hn::Add(tokens_rise ? x0 : x1, lane);
    philox(d, key, x0, x1, x2, x3);
    hn::StoreU(x0, d, words[0] + i);
    hn::StoreU(x1, d, words[1] + i);
    hn::StoreU(x2, d, words[2] + i);
    hn::StoreU(x3, d, words[3] + i);
  }
  finish(words, log_keep, candidates);
}

HWY_ATTR void draw_candidates_here(StreamKey key, std::uint32_t token, std::uint32_t first, double log_keep,
                                   ErrorCandidate* candidates) {
  draw(key, token, first, false, log_keep, candidates);
}

HWY_ATTR void draw_first_candidates_here(StreamKey key, std::uint32_t token, double log_keep,
                                         ErrorCandidate* candidates) {
  draw(key, token, 0, true, log_keep, candidates);
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(draw_candidates_here);
HWY_EXPORT(draw_first_candidates_here);

void draw_candidates(StreamKey key, std::uint32_t token, std::uint32_t first, double log_keep,
                     ErrorCandidate* candidates) {
  HWY_DYNAMIC_DISPATCH(draw_candidates_here)(key, token, first, log_keep, candidates);
}

void draw_first_candidates(StreamKey key, std::uint32_t token, double log_keep, ErrorCandidate* candidates) {
  HWY_DYNAMIC_DISPATCH(draw_first_candidates_here)(key, token, log_keep, candidates);
}

void scalar::draw_candidates(StreamKey key, std::uint32_t token, std::uint32_t first, double log_keep,
                             int count, ErrorCandidate* candidates) {
  for (int i = 0; i < count; ++i) {
    const auto w = random_words(key, token, first + static_cast<std::uint32_t>(i), 0, 0);
    candidates[i] = {std::floor(std::log(open_uniform(w[0], w[1])) / log_keep), w[2], w[3]};
  }
}

ErrorCandidates::ErrorCandidates(StreamKey key, std::uint32_t token, double log_keep,
                                 const ErrorCandidate& first, double expected)
    : key_(key), token_(token), log_keep_(log_keep), many_(expected > 4) {
  candidates_.front() = first;
}

void ErrorCandidates::make() {
  made_ = many_ ? at_once : 1;
  if (many_)
    draw_candidates(key_, token_, first_, log_keep_, candidates_.data());
  else
    scalar::draw_candidates(key_, token_, first_, log_keep_, 1, candidates_.data());
  first_ += static_cast<std::uint32_t>(made_);
  used_ = 0;
}

}  // namespace flare::arch
#endif  // HWY_ONCE
