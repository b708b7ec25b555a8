#include "engine/base/hdf5_probe.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/file_error.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::engine {

namespace {

constexpr int reaches_out = 3;  // exit status of the child
constexpr int most_depth = 32;
constexpr int most_tries = 5;
constexpr std::size_t most_objects = 1'000'000;
constexpr rlim_t base_seconds = 5;
constexpr rlim_t bytes_a_second = 5'000'000;

/// Numbers without a heap are read up to here; more is but more of the same.
constexpr ReadLimits limits{20'000'000, std::size_t{16} << 20};

template <typename Action>
void try_to(Action&& action) {
  try {
    action();
  } catch (const H5::Exception&) {
  } catch (const std::exception&) {
  }
}

struct ReachesOut {};

/// Reads everything below a group in every way that readers do. What fails in order is the readers' to report.
class Walk {
 public:
  explicit Walk(H5::H5File& file) : file_(file) {}

  void group(const std::string& path, int depth) {
    attributes(path);
    if (depth > most_depth) return;
    std::vector<std::string> names;
    try_to([&] { names = members(file_, path); });
    for (const std::string& name : names) {
      if (++objects_ > most_objects) return;
      const std::string below = path == "/" ? "/" + name : path + "/" + name;
      H5L_info_t link{};
      if (H5Lget_info(file_.getId(), below.c_str(), &link, H5P_DEFAULT) < 0) continue;
      if (link.type != H5L_TYPE_HARD) throw ReachesOut();
      H5O_type_t type = H5O_TYPE_UNKNOWN;
      try_to([&] { type = file_.childObjType(below); });
      if (type == H5O_TYPE_GROUP) group(below, depth + 1);
      if (type == H5O_TYPE_DATASET) dataset(below);
    }
  }

 private:
  void attributes(const std::string& path) {
    try_to([&] {
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
        try_to([&] { read_numbers(file_, path, name); });
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
    try_to([&] { read_table(file_, path, limits); });
    try_to([&] { read_matrix(file_, path, limits); });
  }

  H5::H5File& file_;
  std::size_t objects_ = 0;
};

[[noreturn]] void read_all(const std::filesystem::path& path, rlim_t seconds) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU}) ::signal(signal, SIG_DFL);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const rlimit time{seconds, seconds + 2};  // past the first it is SIGXCPU that ends the child, which is ours
  ::setrlimit(RLIMIT_CPU, &time);
  ::_exit(read_everything(path) ? 0 : reaches_out);
}

/// Whether a process brings this signal on itself.
bool is_own_end(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGFPE || signal == SIGILL ||
         signal == SIGXCPU;
}

/// How the child ended that read the file.
int look_at(const std::filesystem::path& file, rlim_t seconds) {
  const pid_t child = ::fork();
  if (child < 0)
    throw FileError(fmt::format("{}: cannot be looked at: {}", file.string(), std::strerror(errno)));
  if (child == 0) read_all(file, seconds);
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

bool read_everything(const std::filesystem::path& path) {
  try {
    try_to([&] {
      H5::H5File file = open_unprobed(path);
      Walk(file).group("/", 0);
    });
  } catch (const ReachesOut&) {
    return false;
  }
  return true;
}

void probe_hdf5(const std::filesystem::path& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) {
    if (errno == ENOENT) throw FileError(file.string() + ": no such file");
    throw FileError(fmt::format("{}: {}", file.string(), std::strerror(errno)));
  }
  if (!S_ISREG(about.st_mode)) throw FileError(file.string() + ": is not a file");
  const rlim_t seconds = base_seconds + static_cast<rlim_t>(about.st_size) / bytes_a_second;
  int status = look_at(file, seconds);
  // Killed from outside says nothing of the file.
  for (int tries = 1; tries < most_tries && WIFSIGNALED(status) && !is_own_end(WTERMSIG(status)); ++tries)
    status = look_at(file, seconds);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  if (WIFEXITED(status) && WEXITSTATUS(status) == reaches_out)
    throw FileError(file.string() + ": reaches into other files by links or external storage; not read");
  throw FileError(file.string() + ": damaged: the HDF5 library crashes or hangs on it");
}

}  // namespace flare::engine
