#include "engine/store/run_store.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "engine/base/hdf5_io.hpp"
#include "engine/base/random_stream.hpp"
#include "engine/simulate/testbench_io.hpp"

namespace flare::engine {

namespace {

// A journal's records: one byte that says what it is, then its fields, all as in memory.
constexpr char record_stream = 'S';  // u32 number, name
// u32 stream, u64 index, u64 fingerprint, u8 outcome, u8 rung, u32 n, n doubles, message
constexpr char record_run = 'R';
constexpr std::uint32_t max_measures = 1u << 20;
constexpr std::size_t max_message = 500;

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

class ShortRecord : public std::runtime_error {
 public:
  ShortRecord() : std::runtime_error("a record is shorter than it says") {}
};

/// Reads fields from a payload; every read is checked against its end.
class Fields {
 public:
  explicit Fields(std::string_view payload) : rest_(payload) {}

  template <typename T>
  T get() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view take(std::size_t n) {
    if (n > rest_.size()) throw ShortRecord();
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  std::string_view rest() { return take(rest_.size()); }

 private:
  std::string_view rest_;
};

/// FNV-1a over the bytes of what decides a result.
class Hash {
 public:
  Hash& add(std::string_view bytes) {
    for (const char c : bytes) {
      state_ ^= static_cast<unsigned char>(c);
      state_ *= 0x100000001b3ULL;
    }
    state_ ^= 0xff;  // so that "ab","c" and "a","bc" differ
    state_ *= 0x100000001b3ULL;
    return *this;
  }
  Hash& add(double value) {
    return add(std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
  }
  Hash& add(std::uint64_t value) {
    return add(std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

}  // namespace

std::uint64_t fingerprint(const Testbench& testbench) {
  // Of the one serialisation there is, so that no field can be forgotten; the name is for messages only.
  Testbench unnamed = testbench;
  unnamed.name.clear();
  const std::vector<std::uint8_t> bytes = to_cbor(unnamed);
  return Hash().add({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).value();
}

std::uint64_t fingerprint(std::uint64_t testbench, const Eigen::Ref<const Eigen::RowVectorXd>& point) {
  Hash hash;
  hash.add(testbench);
  for (Eigen::Index i = 0; i < point.size(); ++i) hash.add(point[i]);
  return hash.value();
}

RunStore::RunStore(const std::filesystem::path& journal, const JournalOwner& owner, Existing existing)
    : journal_(std::make_unique<Journal>(journal, owner, existing, [this](std::string_view payload) {
        try {
          return take_record(payload);
        } catch (const ShortRecord&) {
          return false;
        }
      })) {}

/// Takes in a record of the journal; false for one that makes no sense.
bool RunStore::take_record(std::string_view payload) {
  Fields fields(payload);
  const char kind = fields.get<char>();
  if (kind == record_stream) {
    if (fields.get<std::uint32_t>() != from_journal_.size()) return false;
    const std::uint32_t number = stream_number(std::string(fields.rest()));
    in_journal_.emplace(number, static_cast<std::uint32_t>(from_journal_.size()));
    from_journal_.push_back(number);
    return true;
  }
  if (kind != record_run) return false;
  const auto stream = fields.get<std::uint32_t>();
  const auto index = fields.get<std::uint64_t>();
  Kept kept;
  kept.fingerprint = fields.get<std::uint64_t>();
  const auto outcome = fields.get<std::uint8_t>();
  kept.result.outcome = static_cast<Outcome>(outcome);
  kept.result.rung = fields.get<std::uint8_t>();
  const auto n = fields.get<std::uint32_t>();
  if (n > max_measures || stream >= from_journal_.size() ||
      outcome > static_cast<std::uint8_t>(Outcome::unmeasured))
    return false;
  kept.result.measures.resize(n);
  for (double& m : kept.result.measures) m = fields.get<double>();
  kept.result.message = std::string(fields.rest());
  const Key key{from_journal_[stream], index, kept.fingerprint};
  runs_.insert_or_assign(key, std::move(kept));
  return true;
}

std::uint32_t RunStore::stream_number(const std::string& stream) {
  const auto [place, fresh] = streams_.emplace(stream, static_cast<std::uint32_t>(stream_names_.size()));
  if (fresh) stream_names_.push_back(stream);
  return place->second;
}

void RunStore::keep_in_journal(std::uint32_t stream, std::uint64_t index, const Kept& kept) {
  if (!journal_) return;
  const auto [place, fresh] = in_journal_.emplace(stream, static_cast<std::uint32_t>(from_journal_.size()));
  if (fresh) {
    std::string payload(1, record_stream);
    put(payload, place->second);
    try {
      journal_->append(payload + stream_names_[stream]);
    } catch (...) {
      in_journal_.erase(place);
      throw;
    }
    from_journal_.push_back(stream);
  }
  std::string payload(1, record_run);
  put(payload, place->second);
  put(payload, index);
  put(payload, kept.fingerprint);
  put(payload, static_cast<std::uint8_t>(kept.result.outcome));
  put(payload, kept.result.rung);
  put(payload, static_cast<std::uint32_t>(kept.result.measures.size()));
  for (const double m : kept.result.measures) put(payload, m);
  journal_->append(payload + kept.result.message.substr(0, max_message));
}

const RunResult* RunStore::find(const std::string& stream, std::uint64_t index,
                                std::uint64_t fingerprint) const {
  const std::lock_guard lock(mutex_);
  const auto name = streams_.find(stream);
  if (name == streams_.end()) return nullptr;
  const auto place = runs_.find({name->second, index, fingerprint});
  if (place == runs_.end()) return nullptr;
  return &place->second.result;
}

void RunStore::add(const std::string& stream, std::uint64_t index, std::uint64_t fingerprint,
                   const RunResult& result) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t number = stream_number(stream);
  Kept kept{fingerprint, result, KeptBy::this_store};
  keep_in_journal(number, index, kept);
  runs_.insert_or_assign({number, index, fingerprint}, std::move(kept));
}

void RunStore::sync() {
  if (journal_) journal_->sync();
}

void RunStore::discard_journal() {
  if (journal_) journal_->discard();
  journal_.reset();
}

namespace {

constexpr const char* checksum_name = "checksum";

/// Of everything that /runs holds.
std::string checksum_of(const std::vector<std::string>& names, const Table& runs, const Matrix& measures) {
  Hash hash;
  for (const std::string& name : names) hash.add(name);
  for (const char* column : {"stream", "index", "fingerprint", "outcome", "rung", "measures"}) {
    for (const std::int64_t value : runs.integers(column)) hash.add(static_cast<std::uint64_t>(value));
  }
  for (const std::string& message : runs.texts("message")) hash.add(message);
  for (Eigen::Index m = 0; m < measures.rows(); ++m) hash.add(measures(m, 0));
  return fmt::format("{:016x}", hash.value());
}

}  // namespace

void RunStore::write_runs(H5::H5File& file) const {
  TableRows<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::string>
      rows({{{"stream", ""},
             {"index", ""},
             {"fingerprint", ""},
             {"outcome", ""},
             {"rung", ""},
             {"measures", ""},
             {"message", ""}}});
  std::vector<double> measures;
  for (const auto& [key, kept] : runs_) {
    if (kept.by == KeptBy::that_file) continue;
    rows.add(std::get<0>(key), static_cast<std::int64_t>(std::get<1>(key)),
             static_cast<std::int64_t>(kept.fingerprint), static_cast<std::int64_t>(kept.result.outcome),
             kept.result.rung, static_cast<std::int64_t>(kept.result.measures.size()), kept.result.message);
    measures.insert(measures.end(), kept.result.measures.begin(), kept.result.measures.end());
  }
  const Table runs = std::move(rows).table();
  write_table(file, "/runs/runs", runs);
  Table names;
  names.add("name", "", stream_names_);
  write_table(file, "/runs/streams", names);
  const Matrix values =
      Eigen::Map<const Matrix>(measures.data(), static_cast<Eigen::Index>(measures.size()), 1);
  write_matrix(file, "/runs/measures", values);
  write_attribute(file, "/runs", checksum_name, checksum_of(stream_names_, runs, values));
  notes_.write(file);
}

void RunStore::read_runs(const H5::H5File& file, KeptBy kept_by) {
  const std::vector<std::string> names = read_table(file, "/runs/streams").texts("name");
  const Table table = read_table(file, "/runs/runs");
  const Matrix values = read_matrix(file, "/runs/measures");
  const auto damaged = [&] {
    throw FileError(file.getFileName() +
                    ": /runs is not what was written there: the file is damaged or was altered; run it again "
                    "with --fresh");
  };
  if (values.cols() != 1 && values.rows() > 0) damaged();
  if (!has_attribute(file, "/runs", checksum_name) ||
      read_text(file, "/runs", checksum_name) != checksum_of(names, table, values))
    damaged();
  Eigen::Index next = 0;
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const auto stream = static_cast<std::size_t>(table.integers("stream")[r]);
    const std::int64_t count = table.integers("measures")[r];
    const std::int64_t outcome = table.integers("outcome")[r];
    if (stream >= names.size() || count < 0 || count > values.rows() - next || outcome < 0 ||
        outcome > static_cast<std::int64_t>(Outcome::unmeasured)) {
      damaged();
    }
    RunResult result;
    result.outcome = static_cast<Outcome>(outcome);
    result.rung = static_cast<std::uint8_t>(table.integers("rung")[r]);
    result.message = table.texts("message")[r];
    for (std::int64_t m = 0; m < count; ++m) result.measures.push_back(values(next++, 0));
    const auto index = static_cast<std::uint64_t>(table.integers("index")[r]);
    const auto print = static_cast<std::uint64_t>(table.integers("fingerprint")[r]);
    const Key key{stream_number(names[stream]), index, print};
    Kept kept{print, std::move(result), kept_by};
    if (kept_by == KeptBy::that_file) {
      runs_.try_emplace(key, std::move(kept));
    } else {
      runs_.insert_or_assign(key, std::move(kept));
    }
  }
  notes_.read(file);
}

std::vector<std::vector<RunResult>> run_all(Evaluator& evaluator, RunStore& store,
                                            std::span<const RunRequest> requests, std::stop_token stop,
                                            const OnProgress& on_progress) {
  std::vector<std::vector<RunResult>> results(requests.size());
  std::vector<Job> jobs;
  struct Origin {
    std::size_t request = 0;
    std::vector<std::size_t> rows;
    std::vector<std::uint64_t> prints;
  };
  std::vector<Origin> origins;
  RunProgress progress;
  const auto work = [](const RunRequest& request) {
    return static_cast<double>(request.testbench->deck.lines.size() + 1);
  };
  for (std::size_t q = 0; q < requests.size(); ++q) {
    const RunRequest& request = requests[q];
    const auto rows = static_cast<std::size_t>(request.points.rows());
    progress.runs_total += rows;
    progress.work_total += static_cast<double>(rows) * work(request);
    results[q].resize(rows);
    const std::uint64_t bench =
        request.testbench_fingerprint ? *request.testbench_fingerprint : fingerprint(*request.testbench);
    Origin origin{q, {}, {}};
    for (std::size_t r = 0; r < rows; ++r) {
      const std::uint64_t print = fingerprint(bench, request.points.row(static_cast<Eigen::Index>(r)));
      if (const RunResult* found = store.find(request.stream, request.first + r, print)) {
        results[q][r] = *found;
        ++progress.runs_done;
        progress.work_done += work(request);
        continue;
      }
      origin.rows.push_back(r);
      origin.prints.push_back(print);
    }
    if (origin.rows.empty()) continue;
    Job job{request.testbench, Matrix(static_cast<Eigen::Index>(origin.rows.size()), request.points.cols())};
    for (std::size_t i = 0; i < origin.rows.size(); ++i) {
      job.points.row(static_cast<Eigen::Index>(i)) =
          request.points.row(static_cast<Eigen::Index>(origin.rows[i]));
    }
    jobs.push_back(std::move(job));
    origins.push_back(std::move(origin));
  }
  if (on_progress) on_progress(progress);
  if (!jobs.empty()) {
    std::size_t since_sync = 0;
    evaluator.evaluate(
        jobs,
        [&](std::size_t j, std::size_t i, const RunResult& result) {
          const Origin& origin = origins[j];
          const std::size_t row = origin.rows[i];
          const RunRequest& request = requests[origin.request];
          store.add(request.stream, request.first + row, origin.prints[i], result);
          results[origin.request][row] = result;
          ++progress.runs_done;
          progress.work_done += work(request);
          if (++since_sync == 1000) {
            store.sync();
            since_sync = 0;
          }
          if (on_progress) on_progress(progress);
        },
        std::move(stop));
  }
  if (progress.runs_done < progress.runs_total) throw Stopped();
  return results;
}

}  // namespace flare::engine
