#include <fmt/format.h>

#include <array>
#include <cmath>

#include "engine/base/text_output.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/result_commands.hpp"
#include "studies/cli/worst_point.hpp"

namespace flare::studies {

namespace {

constexpr const char* shift_table_head = "variable,sigma,value,unit\n";

/// What each variable is at the point: its deviation in sigma, and the value of its law there.
std::string shift_table(const WorstPoint& worst) {
  std::string text = shift_table_head;
  for (std::size_t v = 0; v < worst.bench.variables.size(); ++v) {
    const engine::Variable& variable = worst.bench.variables[v];
    const double x = worst.point[static_cast<Eigen::Index>(v)];
    text += fmt::format("{},{:.6g},{:.6g},{}\n", variable.name, x, variable.law.value(x), variable.unit);
  }
  return text;
}

}  // namespace

int corner_command(const CornerCommand& command) {
  const H5::H5File file = engine::open_result(command.result);
  const Study study = study_of(file, command.allow_commands);
  engine::WorkerPoolOptions options;
  options.workers = 1;
  engine::WorkerPool pool(options);
  const WorstPoint worst = worst_point(file, study, command.spec, pool);
  const std::filesystem::path netlist =
      command.out.empty() ? std::filesystem::path(command.result.stem().string() + ".corner.cir")
                          : command.out;
  std::filesystem::path table = netlist;
  table.replace_extension(".csv");
  if (table == netlist)
    throw StudyError(netlist.string() + ": is the table's name; give the netlist another");
  const std::string text = netlist_at(worst.bench, worst.point, pool);
  engine::write_texts(std::array{engine::TextOutput{netlist, text, engine::first_line(text)},
                                 engine::TextOutput{table, shift_table(worst), shift_table_head}});
  fmt::print("{}: {:.2f} sigma from the nominal point\nnetlist {}; run it with: ngspice -b {}\nshifts  {}\n",
             worst.what, worst.point.norm(), netlist.string(), netlist.string(), table.string());
  return exit_done;
}

}  // namespace flare::studies
