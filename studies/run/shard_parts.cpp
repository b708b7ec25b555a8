#include "studies/run/shard_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <map>

#include "engine/base/hdf5_io.hpp"
#include "engine/base/mathematics.hpp"
#include "studies/run/result_inputs.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

/// "I/N" with 1 <= I <= N.
bool read_share(const std::string& text, ShardPart* part) {
  const char* end = text.data() + text.size();
  const auto [slash, first] = std::from_chars(text.data(), end, part->index);
  if (first != std::errc() || slash == end || *slash != '/') return false;
  const auto [rest, second] = std::from_chars(slash + 1, end, part->count);
  return second == std::errc() && rest == end && part->index >= 1 && part->index <= part->count;
}

void check_versions(const H5::H5File& file, const std::filesystem::path& path) {
  const std::string flare = engine::read_text(file, "/", "flare_version");
  const std::string ngspice = engine::read_text(file, "/", "ngspice_version");
  if (flare != FLARE_VERSION || ngspice != FLARE_NGSPICE_VERSION) {
    throw StudyError(fmt::format(
        "{}: was made by flare {} with ngspice {}, this is flare {} with ngspice {}; run that part again",
        path.string(), flare, ngspice, FLARE_VERSION, FLARE_NGSPICE_VERSION));
  }
  if (!engine::has_attribute(file, "/", "mathematics") ||
      engine::read_text(file, "/", "mathematics") != engine::hash_text(engine::mathematics_hash())) {
    throw StudyError(path.string() +
                     ": was made on a machine whose mathematics library gives other bits than this one; "
                     "merge on a machine like it, or run that part again here");
  }
}

/// What is true of every part, whatever it is a part of.
void check_part(const H5::H5File& file, const std::filesystem::path& path) {
  if (!engine::has_attribute(file, "/", "format") || engine::read_text(file, "/", "format") != "flare/1")
    throw StudyError(path.string() + ": is not a part of a study");
  if (engine::read_integer(file, "/", "complete") == 1)
    throw StudyError(path.string() + ": is a finished result, not a part");
  check_versions(file, path);
}

void check_inputs_of(const H5::H5File& file, const std::filesystem::path& path,
                     const std::vector<engine::InputFile>& inputs) {
  const std::string changed = changed_inputs(file, inputs);
  if (changed.empty()) return;
  throw StudyError(
      fmt::format("{}: was made from other inputs: {}; run that part again", path.string(), changed));
}

ShardPart read_part(const H5::H5File& file, const std::filesystem::path& path) {
  ShardPart part;
  part.path = path;
  std::string share = engine::read_text(file, "/", "shard");
  const std::string rest = prefix_of(ShardStage::rest);
  if (share.starts_with(rest)) {
    part.stage = ShardStage::rest;
    share.erase(0, rest.size());
  }
  if (!read_share(share, &part)) throw StudyError(path.string() + ": does not say which shard it is");
  part.stopped = engine::read_integer(file, "/", "stopped") != 0;
  return part;
}

}  // namespace

bool is_part(const Shard& shard) { return shard.count > 1 || shard.stage != ShardStage::items; }

ShardParts read_shard_parts(const std::vector<std::filesystem::path>& files) {
  ShardParts all;
  for (const std::filesystem::path& path : files) {
    const H5::H5File file = engine::open_result(path);
    check_part(file, path);
    const std::string study = engine::read_text(file, "/", "study");
    if (all.parts.empty()) {
      all.study = study;
      all.study_file = engine::read_text(file, "/", "study_file");
    } else if (study != all.study) {
      throw StudyError(
          fmt::format("{}: is a part of another study than {}", path.string(), files.front().string()));
    }
    const ShardPart part = read_part(file, path);
    std::vector<ShardPart>& stage = part.stage == ShardStage::rest ? all.rest : all.parts;
    if (!stage.empty() && part.count != stage.front().count) {
      throw StudyError(fmt::format("{}: is shard {}{}/{}, {} is one of {}: parts of one division only",
                                   path.string(), prefix_of(part.stage), part.index, part.count,
                                   stage.front().path.string(), stage.front().count));
    }
    stage.push_back(part);
  }
  if (all.parts.empty() && !all.rest.empty())
    throw StudyError(all.rest.front().path.string() + ": is what is left by shards; give those, too");
  if (!all.parts.empty()) all.count = all.parts.front().count;
  return all;
}

void check_whole(const std::vector<std::filesystem::path>& files, const std::string& study) {
  if (files.empty()) throw StudyError("--stage rest: needs all parts of the study, with --with PART...");
  const ShardParts parts = read_shard_parts(files);
  if (parts.study != study) throw StudyError(files.front().string() + ": is a part of another study");
  const std::vector<std::string> missing = missing_shards(parts);
  if (!missing.empty())
    throw StudyError(fmt::format("--stage rest: {}; run what is missing first", fmt::join(missing, "; ")));
}

void check_inputs_of(const ShardParts& parts, const std::vector<engine::InputFile>& inputs) {
  for (const std::vector<ShardPart>* stage : {&parts.parts, &parts.rest}) {
    for (const ShardPart& part : *stage) check_inputs_of(engine::open_result(part.path), part.path, inputs);
  }
}

H5::H5File open_part_of(const std::filesystem::path& path, const std::string& study,
                        const std::vector<engine::InputFile>& inputs) {
  H5::H5File file = engine::open_result(path);
  check_part(file, path);
  if (engine::read_text(file, "/", "study") != study)
    throw StudyError(path.string() + ": is a part of another study");
  check_inputs_of(file, path, inputs);
  return file;
}

namespace {

void add_missing(const std::vector<ShardPart>& parts, std::vector<std::string>& missing) {
  if (parts.empty()) return;
  std::map<int, const ShardPart*> best;
  for (const ShardPart& part : parts) {
    const ShardPart*& place = best[part.index];
    if (place == nullptr || place->stopped) place = &part;
  }
  const char* stage = prefix_of(parts.front().stage);
  const int count = parts.front().count;
  for (int index = 1; index <= count; ++index) {
    const auto place = best.find(index);
    if (place == best.end()) {
      missing.push_back(fmt::format("shard {}{}/{} is missing", stage, index, count));
    } else if (place->second->stopped) {
      missing.push_back(fmt::format("{} (shard {}{}/{}) was stopped before its end",
                                    place->second->path.string(), stage, index, count));
    }
  }
}

}  // namespace

std::vector<std::string> missing_shards(const ShardParts& parts) {
  std::vector<std::string> missing;
  add_missing(parts.parts, missing);
  add_missing(parts.rest, missing);
  return missing;
}

void check_merge_output(const std::filesystem::path& out, const ShardParts& parts) {
  if (!std::filesystem::exists(out)) return;
  for (const std::vector<ShardPart>* stage : {&parts.parts, &parts.rest}) {
    for (const ShardPart& part : *stage) {
      if (!std::filesystem::equivalent(out, part.path)) continue;
      throw StudyError(out.string() + ": is a part itself; name the file for the result first");
    }
  }
  const H5::H5File file = engine::open_result(out);
  ShardPart there;
  if (engine::has_attribute(file, "/", "shard") &&
      read_share(engine::read_text(file, "/", "shard"), &there) && there.count > 1) {
    throw StudyError(
        fmt::format("{}: is shard {}/{}, which would be overwritten; name the file for the result first",
                    out.string(), there.index, there.count));
  }
}

}  // namespace flare::studies
