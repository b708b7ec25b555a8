// The program: parses the command line, turns Ctrl-C into a stop that keeps what is finished, and maps errors
// to exit statuses.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <vector>

#include "engine/netlist/deck.hpp"
#include "engine/simulate/evaluator.hpp"
#include "engine/store/run_store.hpp"
#include "studies/cli/command_batch.hpp"
#include "studies/cli/command_examples.hpp"
#include "studies/cli/command_pages.hpp"
#include "studies/cli/command_status.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/launcher.hpp"
#include "studies/cli/options_perplexity.hpp"
#include "studies/cli/process_setup.hpp"
#include "studies/cli/result_commands.hpp"
#include "studies/cli/size_command.hpp"
#include "studies/cli/subcommand.hpp"
#include "studies/model/array_spec.hpp"
#include "studies/paper/paper.hpp"

namespace {

using namespace flare::studies;

void add_run(CLI::App& app, RunCommand& command) {
  CLI::App* run = app.add_subcommand("run", "Run a study; goes on where an earlier run of it stopped");
  run->add_option("STUDY", command.study, "Study file (TOML)")->required();
  run->add_option("-o,--out", command.out, "Result file (HDF5); default: the study's name with .h5, here");
  run->add_option("-j,--workers", command.workers,
                  "Worker processes (of every rank); default: one per core that may be used")
      ->check(CLI::Range(1, 4096));
  run->add_option("--set", command.overrides, "Change a key of the study, e.g. --set estimator.runs=500")
      ->type_name("KEY=VALUE");
  run->add_option_function<std::string>(
         "--shard", [&command](const std::string& text) { command.shard = parse_shard(text); },
         "Run share I of N, to be joined with `flare merge`")
      ->type_name("I/N");
  run->add_option(
         "--stage", command.stage,
         "screening: only what must be known before the levels are shared out; rest: what all parts together "
         "have come to ask for; both shared out by --shard")
      ->check(CLI::IsMember({"screening", "rest"}));
  run->add_option(
         "--with", command.with,
         "Take in the runs of these parts first (shares of --stage screening; for --stage rest all parts)")
      ->type_name("PART");
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

void add_batch(CLI::App& app, BatchCommand& command) {
  CLI::App* batch = app.add_subcommand(
      "batch",
      "A study as jobs of a batch system: shards, and a merge where all are done; prints the script");
  batch->add_option("STUDY", command.study, "Study file (TOML)")->required();
  batch->add_option("--tasks", command.tasks, "Shards; `flare check` says how many are sensible")
      ->required()
      ->check(CLI::Range(1, 100'000));
  const auto system = [&](const char* name, BatchSystem which, const char* help) {
    return batch->add_flag_callback(
        name, [&command, which] { command.system = which; }, help);
  };
  CLI::Option* slurm =
      system("--slurm", BatchSystem::slurm, "For Slurm (the default); submits itself: bash FILE");
  slurm->excludes(system("--parallel", BatchSystem::parallel, "For GNU parallel"));
  slurm->excludes(system("--lsf", BatchSystem::lsf, "For LSF (a template)"));
  slurm->excludes(system("--sge", BatchSystem::sge, "For SGE (a template)"));
  slurm->excludes(system("--condor", BatchSystem::condor, "For HTCondor (a template)"));
  batch->add_flag("--submit", command.submit, "Write the script beside the parts and submit it (Slurm)");
  batch->add_option("-s,--script", command.script, "Write the script to this file");
  batch->add_option("-o,--out", command.out, "Result file; its parts lie in OUT.parts");
  batch->add_option("-j,--workers", command.cores, "Cores of a task")->check(CLI::Range(1, 1024));
  batch
      ->add_option("--merge-cores", command.merge_cores,
                   "Cores of the merge, which runs what its parts could not know of (else, of Slurm and "
                   "parallel, as many "
                   "as all tasks have and one node offers)")
      ->check(CLI::Range(1, 1024));
  batch->add_option("--memory", command.megabytes, "MB a core")->check(CLI::Range(50, 1'000'000));
  batch->add_option("--time", command.time,
                    "Time limit of a task, as the batch system says it (Slurm: 01:00:00)");
  batch->add_option("--set", command.overrides, "Change a key of the study")->type_name("KEY=VALUE");
}

void add_status(CLI::App& app, std::vector<std::filesystem::path>& results) {
  CLI::App* status =
      app.add_subcommand("status", "How far a study, or each of its parts, is; 0 where all are done, else 3");
  status->add_option("RESULT", results, "Result files, parts, or those that will be")->required();
}

void add_merge(CLI::App& app, MergeCommand& command) {
  CLI::App* merge = app.add_subcommand("merge", "Join the parts of a sharded run");
  merge->add_option("OUT", command.out, "Result file to write")->required();
  merge->add_option("PART", command.parts, "Parts, one per shard")->required();
  merge->add_option("-j,--workers", command.workers, "Worker processes for what no part holds")
      ->check(CLI::Range(1, 4096));
  merge->add_flag("--complete", command.complete, "Run here what is missing of the parts");
  merge->add_option("--study", command.study, "Where the study's file is now, if it was moved");
  merge->add_flag("--allow-commands", command.allow_commands,
                  "Let the parts' study run its netlist's commands");
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

void add_data(CLI::App* accuracy, AccuracyCommand& command) {
  const auto add = [&](const char* name, auto& value, const char* help) {
    return accuracy->add_option(name, value, help)->group("Data");
  };
  add("--metric", command.metric, "top1, top5, matthews, f1, pearson or loss; default: the data set's")
      ->check(CLI::IsMember({"top1", "top5", "matthews", "f1", "pearson", "loss"}));
  add("--tokenizer", command.tokenizer,
      "Folder with vocab.txt, tokenizer.json, or vocab.json and merges.txt; "
      "default: the model's")
      ->type_name("DIR");
  add("--calibration", command.calibration,
      "A data set whose examples calibrate static scales (emsbq); default: the training split beside the "
      "data "
      "set, where there is one")
      ->type_name("PATH");
  add("--window", command.window, "Tokens of a piece of plain text; default: as many as the model takes")
      ->check(CLI::Range(2, 1 << 20));
  accuracy->add_flag("--lines", command.lines, "Each line of plain text is a text of its own")->group("Data");
  add("--resize", command.resize, "Of image files: the shorter side, pixels")->check(CLI::Range(1, 16384));
  add("--crop", command.crop, "Of image files: the middle, pixels")->check(CLI::Range(1, 16384));
  add("--interpolation", command.interpolation, "Of image files")
      ->check(CLI::IsMember({"nearest", "bilinear", "bicubic", "lanczos"}));
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
  accuracy->add_option("--examples", command.examples, "Test examples, drawn by the seed; 0: all")
      ->check(CLI::NonNegativeNumber);
  accuracy
      ->add_option("--allowed-drop", command.allowed_drop,
                   "Of the metric against floating point, for the pick and the yield over dies")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  accuracy->add_option("--sweep", command.sweep, "Also every read wrong by one code at each of these rates")
      ->check(CLI::Range(1e-12, 0.5));
  accuracy->add_flag("--map", command.map, "Also errors in one layer's one operand at a time (read mode)");
  accuracy->add_option("--figures", command.figures, "Folder for the figures of --sweep and --map")
      ->type_name("DIR");
  accuracy->add_option("--seed", command.seed, "Of errors and dies; default: the result's, or 1")
      ->check(CLI::NonNegativeNumber);
  add_data(accuracy, command);
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
  sparsity
      ->add_option("--images", command.images,
                   "Test examples, drawn as `accuracy` draws those of seed 1; 0: all")
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

void add_cost(CLI::App& app, CostCommand& command) {
  CLI::App* cost =
      app.add_subcommand("cost", "Cycles, energy and area of a model on an architecture, part by part");
  cost->add_option(
      "MODEL", command.model,
      "Folder of a model, or bert_base, bert_large, vit_b16, deit_tiny, ... (bert_base:512: another length)");
  cost->add_option("--architecture", command.architecture,
                   "Architecture (TOML), e.g. studies/cost/flare.toml");
  cost->add_option("--study", command.studies,
                   "Result of a column or converter study: its energies replace defaults");
  cost->add_option("--dataset", command.dataset, "Count reads on this data set; without it: closed form");
  cost->add_option("--examples", command.examples,
                   "Test examples counted, drawn as `accuracy` draws those of seed 1; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  cost->add_option("--counts", command.counts, "Use the counts of an earlier result (-o) again");
  cost->add_option("--set", command.overrides,
                   "Change a key of the architecture; numbers of your own need a source, too")
      ->type_name("KEY=VALUE");
  cost->add_option("--sweep", command.sweep, "Cost every value of a key; several keys: all combinations")
      ->type_name("KEY=A,B,...");
  cost->add_option("-o,--out", command.out, "HDF5 file for the tables");
  cost->add_flag("--defaults", command.defaults,
                 "Print the default architecture with every parameter and its source");
}

void add_paper(CLI::App& app, PaperCommand& command) {
  std::string pages;
  for (const PageMaker& page : page_makers()) pages += "\n  " + page.name + ": " + page.title;
  CLI::App* paper =
      app.add_subcommand("paper", "The paper's figures, and the designer's, beside what the paper says");
  paper->add_option("PAGE", command.pages, "One or more of" + pages)->required();
  paper->add_option("-o,--out", command.folder, "Folder for the figures (SVG)")->type_name("DIR");
  paper->add_option("--architecture", command.architecture, "Architecture (TOML); default: the paper's");
  paper->add_option("--set", command.overrides, "Change a key of the architecture")->type_name("KEY=VALUE");
  paper->add_option("--shape", command.shape, "Model of the designer's pages")->capture_default_str();
  paper->add_option("--model", command.model, "Folder of a model: fig7, fig15, fig16, pareto");
  paper->add_option("--dataset", command.dataset, "Its data");
  paper->add_option("--study", command.study,
                    "Result of a column study: fig9, and errors of fig15 and pareto");
  paper
      ->add_option("--examples", command.examples,
                   "Test examples, drawn as `accuracy` draws those of seed 1; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  paper
      ->add_option("--accuracy-drop", command.accuracy_drop,
                   "pareto: what an accuracy may lack of floating point's, in %")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
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
  replay->add_option("--study", command.study, "Where the study's file is now, if it was moved");
  replay->add_flag("--allow-commands", command.allow_commands,
                   "Let the result's study run its netlist's commands");
}

struct NoOptions {};
void add_keys(CLI::App& app, NoOptions&) {
  app.add_subcommand("keys", "Every key that may stand in a study, as Markdown");
}
int run_keys(const NoOptions&) { return keys_command(); }

/// Every subcommand but help, man and completion, in the order of --help.
std::vector<Subcommand> subcommands() {
  return {ranked(add_run, run_command),
          plain(add_check, check_command),
          plain(add_keys, run_keys),
          ranked(add_merge, merge_command),
          plain(add_batch, batch_command),
          plain(add_status, status_command),
          plain(add_report, report_command),
          plain(add_replay, replay_command),
          stoppable(add_accuracy, accuracy_command),
          stoppable(add_sparsity, sparsity_command),
          stoppable(add_cost, cost_command),
          stoppable(add_paper, paper_command),
          stoppable(add_perplexity, perplexity_command),
          plain(add_export, export_command),
          plain(add_compare, compare_command),
          plain(add_corner, corner_command),
          stoppable(add_size, size_command)};
}

int run(int argc, char** argv, Ranks* ranks) {
  CLI::App app{
      "FLARE: Monte-Carlo variability engine for analog process-in-memory.\n"
      "How many word lines may be read at once, at six sigma, and what do the errors that remain cost?",
      "flare"};
  app.require_subcommand(1);
  app.set_version_flag("-V,--version", "flare " FLARE_VERSION);
  app.footer(
      "Exit status: 0 done, 2 the input is wrong, 3 stopped before the end (the same command goes on), 1 "
      "anything else.\nExample: flare run studies/pick_sawl.toml && flare report pick_sawl.h5 -o report");
  const std::vector<Subcommand> table = subcommands();
  std::vector<std::function<int(const Session&)>> runs;
  runs.reserve(table.size());
  for (const Subcommand& subcommand : table) runs.push_back(subcommand.add(app));
  add_examples(app);
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
  const std::vector<CLI::App*> all = app.get_subcommands([](CLI::App*) { return true; });
  const auto given = static_cast<std::size_t>(
      std::find(all.begin(), all.end(), app.get_subcommands().front()) - all.begin());
  if (!table[given].keeps) return runs[given]({});
  const SignalWatch signals;
  return runs[given]({signals.token(), ranks});
}

int fail(int status, const std::exception& e) {
  std::cout.flush();
  std::fflush(stdout);
  std::fputs(fmt::format("flare: {}\n", e.what()).c_str(), stderr);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  prepare_process();
  try {
    const Started started = start(argc, argv);
    return started.status ? *started.status : finish_output(run(argc, argv, started.ranks.get()));
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
  } catch (const flare::engine::InUse& e) {
    return fail(exit_failure, e);
  } catch (const flare::engine::Stopped& e) {
    return fail(exit_unfinished, e);
  } catch (const std::exception& e) {
    return fail(exit_failure, e);
  }
}
