// The cost model beside published macros, without fitting.
#include <fmt/format.h>

#include <algorithm>

#include "flare_arch/cost/silicon.hpp"
#include "studies/cost/published.hpp"
#include "studies/paper/drawing.hpp"
#include "studies/paper/paper.hpp"

namespace flare::studies {

namespace {

struct Predicted {
  MacroFigure macro;
  arch::MacroEnergy low, nominal;

  double ratio() const { return nominal.total() / macro.published(); }
  bool is_within() const { return ratio() >= 0.5 && ratio() <= 2; }
  bool is_mram() const { return macro.design.technology == "mram"; }
};

std::vector<Predicted> predict_all(const arch::ParameterSet& parameters) {
  std::vector<Predicted> all;
  for (MacroFigure& m : read_macros()) {
    const arch::MacroEnergy low = predict_macro(m.design, parameters, arch::Bound::low),
                            nominal = predict_macro(m.design, parameters);
    all.push_back({std::move(m), low, nominal});
  }
  return all;
}

std::string fj(double joule) { return joule > 0 ? fmt::format("{:.3g}", 1e15 * joule) : "-"; }

analysis::TextTable table_of(const std::vector<Predicted>& all) {
  analysis::TextTable table{
      "Energy of a column read, whole macro (fJ): as collected from headlines [U], as its publication's own "
      "words give it, and predicted",
      {"no.", "macro", "readout", "published [U]", "own words", "predicted low", "nominal", "bitline",
       "word lines", "converter", "code to sum", "nominal / [U]", "nominal / own words", "within 2", "why"},
      {}};
  for (const Predicted& p : all) {
    const arch::MacroEnergy& e = p.nominal;
    table.rows.push_back(
        {std::to_string(p.macro.number), p.macro.name, std::string(to_string(p.macro.design.readout)),
         fj(p.macro.energy), fj(p.macro.own_energy), fj(p.low.total()), fj(e.total()), fj(e.bitline),
         fj(e.word_lines), fj(e.converter), fj(e.code_to_sum),
         fmt::format("{:.2f}", e.total() / p.macro.energy),
         p.macro.own_energy > 0 ? fmt::format("{:.2f}", e.total() / p.macro.own_energy) : "-",
         p.is_within() ? "yes" : "no", p.macro.reason});
  }
  return table;
}

std::string count_sentence(const std::vector<Predicted>& all) {
  int within = 0, held = 0;
  std::string misses;
  for (const Predicted& p : all) {
    if (p.is_mram()) continue;
    ++held;
    within += p.is_within() ? 1 : 0;
    if (!p.is_within())
      misses += fmt::format("{}no. {} ({:.1f} times)", misses.empty() ? "" : ", ", p.macro.number, p.ratio());
  }
  return fmt::format(
      "{} of {} SRAM and ReRAM macros are within a factor of 2 of what their publications say (of [U] where "
      "no words of theirs are at hand); nothing is fitted; missed: {}",
      within, held, misses.empty() ? "none" : misses);
}

/// What MRAM macros would take if their cells conducted over the whole cycle.
std::string mram_sentence(const std::vector<Predicted>& all, const arch::ParameterSet& parameters) {
  std::string text;
  for (const Predicted& p : all)
    if (p.is_mram())
      text += fmt::format(
          "{}no. {}: {:.2f} times what was published with the model's own read time, {:.0f} times if its "
          "cells conducted 0.1 V over {:.0f} ns",
          text.empty() ? "" : "; ", p.macro.number, p.ratio(),
          predict_conducting_macro(p.macro.design, parameters).total() / p.macro.published(),
          1e9 * p.macro.design.cycle);
  return "MRAM, " + text +
         ": they read slowly and at less than the model's voltage, with amplifiers that hold it; the paper's "
         "10 ns is the assumption that silicon supports least";
}

/// By what a read multiplies, in bits: the macros read different numbers of rows, and a digital array none.
std::string figure_of(const std::vector<Predicted>& all) {
  std::vector<Bar> bars;
  for (const Predicted& p : all) {
    const arch::MacroDesign& d = p.macro.design;
    const double scale = 1e15 / (d.rows * d.fed_bits * d.columns);
    const double value = scale * p.macro.published(), other = scale * p.macro.energy;
    bars.push_back({fmt::format("no. {}, published", p.macro.number), value, std::min(value, other),
                    std::max(value, other), 0});
    bars.push_back({fmt::format("no. {}, {} {:g} nm", p.macro.number, d.technology, d.node),
                    scale * p.nominal.total(), scale * p.low.total(), scale * p.nominal.total(), 1});
  }
  const DigitalFigure digital = read_digital();
  constexpr double bit_products = 64;  // of INT8
  return draw_bars("silicon", "fJ a multiplication of two bits", bars,
                   {"published (line: to what others collected)", "predicted (line: to all low)"},
                   {fmt::format("{}, {} nm, INT8 over 64", digital.name, digital.node),
                    1e15 * digital.low / bit_products, 1e15 * digital.high / bit_products});
}

}  // namespace

PaperPage silicon_page(const PaperInputs& in) {
  PaperPage page;
  page.paper = {"does not compare its model with silicon; assumes 10 ns for MRAM reads"};
  const std::vector<Predicted> all = predict_all(in.architecture.parameters);
  page.ours = {count_sentence(all),
               "data are taken as half ones; headlines are of a chip's best data, so predictions lie above "
               "them rather than below",
               mram_sentence(all, in.architecture.parameters)};
  page.tables = {table_of(all)};
  page.figures = {{"silicon", figure_of(all)}};
  return page;
}

}  // namespace flare::studies
