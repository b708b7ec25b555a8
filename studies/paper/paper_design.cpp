// TABLE 1, the slip of section 3.3, Fig. 9 and Fig. 14.
#include <fmt/format.h>

#include "analysis/report/report_cost.hpp"
#include "analysis/report/report_figures.hpp"
#include "analysis/tails/tail_text.hpp"
#include "studies/paper/drawing.hpp"
#include "studies/paper/paper.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

using analysis::cost_text;
using arch::CostReport;

std::string range_text(const analysis::CostRange& r, const std::string& unit) {
  return fmt::format("{} ({} to {})", cost_text(r.nominal, unit), cost_text(r.low, unit),
                     cost_text(r.high, unit));
}

std::string array_text(const arch::ArrayChoice& a) {
  return fmt::format("{}, SAWL {}, {} converter", to_string(a.technology), a.sawl,
                     to_string(a.converter.law));
}

}  // namespace

PaperPage table1_page(const PaperInputs& in) {
  PaperPage page;
  page.paper = {"28 nm FD-SOI, post-layout; SAWL 8; DC8; minimum array sizes of Fig. 9 (a)",
                "the values of TABLE 1 are not in any public copy"};
  const CostRun run = run_cost(shape_model(in.shape), in.architecture);
  const arch::Architecture& a = in.architecture;
  analysis::TextTable table{fmt::format("The design, {}", in.shape), {"", "paper", "ours"}, {}};
  const auto add = [&](const std::string& what, const std::string& ours) {
    table.rows.push_back({what, "not public", ours});
  };
  add("arrays of weights", array_text(a.weights));
  add("arrays of keys and values", array_text(a.dynamic));
  table.rows.push_back({"parallelism", "DC8", fmt::format("DC{} by {}", a.copies, to_string(a.sharing))});
  add("precision (activations, K and V, weights)",
      fmt::format("{}, {}, {} bits", a.activation_bits, a.kv_bits, a.weight_bits));
  add("cycle", range_text(run.range([](const CostReport& c) { return c.cycle; }), "s"));
  add("area, one layer at a time", range_text(run.range([](const CostReport& c) { return c.area; }), "m^2"));
  add("power", range_text(run.range([](const CostReport& c) { return c.power(); }), "W"));
  add("tokens a second",
      range_text(run.range([](const CostReport& c) { return c.tokens_per_second(); }), ""));
  add("energy a token", range_text(run.range([](const CostReport& c) { return c.token_energy(); }), "J"));
  add("energy a MAC", range_text(run.range([](const CostReport& c) { return c.mac_energy(); }), "J"));
  page.tables = {std::move(table)};
  return page;
}

PaperPage slip_page(const PaperInputs& in) {
  PaperPage page;
  page.paper = {
      "section 3.3: D 1024, N 512, SAWL 8, 8 bits: (D/8) x N x 8 = 524,288 cycles; at 10 ns \"approximately "
      "0.5 "
      "milliseconds\", and \"in the order of 100 ms\" over the blocks"};
  arch::Architecture a = in.architecture;
  a.packing = arch::Packing::fixed;
  a.kv_bits = 8;
  const arch::Workload work = arch::closed_form(*arch::known_shape("bert_large"), a);
  const double cycles = work.layers.front().find(arch::Product::query)->cycles;
  page.ours = {
      fmt::format("{:.0f} cycles at 10 ns are {:.2f} ms; 0.5 ms would need 1 ns a cycle ({:.2f} ms)", cycles,
                  cycles * 10e-6, cycles * 1e-6),
      fmt::format(
          "three projections (K and V from the same word lines: two streams) and the output, 24 layers, DC1: "
          "{:.0f} ms at 10 ns, {:.0f} ms at 1 ns; the \"100 ms\" inherits the slip",
          3 * 24 * cycles * 10e-6, 3 * 24 * cycles * 1e-6)};
  return page;
}

namespace {

analysis::TextTable size_table(const arch::Architecture& a) {
  analysis::TextTable table{
      "Smallest arrays of a layer (word lines x bit lines)",
      {"model", "N", "Q, K, V, O: 4 of", "keys: one a head of", "values: one a head of"},
      {}};
  for (const std::string& name : arch::known_shape_names()) {
    const arch::ModelShape s = *arch::known_shape(name);
    const arch::ArraySizes z = arch::array_sizes(s.attention(), a.weight_bits, a.kv_bits);
    table.rows.push_back({name, std::to_string(s.tokens),
                          fmt::format("{} x {}", z.stationary_word_lines, z.stationary_bit_lines),
                          fmt::format("{} x {}", z.dynamic_word_lines, z.dynamic_bit_lines),
                          fmt::format("{} x {}", z.value_word_lines, z.value_bit_lines)});
  }
  return table;
}

}  // namespace

PaperPage fig9_page(const PaperInputs& in) {
  PaperPage page;
  page.paper = {
      "(a) D^2 weights per projection, D word lines, D x 8 bit lines; H arrays of d_k word lines, N x 8 bit "
      "lines",
      "(b) \"we limit SAWL <= 8 to guarantee stable, 6-sigma error-free computation\"; its values are not "
      "public"};
  page.tables = {size_table(in.architecture)};
  if (in.study.empty())
    throw StudyError(
        "fig9: needs --study RESULT.h5 of a column study for its part (b), e.g. of "
        "studies/pick_sawl_quick.toml");
  const analysis::ReportData data = analysis::read_report_data(in.study);
  if (data.verdict.empty())
    throw StudyError(in.study.string() + ": holds no verdict; give the result of a column study");
  analysis::TextTable table{"Error of a read at the worst corner",
                            {"cell", "SAWL", "converter", "error/read", "sigma", data.target_text},
                            {}};
  for (const analysis::VerdictRow& row : data.verdict)
    table.rows.push_back({row.key.cell, std::to_string(row.key.sawl), row.key.adc,
                          analysis::probability_text(row.error), analysis::sigma_text(row.error),
                          row.passes ? "holds" : "does not hold"});
  page.tables.push_back(std::move(table));
  page.ours = {data.pick};
  page.figures = {{"fig9b", analysis::error_figure(data).svg}};
  return page;
}

namespace {

/// How many times less energy a digital in-memory array takes than DC1.
Band digital_ratio(const PaperInputs& in) {
  arch::Architecture a = in.architecture;
  a.copies = 1;
  const double mac = run_cost(shape_model(in.shape), a).report().mac_energy();
  const DigitalFigure d = read_digital();
  return {fmt::format("1 / energy of a {}, {} nm", d.name, d.node), mac / d.high, mac / d.low};
}

}  // namespace

PaperPage fig14_page(const PaperInputs& in) {
  PaperPage page;
  page.paper = {
      "normalised chip size, latency, power and energy over the parallelism of arrays; larger is better; DC8 "
      "is the "
      "\"medium benchmark\" chosen. No value is public"};
  const CostModel model = shape_model(in.shape);
  std::vector<Line> lines;
  analysis::TextTable table{fmt::format("{}: DC1 over DCk, larger is better", in.shape),
                            {"shared out", "DC", "chip size", "latency", "power", "energy"},
                            {}};
  for (const arch::Sharing sharing : {arch::Sharing::tokens, arch::Sharing::planes, arch::Sharing::split}) {
    arch::Architecture a = in.architecture;
    a.sharing = sharing;
    a.copies = 1;
    const CostReport one = run_cost(model, a).report();
    std::array<Line, 4> figures;
    for (const int k : {1, 2, 4, 8, 16}) {
      if (sharing == arch::Sharing::planes && k > a.activation_bits) continue;
      a.copies = k;
      const CostReport c = run_cost(model, a).report();
      const std::array<double, 4> ratios = {one.area / c.area, one.interval / c.interval,
                                            one.power() / c.power(), one.sequence_energy / c.sequence_energy};
      std::vector<std::string> row = {std::string(to_string(sharing)), std::to_string(k)};
      for (std::size_t f = 0; f < ratios.size(); ++f) {
        row.push_back(fmt::format("{:.3f}", ratios[f]));
        figures[f].points.emplace_back(k, ratios[f]);
      }
      table.rows.push_back(std::move(row));
    }
    if (sharing != arch::Sharing::tokens) continue;
    for (std::size_t f = 0; f < figures.size(); ++f) {
      figures[f].title = std::array{"1 / chip size", "1 / latency", "1 / power", "1 / energy"}[f];
      lines.push_back(std::move(figures[f]));
    }
  }
  page.tables = {std::move(table)};
  page.ours = {
      "copies by tokens: time falls and area and power rise with k, energy stays but for leakage; no DC is "
      "best in all "
      "four, which is why the paper's figure must be read as a choice"};
  page.figures = {{"fig14", draw_lines("fig14",
                                       {"copies (DC), shared out by tokens", "DC1 / DCk, larger is better",
                                        true, true, true},
                                       lines, digital_ratio(in))}};
  return page;
}

}  // namespace flare::studies
