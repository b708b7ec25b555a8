// Philox 4x32-10 (engine/base/random_stream.hpp) for as many counters at once as a vector has lanes. Compiled once for every
// vector target (Highway).
#if defined(FLARE_ARCH_PHILOX_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FLARE_ARCH_PHILOX_INL
#undef FLARE_ARCH_PHILOX_INL
#else
#define FLARE_ARCH_PHILOX_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "flare_arch/array/random_streams.hpp"

HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

namespace hn = hwy::HWY_NAMESPACE;

/// Four words of each lane's counter (x0, x1, x2, x3), in its place.
template <class D, class V>
HWY_ATTR HWY_INLINE void philox(D d, StreamKey key, V& x0, V& x1, V& x2, V& x3) {
  const hn::RepartitionToWide<D> d64;
  const auto multiplier0 = hn::Set(d, 0xD2511F53u), multiplier1 = hn::Set(d, 0xCD9E8D57u);
  const auto low_and_high = [&](auto x, auto m, auto& low, auto& high) HWY_ATTR {
    const auto even = hn::MulEven(x, m);
    const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(d64, x))), m);
    low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
    high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
  };
  std::uint32_t k0 = key.low, k1 = key.high;
  for (int round = 0; round < 10; ++round) {
    auto low0 = x0, high0 = x0, low1 = x0, high1 = x0;
    low_and_high(x0, multiplier0, low0, high0);
    low_and_high(x2, multiplier1, low1, high1);
    x0 = hn::Xor3(high1, x1, hn::Set(d, k0));
    x2 = hn::Xor3(high0, x3, hn::Set(d, k1));
    x1 = low1;
    x3 = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

#endif

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
