// flare size: the least cost at which a circuit holds its target.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace flare::studies {

struct SizeCommand {
  std::filesystem::path study;
  std::vector<std::string> vary;  // "KEY=FROM..TO"
  std::string cost;               // empty: gate area
  std::vector<std::string> overrides;
  int workers = 0;
};
void add_size(CLI::App& app, SizeCommand& command);
int size_command(const SizeCommand& command, std::stop_token stop);

}  // namespace flare::studies
