#include "studies/cli/command_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "engine/base/hdf5_io.hpp"
#include "studies/cli/commands.hpp"
#include "studies/run/progress.hpp"
#include "studies/run/status_file.hpp"

namespace flare::studies {

namespace {

struct PartState {
  std::string text;
  bool done = false;
};

std::string age_of(const std::filesystem::path& file) { return format_duration(age_in_seconds(file)); }

PartState state_of_file(const std::filesystem::path& path) {
  const H5::H5File file = engine::open_result(path);
  if (engine::read_integer(file, "/", "complete") == 1) return {"done", true};
  const std::string shard = engine::read_text(file, "/", "shard");
  const std::size_t runs = engine::read_table(file, "/runs/runs").rows();
  const bool stopped = engine::has_attribute(file, "/", "stopped")
                           ? engine::read_integer(file, "/", "stopped") != 0
                           : shard == "1/1";
  if (stopped) return {fmt::format("stopped, {} runs kept; the same command goes on", runs), false};
  return {fmt::format("share {} done, {} runs", shard, runs), true};
}

PartState state_of(const std::filesystem::path& path) {
  const std::filesystem::path status = status_path(path);
  if (std::filesystem::exists(status)) {
    const RunStatus s = read_status(status);
    std::string text = fmt::format("{}: {}  {:.0f} %", s.stage, s.count, 100.0 * s.fraction);
    if (s.seconds_left >= 0.0) text += "  ETA " + format_duration(s.seconds_left);
    // Whoever is at it writes every few seconds.
    const bool silent = age_in_seconds(status) > 60.0;
    return {fmt::format("{}  on {} (process {}), {} {} ago", text, s.host, s.process,
                        silent ? "NO WORD since" : "said", age_of(status)),
            false};
  }
  if (std::filesystem::exists(path)) return state_of_file(path);
  const std::filesystem::path journal = path.string() + ".journal";
  if (std::filesystem::exists(journal))
    return {fmt::format("ended without a word, {} ago; the same command goes on", age_of(journal)), false};
  return {"not begun", false};
}

}  // namespace

int status_command(const std::vector<std::filesystem::path>& results) {
  std::size_t done = 0;
  std::size_t width = 0;
  for (const std::filesystem::path& path : results) width = std::max(width, path.string().size());
  for (const std::filesystem::path& path : results) {
    const PartState state = state_of(path);
    done += state.done ? 1 : 0;
    fmt::print("{:<{}}  {}\n", path.string(), width, state.text);
  }
  if (results.size() > 1) fmt::print("{} of {} done\n", done, results.size());
  return done == results.size() ? exit_done : exit_unfinished;
}

}  // namespace flare::studies
