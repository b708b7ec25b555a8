// Answers that outlive the process: a file beside the result, to which every finished block of examples is appended.
//
// Each record stands by itself behind its length and its hash, so that one that was cut off by a killed process is told from
// a whole one and dropped with what follows. A record belongs to an evaluation by the hash of all that its answers depend on:
// another model, error model, seed or width finds nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "flare_arch/models/accuracy.hpp"

namespace flare::studies {

class AnswerJournal {
 public:
  /// Opens or begins `file`. Throws StudyError where it cannot be written, or is no journal.
  explicit AnswerJournal(std::filesystem::path file);

  /// Blocks of examples that were found.
  std::size_t size() const { return blocks_.size(); }
  /// The blocks of one evaluation. The journal outlives the store.
  class Evaluation : public arch::AnswerStore {
   public:
    Evaluation(AnswerJournal& journal, std::uint64_t key) : journal_(journal), key_(key) {}
    std::optional<arch::AnswerBlock> recall(int repeat, std::int64_t first) override;
    void keep(const arch::AnswerBlock& block) override;

   private:
    AnswerJournal& journal_;
    std::uint64_t key_;
  };
  /// Closes and removes the file: its answers are in the result.
  void remove();

 private:
  using Place = std::tuple<std::uint64_t, int, std::int64_t>;  // evaluation, repeat, first example
  void read();

  std::filesystem::path file_;
  std::map<Place, arch::AnswerBlock> blocks_;
  std::ofstream out_;
};

/// A block with the evaluation it belongs to, as bytes.
std::string answer_record(std::uint64_t key, const arch::AnswerBlock& block);
/// False for bytes that are no record.
bool read_answer_record(std::string_view bytes, std::uint64_t* key, arch::AnswerBlock* block);

/// Hash of all that the answers of an evaluation depend on; `inputs`: of the model's and the data set's files.
std::uint64_t evaluation_key(const arch::AccuracyOptions& options, std::uint64_t inputs);

}  // namespace flare::studies
