// The command line described to people and shells, from the same source as --help: man pages, completion, corrections.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace flare::studies {

/// A script for bash, to be sourced: subcommands, their options, files.
std::string bash_completion(const CLI::App& app);

/// A man page (troff) of the program, or of one of its subcommands.
std::string man_page(const CLI::App& app, const CLI::App* subcommand = nullptr);

/// "there is no command 'rnu'; did you mean 'run'?" where the first argument names no subcommand; empty else.
std::string unknown_command(const CLI::App& app, int argc, const char* const* argv);

/// What `help [COMMAND]` prints; empty where that is not what was asked. To be asked before the line is parsed: a parsed
/// program speaks of its subcommand alone. Throws StudyError for a command that is none.
std::string help_asked(const CLI::App& app, int argc, const char* const* argv);

/// `man [COMMAND]`, `completion`; `help` stands in the list.
struct PageCommand {
  std::string name;  // of the command asked about; empty: the program
};
void add_page_commands(CLI::App& app, PageCommand& command);
/// True where the command that was given is one of them: it is done, and printed. Throws StudyError.
bool run_page_command(const CLI::App& app, const PageCommand& command);

}  // namespace flare::studies
