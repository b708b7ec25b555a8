// Subcommands that read finished results: their options, and how they stand on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace flare::studies {

struct ExportCommand {
  std::filesystem::path result;
  std::string table;  // path of a table or matrix; empty: their names are listed
  bool csv = false;
  bool json = false;
  std::filesystem::path out;  // empty: the terminal
};
int export_command(const ExportCommand& command);

struct CompareCommand {
  std::filesystem::path before;
  std::filesystem::path after;
};
/// 0 where no difference exceeds the intervals, exit_failure where one does.
int compare_command(const CompareCommand& command);

struct CornerCommand {
  std::filesystem::path result;
  std::string at = "worst";
  std::string spec;           // empty: the limiting one
  std::filesystem::path out;  // the netlist; empty: the result's name with .corner.cir, here
};
int corner_command(const CornerCommand& command);

struct WorstReplay {
  int count = 5;
  std::filesystem::path out = "worst.svg";
};
/// Finds the failing samples nearest to the nominal point, simulates them again and draws their waveforms beside its own.
int replay_worst(const std::filesystem::path& result, const WorstReplay& options);

/// The options of all of them.
struct ResultCommands {
  ExportCommand exported;
  CompareCommand compared;
  CornerCommand corner;
};
void add_result_commands(CLI::App& app, ResultCommands& commands);
/// The status of the subcommand that was given; nothing where it is none of these.
std::optional<int> run_result_command(const CLI::App& app, const ResultCommands& commands);

}  // namespace flare::studies
