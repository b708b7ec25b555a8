// A subcommand of the program as a row of a table: what puts its options on the command line, and what runs it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <stop_token>

namespace flare::studies {

class Ranks;

/// What a subcommand is run with besides its options.
struct Session {
  std::stop_token stop;  // of the commands that keep what is finished when they are asked to stop
  Ranks* ranks = nullptr;
};

/// A subcommand: puts itself and its options on the command line, and gives what runs it once they are read.
struct Subcommand {
  std::function<std::function<int(const Session&)>(CLI::App&)> add;
  bool keeps = false;  // is asked to stop by signals
};

/// One that ends by itself, from its options and what it does with them.
template <typename Options>
Subcommand plain(void (*add)(CLI::App&, Options&), int (*run)(const Options&)) {
  return {[=](CLI::App& app) {
    auto options = std::make_shared<Options>();
    add(app, *options);
    return [=](const Session&) { return run(*options); };
  }};
}

/// One that may be asked to stop.
template <typename Options>
Subcommand stoppable(void (*add)(CLI::App&, Options&), int (*run)(const Options&, std::stop_token)) {
  return {[=](CLI::App& app) {
            auto options = std::make_shared<Options>();
            add(app, *options);
            return [=](const Session& session) { return run(*options, session.stop); };
          },
          true};
}

/// One that shares its work among ranks, too.
template <typename Options>
Subcommand ranked(void (*add)(CLI::App&, Options&), int (*run)(const Options&, std::stop_token)) {
  return {[=](CLI::App& app) {
            auto options = std::make_shared<Options>();
            add(app, *options);
            return [=](const Session& session) {
              options->ranks = session.ranks;
              return run(*options, session.stop);
            };
          },
          true};
}

}  // namespace flare::studies
