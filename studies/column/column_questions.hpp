// What converters ask of a level: how probable it is that it lies beyond the threshold next to its code.
#pragma once

#include <cstddef>
#include <vector>

#include "analysis/output_tails/output_tails.hpp"
#include "studies/column/column_converters.hpp"

namespace flare::studies {

/// A level towards one threshold of one converter.
struct LevelQuestion {
  std::size_t converter = 0;
  analysis::Direction direction = analysis::Direction::down;
  analysis::TailQuestion ask;  // V
};

/// Fails where the level lies beyond the threshold next to its code; V, whichever way the bitline goes with k.
analysis::TailQuestion question_of(const SetConverter& converter, std::size_t k,
                                   analysis::Direction direction);

/// Those of level `k`, converter by converter, down before up; none where its code has no neighbour.
std::vector<LevelQuestion> questions_of(std::size_t k, const std::vector<SetConverter>& converters);

}  // namespace flare::studies
