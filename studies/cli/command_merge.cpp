#include <fmt/format.h>
#include <fmt/ranges.h>

#include "studies/cli/commands.hpp"
#include "studies/cli/study_inputs.hpp"
#include "studies/cli/study_program.hpp"
#include "studies/run/shard_parts.hpp"

namespace flare::studies {

namespace {

/// The study of the parts, as it reads from where its file is now.
Study study_of(const ShardParts& parts, const std::filesystem::path& moved_to) {
  const std::filesystem::path file = moved_to.empty() ? parts.study_file : moved_to;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    throw StudyError(fmt::format("{}: its study was {}, which is not there; say where it is with --study",
                                 parts.parts.front().path.string(), file.string()));
  }
  return parse_study(parts.study, file);
}

}  // namespace

void refuse_commands_of(const Study& study, const std::filesystem::path& result, bool allowed) {
  if (study.commands != engine::Commands::run || allowed) return;
  throw StudyError(result.string() +
                   ": its study runs the commands of its netlist; add --allow-commands if you trust both");
}

int merge_command(const MergeCommand& command, std::stop_token stop) {
  if (command.parts.empty())
    throw StudyError("merge: needs the parts of a sharded run: flare merge OUT.h5 PART.h5...");
  const ShardParts parts = read_shard_parts(command.parts);
  check_merge_output(command.out, parts);
  const Study study = study_of(parts, command.study);
  refuse_commands_of(study, command.parts.front(), command.allow_commands);
  std::vector<engine::InputFile> inputs = study_inputs(study);
  check_inputs_of(parts, inputs);
  const std::vector<std::string> missing = missing_shards(parts);
  if (!missing.empty() && !command.complete) {
    fmt::print(stderr, "flare: {}; run what is missing, or add --complete to run it here\n",
               fmt::join(missing, "; "));
    return exit_unfinished;
  }
  ResultFile result(study, std::move(inputs), command.out, false);
  if (result.complete()) {
    fmt::print(stderr, "flare: {} already holds this study's result\n", command.out.string());
    return print_result(command.out);
  }
  for (const std::vector<ShardPart>* stage : {&parts.parts, &parts.rest}) {
    for (const ShardPart& part : *stage) result.store().read_runs(engine::open_result(part.path));
  }
  const int status = run_study(study, result, command.workers, command.ranks, {}, stop);
  return status == exit_done ? print_result(command.out) : status;
}

}  // namespace flare::studies
