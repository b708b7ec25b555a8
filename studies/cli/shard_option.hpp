// "--shard I/N" and "--stage screening" of a study: what can be shared out, and among how many.
#pragma once

#include <cstddef>

#include "studies/run/shares.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// More shards than this have nothing to do.
std::size_t most_shards(const Study& study, ShardStage stage);

/// Throws StudyError where a study of this kind is not shared out, or has fewer items than shards.
void check_shard(const Study& study, const Shard& shard);

}  // namespace flare::studies
