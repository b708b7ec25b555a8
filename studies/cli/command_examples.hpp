// An example under the help, and on the manual page, of every subcommand.
#pragma once

#include <CLI/CLI.hpp>

namespace flare::studies {

/// Of the subcommands that do not bring their own; all must be there.
void add_examples(CLI::App& app);

}  // namespace flare::studies
