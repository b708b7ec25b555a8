#include "engine/workers/worker_protocol.hpp"

namespace flare::engine {
namespace {

constexpr std::size_t header_bytes = 2 * sizeof(std::uint32_t);

void write_result(BodyWriter& body, const RunResult& result) {
  body.number(static_cast<std::uint8_t>(result.outcome)).number(result.rung);
  body.numbers(result.measures).text(result.message);
}

RunResult read_result(BodyReader& body) {
  RunResult result;
  const auto outcome = body.number<std::uint8_t>();
  if (outcome > static_cast<std::uint8_t>(Outcome::unmeasured)) throw ProtocolError("unknown outcome");
  result.outcome = static_cast<Outcome>(outcome);
  result.rung = body.number<std::uint8_t>();
  result.measures = body.numbers();
  result.message = body.text();
  return result;
}

}  // namespace

BodyWriter& BodyWriter::raw(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::uint8_t*>(data);
  bytes_.insert(bytes_.end(), first, first + size);
  return *this;
}

BodyWriter& BodyWriter::numbers(std::span<const double> values) {
  number(static_cast<std::uint64_t>(values.size()));
  return raw(values.data(), values.size_bytes());
}

BodyWriter& BodyWriter::text(std::string_view value) {
  number(static_cast<std::uint64_t>(value.size()));
  return raw(value.data(), value.size());
}

BodyWriter& BodyWriter::texts(std::span<const std::string> values) {
  number(static_cast<std::uint64_t>(values.size()));
  for (const std::string& value : values) text(value);
  return *this;
}

const std::uint8_t* BodyReader::take(std::size_t size) {
  if (size > bytes_.size()) throw ProtocolError("a message is shorter than it says");
  const std::uint8_t* data = bytes_.data();
  bytes_ = bytes_.subspan(size);
  return data;
}

std::vector<double> BodyReader::numbers() {
  const auto count = number<std::uint64_t>();
  if (count > bytes_.size() / sizeof(double)) throw ProtocolError("a message is shorter than it says");
  std::vector<double> values(count);
  if (count > 0) std::memcpy(values.data(), take(count * sizeof(double)), count * sizeof(double));
  return values;
}

std::string BodyReader::text() {
  const auto size = number<std::uint64_t>();
  if (size > bytes_.size()) throw ProtocolError("a message is shorter than it says");
  return {reinterpret_cast<const char*>(take(size)), size};
}

std::vector<std::string> BodyReader::texts() {
  const auto count = number<std::uint64_t>();
  if (count > bytes_.size() / sizeof(std::uint64_t)) throw ProtocolError("a message is shorter than it says");
  std::vector<std::string> values;
  values.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) values.push_back(text());
  return values;
}

void append_message(MessageKind kind, std::span<const std::uint8_t> body, Bytes* out) {
  if (body.size() > max_message_bytes) throw ProtocolError("a message is too long");
  const std::uint32_t header[2] = {static_cast<std::uint32_t>(kind), static_cast<std::uint32_t>(body.size())};
  const auto* first = reinterpret_cast<const std::uint8_t*>(header);
  out->insert(out->end(), first, first + header_bytes);
  out->insert(out->end(), body.begin(), body.end());
}

void MessageCutter::feed(std::span<const std::uint8_t> bytes) {
  if (start_ > 0 && start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::optional<Message> MessageCutter::next() {
  if (buffer_.size() - start_ < header_bytes) return std::nullopt;
  std::uint32_t header[2];
  std::memcpy(header, buffer_.data() + start_, header_bytes);
  const bool known = header[0] >= static_cast<std::uint32_t>(MessageKind::hello) &&
                     header[0] <= static_cast<std::uint32_t>(MessageKind::failed);
  if (!known || header[1] > max_message_bytes) throw ProtocolError("what arrived is not a message");
  if (buffer_.size() - start_ - header_bytes < header[1]) return std::nullopt;
  const auto first = buffer_.begin() + static_cast<std::ptrdiff_t>(start_ + header_bytes);
  Message message{static_cast<MessageKind>(header[0]), Bytes(first, first + header[1])};
  start_ += header_bytes + header[1];
  // What has been read is dropped once it is the larger part.
  if (start_ > buffer_.size() / 2) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(start_));
    start_ = 0;
  }
  return message;
}

Bytes encode_result(std::uint64_t tag, const RunResult& result) {
  BodyWriter body;
  write_result(body.number(tag), result);
  return body.take();
}

RunResult decode_result(std::span<const std::uint8_t> bytes, std::uint64_t* tag) {
  BodyReader body(bytes);
  *tag = body.number<std::uint64_t>();
  return read_result(body);
}

Bytes encode_rehearsal(const Rehearsal& rehearsal) {
  BodyWriter body;
  write_result(body, rehearsal.nominal);
  write_result(body, rehearsal.again);
  return body.text(rehearsal.singular_node).take();
}

Rehearsal decode_rehearsal(std::span<const std::uint8_t> bytes) {
  BodyReader body(bytes);
  Rehearsal rehearsal;
  rehearsal.nominal = read_result(body);
  rehearsal.again = read_result(body);
  rehearsal.singular_node = body.text();
  return rehearsal;
}

Bytes encode_waveforms(const Waveforms& waveforms) {
  BodyWriter body;
  body.numbers(waveforms.time).number(static_cast<std::uint64_t>(waveforms.names.size()));
  for (std::size_t i = 0; i < waveforms.names.size(); ++i) {
    body.text(waveforms.names[i]).numbers(waveforms.values[i]);
  }
  return body.take();
}

Waveforms decode_waveforms(std::span<const std::uint8_t> bytes) {
  BodyReader body(bytes);
  Waveforms waveforms;
  waveforms.time = body.numbers();
  const auto count = body.number<std::uint64_t>();
  for (std::uint64_t i = 0; i < count; ++i) {
    waveforms.names.push_back(body.text());
    waveforms.values.push_back(body.numbers());
  }
  return waveforms;
}

}  // namespace flare::engine
