// flare_worker: one ngspice, spoken to over the socket it inherits as file descriptor 3. Started by
// WorkerPool, of no use by hand. It ends when the pool closes the socket or the pool's process dies.
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <new>
#include <string_view>

#include "engine/simulate/ngspice.hpp"
#include "engine/simulate/start_folder.hpp"
#include "engine/simulate/testbench_io.hpp"
#include "engine/simulate/testbench_runner.hpp"
#include "engine/workers/parent_tie.hpp"
#include "engine/workers/worker_process.hpp"
#include "engine/workers/worker_protocol.hpp"

namespace flare::engine {
namespace {

constexpr int gave_up_status = 2;  // over one run: for the pool a crash
constexpr std::size_t stack_bytes = std::size_t{16} << 20;

class Worker {
 public:
  int serve();

 private:
  std::optional<Message> receive();
  void send(MessageKind kind, std::span<const std::uint8_t> body);
  void answer(const Message& message);
  TestbenchRunner& runner();
  Bytes listing(std::span<const std::uint8_t> body);
  Bytes values(std::span<const std::uint8_t> body);
  Bytes rehearse(std::span<const std::uint8_t> body);
  Testbench enter(std::span<const std::uint8_t> body);

  NgspiceSimulator simulator_;
  int home_ = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);  // where the user is
  MessageCutter cutter_;
  Testbench testbench_;
  std::unique_ptr<TestbenchRunner> runner_;
};

std::optional<Message> Worker::receive() {
  // Filled by what is received, never read beyond it. NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  std::array<std::uint8_t, 65536> buffer;
  for (;;) {
    if (std::optional<Message> message = cutter_.next()) return message;
    const ssize_t got = recv(parent_socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    cutter_.feed({buffer.data(), static_cast<std::size_t>(got)});
  }
}

void Worker::send(MessageKind kind, std::span<const std::uint8_t> body) {
  Bytes out;
  append_message(kind, body, &out);
  for (std::size_t sent = 0; sent < out.size();) {
    const ssize_t put = ::send(parent_socket, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) throw ProtocolError("the pool has gone");
    sent += static_cast<std::size_t>(put);
  }
}

TestbenchRunner& Worker::runner() {
  if (!runner_) throw ProtocolError("a run before its testbench");
  return *runner_;
}

Eigen::RowVectorXd point(BodyReader& body) {
  const std::vector<double> values = body.numbers();
  return Eigen::Map<const Eigen::RowVectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
}

/// A testbench, in the folder that it works in: the user's where the user lets its netlist run commands, which may read
/// and write files; else one in which device models can leave nothing.
Testbench Worker::enter(std::span<const std::uint8_t> body) {
  Testbench testbench = testbench_from_cbor(body);
  const bool moved = testbench.deck.allow_commands ? fchdir(home_) == 0 : chdir(start_folder().c_str()) == 0;
  if (!moved) throw std::runtime_error("the working folder cannot be entered");
  return testbench;
}

Bytes Worker::listing(std::span<const std::uint8_t> body) {
  const Testbench asked = enter(body);
  runner_.reset();
  simulator_.load(asked.deck, asked.options, 0, {});
  const std::vector<std::string> lines = simulator_.listing();
  return BodyWriter().texts(lines).texts(simulator_.vector_names()).take();
}

Bytes Worker::values(std::span<const std::uint8_t> body) {
  runner_.reset();
  testbench_ = enter(body);
  return BodyWriter().numbers(TestbenchRunner(simulator_, testbench_).nominals()).take();
}

Bytes Worker::rehearse(std::span<const std::uint8_t> body) {
  runner_.reset();
  testbench_ = enter(body);
  return encode_rehearsal(TestbenchRunner(simulator_, testbench_).rehearse());
}

void Worker::answer(const Message& message) {
  BodyReader body(message.body);
  switch (message.kind) {
    case MessageKind::load:
      runner_.reset();
      testbench_ = enter(message.body);
      runner_ = std::make_unique<TestbenchRunner>(simulator_, testbench_);
      return;
    case MessageKind::run: {
      const auto tag = body.number<std::uint64_t>();
      return send(MessageKind::result, encode_result(tag, runner().run(point(body))));
    }
    case MessageKind::waveforms:
      return send(MessageKind::waveforms, encode_waveforms(runner().waveforms(point(body))));
    case MessageKind::listing:
      return send(MessageKind::listing, listing(message.body));
    case MessageKind::values:
      return send(MessageKind::values, values(message.body));
    case MessageKind::rehearse:
      return send(MessageKind::rehearse, rehearse(message.body));
    default:
      throw ProtocolError("a message that only workers send");
  }
}

int Worker::serve() {
  send(MessageKind::hello, BodyWriter().text(NgspiceSimulator::version()).take());
  while (std::optional<Message> message = receive()) {
    try {
      answer(*message);
    } catch (const ProtocolError&) {
      return 1;
    } catch (const std::bad_alloc&) {
      return no_memory_status;
    } catch (const SimulatorDied& error) {
      if (std::string_view(error.what()).find("can't allocate") != std::string_view::npos)
        return no_memory_status;
      if (message->kind == MessageKind::run && runner_ && runner_->has_loaded()) return gave_up_status;
      send(MessageKind::failed, BodyWriter().text(error.what()).take());
      return 0;
    } catch (const std::exception& error) {
      // After a netlist that failed, ngspice is not trusted with another.
      send(MessageKind::failed, BodyWriter().text(error.what()).take());
      return 0;
    }
  }
  return 0;
}

}  // namespace
}  // namespace flare::engine

namespace {

void* work(void* status) {
  try {
    *static_cast<int*>(status) = flare::engine::Worker().serve();
  } catch (const std::bad_alloc&) {
    *static_cast<int*>(status) = flare::engine::no_memory_status;
  } catch (const std::exception&) {
    // The pool sees the socket close; there is nobody else to tell.
  }
  return nullptr;
}

/// On a stack of its own: a small limit of the user's would end ngspice in large circuits, as if they were to blame.
int work_on_own_stack() {
  int status = 1;
  pthread_attr_t attributes;
  pthread_t thread{};
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, flare::engine::stack_bytes);
  if (pthread_create(&thread, &attributes, work, &status) != 0) return flare::engine::no_memory_status;
  pthread_join(thread, nullptr);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("flare_worker is started by flare\n", stderr);
    return 2;
  }
  if (!flare::engine::tie_to_parent(argv[1])) return 1;
  const int status = work_on_own_stack();
  // ngspice registers clean-up that is not needed and has been seen to hang after a failure.
  _exit(status);
}
