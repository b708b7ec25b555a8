#include <fmt/format.h>

#include <iostream>

#include "analysis/report/report.hpp"
#include "studies/cli/commands.hpp"

namespace flare::studies {

int report_command(const ReportCommand& command) {
  analysis::print_report(command.result, std::cout);
  if (command.folder.empty()) return exit_done;
  const std::filesystem::path page = analysis::write_report(command.result, command.folder);
  fmt::print("\nReport: {}\n", page.string());
  return exit_done;
}

}  // namespace flare::studies
