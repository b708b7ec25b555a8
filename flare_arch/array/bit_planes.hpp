// How integers are laid out as planes of bits, for bit-serial inputs and bit-sliced weights.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace flare::arch {

enum class Encoding {
  twos_complement,  // planes 0..n-1; the top plane counts -2^(n-1)
  sign_magnitude,   // a positive pass (planes 0..n-2), then a negative pass (0..n-1, counted negative)
  unsigned_binary,  // planes 0..n-1
};

/// An integer format. A value is the sum of its planes' bits, each times the plane's scale.
struct PlaneFormat {
  int bits = 8;
  Encoding encoding = Encoding::twos_complement;

  int planes() const { return encoding == Encoding::sign_magnitude ? 2 * bits - 1 : bits; }

  /// What a one in `plane` counts: plus or minus a power of two.
  std::int32_t scale(int plane) const {
    switch (encoding) {
      case Encoding::twos_complement:
        return plane == bits - 1 ? -(1 << plane) : (1 << plane);
      case Encoding::sign_magnitude:
        return plane < bits - 1 ? (1 << plane) : -(1 << (plane - (bits - 1)));
      default:
        return 1 << plane;
    }
  }

  std::int32_t lowest() const { return encoding == Encoding::unsigned_binary ? 0 : -(1 << (bits - 1)); }
  std::int32_t highest() const {
    return encoding == Encoding::unsigned_binary ? static_cast<std::int32_t>((1u << bits) - 1)
                                                 : (1 << (bits - 1)) - 1;
  }

  /// Bit p of the result is the bit of `value` in plane p.
  std::uint32_t pattern(std::int32_t value) const {
    if (encoding != Encoding::sign_magnitude)
      return static_cast<std::uint32_t>(value) & ((std::uint32_t{1} << bits) - 1);
    return value >= 0 ? static_cast<std::uint32_t>(value) : static_cast<std::uint32_t>(-value) << (bits - 1);
  }

  void check() const {
    if (bits < 2 || bits > 16)
      throw std::invalid_argument("bit planes: 2 to 16 bits are supported, got " + std::to_string(bits));
  }
};

}  // namespace flare::arch
