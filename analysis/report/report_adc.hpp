// What the report shows of converters that were measured as circuits, as tables of text.
#pragma once

#include <string>
#include <vector>

#include "analysis/results/adc_table.hpp"

namespace flare::analysis {

struct TextTable {
  std::string title;
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};

/// Of every converter its figures over the corners, then its thresholds. The titles name the trim that they rest on.
std::vector<TextTable> adc_tables(const std::vector<AdcResult>& results);

}  // namespace flare::analysis
