// How the items of a study are shared out among shards, so that all have about as much to do.
#pragma once

#include <cstddef>
#include <vector>

namespace flare::studies {

/// What is shared out, one stage after the other.
enum class ShardStage {
  screening,  // what has to be known before the items can be shared out
  items,      // the study's items; without shards all of the study
  rest,       // what the items have come to ask for, once all of them are done
};

/// Shard `index` (from 0) of `count`.
struct Shard {
  int index = 0;
  int count = 1;
  ShardStage stage = ShardStage::items;
};

/// "screening ", "" or "rest ": before the numbers of a shard, in files and messages.
const char* prefix_of(ShardStage stage);

/// Shard of every item, by weight: the heaviest first, each to the shard that has the least so far (Graham's LPT rule,
/// at most 4/3 of the best). Depends on nothing but the weights and their order.
std::vector<int> shards_of(const std::vector<double>& weights, int shards);

/// The items of one shard, ascending.
std::vector<std::size_t> items_of(const std::vector<double>& weights, const Shard& shard);

/// Items in the order in which they should begin: the heaviest first, else as they stand.
std::vector<std::size_t> heaviest_first(const std::vector<double>& weights);

}  // namespace flare::studies
