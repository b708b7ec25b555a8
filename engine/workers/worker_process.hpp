// One worker program in a process of its own, and this end of its socket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <span>

#include "engine/workers/worker_protocol.hpp"

namespace flare::engine {

/// A worker that has said nothing for this long after its start has failed.
inline constexpr std::chrono::milliseconds worker_start_limit{30'000};

/// `given`, or where that is empty the flare_worker beside this program, then in ../libexec/flare.
std::filesystem::path find_worker(const std::filesystem::path& given);

/// A worker that ends with this status got no memory.
inline constexpr int no_memory_status = 77;

/// What the end of a worker was.
enum class Death {
  crash,  // its own doing: a fault, an abort, an exit
  from_outside  // a signal that programs do not send themselves (the kernel out of memory, a batch system), no memory
};

class WorkerProcess {
 public:
  WorkerProcess() = default;
  ~WorkerProcess() { kill(); }
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  bool running() const { return pid_ > 0; }
  int socket() const { return socket_; }
  pid_t pid() const { return pid_; }
  bool wants_to_send() const { return sent_ < out_.size(); }

  void start(const std::filesystem::path& program);
  /// Ends the process at once.
  void kill();
  /// Takes leave of a worker that has closed its socket, and says how it ended; one that has not ended is killed.
  Death bury();
  /// Processor time it has used, s.
  double processor_time() const;
  /// Memory it holds, bytes.
  std::size_t resident_bytes() const;
  /// Lets an idle process end by itself, for a while.
  void dismiss();

  void post(MessageKind kind, std::span<const std::uint8_t> body);
  /// Both return false once the worker is gone.
  bool flush();
  bool receive();
  std::optional<Message> next() { return cutter_.next(); }

 private:
  void forget();

  pid_t pid_ = -1;
  int socket_ = -1;
  Bytes out_;
  std::size_t sent_ = 0;
  MessageCutter cutter_;
};

}  // namespace flare::engine
