#include "engine/base/hdf5_probe.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/file_error.hpp"
#include "engine/base/hdf5_io.hpp"
#include "engine/base/hdf5_texts.hpp"

namespace flare::engine {

namespace {

constexpr int most_depth = 32;
constexpr int most_tries = 5;
constexpr std::size_t most_objects = 1'000'000;
constexpr rlim_t base_seconds = 2;  // a small file takes 0.02
constexpr rlim_t bytes_a_second = 5'000'000;
// Of memory: what compression at its best makes of a byte, read twice; of a small file what the library takes itself.
constexpr rlim_t least_memory = 16'000'000;
constexpr rlim_t memory_a_byte = 2'064;  // zlib's best is 1,032

/// Numbers without a heap are read up to here; more is but more of the same.
constexpr ReadLimits limits{20'000'000, std::size_t{16} << 20};

struct ReachesOut {};

/// What is read claims more memory than a file of this size can account for: the library asks for as much as a damaged
/// length says, up to 4 GB, and spends seconds on it.
struct ClaimsTooMuch {};

/// What cannot be listed cannot be looked at, and may yet be found by its name.
struct Damaged {};

/// Memory of this process while it is looking at a file of so many bytes.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::uintmax_t bytes) {
    ::getrlimit(RLIMIT_AS, &before_);
    const rlim_t most = in_use() + std::max(least_memory, memory_a_byte * static_cast<rlim_t>(bytes));
    const rlimit limit{std::min(most, before_.rlim_cur), before_.rlim_max};
    ::setrlimit(RLIMIT_AS, &limit);
    H5Eset_auto2(H5E_DEFAULT, &MemoryLimit::on_error, this);
  }
  ~MemoryLimit() {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    ::setrlimit(RLIMIT_AS, &before_);
  }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

  bool met() const { return met_; }

 private:
  static rlim_t in_use() {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return static_cast<rlim_t>(pages) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
  }

  static herr_t look_for(unsigned, const H5E_error2_t* error, void* met) {
    if (error->min_num == H5E_NOSPACE || error->min_num == H5E_CANTALLOC) *static_cast<bool*>(met) = true;
    return 0;
  }

  // While the library still knows: its next call, a destructor's, forgets.
  static herr_t on_error(hid_t stack, void* self) {
    return H5Ewalk2(stack, H5E_WALK_UPWARD, &MemoryLimit::look_for, &static_cast<MemoryLimit*>(self)->met_);
  }

  rlimit before_{};
  bool met_ = false;
};

/// Reads everything below a group in every way that readers do. What fails in order is the readers' to report.
class Walk {
 public:
  /// `texts_only`: while a TextCheck lives.
  Walk(H5::H5File& file, const MemoryLimit& memory, bool texts_only)
      : file_(file), memory_(memory), texts_only_(texts_only) {}

  void group(const std::string& path, int depth) {
    attributes(path);
    if (depth > most_depth) return;
    std::vector<std::string> names;
    must([&] { names = members(file_, path); });
    for (const std::string& name : names) {
      if (++objects_ > most_objects) return;
      const std::string below = path == "/" ? "/" + name : path + "/" + name;
      H5L_info_t link{};
      if (H5Lget_info(file_.getId(), below.c_str(), &link, H5P_DEFAULT) < 0) throw Damaged();
      if (link.type != H5L_TYPE_HARD) throw ReachesOut();
      H5O_type_t type = H5O_TYPE_UNKNOWN;
      must([&] { type = file_.childObjType(below); });
      if (type == H5O_TYPE_GROUP) group(below, depth + 1);
      if (type == H5O_TYPE_DATASET) dataset(below);
    }
  }

 private:
  template <typename Action>
  void try_to(Action&& action) const {
    try {
      action();
    } catch (const std::bad_alloc&) {
      throw ClaimsTooMuch();
    } catch (const H5::Exception&) {
    } catch (const std::exception&) {
    }
    if (memory_.met()) throw ClaimsTooMuch();
  }

  template <typename Action>
  void must(Action&& action) const {
    bool done = false;
    try_to([&] {
      action();
      done = true;
    });
    if (!done) throw Damaged();
  }

  void attributes(const std::string& path) {
    must([&] {
      const H5::H5Object* object = nullptr;
      H5::Group as_group;
      H5::DataSet as_dataset;
      if (path == "/" || file_.childObjType(path) == H5O_TYPE_GROUP) {
        as_group = file_.openGroup(path);
        object = &as_group;
      } else {
        as_dataset = file_.openDataSet(path);
        object = &as_dataset;
      }
      for (int a = 0; a < object->getNumAttrs(); ++a) {
        const std::string name = object->openAttribute(static_cast<unsigned>(a)).getName();
        try_to([&] { read_texts(file_, path, name); });
        if (!texts_only_) try_to([&] { read_numbers(file_, path, name); });
      }
    });
  }

  void dataset(const std::string& path) {
    try_to([&] {
      const H5::DSetCreatPropList made = file_.openDataSet(path).getCreatePlist();
      if (H5Pget_external_count(made.getId()) > 0 || H5Pget_layout(made.getId()) == H5D_VIRTUAL)
        throw ReachesOut();
    });
    attributes(path);
    if (texts_only_) return try_to([&] { TextCheck::read_table(file_.openDataSet(path)); });
    try_to([&] { read_table(file_, path, limits); });
    try_to([&] { read_matrix(file_, path, limits); });
  }

  H5::H5File& file_;
  const MemoryLimit& memory_;
  bool texts_only_;
  std::size_t objects_ = 0;
};

/// What looking at a file comes to.
template <typename Action>
Look look_of(const std::filesystem::path& path, Action&& action) {
  try {
    H5::H5File file = open_unprobed(path);
    const MemoryLimit memory(std::filesystem::file_size(path));
    return action(file, memory);
  } catch (const ReachesOut&) {
    return Look::reaches_out;
  } catch (const ClaimsTooMuch&) {
    return Look::claims_too_much;
  } catch (const Damaged&) {
    return Look::damaged;
  } catch (const H5::Exception&) {
  } catch (const std::exception&) {
  }
  return Look::fine;
}

Look check_texts(const std::filesystem::path& path) {
  return look_of(path, [&](H5::H5File& file, const MemoryLimit& memory) {
    std::optional<TextCheck> texts;
    try {
      texts.emplace(path, file);
    } catch (const FileError&) {
      return Look::damaged;
    }
    Walk(file, memory, true).group("/", 0);
    return texts->passed() ? Look::fine : Look::damaged;
  });
}

using Looking = Look (*)(const std::filesystem::path& path);

[[noreturn]] void look_as_child(const std::filesystem::path& path, rlim_t seconds, Looking looking) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU}) ::signal(signal, SIG_DFL);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const rlimit time{seconds, seconds + 2};  // past the first it is SIGXCPU that ends the child, which is ours
  ::setrlimit(RLIMIT_CPU, &time);
  ::_exit(static_cast<int>(looking(path)));
}

/// Whether a process brings this signal on itself.
bool is_own_end(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGFPE || signal == SIGILL ||
         signal == SIGXCPU;
}

/// How the child ended that read the file.
int look_at(const std::filesystem::path& file, rlim_t seconds, Looking looking) {
  const pid_t child = ::fork();
  if (child < 0)
    throw FileError(fmt::format("{}: cannot be looked at: {}", file.string(), std::strerror(errno)));
  if (child == 0) look_as_child(file, seconds, looking);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 0;  // somebody else has taken its status
  }
  return status;
}

}  // namespace

H5::H5File open_unprobed(const std::filesystem::path& file) {
  H5::Exception::dontPrint();
  H5::FileAccPropList access;
  // Results are renamed into place whole, so readers need no locks; some file systems have none.
  H5Pset_file_locking(access.getId(), 0, 1);
  try {
    return {file.string(), H5F_ACC_RDONLY, H5::FileCreatPropList::DEFAULT, access};
  } catch (const H5::Exception&) {
    throw FileError(file.string() + ": not an HDF5 file, or damaged, or not readable");
  }
}

Look read_everything(const std::filesystem::path& path) {
  return look_of(path, [](H5::H5File& file, const MemoryLimit& memory) {
    Walk(file, memory, false).group("/", 0);
    return Look::fine;
  });
}

namespace {

/// Throws FileError, of what a child that looks comes to.
void look(const std::filesystem::path& file, Looking looking) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) {
    if (errno == ENOENT) throw FileError(file.string() + ": no such file");
    throw FileError(fmt::format("{}: {}", file.string(), std::strerror(errno)));
  }
  if (!S_ISREG(about.st_mode)) throw FileError(file.string() + ": is not a file");
  const rlim_t seconds = base_seconds + static_cast<rlim_t>(about.st_size) / bytes_a_second;
  int status = look_at(file, seconds, looking);
  // Killed from outside says nothing of the file.
  for (int tries = 1; tries < most_tries && WIFSIGNALED(status) && !is_own_end(WTERMSIG(status)); ++tries)
    status = look_at(file, seconds, looking);
  const int seen = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (seen == static_cast<int>(Look::fine)) return;
  if (seen == static_cast<int>(Look::reaches_out))
    throw FileError(file.string() + ": reaches into other files by links or external storage; not read");
  if (seen == static_cast<int>(Look::claims_too_much))
    throw FileError(file.string() + ": damaged: claims more memory than a file of its size can fill");
  if (seen == static_cast<int>(Look::damaged))
    throw FileError(file.string() + ": damaged: what it lists, or texts, are not where it says");
  throw FileError(file.string() + ": damaged: the HDF5 library crashes or hangs on it");
}

}  // namespace

void probe_texts(const std::filesystem::path& file) { look(file, &check_texts); }

void probe_hdf5(const std::filesystem::path& file) {
  probe_texts(file);
  look(file, &read_everything);
}

}  // namespace flare::engine
