// Answers over the processes of a job. What one evaluation asks of one draw or die is a unit; units go round by number. Every
// rank but 0 has a process (flare_answers) that goes through the same evaluations as rank 0, computes its own units and sends
// their blocks; rank 0 computes its own, and waits for the others where it comes to them. What does not arrive, it computes
// itself: who answered never shows in the numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/error_model_file.hpp"
#include "engine/workers/worker_link.hpp"
#include "flare_arch/models/accuracy.hpp"

namespace flare::studies {

inline constexpr const char* answers_program = "flare_answers";
// What it is told and says, in the words of worker_protocol.hpp: it is loaded with a task, a result is a block of answers.
inline constexpr engine::MessageKind task_message = engine::MessageKind::load;
inline constexpr engine::MessageKind answers_message = engine::MessageKind::result;

/// A process's share of what all answer together.
struct AnswerShare {
  int index = 0;  // from 0
  int count = 1;

  bool has(std::size_t unit) const {
    return static_cast<int>(unit % static_cast<std::size_t>(count)) == index;
  }
};

/// The accuracy stage of a study, for a process that knows nothing else.
struct AnswerTask {
  std::string study;                     // text
  std::string study_file;                // where it stands: its paths start there
  std::string models;                    // file with /error_models
  std::vector<engine::ModelKey> keys{};  // of the error models that are asked about
  AnswerShare share{};
  int threads = 0;  // 0: all
};
std::string to_text(const AnswerTask& task);
/// Throws std::runtime_error for a text that is none.
AnswerTask answer_task(const std::string& text);

/// Who else answers.
class AnswerHelp {
 public:
  virtual ~AnswerHelp() = default;
  /// The block of a unit that begins with example `first`, from elsewhere; nothing where it is to be computed here.
  virtual std::optional<arch::AnswerBlock> block(std::uint64_t key, std::size_t unit, int repeat,
                                                 std::int64_t first) = 0;
  /// A block that was computed here.
  virtual void computed(std::uint64_t key, const arch::AnswerBlock& block) = 0;
  /// Only blocks count, not what they add up to.
  virtual bool only_blocks() const = 0;
};

/// Rank 0's side.
class SharedAnswers final : public AnswerHelp {
 public:
  /// A process of another rank, and the threads it may have.
  struct Helper {
    engine::WorkerLink* link = nullptr;
    int threads = 0;
  };
  /// `exchange`: moves what is under way to and from all ranks. `note`: told why a helper gave up.
  SharedAnswers(std::vector<Helper> helpers, std::function<bool()> exchange, std::stop_token stop,
                std::function<void(const std::string&)> note);
  ~SharedAnswers() override;

  /// Gives all helpers their shares. `task.share` and `task.threads` are filled in here.
  void begin(AnswerTask task);

  std::optional<arch::AnswerBlock> block(std::uint64_t key, std::size_t unit, int repeat,
                                         std::int64_t first) override;
  void computed(std::uint64_t, const arch::AnswerBlock&) override {}
  bool only_blocks() const override { return false; }
  /// Blocks that came from elsewhere.
  std::size_t received() const { return received_; }

 private:
  void listen();
  void take(const engine::Message& message);

  std::vector<Helper> helpers_;
  std::function<bool()> exchange_;
  std::stop_token stop_;
  std::function<void(const std::string&)> note_;
  std::map<std::tuple<std::uint64_t, int, std::int64_t>, arch::AnswerBlock>
      blocks_;  // that nobody asked for yet
  std::size_t received_ = 0;
};

}  // namespace flare::studies
