#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "analysis/verdict.hpp"
#include "flare_arch/accuracy.hpp"
#include "studies/accuracy_stage.hpp"
#include "studies/commands.hpp"

namespace flare::studies {

namespace {

/// The worst corners of the verdict that the command asks for.
std::vector<analysis::ModelKey> chosen_keys(const AccuracyCommand& command, const H5::H5File& file) {
  std::vector<analysis::ModelKey> keys;
  std::vector<std::string> there;
  for (const analysis::VerdictRow& row : analysis::read_verdict(file)) {
    there.push_back(fmt::format("SAWL {} with {}", row.key.sawl, row.key.adc));
    if (!command.converter.empty() && row.key.adc != command.converter) continue;
    if (!command.sawl.empty() &&
        std::find(command.sawl.begin(), command.sawl.end(), row.key.sawl) == command.sawl.end()) {
      continue;
    }
    keys.push_back(row.key);
  }
  if (keys.empty()) {
    throw StudyError(fmt::format("{}: holds no error model that was asked for; it has {}",
                                 command.result.string(), fmt::join(there, ", ")));
  }
  return keys;
}

}  // namespace

int accuracy_command(const AccuracyCommand& command, std::stop_token stop) {
  const H5::H5File file = engine::open_result(command.result);
  const std::vector<analysis::ModelKey> keys = chosen_keys(command, file);
  AccuracyStudy study;
  study.model = command.model;
  study.dataset = command.dataset;
  study.quantizer = command.quantizer;
  study.modes = command.modes;
  study.repeats = command.repeats;
  study.examples = command.examples;
  const std::vector<std::string> quantizers = arch::quantizer_names();
  if (std::find(quantizers.begin(), quantizers.end(), study.quantizer) == quantizers.end()) {
    throw StudyError(
        fmt::format("--quantizer {}: is not one of {}", study.quantizer, fmt::join(quantizers, ", ")));
  }
  for (const std::filesystem::path& input : {study.model, study.dataset}) {
    if (!std::filesystem::exists(input)) throw StudyError(input.string() + ": no such file");
  }
  Progress progress(stderr);
  const auto seed = static_cast<std::uint64_t>(engine::read_integer(file, "/", "seed"));
  AccuracyBench bench(study, seed, progress, stop, 2 + keys.size() * study.modes.size());
  fmt::print("{:<10} {:>4}  {:<10} {:<18} {:<6} {:>9} {:>8} {:>9}\n", "quantiser", "SAWL", "converter",
             "corner", "errors", "accuracy", "std", "examples");
  for (const AccuracyRow& row : evaluate_verdict(bench, study, command.result, keys)) {
    fmt::print("{:<10} {:>4}  {:<10} {:<18} {:<6} {:>8.2f}% {:>7.2f}% {:>9}\n", row.quantizer,
               row.sawl > 0 ? std::to_string(row.sawl) : "-", row.adc, row.corner, row.mode, 100.0 * row.mean,
               100.0 * row.std, row.examples);
  }
  return exit_done;
}

}  // namespace flare::studies
