// Every run that was made, kept so that nothing is lost and nothing is simulated twice.
//
// While a study runs, each finished run is appended to a journal beside the result file (journal.hpp), one record a run.
// A run is found again by (stream, index) and by the fingerprint of everything it depends on (testbench and point): a
// stale journal can cost time but never give a wrong number.
#pragma once

#include <H5Cpp.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/simulate/evaluator.hpp"
#include "engine/store/estimate_notes.hpp"
#include "engine/store/journal.hpp"
#include "engine/store/store_error.hpp"

namespace flare::engine {

/// 64-bit hash of all that decides a testbench's results: deck, knobs, variables, analysis, options, measures.
std::uint64_t fingerprint(const Testbench& testbench);
/// The same with the point.
std::uint64_t fingerprint(std::uint64_t testbench, const Eigen::Ref<const Eigen::RowVectorXd>& point);

/// Whether the runs read from a file are written where this store's own are, or stay that file's.
enum class KeptBy { this_store, that_file };

class RunStore {
 public:
  /// In memory only.
  RunStore() = default;
  /// Opens or creates the journal and takes in what it holds. Throws what Journal does.
  RunStore(const std::filesystem::path& journal, const JournalOwner& owner,
           Existing existing = Existing::go_on);
  RunStore(const RunStore&) = delete;
  RunStore& operator=(const RunStore&) = delete;

  std::size_t size() const { return runs_.size(); }
  /// These three may be called from several threads.
  const RunResult* find(const std::string& stream, std::uint64_t index, std::uint64_t fingerprint) const;
  /// Keeps the run; in the journal too. Throws StoreError where the disk is full: what was kept before stays.
  void add(const std::string& stream, std::uint64_t index, std::uint64_t fingerprint,
           const RunResult& result);
  /// Asks the system to put the journal on the disk (against power loss; a killed process loses nothing anyway).
  void sync();
  /// Closes and deletes the journal: its runs are safe elsewhere.
  void discard_journal();

  /// Writes all runs under /runs, with a checksum, or takes in the runs under /runs of a part. What a file holds is
  /// safe there: it does not go into the journal again. Throws FileError where they are not what was written.
  void write_runs(H5::H5File& file) const;
  void read_runs(const H5::H5File& file, KeptBy kept_by = KeptBy::this_store);

  /// Written and read with the runs.
  EstimateNotes& notes() { return notes_; }

 private:
  struct Kept {
    std::uint64_t fingerprint = 0;
    RunResult result;
    KeptBy by = KeptBy::this_store;
  };
  // Stream number, index, fingerprint: points of a sweep share streams and keep what each of them needs.
  using Key = std::tuple<std::uint32_t, std::uint64_t, std::uint64_t>;

  std::uint32_t stream_number(const std::string& stream);
  bool take_record(std::string_view payload);
  void keep_in_journal(std::uint32_t stream, std::uint64_t index, const Kept& kept);

  mutable std::mutex mutex_;
  std::map<std::string, std::uint32_t> streams_;
  std::vector<std::string> stream_names_;
  std::map<Key, Kept> runs_;
  std::map<std::uint32_t, std::uint32_t> in_journal_;  // stream number -> its number there
  std::vector<std::uint32_t> from_journal_;            // and back
  std::unique_ptr<Journal> journal_;
  EstimateNotes notes_;
};

/// A stretch of one stream: row r of `points` is the sample (stream, first + r).
struct RunRequest {
  std::string stream;
  std::uint64_t first = 0;
  std::shared_ptr<const Testbench> testbench;
  Matrix points;
  /// fingerprint(*testbench), where the caller has it already.
  std::optional<std::uint64_t> testbench_fingerprint = std::nullopt;
};

/// How far run_all is. Work weighs a run by the size of its netlist, so that a time left can be told.
struct RunProgress {
  std::size_t runs_done = 0;  // found or made
  std::size_t runs_total = 0;
  double work_done = 0.0;
  double work_total = 0.0;
};
using OnProgress = std::function<void(const RunProgress& progress)>;

/// Results of all requests, in their order: found in the store, or evaluated and kept. Where `stop` is
/// requested, throws Stopped after everything finished has been kept.
std::vector<std::vector<RunResult>> run_all(Evaluator& evaluator, RunStore& store,
                                            std::span<const RunRequest> requests, std::stop_token stop = {},
                                            const OnProgress& on_progress = {});

}  // namespace flare::engine
