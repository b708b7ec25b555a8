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

#include "engine/base/file_error.hpp"
#include "engine/base/output_file.hpp"
#include "engine/base/text_output.hpp"

namespace flare::studies {

namespace {

constexpr const char* status_mark = "{\"count\":";  // the first of its keys

}  // namespace

std::filesystem::path status_path(const std::filesystem::path& result) { return result.string() + ".status"; }

void write_status(const std::filesystem::path& file, RunStatus status) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const nlohmann::json json = {{"host", host.data()},         {"process", ::getpid()},
                               {"stage", status.stage},       {"count", status.count},
                               {"fraction", status.fraction}, {"seconds_left", status.seconds_left}};
  const std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  const std::filesystem::path fresh = file.string() + ".new";
  try {
    engine::check_text_place(file, status_mark);
    engine::write_whole(fresh, text);
    std::filesystem::rename(fresh, file);
  } catch (const engine::FileError&) {
    // Somebody else's file stays.
  } catch (const std::system_error&) {
    // A full disk: the study itself says so where it matters.
  }
}

void remove_status(const std::filesystem::path& file) {
  std::error_code ignored;
  try {
    engine::check_text_place(file, status_mark);
    std::filesystem::remove(file, ignored);
  } catch (const engine::FileError&) {
    // As above.
  }
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
