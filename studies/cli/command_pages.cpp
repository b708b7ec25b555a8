#include "studies/cli/command_pages.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

const CLI::App& command_of(const CLI::App& app, const std::string& name) {
  const std::vector<std::string> names = command_names(app);
  if (std::find(names.begin(), names.end(), name) != names.end()) return *app.get_subcommand(name);
  const std::string close = nearest(name, names);
  throw StudyError(fmt::format(
      "there is no command '{}'; {}", name,
      close.empty() ? fmt::format("there are {}", fmt::join(names, ", ")) : "did you mean '" + close + "'?"));
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

/// Text as troff takes it: a backslash and a leading dot would be commands.
std::string troff(const std::string& text) {
  std::string safe;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) safe += "\\&";
    if (c == '\\') {
      safe += "\\e";
    } else if (c == '-') {
      safe += "\\-";
    } else {
      safe += c;
    }
    line_begins = c == '\n';
  }
  return safe;
}

std::string option_page(const CLI::Option& option) {
  const bool positional = option.get_positional();
  const std::string name = positional ? option.get_name(true) : option.get_name(false, true);
  const std::string value =
      positional || option.get_items_expected() == 0 ? "" : " " + option.get_type_name();
  return fmt::format(".TP\n.B {}{}\n{}\n", troff(name), troff(value), troff(option.get_description()));
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string text =
      "# Completion of flare for bash: source it, or put it into /etc/bash_completion.d/flare\n_flare() {\n";
  text += "  local word=\"${COMP_WORDS[COMP_CWORD]}\" words\n";
  text += fmt::format("  local commands=\"{}\"\n", fmt::join(command_names(app), " "));
  text +=
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W \"$commands -h --help -V "
      "--version\" -- \"$word\"))\n";
  text += "    return\n  fi\n  case \"${COMP_WORDS[1]}\" in\n";
  for (const std::string& name : command_names(app)) {
    text +=
        fmt::format("    {}) words=\"{}\" ;;\n", name, fmt::join(flags_of(*app.get_subcommand(name)), " "));
  }
  text += "    *) words=\"\" ;;\n  esac\n";
  text += "  case \"${COMP_WORDS[1]}\" in help|man) words=\"$commands\" ;; esac\n";
  text += "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n";
  text += "  [[ \"$word\" == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n}\n";
  return text + "complete -o filenames -F _flare flare\n";
}

std::string man_page(const CLI::App& app, const CLI::App* subcommand) {
  const CLI::App& page = subcommand != nullptr ? *subcommand : app;
  const std::string name = subcommand != nullptr ? "flare-" + subcommand->get_name() : "flare";
  const std::string called = subcommand != nullptr ? "flare " + subcommand->get_name() : "flare";
  std::string description = page.get_description();
  const std::string brief = description.substr(0, description.find('\n'));
  std::string text = fmt::format(".TH {} 1 \"\" \"flare {}\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B {}\n",
                                 name, FLARE_VERSION, troff(name), troff(brief), troff(called));
  for (const CLI::Option* option : page.get_options()) {
    if (option->get_positional()) text += fmt::format(".I {}\n", troff(option->get_name(true)));
  }
  text += subcommand != nullptr ? "[options]\n" : "command [options]\n";
  text += fmt::format(".SH DESCRIPTION\n{}\n.SH OPTIONS\n", troff(description));
  for (const CLI::Option* option : page.get_options()) text += option_page(*option);
  if (subcommand == nullptr) {
    text += ".SH COMMANDS\n";
    for (const std::string& command : command_names(app))
      text += fmt::format(".TP\n.B {}\n{}\n", troff(command),
                          troff(app.get_subcommand(command)->get_description()));
  }
  if (!page.get_footer().empty()) text += fmt::format(".SH NOTES\n{}\n", troff(page.get_footer()));
  return text;
}

std::string unknown_command(const CLI::App& app, int argc, const char* const* argv) {
  if (argc < 2 || argv[1][0] == '-' || argv[1][0] == '\0') return {};
  try {
    command_of(app, argv[1]);
  } catch (const StudyError& error) {
    return error.what();
  }
  return {};
}

std::string help_asked(const CLI::App& app, int argc, const char* const* argv) {
  if (argc < 2 || std::string_view(argv[1]) != "help") return {};
  return argc < 3 ? app.help() : command_of(app, argv[2]).help(app.get_name());
}

void add_page_commands(CLI::App& app, PageCommand& command) {
  app.add_subcommand("help", "What a command does and takes")
      ->add_option("COMMAND", command.name, "Command; default: the program itself");
  CLI::App* man = app.add_subcommand("man", "The manual page of the program, or of a command, for man");
  man->add_option("COMMAND", command.name, "Command; default: the program itself");
  man->footer("Example: flare man run | man -l -");
  app.add_subcommand("completion", "Completion for bash")->footer("Example: source <(flare completion)");
}

bool run_page_command(const CLI::App& app, const PageCommand& command) {
  if (app.got_subcommand("man")) {
    fmt::print("{}", man_page(app, command.name.empty() ? nullptr : &command_of(app, command.name)));
  } else if (app.got_subcommand("completion")) {
    fmt::print("{}", bash_completion(app));
  } else {
    return false;
  }
  return true;
}

}  // namespace flare::studies
