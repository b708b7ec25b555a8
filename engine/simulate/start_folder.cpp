#include "engine/simulate/start_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace flare::engine {

std::filesystem::path start_folder() {
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
  const std::filesystem::path folder = program.parent_path() / "flare_ngspice";
  if (std::filesystem::exists(folder / "spinit") && std::filesystem::exists(folder / ".spiceinit"))
    return folder;
  throw std::runtime_error(folder.string() + ": is missing; it belongs beside " +
                           program.filename().string());
}

WorkingFolder::WorkingFolder(const std::filesystem::path& folder)
    : before_(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (::chdir(folder.c_str()) == 0) return;
  const int reason = errno;
  if (before_ >= 0) ::close(before_);
  throw std::system_error(reason, std::generic_category(), folder.string());
}

WorkingFolder::~WorkingFolder() {
  if (before_ < 0) return;
  [[maybe_unused]] const int status = ::fchdir(before_);  // a folder that was left can be entered again
  ::close(before_);
}

}  // namespace flare::engine
