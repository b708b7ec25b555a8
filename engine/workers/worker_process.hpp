// One worker program in a process of its own, and this end of its socket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "engine/workers/worker_link.hpp"

namespace flare::engine {

/// A worker that has said nothing for this long after its start has failed.
inline constexpr std::chrono::milliseconds worker_start_limit{30'000};

/// A program of ours: beside this one, or in ../libexec/flare.
std::filesystem::path find_program(const std::string& name);
/// `given`, or where that is empty flare_worker where find_program() finds it.
std::filesystem::path find_worker(const std::filesystem::path& given);

/// A worker that ends with this status got no memory.
inline constexpr int no_memory_status = 77;

class WorkerProcess final : public WorkerLink {
 public:
  ~WorkerProcess() override { end(); }

  bool running() const override { return pid_ > 0; }
  int socket() const override { return socket_; }
  pid_t pid() const { return pid_; }

  void start(const std::filesystem::path& program) override;
  void kill() override { end(); }
  Death bury() override;
  double processor_time() const override;
  std::size_t resident_bytes() const override;
  void dismiss() override;
  bool flush() override;
  bool receive() override;

 private:
  void end();
  void forget();

  pid_t pid_ = -1;
  int socket_ = -1;
};

}  // namespace flare::engine
