// What one converter's answer says of another's question about the same level: nobody has to look for failures that lie
// beyond those of a question with an answer.
//
// A level y is misread where y + v xi lies beyond the limit L, xi a standard normal deviation of the converter. Of two questions
// of one side with L2 no nearer than L1 and v2 <= v1: where y stops short of L2, P2(y) <= P1(y); beyond it P1(y) >= 1/2. So
// P2 <= 2 P1, and P2 <= P1 where v2 = v1.
#pragma once

#include <vector>

#include "studies/column/column_questions.hpp"
#include "studies/column/column_tails.hpp"

namespace flare::studies {

/// Gives every tail without an answer, or with a bound, the least bound that an estimated one of the level sets it, where that
/// is at most `wanted`: one that does not show that the target is held would only hide that there is no answer. `questions`:
/// those of the level, in the order of its tails. Changes no estimated tail.
void bound_by_others(LevelTails& level, const std::vector<LevelQuestion>& questions,
                     const std::vector<SetConverter>& converters, double wanted);

}  // namespace flare::studies
