// The program: parses the command line, turns Ctrl-C into a stop that keeps what is finished, and maps errors
// to exit statuses.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <thread>

#include "engine/netlist/deck.hpp"
#include "engine/simulate/evaluator.hpp"
#include "engine/store/run_store.hpp"
#include "studies/cli/command_pages.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/result_commands.hpp"
#include "studies/cli/size_command.hpp"
#include "studies/model/array_spec.hpp"

namespace {

using namespace flare::studies;

/// Requests a stop on the first SIGINT or SIGTERM and ends the program on the second.
class SignalWatch {
 public:
  SignalWatch() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    watcher_ = std::jthread([this](const std::stop_token& done) { watch(done); });
  }

  std::stop_token token() const { return stop_.get_token(); }

 private:
  void watch(const std::stop_token& done) {
    const timespec wait{0, 100'000'000};
    while (!done.stop_requested()) {
      if (sigtimedwait(&signals_, nullptr, &wait) < 0) continue;
      if (stop_.stop_requested()) std::_Exit(exit_unfinished);
      stop_.request_stop();
    }
  }

  sigset_t signals_{};
  std::stop_source stop_;
  std::jthread watcher_;
};

void add_run(CLI::App& app, RunCommand& command, std::string& shard) {
  CLI::App* run = app.add_subcommand("run", "Run a study; goes on where an earlier run of it stopped");
  run->add_option("STUDY", command.study, "Study file (TOML)")->required();
  run->add_option("-o,--out", command.out, "Result file (HDF5); default: the study's name with .h5, here");
  run->add_option("-j,--workers", command.workers, "Worker processes; default: one per core")
      ->check(CLI::Range(1, 4096));
  run->add_option("--set", command.overrides, "Change a key of the study, e.g. --set estimator.runs=500")
      ->type_name("KEY=VALUE");
  run->add_option("--shard", shard, "Run share I of N, to be joined with `flare merge`")->type_name("I/N");
  run->add_flag("--fresh", command.fresh, "Drop what earlier runs left");
}

void add_check(CLI::App& app, CheckCommand& command) {
  CLI::App* check = app.add_subcommand("check", "Check a study, or a part, without sampling");
  check->add_option("STUDY", command.study, "Study file (TOML), or the folder of a cell, converter or kit")
      ->required();
  check->add_option("--set", command.overrides, "Change a key of the study")->type_name("KEY=VALUE");
  check
      ->add_option("--netlists", command.netlists,
                   "Write the column's netlists (with a 300 ps pulse) to this folder")
      ->type_name("DIR");
  check->add_flag("--identity", command.identity,
                  "Print only what identifies the study's result: a hash of its text, of all files it reads "
                  "and of the versions");
}

void add_merge(CLI::App& app, MergeCommand& command) {
  CLI::App* merge = app.add_subcommand("merge", "Join the parts of a sharded run");
  merge->add_option("OUT", command.out, "Result file to write")->required();
  merge->add_option("PART", command.parts, "Parts, one per shard")->required();
  merge->add_option("-j,--workers", command.workers, "Worker processes for what no part holds")
      ->check(CLI::Range(1, 4096));
}

void add_report(CLI::App& app, ReportCommand& command) {
  CLI::App* report = app.add_subcommand("report", "The six-sigma report of a result");
  report->add_option("RESULT", command.result, "Result file (HDF5)")->required();
  report->add_option("-o,--out", command.folder, "Folder for an HTML page with figures")->type_name("DIR");
}

void add_arithmetic(CLI::App* accuracy, AccuracyCommand& command) {
  const auto add = [&](const char* name, auto& value, const char* help) {
    return accuracy->add_option(name, value, help)->capture_default_str()->group("Arithmetic of attention");
  };
  add("--quantizer", command.quantizer,
      "float, emsbq (FLARE), int8 (DQ-Q), qrazor_w4a8, qrazor_w4a4, qrazor_w4a8kv4, qrazor_w4a4kv4; uniform "
      "and removed ignore scores or attention");
  add("--rounding", command.rounding, "emsbq: round, truncate or half_lsb");
  add("--activation-bits", command.activation_bits, "emsbq: bits of Q, logits and weighted sums")
      ->check(CLI::Range(4, 12));
  add("--kv-bits", command.kv_bits, "emsbq: bits of K and V")->check(CLI::Range(4, 16));
  add("--start-bit", command.start_bit, "emsbq: of K and V, calibrated or absolute");
  add("--row-scale", command.row_scale, "emsbq: of the softmax, side_band or reciprocal");
  add("--guard-bits", command.guard_bits, "emsbq: of the softmax; -1: automatic")->check(CLI::Range(-1, 24));
  add("--encoding", command.encoding, "twos_complement or sign_magnitude: of inputs and of cells");
  add("--input-encoding", command.input_encoding, "Of what is fed bit by bit only; default: --encoding");
  add("--weight-encoding", command.weight_encoding, "Of what cells hold only; default: --encoding");
  add("--feed-forward", command.feed_forward,
      "float, or arrays: the feed-forward products on the arrays of weights, too (qrazor: razored)");
  add("--packing", command.packing, "BitSift: next_fit, first_fit, best_fit, ideal, or fixed groups");
  add("--slice", command.slice_length, "BitSift: bits a local pop controller sees")
      ->check(CLI::Range(1, 4096));
  accuracy
      ->add_flag("--strictly-below", command.strictly_below,
                 "BitSift: pack remainders to fewer than SAWL ones (the paper's \"under 8\" taken literally)")
      ->group("Arithmetic of attention");
  accuracy
      ->add_flag("--no-dummy-rows", command.no_dummy_rows,
                 "Leave reads short of SAWL rows (die mode: dummy cells deviate, too)")
      ->group("Arithmetic of attention");
  add("--group", command.group, "qrazor: values that share a flag")->check(CLI::Range(1, 4096));
}

void add_accuracy(CLI::App& app, AccuracyCommand& command) {
  CLI::App* accuracy = app.add_subcommand(
      "accuracy", "Accuracy of a model under error models: of a result, or named per kind of array");
  accuracy->add_option("RESULT", command.result, "Result file (HDF5); its worst corners are evaluated");
  accuracy->add_option("--model", command.model, "Folder of the model, e.g. data/models/digits_vit")
      ->required();
  accuracy->add_option("--dataset", command.dataset, "Data set, e.g. data/digits/digits.csv")->required();
  accuracy->add_option("-o,--out", command.out, "HDF5 file for the tables");
  accuracy->add_option("--sawl", command.sawl, "Only these SAWL");
  accuracy->add_option("--converter", command.converter, "Only this converter");
  accuracy
      ->add_option("--weight-arrays", command.weight_arrays,
                   "Error model of the arrays that hold weights (Q, K, V, O projections): " +
                       std::string(array_spec_help))
      ->type_name("ERRORS");
  accuracy
      ->add_option(
          "--dynamic-arrays", command.dynamic_arrays,
          "The same of the arrays that hold keys and values; each kind has the SAWL and converter of its "
          "own model")
      ->type_name("ERRORS");
  accuracy->add_option("--modes", command.modes, "read: every read errs afresh; die: as frozen on a die")
      ->check(CLI::IsMember({"read", "die"}))
      ->capture_default_str();
  accuracy->add_option("--repeats", command.repeats, "Draws or dies")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  accuracy->add_option("--examples", command.examples, "Test examples, from the first; 0: all")
      ->check(CLI::NonNegativeNumber);
  accuracy->add_option("--seed", command.seed, "Of errors and dies; default: the result's, or 1")
      ->check(CLI::NonNegativeNumber);
  add_arithmetic(accuracy, command);
}

void add_sparsity(CLI::App& app, SparsityCommand& command) {
  CLI::App* sparsity = app.add_subcommand(
      "sparsity", "Zeros in what a model's attention feeds to its arrays, and the cycles BitSift saves");
  sparsity->add_option("MODEL", command.model, "Folder of the model, e.g. data/models/digits_vit")
      ->required();
  sparsity->add_option("DATASET", command.dataset, "Data set, e.g. data/digits/digits.csv")->required();
  sparsity->add_option("-o,--out", command.out, "HDF5 file for the tables");
  sparsity->add_option("--figures", command.figures, "Folder for the figures (SVG)")->type_name("DIR");
  sparsity->add_option("--images", command.images, "Test examples, from the first; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  sparsity->add_option("--sawl", command.sawl, "Rows read at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  sparsity->add_option("--slices", command.slices, "Slice lengths L of the local pop controllers")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  sparsity
      ->add_option(
          "--depth", command.depth,
          "Lay vectors end to end to this many rows for the boost: what taller arrays would see; 0: as "
          "they are")
      ->check(CLI::Range(0, 65536));
  sparsity
      ->add_option("--group", command.group, "Neighbouring values, or bits of a plane, that count together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  sparsity->add_flag("--tensors", command.tensors, "Keep the first image's tensors in the HDF5 file");
}

void add_replay(CLI::App& app, ReplayCommand& command) {
  CLI::App* replay =
      app.add_subcommand("replay", "Simulate one recorded sample again and keep its waveforms");
  replay->add_option("RESULT", command.result, "Result file (HDF5)")->required();
  replay->add_option("SAMPLES", command.samples,
                     "Group of samples, e.g. points/sram8t/sawl8/tt_0.90V_27C/samples/k8");
  replay->add_option("INDEX", command.index, "Index of the sample");
  replay->add_flag("--worst", command.worst,
                   "Instead: the failing samples nearest to the nominal point, drawn beside its waveforms");
  replay->add_option("-n", command.count, "How many of them")
      ->check(CLI::Range(1, 50))
      ->capture_default_str();
  replay->add_option(
      "-o,--out", command.out,
      "CSV file for the waveforms, default: the terminal; of --worst an SVG, default: worst.svg");
  replay->footer("Example: flare replay pick_sawl.h5 --worst -n 3 -o worst.svg");
}

int run(int argc, char** argv) {
  CLI::App app{
      "FLARE: Monte-Carlo variability engine for analog process-in-memory.\n"
      "How many word lines may be read at once, at six sigma, and what do the errors that remain cost?",
      "flare"};
  app.require_subcommand(1);
  app.set_version_flag("-V,--version", "flare " FLARE_VERSION);
  app.footer(
      "Exit status: 0 done, 2 the input is wrong, 3 stopped before the end (the same command goes on), 1 "
      "anything else.\nExample: flare run studies/pick_sawl.toml && flare report pick_sawl.h5 -o report");
  RunCommand run_options;
  std::string shard;
  CheckCommand check_options;
  MergeCommand merge_options;
  ReportCommand report_options;
  ReplayCommand replay_options;
  AccuracyCommand accuracy_options;
  SparsityCommand sparsity_options;
  add_run(app, run_options, shard);
  add_check(app, check_options);
  app.add_subcommand("keys", "Every key that may stand in a study, as Markdown");
  add_merge(app, merge_options);
  add_report(app, report_options);
  add_replay(app, replay_options);
  add_accuracy(app, accuracy_options);
  add_sparsity(app, sparsity_options);
  ResultCommands result_options;
  add_result_commands(app, result_options);
  SizeCommand size_options;
  add_size(app, size_options);
  PageCommand page_options;
  add_page_commands(app, page_options);
  if (const std::string unknown = unknown_command(app, argc, argv); !unknown.empty())
    throw StudyError(unknown);
  if (const std::string help = help_asked(app, argc, argv); !help.empty()) {
    fmt::print("{}", help);
    return exit_done;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int status = app.exit(e);
    return status == 0 ? exit_done : exit_bad_input;
  }
  if (run_page_command(app, page_options)) return exit_done;
  const SignalWatch signals;
  if (app.got_subcommand("run")) {
    if (!shard.empty()) run_options.shard = parse_shard(shard);
    return run_command(run_options, signals.token());
  }
  if (app.got_subcommand("check")) return check_command(check_options);
  if (app.got_subcommand("keys")) return keys_command();
  if (app.got_subcommand("merge")) return merge_command(merge_options, signals.token());
  if (app.got_subcommand("accuracy")) return accuracy_command(accuracy_options, signals.token());
  if (app.got_subcommand("sparsity")) return sparsity_command(sparsity_options, signals.token());
  if (app.got_subcommand("replay")) return replay_command(replay_options);
  if (app.got_subcommand("size")) return size_command(size_options, signals.token());
  if (const auto status = run_result_command(app, result_options)) return *status;
  return report_command(report_options);
}

int fail(int status, const std::exception& e) {
  std::cout.flush();
  fmt::print(stderr, "flare: {}\n", e.what());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const StudyError& e) {
    return fail(exit_bad_input, e);
  } catch (const flare::engine::DeckError& e) {
    return fail(exit_bad_input, e);
  } catch (const flare::engine::FileError& e) {
    return fail(exit_bad_input, e);
  } catch (const flare::engine::CircuitRefused& e) {
    return fail(exit_bad_input, e);
  } catch (const flare::engine::StoreError& e) {
    return fail(exit_unfinished, e);
  } catch (const flare::engine::Stopped& e) {
    return fail(exit_unfinished, e);
  } catch (const std::exception& e) {
    return fail(exit_failure, e);
  }
}
