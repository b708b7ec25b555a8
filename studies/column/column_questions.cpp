#include "studies/column/column_questions.hpp"

#include <cmath>

namespace flare::studies {

using analysis::Direction;

analysis::TailQuestion question_of(const SetConverter& c, std::size_t k, Direction direction) {
  const std::size_t code = c.converter.code_of_level[k];
  const std::size_t next = direction == Direction::down ? code - 1 : code;
  const double threshold = c.converter.thresholds[next];
  const bool below = (direction == Direction::down) == (c.reference.step() > 0.0);
  return {c.reference.to_volts(threshold), below ? analysis::Side::below : analysis::Side::above,
          c.converter.threshold_sigma(next) * std::fabs(c.reference.step())};
}

std::vector<LevelQuestion> questions_of(std::size_t k, const std::vector<SetConverter>& converters) {
  std::vector<LevelQuestion> questions;
  for (std::size_t c = 0; c < converters.size(); ++c) {
    const analysis::Converter& converter = converters[c].converter;
    const std::size_t code = converter.code_of_level[k];
    if (code > 0) questions.push_back({c, Direction::down, question_of(converters[c], k, Direction::down)});
    if (code < converter.thresholds.size())
      questions.push_back({c, Direction::up, question_of(converters[c], k, Direction::up)});
  }
  return questions;
}

}  // namespace flare::studies
