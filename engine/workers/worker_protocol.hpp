// What a pool and its workers say to each other over a socket: messages of a kind, a length and a body, in
// the byte order of the machine (both ends run on it). Lengths are bounded; a message that does not parse is
// a ProtocolError, never undefined behaviour.
//
//   pool -> worker                               worker -> pool
//                                                hello       version of ngspice
//   load        testbench (CBOR)                 (nothing: a netlist that fails says so at its first run)
//   run         tag, point                       result      tag, outcome, rung, measures, message
//   waveforms   point                            waveforms   times, names, values
//   listing     deck, options (CBOR)             listing     expanded statements, names of vectors
//   values      testbench (CBOR)                 values      what the circuit says of the testbench's knobs
//   rehearse    testbench (CBOR)                 rehearse    two results, node of a singular matrix
//                                                failed      why, instead of any answer; the worker then ends
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/simulate/evaluator.hpp"

namespace flare::engine {

class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class MessageKind : std::uint32_t {
  hello = 1,
  load,
  run,
  waveforms,
  listing,
  values,
  rehearse,
  result,
  failed
};

inline constexpr std::uint32_t max_message_bytes = 1u << 30;

using Bytes = std::vector<std::uint8_t>;

struct Message {
  MessageKind kind = MessageKind::hello;
  Bytes body;
};

/// Appends to a body.
class BodyWriter {
 public:
  template <typename T>
  BodyWriter& number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    return raw(&value, sizeof value);
  }
  BodyWriter& numbers(std::span<const double> values);
  BodyWriter& text(std::string_view value);
  BodyWriter& texts(std::span<const std::string> values);
  Bytes take() { return std::move(bytes_); }

 private:
  BodyWriter& raw(const void* data, std::size_t size);
  Bytes bytes_;
};

/// Reads a body in the same order; throws ProtocolError past its end.
class BodyReader {
 public:
  explicit BodyReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  template <typename T>
  T number() {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  std::vector<double> numbers();
  std::string text();
  std::vector<std::string> texts();

 private:
  const std::uint8_t* take(std::size_t size);
  std::span<const std::uint8_t> bytes_;
};

/// Appends header and body to `out`.
void append_message(MessageKind kind, std::span<const std::uint8_t> body, Bytes* out);

/// Cuts a stream of bytes into messages.
class MessageCutter {
 public:
  void feed(std::span<const std::uint8_t> bytes);
  /// The next whole message, or nothing yet. Throws ProtocolError for a kind or length that cannot be.
  std::optional<Message> next();

 private:
  Bytes buffer_;
  std::size_t start_ = 0;
};

Bytes encode_result(std::uint64_t tag, const RunResult& result);
RunResult decode_result(std::span<const std::uint8_t> body, std::uint64_t* tag);
Bytes encode_rehearsal(const Rehearsal& rehearsal);
Rehearsal decode_rehearsal(std::span<const std::uint8_t> body);
Bytes encode_waveforms(const Waveforms& waveforms);
Waveforms decode_waveforms(std::span<const std::uint8_t> body);

}  // namespace flare::engine
