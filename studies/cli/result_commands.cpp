#include "studies/cli/result_commands.hpp"

namespace flare::studies {

void add_export(CLI::App& app, ExportCommand& command) {
  CLI::App* sub =
      app.add_subcommand("export", "A table of a result as CSV or JSON; without one, which there are");
  sub->add_option("RESULT", command.result, "Result file (HDF5)")->required();
  sub->add_option("TABLE", command.table, "Path of a table or matrix, e.g. verdict");
  CLI::Option* csv =
      sub->add_flag("--csv", command.csv, "Comma-separated, names in the first line (default)");
  sub->add_flag("--json", command.json, "With the unit of every column")->excludes(csv);
  sub->add_option("-o,--out", command.out, "File to write; default: the terminal");
  sub->footer("Example: flare export pick_sawl.h5 verdict --csv -o verdict.csv");
}

void add_compare(CLI::App& app, CompareCommand& command) {
  CLI::App* sub =
      app.add_subcommand("compare", "Verdicts of two results side by side; status 1 where they differ");
  sub->add_option("BEFORE", command.before, "Result file (HDF5)")->required();
  sub->add_option("AFTER", command.after, "Result file (HDF5)")->required();
  sub->footer(
      "A difference counts where it exceeds both 95 % intervals together (root of the sum of the squares of "
      "the half-widths "
      "that face each other), where what passes changed, or where a row is in one file only.\n"
      "Example: flare compare golden.h5 today.h5 || echo the design moved");
}

void add_corner(CLI::App& app, CornerCommand& command) {
  CLI::App* sub = app.add_subcommand(
      "corner", "The most probable failing point as a netlist for ngspice, and as a table of shifts");
  sub->add_option("RESULT", command.result, "Result file (HDF5)")->required();
  sub->add_option("--at", command.at, "Where: the worst corner of the verdict")
      ->check(CLI::IsMember({"worst"}))
      ->capture_default_str();
  sub->add_option("--spec", command.spec, "Of a circuit with several specs; default: the limiting one");
  sub->add_option("-o,--out", command.out, "Netlist to write; the table stands beside it as .csv");
  sub->add_flag("--allow-commands", command.allow_commands,
                "Let the result's study run its netlist's commands");
  sub->footer("Example: flare corner read_current.h5 --at worst -o worst.cir && ngspice -b worst.cir");
}

}  // namespace flare::studies
