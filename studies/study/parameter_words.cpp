#include "studies/study/parameter_words.hpp"

#include <array>

#include "engine/netlist/deck_lexer.hpp"

namespace flare::studies {

namespace {

constexpr std::array<ParameterWord, 27> parameter_words{{
    {"vth", "delvto", "V", "m", true, true, false},
    {"vt", "delvto", "V", "m", true, true, false},
    {"delvto", "delvto", "V", "m", true, true, false},
    {"delvt0", "delvto", "V", "m", true, true, false},
    // Multiplies the mobility: a factor, by default lognormal, so that it stays positive far out in the tail.
    {"beta", "mulu0", "1", "m", false, false, true},
    {"mulu0", "mulu0", "1", "m", false, false, true},
    {"dc", "dc", "V|A", "vi", false, false, false},
    {"resistance", "resistance", "Ohm", "r", false, false, false},
    {"r", "resistance", "Ohm", "r", false, false, false},
    {"capacitance", "capacitance", "F", "c", false, false, false},
    {"c", "capacitance", "F", "c", false, false, false},
    {"inductance", "inductance", "V s/A", "l", false, false, false},
    {"w", "w", "m", "m", true, false, false},
    {"l", "l", "m", "m", true, false, false},
    {"ad", "ad", "m2", "m", false, false, false},
    {"as", "as", "m2", "m", false, false, false},
    {"pd", "pd", "m", "m", false, false, false},
    {"ps", "ps", "m", "m", false, false, false},
    {"m", "m", "1", "", false, false, false},
    {"nf", "nf", "1", "m", false, false, false},
    {"area", "area", "1", "dqjz", false, false, false},
    {"dtemp", "dtemp", "K", "", false, false, false},
    {"gain", "gain", "", "efgh", false, false, false},
    {"vth0", "vth0", "V", "", false, false, false},
    {"vto", "vto", "V", "", false, false, false},
    {"toxe", "toxe", "m", "", false, false, false},
    {"tox", "tox", "m", "", false, false, false},
}};

}  // namespace

ParameterWord parameter_word(const std::string& label, bool of_model) {
  const std::string word = engine::lower(label);
  for (const ParameterWord& row : parameter_words) {
    // On a model card the words mean the card's own parameters.
    if (row.word == word && (!of_model || row.word == row.simulator)) {
      return of_model ? ParameterWord{row.word, row.simulator, row.unit, "", false, false, false} : row;
    }
  }
  return {};
}

std::vector<std::string> parameter_words_of(char device_type) {
  std::vector<std::string> words;
  for (const ParameterWord& row : parameter_words) {
    if (row.device_types.find(device_type) != std::string_view::npos) words.emplace_back(row.word);
  }
  return words;
}

}  // namespace flare::studies
