// What estimates came to, for those who share out what is left to do: parts of a study hand it on, so that nobody has to
// think it all through again. It decides who runs what, and never a number of a result.
#pragma once

#include <H5Cpp.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace flare::engine {

struct EstimateNote {
  std::uint64_t runs = 0;  // that it took
  bool refused = false;    // some of its questions have no answer
};

/// By the stream that an estimate's runs are of, and the hash of all else that decides what it comes to.
class EstimateNotes {
 public:
  /// These two may be called from several threads.
  void add(const std::string& stream, std::uint64_t asked, EstimateNote note);
  std::optional<EstimateNote> find(const std::string& stream, std::uint64_t asked) const;

  /// Table /runs/notes; what a file without one holds is nothing. Throws FileError.
  void write(H5::H5File& file) const;
  void read(const H5::H5File& file);

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::uint64_t>, EstimateNote> notes_;
};

}  // namespace flare::engine
