// An error model as a table that one random byte a read looks its code up in.
#pragma once

#include <cstdint>
#include <vector>

#include "flare_arch/array/error_model.hpp"

namespace flare::arch {

/// A confusion matrix cut into 256 equal slots of a random byte. Of level k the likely code has the first
/// slots, other codes their whole slots behind it, and the slots above `mixed_last_before` are shared: a read that
/// draws one of those draws again, in double precision, from what of each code did not fill a slot.
struct SlotTable {
  int levels = 0, alternatives = 0;
  // All indexed [level]; padded to whole tables of 16.
  std::vector<std::uint8_t> base_code;
  std::vector<std::vector<std::uint8_t>> last_before;  // [alternative][level]: drawn by bytes above this
  std::vector<std::vector<std::uint8_t>> code;         // [alternative][level]
  std::vector<std::uint8_t> mixed_last_before;         // shared slots are bytes above this
  std::vector<std::vector<double>> mixed_cumulative;   // [level][code]

  /// Throws std::invalid_argument for more than 128 codes.
  explicit SlotTable(const ErrorModel& model);
  /// The code of a read of this level in the shared slots, from u in (0, 1).
  int mixed_code(int level, double u) const;
};

}  // namespace flare::arch
