#include "engine/store/run_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/crc.hpp>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "engine/base/hdf5_io.hpp"
#include "engine/base/random_stream.hpp"
#include "engine/simulate/testbench_io.hpp"

namespace flare::engine {

namespace {

// Journal: records of [u32 length][u32 crc-32 of the payload][payload], all little-endian as in memory.
// Payload: one byte that says what it is, then its fields. The first record is the header.
constexpr char record_header = 'H';  // "flare-journal/1", u64 study
constexpr char record_stream = 'S';  // u32 number, name
// u32 stream, u64 index, u64 fingerprint, u8 outcome, u8 rung, u32 n, n doubles, message
constexpr char record_run = 'R';
constexpr std::string_view journal_format = "flare-journal/1";
constexpr std::uint32_t max_record = 1u << 24;

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

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
    if (n > rest_.size()) throw StoreError("a record is shorter than it says");
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  std::string_view rest() { return take(rest_.size()); }

 private:
  std::string_view rest_;
};

std::uint32_t crc(std::string_view payload) {
  boost::crc_32_type sum;
  sum.process_bytes(payload.data(), payload.size());
  return sum.checksum();
}

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

RunStore::RunStore(const std::filesystem::path& journal, std::uint64_t study) : path_(journal) {
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) {
    throw StoreError(fmt::format("{}: cannot be written ({}); choose another place with -o", path_.string(),
                                 std::strerror(errno)));
  }
  try {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      throw StoreError(path_.string() +
                       ": another flare is running this study; wait for it, or choose another -o");
    }
    load_journal(study);
  } catch (...) {
    ::close(file_);
    file_ = -1;
    throw;
  }
}

RunStore::~RunStore() {
  if (file_ >= 0) ::close(file_);
}

void RunStore::load_journal(std::uint64_t study) {
  std::ifstream in(path_, std::ios::binary);
  std::vector<std::uint32_t> numbers;  // stream numbers in the file -> ours
  std::string payload;
  bool headed = false;
  while (true) {
    std::uint32_t head[2];
    if (!in.read(reinterpret_cast<char*>(head), sizeof head) || head[0] == 0 || head[0] > max_record) break;
    payload.resize(head[0]);
    if (!in.read(payload.data(), static_cast<std::streamsize>(payload.size())) || crc(payload) != head[1])
      break;
    Fields fields(payload);
    const char kind = fields.get<char>();
    if (!headed) {
      if (kind != record_header || fields.take(journal_format.size()) != journal_format) {
        throw StoreError(path_.string() + ": is not a journal of this program; move it away");
      }
      if (fields.get<std::uint64_t>() != study) {
        throw StoreError(
            path_.string() +
            ": holds the unfinished run of another study; finish that one, use --fresh to drop it, or "
            "choose another -o");
      }
      headed = true;
    } else if (kind == record_stream) {
      const auto in_file = fields.get<std::uint32_t>();
      if (in_file != numbers.size()) throw StoreError(path_.string() + ": streams out of order; use --fresh");
      const std::string name(fields.rest());
      const auto [place, fresh] = streams_.emplace(name, static_cast<std::uint32_t>(stream_names_.size()));
      if (fresh) stream_names_.push_back(name);
      numbers.push_back(place->second);
    } else if (kind == record_run) {
      const auto stream = fields.get<std::uint32_t>();
      const auto index = fields.get<std::uint64_t>();
      Kept kept;
      kept.fingerprint = fields.get<std::uint64_t>();
      kept.result.outcome = static_cast<Outcome>(fields.get<std::uint8_t>());
      kept.result.rung = fields.get<std::uint8_t>();
      const auto n = fields.get<std::uint32_t>();
      if (n > max_record / sizeof(double) || stream >= numbers.size()) break;
      kept.result.measures.resize(n);
      for (double& m : kept.result.measures) m = fields.get<double>();
      kept.result.message = std::string(fields.rest());
      const Key key{numbers[stream], index, kept.fingerprint};
      runs_.insert_or_assign(key, std::move(kept));
    }
    journal_bytes_ += sizeof head + payload.size();
  }
  // What follows the last whole record was being written when the process died.
  if (::ftruncate(file_, static_cast<off_t>(journal_bytes_)) != 0 || ::lseek(file_, 0, SEEK_END) < 0) {
    throw StoreError(fmt::format("{}: cannot be written ({})", path_.string(), std::strerror(errno)));
  }
  if (!headed) {
    std::string header(1, record_header);
    header += journal_format;
    put(header, study);
    append(header);
  }
}

void RunStore::append(std::string_view payload) {
  if (file_ < 0) return;
  std::string record;
  put(record, static_cast<std::uint32_t>(payload.size()));
  put(record, crc(payload));
  record += payload;
  std::size_t written = 0;
  while (written < record.size()) {
    const ssize_t n = ::write(file_, record.data() + written, record.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int reason = errno;
      // Leave whole records only.
      if (::ftruncate(file_, static_cast<off_t>(journal_bytes_)) == 0) ::lseek(file_, 0, SEEK_END);
      throw StoreError(
          fmt::format("{}: cannot be written ({}); all runs made so far are kept there: make room and "
                      "run the same command again",
                      path_.string(), std::strerror(reason)));
    }
    written += static_cast<std::size_t>(n);
  }
  journal_bytes_ += record.size();
}

std::uint32_t RunStore::stream_number(const std::string& stream) {
  const auto place = streams_.find(stream);
  if (place != streams_.end()) return place->second;
  const auto fresh = static_cast<std::uint32_t>(stream_names_.size());
  std::string payload(1, record_stream);
  put(payload, fresh);
  payload += stream;
  append(payload);
  streams_.emplace(stream, fresh);
  stream_names_.push_back(stream);
  return fresh;
}

const RunResult* RunStore::find(const std::string& stream, std::uint64_t index,
                                std::uint64_t fingerprint) const {
  const auto name = streams_.find(stream);
  if (name == streams_.end()) return nullptr;
  const auto place = runs_.find({name->second, index, fingerprint});
  if (place == runs_.end()) return nullptr;
  return &place->second.result;
}

void RunStore::add(const std::string& stream, std::uint64_t index, std::uint64_t fingerprint,
                   const RunResult& result) {
  const std::uint32_t number = stream_number(stream);
  std::string payload(1, record_run);
  put(payload, number);
  put(payload, index);
  put(payload, fingerprint);
  put(payload, static_cast<std::uint8_t>(result.outcome));
  put(payload, result.rung);
  put(payload, static_cast<std::uint32_t>(result.measures.size()));
  for (const double m : result.measures) put(payload, m);
  payload += result.message.substr(0, 500);
  append(payload);
  runs_.insert_or_assign({number, index, fingerprint}, Kept{fingerprint, result});
}

void RunStore::sync() {
  if (file_ >= 0) ::fdatasync(file_);
}

void RunStore::discard_journal() {
  if (file_ < 0) return;
  std::filesystem::remove(path_);
  ::close(file_);
  file_ = -1;
}

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
    rows.add(std::get<0>(key), static_cast<std::int64_t>(std::get<1>(key)),
             static_cast<std::int64_t>(kept.fingerprint), static_cast<std::int64_t>(kept.result.outcome),
             kept.result.rung, static_cast<std::int64_t>(kept.result.measures.size()), kept.result.message);
    measures.insert(measures.end(), kept.result.measures.begin(), kept.result.measures.end());
  }
  write_table(file, "/runs/runs", std::move(rows).table());
  Table names;
  names.add("name", "", stream_names_);
  write_table(file, "/runs/streams", names);
  const Matrix values =
      Eigen::Map<const Matrix>(measures.data(), static_cast<Eigen::Index>(measures.size()), 1);
  write_matrix(file, "/runs/measures", values);
}

void RunStore::read_runs(const H5::H5File& file) {
  const std::vector<std::string> names = read_table(file, "/runs/streams").texts("name");
  const Table table = read_table(file, "/runs/runs");
  const Matrix values = read_matrix(file, "/runs/measures");
  Eigen::Index next = 0;
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const auto stream = static_cast<std::size_t>(table.integers("stream")[r]);
    const std::int64_t count = table.integers("measures")[r];
    const std::int64_t outcome = table.integers("outcome")[r];
    if (stream >= names.size() || count < 0 || count > values.rows() - next || outcome < 0 ||
        outcome > static_cast<std::int64_t>(Outcome::unmeasured)) {
      throw FileError(file.getFileName() + ": /runs is damaged; use --fresh");
    }
    RunResult result;
    result.outcome = static_cast<Outcome>(outcome);
    result.rung = static_cast<std::uint8_t>(table.integers("rung")[r]);
    result.message = table.texts("message")[r];
    for (std::int64_t m = 0; m < count; ++m) result.measures.push_back(values(next++, 0));
    add(names[stream], static_cast<std::uint64_t>(table.integers("index")[r]),
        static_cast<std::uint64_t>(table.integers("fingerprint")[r]), result);
  }
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
        stop);
  }
  if (progress.runs_done < progress.runs_total) throw Stopped();
  return results;
}

}  // namespace flare::engine
