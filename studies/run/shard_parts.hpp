// The parts of a sharded run, as `flare merge` finds them: which they are, whether they belong together, what is missing.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/content_hash.hpp"
#include "engine/base/hdf5_io.hpp"
#include "studies/run/shares.hpp"

namespace flare::studies {

struct ShardPart {
  std::filesystem::path path;
  int index = 0;  // from 1
  int count = 0;
  ShardStage stage = ShardStage::items;
  bool stopped = false;  // before its end
};

struct ShardParts {
  std::string study;                 // the text that all of them ran
  std::filesystem::path study_file;  // where it was then
  int count = 0;                     // of shards
  std::vector<ShardPart> parts;
  std::vector<ShardPart> rest;  // shares of what the parts asked for; none: nobody has run it yet
};

/// True for a share of anything: it has runs to give, and no result.
bool is_part(const Shard& shard);

/// Reads what the files say of themselves. Throws engine::FileError or StudyError, with the file's name, where one is no
/// part, of another study, of another version, made where functions give other bits, or of another number of shards.
ShardParts read_shard_parts(const std::vector<std::filesystem::path>& files);

/// Parts of this study that are whole and all there: what the rest of it is known from. Throws what read_shard_parts and
/// check_inputs_of do, and StudyError where one is missing or of another study.
void check_whole(const std::vector<std::filesystem::path>& files, const std::string& study);

/// Throws StudyError where a part was made from other input files than these.
void check_inputs_of(const ShardParts& parts, const std::vector<engine::InputFile>& inputs);

/// Opens any part of this study, a share of its screening as well, for its runs. Throws what read_shard_parts and
/// check_inputs_of do.
H5::H5File open_part_of(const std::filesystem::path& path, const std::string& study,
                        const std::vector<engine::InputFile>& inputs);

/// Shards that no whole part holds, as "shard 2/4 is missing", "b.h5 (shard 3/4) was stopped before its end"; where some of
/// the rest is given, shares of that, too.
std::vector<std::string> missing_shards(const ShardParts& parts);

/// Throws StudyError where the result of a merge would take the place of a part: one of these, or any other.
void check_merge_output(const std::filesystem::path& out, const ShardParts& parts);

}  // namespace flare::studies
