// The journal beside a result: records appended while a study runs, each with its checksum, so that a process killed at
// any moment leaves at most one torn record at the end, which opening cuts off.
//
// A journal is a plain file that begins with a header of this program; nothing else is ever opened for writing,
// followed or replaced. One process at a time has it (study_lock.hpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/store/store_error.hpp"
#include "engine/store/study_lock.hpp"

namespace flare::engine {

/// Whose runs a journal holds.
struct JournalOwner {
  std::uint64_t study = 0;        // all that decides the numbers
  std::uint64_t mathematics = 0;  // the bits this machine's functions give (mathematics.hpp)
  std::string file{};             // the study's file: a journal of it may be dropped
};

enum class Existing { go_on, drop };

class Journal {
 public:
  /// Called for every whole record; false where the rest is not to be believed.
  using OnRecord = std::function<bool(std::string_view payload)>;

  /// Opens or creates `path` and hands over what it holds. Throws FileError where something else is there, a journal of
  /// another study, or one made where functions give other bits; InUse where another process has it; StoreError where
  /// the disk does not take it. Where it throws, what was there is as it was. `drop` begins anew, unless the journal
  /// belongs to another study's file.
  Journal(const std::filesystem::path& path, const JournalOwner& owner, Existing existing,
          const OnRecord& on_record);
  /// Deletes a journal without records.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Throws StoreError where the disk is full: whole records stay. Throws InUse where another process has taken over.
  void append(std::string_view payload);
  /// Asks the system to put the journal on the disk.
  void sync();
  /// Deletes it: what it held is safe elsewhere.
  void discard();

 private:
  void open();
  void close();
  void load(const JournalOwner& owner, Existing existing, const OnRecord& on_record);
  void begin(const JournalOwner& owner);
  void cut(std::uint64_t bytes);
  void put(std::string_view payload);

  std::filesystem::path path_;
  int file_ = -1;
  std::optional<StudyLock> lock_;
  std::uint64_t bytes_ = 0;    // of whole records
  std::uint64_t records_ = 0;  // besides the header
};

}  // namespace flare::engine
