#include "studies/run/status_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace flare::studies {

std::filesystem::path status_path(const std::filesystem::path& result) { return result.string() + ".status"; }

void write_status(const std::filesystem::path& file, RunStatus status) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const nlohmann::json json = {{"host", host.data()},         {"process", ::getpid()},
                               {"stage", status.stage},       {"count", status.count},
                               {"fraction", status.fraction}, {"seconds_left", status.seconds_left}};
  const std::filesystem::path fresh = file.string() + ".new";
  std::error_code ignored;
  {
    std::ofstream out(fresh);
    out << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    if (!out.flush()) {
      std::filesystem::remove(fresh, ignored);
      return;
    }
  }
  std::filesystem::rename(fresh, file, ignored);
}

RunStatus read_status(const std::filesystem::path& file) {
  std::ifstream in(file);
  const nlohmann::json json = nlohmann::json::parse(in, nullptr, false);
  try {
    return {json.at("host"),  json.at("process"),  json.at("stage"),
            json.at("count"), json.at("fraction"), json.at("seconds_left")};
  } catch (const nlohmann::json::exception&) {
    throw std::runtime_error(file.string() + ": is not the status of a running study");
  }
}

double age_in_seconds(const std::filesystem::path& file) {
  const auto age = std::filesystem::file_time_type::clock::now() - std::filesystem::last_write_time(file);
  return std::chrono::duration<double>(age).count();
}

}  // namespace flare::studies
