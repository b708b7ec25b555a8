#include "studies/cli/shard_option.hpp"

#include <fmt/format.h>

#include <charconv>
#include <numeric>
#include <string_view>

#include "studies/cli/commands.hpp"
#include "studies/column/column_points.hpp"
#include "studies/column/column_shares.hpp"
#include "studies/gain_cell/gain_cell_study.hpp"

namespace flare::studies {

namespace {

/// What is shared out, and how many there are: more shards than this have nothing to do.
struct Items {
  std::size_t most = 0;
  std::string_view what;
};

Items items_of(const Study& study, ShardStage stage) {
  if (study.adc) return {study.converters.size(), ", a converter each"};
  if (study.gain_cell) return {gain_cell_items(study), ""};
  if (!study.column) return {study.corners.size(), ", a corner each"};
  const std::vector<ColumnPoint> points = column_points(study);
  if (stage == ShardStage::screening) return {screening_items(study), ""};
  return {std::accumulate(points.begin(), points.end(), std::size_t{0},
                          [](std::size_t levels, const ColumnPoint& point) {
                            return levels + static_cast<std::size_t>(point.sawl) + 1;
                          }),
          ""};
}

}  // namespace

Shard parse_shard(const std::string& text) {
  Shard shard;
  const char* end = text.data() + text.size();
  const auto [slash, first] = std::from_chars(text.data(), end, shard.index);
  const bool ok = first == std::errc() && slash != end && *slash == '/';
  const auto [rest, second] = ok ? std::from_chars(slash + 1, end, shard.count)
                                 : std::from_chars_result{text.data(), std::errc::invalid_argument};
  if (second != std::errc() || rest != end || shard.index < 1 || shard.index > shard.count ||
      shard.count > 100'000) {
    throw StudyError("--shard " + text + ": expected I/N with 1 <= I <= N, e.g. 2/4");
  }
  --shard.index;
  return shard;
}

std::size_t most_shards(const Study& study, ShardStage stage) { return items_of(study, stage).most; }

void check_shard(const Study& study, const Shard& shard) {
  if (shard.stage == ShardStage::screening && !study.column)
    throw StudyError("--stage screening: only a study of a column has a screening to share out");
  if (shard.stage == ShardStage::rest && !study.column)
    throw StudyError("--stage rest: only levels of a column are asked again once all of them are done");
  if (shard.count == 1) return;
  const Items items = items_of(study, shard.stage);
  if (static_cast<std::size_t>(shard.count) <= items.most) return;
  throw StudyError(fmt::format(
      "--shard {}/{}: the study has at most {} items to share out{}{}; more shards have nothing to do",
      shard.index + 1, shard.count, items.most,
      shard.stage == ShardStage::screening ? " before its levels" : "", items.what));
}

}  // namespace flare::studies
