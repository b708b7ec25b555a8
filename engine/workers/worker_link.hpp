// One worker as whoever schedules runs sees it, on this machine or behind another process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/workers/worker_protocol.hpp"

namespace flare::engine {

/// What the end of a worker was.
enum class Death : std::uint8_t {
  crash,  // its own doing: a fault, an abort, an exit
  from_outside  // a signal that programs do not send themselves (the kernel out of memory, a batch system), no memory
};

class WorkerLink {
 public:
  WorkerLink() = default;
  virtual ~WorkerLink() = default;
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  virtual bool running() const = 0;
  /// To be polled; below zero: none.
  virtual int socket() const { return -1; }
  /// Something has arrived that no socket tells of.
  virtual bool has_news() const { return false; }

  /// Starts it anew; `program` is that of this machine.
  virtual void start(const std::filesystem::path& program) = 0;
  /// Ends it at once.
  virtual void kill() = 0;
  /// Takes leave of one that has closed its end, and says how it died; one that has not ended is killed.
  virtual Death bury() = 0;
  /// Processor time it has used, s, and memory it holds, as far as is known here.
  virtual double processor_time() const = 0;
  virtual std::size_t resident_bytes() const = 0;
  /// Lets an idle one end by itself, for a while.
  virtual void dismiss() = 0;

  void post(MessageKind kind, std::span<const std::uint8_t> body);
  bool wants_to_send() const { return sent_ < out_.size(); }
  /// Both return false once the worker is gone.
  virtual bool flush() = 0;
  virtual bool receive() = 0;
  std::optional<Message> next() { return cutter_.next(); }

 protected:
  /// What is unsent of what was posted.
  std::span<const std::uint8_t> unsent() const { return std::span(out_).subspan(sent_); }
  void sent(std::size_t bytes) { sent_ += bytes; }
  void arrived(std::span<const std::uint8_t> bytes) { cutter_.feed(bytes); }
  /// Forgets what was said in either direction.
  void clear();

 private:
  Bytes out_;
  std::size_t sent_ = 0;
  MessageCutter cutter_;
};

/// Workers that other processes start and speak to.
class RemoteWorkers {
 public:
  virtual ~RemoteWorkers() = default;
  virtual std::vector<std::unique_ptr<WorkerLink>> links() = 0;
  /// Moves what is under way, without waiting; true where something has arrived for one of the links.
  virtual bool exchange() = 0;
};

}  // namespace flare::engine
