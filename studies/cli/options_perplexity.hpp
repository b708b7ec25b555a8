// The options of `flare perplexity`.
#pragma once

#include <CLI/CLI.hpp>

#include "studies/cli/commands.hpp"

namespace flare::studies {

void add_perplexity(CLI::App& app, PerplexityCommand& command);

}  // namespace flare::studies
