// The subcommands of the program, one function each. They print to stdout for people, throw on failure, and
// return the exit status of a success (main.cpp maps exceptions to statuses).
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "studies/run/study_run.hpp"

namespace flare::studies {

class Ranks;

/// What the program promises a script.
enum ExitStatus : int {
  exit_done = 0,
  exit_failure = 1,
  exit_bad_input = 2,
  exit_unfinished = 3,  // stopped before its end; the same command goes on
};

struct RunCommand {
  std::filesystem::path study;
  std::filesystem::path out;  // empty: the study's name with .h5, in the current folder
  int workers = 0;            // 0: one for every core this process may use
  std::vector<std::string> overrides;
  Shard shard;
  std::string stage;                        // "screening", "rest": that alone; empty: all
  std::vector<std::filesystem::path> with;  // parts whose runs are taken in first
  bool fresh = false;
  Ranks* ranks = nullptr;  // the other processes of this job; null: none
};
int run_command(const RunCommand& command, std::stop_token stop);

struct CheckCommand {
  std::filesystem::path study;
  std::vector<std::string> overrides;
  std::filesystem::path netlists;  // folder to write every kind of netlist to; empty: none
  bool identity = false;           // print study_identity() alone: what a result of the study would rest on
};
int check_command(const CheckCommand& command);

/// The reference of every key of a study, as Markdown.
int keys_command();

struct MergeCommand {
  std::filesystem::path out;
  std::vector<std::filesystem::path> parts;
  int workers = 0;
  std::filesystem::path study;  // where the parts' study is now; empty: where it was
  bool complete = false;        // run here what no part holds
  bool allow_commands = false;
  Ranks* ranks = nullptr;
};
int merge_command(const MergeCommand& command, std::stop_token stop);

struct AccuracyCommand {
  std::filesystem::path result;  // empty: both kinds of arrays are named by themselves
  std::filesystem::path model;
  std::filesystem::path dataset;
  std::filesystem::path out;  // HDF5 tables; empty: none
  std::vector<int> sawl;      // empty: all
  std::string converter;      // empty: all
  /// Errors of the arrays of W_Q, W_K, W_V, W_O, and of those of keys and values (studies/model/array_spec.hpp);
  /// both empty: as in the result, one SAWL after the other.
  std::string weight_arrays, dynamic_arrays;
  std::string quantizer = "emsbq";
  std::vector<std::string> modes{"read"};
  int repeats = 2;
  int examples = 0;        // 0: all
  std::int64_t seed = -1;  // negative: the result's
  double allowed_drop = 0.01;
  std::vector<double> sweep;          // rates; empty: no sweep
  bool map = false;                   // layer x operand
  std::filesystem::path figures;      // folder for the figures of sweep and map; empty: none
  std::string metric;                 // empty: the data set's
  std::filesystem::path tokenizer;    // folder; empty: the model's
  std::filesystem::path calibration;  // data set; empty: the data set's own training split
  int window = 0;                     // tokens of a piece of plain text; 0: as many as the model takes
  bool lines = false;                 // of plain text each line is a text
  int resize = 0, crop = 0;           // of image files; 0: as the model's folder says
  std::string interpolation;          // empty: as the model's folder says
  // Arithmetic of attention; see flare_arch/attention/integer_attention.hpp and bitsift.hpp.
  std::string rounding = "round";
  std::string encoding = "twos_complement";
  std::string input_encoding, weight_encoding;  // empty: as encoding
  std::string feed_forward = "float";           // or "arrays"
  std::string packing = "next_fit";
  std::string start_bit = "calibrated";
  std::string row_scale = "side_band";
  int slice_length = 16;
  bool strictly_below = false;  // remainders are packed to fewer than SAWL ones
  bool no_dummy_rows = false;
  int activation_bits = 8;
  int kv_bits = 12;
  int guard_bits = -1;
  int group = 16;
};
int accuracy_command(const AccuracyCommand& command, std::stop_token stop);

struct SparsityCommand {
  std::filesystem::path model;
  std::filesystem::path dataset;
  std::filesystem::path out;      // HDF5 tables; empty: none
  std::filesystem::path figures;  // folder for the figures; empty: none
  int images = 50;                // 0: all
  int sawl = 8;
  std::vector<int> slices{8, 16, 32, 64};
  int depth = 0;         // lay vectors end to end to this many rows; 0: as they are
  int group = 8;         // N neighbouring values or bits
  bool tensors = false;  // keep the first image's tensors in `out`
};
int sparsity_command(const SparsityCommand& command, std::stop_token stop);

struct CostCommand {
  std::string model;                           // a folder, or a published model by name
  std::filesystem::path architecture;          // TOML
  std::vector<std::filesystem::path> studies;  // results whose energies take the place of defaults
  std::filesystem::path dataset;               // reads are counted on it; empty: closed form
  std::filesystem::path counts;                // an earlier result whose counts are used again
  std::filesystem::path out;                   // HDF5 tables; empty: none
  std::vector<std::string> overrides, sweep;
  int examples = 50;      // 0: all
  bool defaults = false;  // print the default architecture instead
};
int cost_command(const CostCommand& command, std::stop_token stop);

struct PaperCommand {
  std::vector<std::string> pages;
  std::filesystem::path architecture;           // empty: the paper's
  std::filesystem::path model, dataset, study;  // for the pages that need them
  std::filesystem::path folder;                 // for the figures; empty: tables alone
  std::string shape = "bert_base";
  std::vector<std::string> overrides;
  int examples = 500;        // 0: all
  double accuracy_drop = 1;  // %
};
int paper_command(const PaperCommand& command, std::stop_token stop);

struct PerplexityCommand {
  std::filesystem::path model;
  std::filesystem::path text;
  std::filesystem::path out;      // HDF5 tables; empty: none
  std::filesystem::path figures;  // folder; empty: none
  std::string attention = "softmax";
  std::string cells = "paper";        // studies/model/perplexity_cells.hpp
  std::string trained_on = "linear";  // what adaptation aims at
  std::filesystem::path adaptation_text;
  std::string token_time = "0.78 us";
  std::string sweep;
  int window = 0;  // 0: the model's positions
  int dies = 0;
  double decay = -1;  // negative: measured, or the paper's
  double mismatch = 1;
  double noise = 0;
  std::int64_t characters = 0;  // 0: all
  std::int64_t seed = 1;
  bool transfer = false;
  bool adapt = false;
  bool reset_scalers = false;
  int recovery = 0;  // seeds; 0: no recovery
};
int perplexity_command(const PerplexityCommand& command, std::stop_token stop);

struct ReportCommand {
  std::filesystem::path result;
  std::filesystem::path folder;  // empty: tables on the terminal only
};
int report_command(const ReportCommand& command);

struct ReplayCommand {
  std::filesystem::path result;
  std::string samples;  // group of the result file, e.g. points/sram8t/sawl8/tt_0.90V_27C/samples/k8
  std::int64_t index = 0;
  std::filesystem::path out;    // CSV of the waveforms; empty: stdout
  std::filesystem::path study;  // where the result's study is now; empty: where it was
  bool allow_commands = false;
  bool worst = false;  // draw the failing samples nearest to the nominal point instead
  int count = 5;       // of these
};
int replay_command(const ReplayCommand& command);

/// "I/N" with 1 <= I <= N. Throws StudyError.
Shard parse_shard(const std::string& text);

}  // namespace flare::studies
