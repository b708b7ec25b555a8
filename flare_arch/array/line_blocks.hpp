// Bit lines in blocks, as the kernels take them.
#pragma once

namespace flare::arch {

/// Bit lines are handled in blocks of 512 and random bytes made for 256 at a time.
constexpr int line_block = 512, random_group = 256;

constexpr int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace flare::arch
