// Subcommands that read finished results: their options, and how they stand on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
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
  bool allow_commands = false;
};
int corner_command(const CornerCommand& command);

struct WorstReplay {
  int count = 5;
  std::filesystem::path out = "worst.svg";
  bool allow_commands = false;
  std::filesystem::path study;  // where its file is now; empty: where it was
};
/// Finds the failing samples nearest to the nominal point, simulates them again and draws their waveforms beside its own.
int replay_worst(const std::filesystem::path& result, const WorstReplay& options);

void add_export(CLI::App& app, ExportCommand& command);
void add_compare(CLI::App& app, CompareCommand& command);
void add_corner(CLI::App& app, CornerCommand& command);

}  // namespace flare::studies
