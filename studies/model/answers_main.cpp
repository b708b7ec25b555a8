// flare_answers: answers a share of an accuracy stage, spoken to over the socket it inherits. Started by other ranks of a job,
// of no use by hand.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <new>
#include <optional>
#include <string>

#include "engine/workers/parent_tie.hpp"
#include "engine/workers/worker_process.hpp"
#include "studies/model/accuracy_stage.hpp"

namespace flare::studies {
namespace {

void send_all(engine::MessageKind kind, const std::string& body) {
  engine::Bytes bytes;
  engine::append_message(kind, {reinterpret_cast<const std::uint8_t*>(body.data()), body.size()}, &bytes);
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(engine::parent_socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) throw engine::ProtocolError("nobody listens");
    sent += static_cast<std::size_t>(n);
  }
}

/// The one message that comes; nothing where the other end has gone.
std::optional<AnswerTask> receive_task() {
  engine::MessageCutter cutter;
  std::array<std::uint8_t, 65536> buffer{};
  while (true) {
    const ssize_t n = ::recv(engine::parent_socket, buffer.data(), buffer.size(), 0);
    if (n <= 0) return std::nullopt;
    cutter.feed({buffer.data(), static_cast<std::size_t>(n)});
    const std::optional<engine::Message> message = cutter.next();
    if (!message) continue;
    if (message->kind != task_message) throw engine::ProtocolError("a task is expected");
    return answer_task(std::string(message->body.begin(), message->body.end()));
  }
}

int serve() {
  try {
    const std::optional<AnswerTask> task = receive_task();
    if (!task) return 0;
    answer_share(*task, [](std::uint64_t key, const arch::AnswerBlock& block) {
      send_all(answers_message, answer_record(key, block));
    });
    return 0;
  } catch (const std::bad_alloc&) {
    return engine::no_memory_status;
  } catch (const std::exception& e) {
    try {
      send_all(engine::MessageKind::failed, e.what());
    } catch (const engine::ProtocolError&) {
      // The other end has gone, and needs no answer.
    }
    return 1;
  }
}

}  // namespace
}  // namespace flare::studies

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("flare_answers is started by flare\n", stderr);
    return 2;
  }
  if (!flare::engine::tie_to_parent(argv[1])) return 1;
  return flare::studies::serve();
}
