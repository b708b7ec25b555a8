// What the program makes of the process it finds itself in, and of the signals it is sent.
#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

namespace flare::studies {

/// Before anything else: standard streams that are closed are opened to /dev/null, so that no file of ours can become
/// one of them; a reader of our output that goes away and a file that grows to its limit are no reason to end, but writes
/// that fail; files we make are ours to read, whatever the umask.
void prepare_process();

/// The status to end with: `status`, or a failure where what was printed did not reach its place (a full disk). A
/// reader that has seen enough is no failure.
int finish_output(int status);

/// Requests a stop on the first INT, TERM, HUP, USR1, USR2 or XCPU; ends the program, and says so, on one that comes
/// more than a second later. A HUP that is ignored (nohup) stays ignored.
class SignalWatch {
 public:
  SignalWatch();

  std::stop_token token() const { return stop_.get_token(); }

 private:
  void watch(const std::stop_token& done);

  sigset_t signals_{};
  std::stop_source stop_;
  std::jthread watcher_;
};

}  // namespace flare::studies
