#include "studies/run/shares.hpp"

#include <algorithm>
#include <numeric>

namespace flare::studies {

const char* prefix_of(ShardStage stage) {
  switch (stage) {
    case ShardStage::screening:
      return "screening ";
    case ShardStage::rest:
      return "rest ";
    case ShardStage::items:
      break;
  }
  return "";
}

std::vector<std::size_t> heaviest_first(const std::vector<double>& weights) {
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  return order;
}

std::vector<int> shards_of(const std::vector<double>& weights, int shards) {
  std::vector<double> load(static_cast<std::size_t>(shards), 0.0);
  std::vector<int> shard(weights.size(), 0);
  for (const std::size_t item : heaviest_first(weights)) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += weights[item];
    shard[item] = static_cast<int>(least - load.begin());
  }
  return shard;
}

std::vector<std::size_t> items_of(const std::vector<double>& weights, const Shard& shard) {
  const std::vector<int> shards = shards_of(weights, shard.count);
  std::vector<std::size_t> mine;
  for (std::size_t item = 0; item < shards.size(); ++item) {
    if (shards[item] == shard.index) mine.push_back(item);
  }
  return mine;
}

}  // namespace flare::studies
