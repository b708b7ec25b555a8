#include "flare_arch/array/slot_table.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "flare_arch/array/line_blocks.hpp"

namespace flare::arch {

SlotTable::SlotTable(const ErrorModel& model) : levels(model.rows_per_read + 1) {
  if (model.codes() > 128) throw std::invalid_argument("slot table: at most 128 codes are supported");
  const int padded = round_up(levels, 16);
  base_code.assign(padded, 0);
  mixed_last_before.assign(padded, 255);
  mixed_cumulative.resize(levels);
  for (int k = 0; k < levels; ++k) {
    const int likely = model.likely_code(k);
    base_code[k] = static_cast<std::uint8_t>(likely);
    std::vector<double> rest(model.codes());
    double sum = 0;
    int next = 0, used = 0;
    const auto take = [&](int c) {
      // Never all 256 slots at once, so that the bound before the first alternative fits a byte.
      const int whole = static_cast<int>(std::floor(256 * model.confusion(k, c)));
      rest[c] = model.confusion(k, c) * 256 - whole;
      next += whole;
      return whole;
    };
    take(likely);
    for (int c = 0; c < model.codes(); ++c) {
      if (c == likely) continue;
      const int before = next;
      if (take(c) == 0) continue;
      if (used == alternatives) {
        last_before.emplace_back(padded, 255);
        code.emplace_back(padded, 0);
        ++alternatives;
      }
      last_before[used][k] = static_cast<std::uint8_t>(before - 1);
      code[used++][k] = static_cast<std::uint8_t>(c);
    }
    // Alternatives this level does not use stay behind byte 255; the shared slots begin where whole ones end.
    mixed_last_before[k] = static_cast<std::uint8_t>(std::min(next, 256) - 1);
    for (const double r : rest) mixed_cumulative[k].push_back(sum += r);
    if (sum > 0)
      for (double& c : mixed_cumulative[k]) c /= sum;
  }
}

int SlotTable::mixed_code(int level, double u) const {
  const std::vector<double>& c = mixed_cumulative[level];
  return static_cast<int>(
      std::min<std::size_t>(std::upper_bound(c.begin(), c.end(), u) - c.begin(), c.size() - 1));
}

}  // namespace flare::arch
