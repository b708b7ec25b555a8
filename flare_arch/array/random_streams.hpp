// What the random numbers of the arrays are for. A number is a function of seed, purpose, array, token, plane, read
// and bit line and of nothing else: engine/base/random_stream.hpp.
#pragma once

#include <cstdint>

#include "engine/base/random_stream.hpp"

namespace flare::arch {

using engine::open_uniform;
using engine::random_words;
using engine::standard_normal;
using engine::UniformSequence;

/// What a stream is for. Streams of different purposes are independent.
enum class StreamPurpose : std::uint32_t {
  read_codes = 1,    // code of one read (reference and dense path)
  error_positions,   // where reads go wrong (sparse path)
  read_noise,        // noise of one read (die mode)
  noise_tail,        // where read noise leaves its band (die mode)
  cell_deviation,    // frozen per die
  converter_offset,  // frozen per die
  repeat,            // seeds of repeats
  gain_cell,         // cells and converters of attention on gain cells, frozen per die
  gain_cell_noise,   // of its pulses
};

/// Key of the streams of one purpose in one array.
struct StreamKey : engine::CounterKey {
  StreamKey() = default;
  StreamKey(std::uint64_t seed, StreamPurpose purpose, std::uint32_t array)
      : CounterKey(seed, static_cast<std::uint32_t>(purpose), array) {}
};

/// The key of a read's second draw, whose last counter is the bit line.
inline StreamKey second_draw_key(StreamKey key) {
  key.high ^= 0x5bd1e995u;
  return key;
}

}  // namespace flare::arch
