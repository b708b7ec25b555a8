#include "analysis/report/figure.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

extern char** environ;

namespace flare::analysis {
namespace {

constexpr std::chrono::seconds time_limit{60};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flare-figure-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw FigureError(pattern + ": cannot make a folder for a figure: " + std::strerror(errno));
    }
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream out(path, std::ios::binary);
  out << content;
  out.close();
  if (!out) throw FigureError(path.string() + ": cannot be written");
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Everything common to all figures, so that they look like one set.
std::string preamble(const std::string& name, FigureSize size) {
  return fmt::format(
      "set terminal svg size {},{} dynamic enhanced font 'Helvetica,15' background '#ffffff' name {}\n"
      "set output 'figure.svg'\n"
      "set encoding utf8\n"
      "set border 3 lc rgb '#555555' lw 1\n"
      "set tics nomirror textcolor rgb '#333333'\n"
      "set tics scale 0.5\n"
      "unset mxtics\n"
      "unset mytics\n"
      "set grid ytics lc rgb '#e4e4e4' lw 1 lt 1\n"
      "set key outside top center horizontal Left reverse samplen 2.4 textcolor rgb '#333333' noenhanced\n"
      "set style fill solid 0.25 noborder\n",
      size.width, size.height, gnuplot_text(name));
}

/// In `folder`, so that no script holds a path: one with a quote in it would be read as commands.
pid_t start_gnuplot(const std::string& folder, const std::string& log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  std::string program = "gnuplot";
  std::string defaults = "-d";  // no start-up files of the user
  std::string argument = "figure.gp";
  std::array<char*, 4> arguments = {program.data(), defaults.data(), argument.data(), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    throw FigureError("gnuplot is not installed: figures need it (Debian: apt install gnuplot-nox)");
  }
  if (error != 0) throw FigureError(std::string("gnuplot cannot be started: ") + std::strerror(error));
  return child;
}

int wait_for(pid_t child) {
  const auto end = std::chrono::steady_clock::now() + time_limit;
  int status = 0;
  while (true) {
    const pid_t done = ::waitpid(child, &status, WNOHANG);
    if (done == child) return status;
    if (done < 0 && errno != EINTR)
      throw FigureError(std::string("gnuplot was lost: ") + std::strerror(errno));
    if (std::chrono::steady_clock::now() > end) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      throw FigureError("gnuplot did not finish a figure in 60 s");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

namespace {

/// Values under the pointer: gnuplot calls a script of its own for them, which a page does not have; a title needs none.
std::string with_titles(const std::string& svg) {
  constexpr std::string_view begin = "<g onmousemove=\"gnuplot_svg.showHypertext(evt,'";
  constexpr std::string_view end = "')\" onmouseout=\"gnuplot_svg.hideHypertext()\"><title> </title>";
  std::string made;
  std::size_t from = 0;
  for (std::size_t at = svg.find(begin); at != std::string::npos; at = svg.find(begin, from)) {
    const std::size_t to = svg.find(end, at);
    if (to == std::string::npos) break;
    const std::string value = svg.substr(at + begin.size(), to - at - begin.size());
    made += svg.substr(from, at - from) +
            fmt::format("<g class=\"value\" data-value=\"{0}\"><title>{0}</title>", value);
    from = to + end.size();
  }
  return made + svg.substr(from);
}

}  // namespace

std::string draw_svg(const std::string& name, const std::string& script, const std::vector<DataFile>& data,
                     FigureSize size) {
  const TemporaryFolder folder;
  for (const DataFile& file : data) write_file(folder / file.name, file.content);
  const std::string output = (folder / "figure.svg").string();
  const std::string log = (folder / "log").string();
  write_file(folder / "figure.gp", preamble(name, size) + script);
  const int status = wait_for(start_gnuplot((folder / "").string(), log));
  std::string svg = read_file(output);
  const std::size_t start = svg.find("<svg");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || start == std::string::npos ||
      svg.find("</svg>") == std::string::npos) {
    throw FigureError("gnuplot failed at figure " + name + ": " + read_file(log).substr(0, 500));
  }
  return with_titles(svg.substr(start));
}

std::string gnuplot_text(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string quoted = "'";
  for (const char c : text.substr(0, longest)) {
    if (c == '\'') {
      quoted += "''";
    } else {
      quoted += c >= ' ' && c <= '~' && c != '`' ? c : '?';
    }
  }
  return quoted + "'";
}

std::string series_colour(std::size_t i) {
  static constexpr std::array<const char*, most_series> colours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                                   "#e69f00", "#56b4e9", "#444444"};
  return colours[i % colours.size()];
}

}  // namespace flare::analysis
