// The cost model beside published macros, without fitting.
#include <fmt/format.h>

#include <algorithm>

#include "flare_arch/cost/silicon.hpp"
#include "studies/cost/published.hpp"
#include "studies/paper/paper.hpp"

namespace flare::studies {

PaperPage silicon_page(const PaperInputs& in) {
  PaperPage page;
  page.paper = {"does not compare its model with silicon; assumes 10 ns for MRAM reads"};
  analysis::TextTable table{
      "Energy of a column read, whole macro (fJ): published headline, predicted from rows, bits, supply and "
      "cycle",
      {"no.", "macro", "published", "predicted low", "nominal", "bitline", "word lines", "converter",
       "code to sum", "low / published", "nominal / published"},
      {}};
  int within = 0, held = 0;
  for (const MacroFigure& m : read_macros()) {
    const arch::MacroDesign design{m.technology, m.rows, m.adc_bits, m.input_bits, m.volt, m.cycle};
    const arch::MacroEnergy low = predict_macro(design, in.architecture.parameters, arch::Bound::low),
                            e = predict_macro(design, in.architecture.parameters);
    const double ratio = e.total() / m.energy;
    if (m.technology != "mram") {
      ++held;
      within += ratio >= 0.5 && ratio <= 2 ? 1 : 0;
    }
    const auto fj = [](double joule) { return fmt::format("{:.3g}", 1e15 * joule); };
    table.rows.push_back({std::to_string(m.number), m.name, fj(m.energy), fj(low.total()), fj(e.total()),
                          fj(e.bitline), fj(e.word_lines), fj(e.converter), fj(e.code_to_sum),
                          fmt::format("{:.2f}", low.total() / m.energy), fmt::format("{:.2f}", ratio)});
  }
  page.ours = {
      fmt::format("{} of {} SRAM and ReRAM macros are within a factor of 2; nothing is fitted", within, held),
      "the misses are too dear: headlines are of a chip's best data (sparse inputs, few decisions), while "
      "here half of the rows "
      "are driven; the converter is most of it, one a column with comparators for six sigma (6.8 mV, then "
      "trimmed), where macros "
      "that need not hold six sigma can have smaller ones, or share one among columns",
      "MRAM: the model reads in a nanosecond what these chips read in 316 to 400; the paper's 10 ns is the "
      "assumption of it that "
      "silicon supports least"};
  page.tables = {std::move(table)};
  return page;
}

}  // namespace flare::studies
