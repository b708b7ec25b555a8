// What a designer asks: energy and time over SAWL, over the length of a sequence and the model's width, and what it hangs on.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/report/report_cost.hpp"
#include "flare_arch/cost/sawl_scaling.hpp"
#include "studies/paper/drawing.hpp"
#include "studies/paper/paper.hpp"

namespace flare::studies {

namespace {

using analysis::cost_text;
using arch::Bound;
using arch::ConverterLaw;
using arch::CostReport;

const std::vector<ConverterLaw> laws = {ConverterLaw::flash_untrimmed, ConverterLaw::flash,
                                        ConverterLaw::sar};

std::string law_text(ConverterLaw law) {
  return law == ConverterLaw::flash_untrimmed ? "an untrimmed flash"
         : law == ConverterLaw::flash         ? "a trimmed flash"
                                              : "a trimmed SAR";
}

Band digital_band() {
  const DigitalFigure d = read_digital();
  return {fmt::format("{}, {} nm, {:.0f} to {:.0f} fJ", d.name, d.node, 1e15 * d.low, 1e15 * d.high),
          1e15 * d.low, 1e15 * d.high};
}

constexpr std::size_t nominal = static_cast<std::size_t>(Bound::nominal);

std::string cheapest_sentence(const PaperInputs& in, ConverterLaw law) {
  const arch::CheapestSawl c =
      arch::cheapest_sawl(*arch::known_shape(in.shape), in.architecture, designed_sawl(), law);
  return fmt::format(
      "at six sigma with {} the cheapest is SAWL {} ({} to {}): {} a MAC ({} to {}){}", law_text(law),
      c.nominal, c.least, c.most, cost_text(c.energy, "J"), cost_text(c.energy_low, "J"),
      cost_text(c.energy_high, "J"),
      c.moved_by.empty() ? "; no parameter within its ends moves it" : "; moved by " + c.moved_by);
}

analysis::TextTable sawl_table(const std::vector<arch::SawlPoint>& points) {
  analysis::TextTable table{"Arrays resized for the same sigma at the same swing; fJ a MAC, nominal",
                            {"converter", "SAWL", "bitline", "word lines", "converter", "code to sum",
                             "controller", "total", "low", "high", "area of a layer"},
                            {}};
  const auto fj = [](double joule) { return fmt::format("{:.0f}", 1e15 * joule); };
  for (const arch::SawlPoint& p : points) {
    const arch::ArrayEnergy& e = p.energy[nominal];
    table.rows.push_back({law_text(p.law), std::to_string(p.sawl), fj(e.bitline), fj(e.word_lines),
                          fj(e.converter), fj(e.code_to_sum), fj(e.controller), fj(e.total()),
                          fj(p.energy[0].total()), fj(p.energy[2].total()),
                          cost_text(p.area[nominal], "m^2")});
  }
  return table;
}

}  // namespace

PaperPage sawl_page(const PaperInputs& in) {
  PaperPage page;
  page.paper = {"picks SAWL 8, the largest that holds six sigma; says nothing of the energy of another"};
  const auto points = arch::sawl_points(*arch::known_shape(in.shape), in.architecture, designed_sawl(), laws);
  page.tables = {sawl_table(points)};
  for (const ConverterLaw law : laws) {
    page.ours.push_back(cheapest_sentence(in, law));
    std::vector<std::string> labels;
    std::vector<std::vector<double>> values;
    for (const arch::SawlPoint& p : points) {
      if (p.law != law) continue;
      const arch::ArrayEnergy& e = p.energy[nominal];
      labels.push_back(std::to_string(p.sawl));
      values.push_back({1e15 * e.bitline, 1e15 * e.word_lines, 1e15 * e.converter, 1e15 * e.code_to_sum,
                        1e15 * e.controller});
    }
    const std::string name = fmt::format("sawl_{}", to_string(law));
    page.figures.emplace_back(
        name, draw_stacks(name, fmt::format("fJ a MAC, {}, over SAWL", law_text(law)), labels,
                          {"bitline", "word lines", "converter", "code to sum", "controller"}, values,
                          digital_band()));
  }
  return page;
}

PaperPage latency_page(const PaperInputs& in) {
  PaperPage page;
  page.paper = {"segments of 8 rows cost cycles; BitSift and copies win them back (sections 3.3 and 4.4)"};
  std::vector<Line> lines;
  analysis::TextTable table{fmt::format("{}, time a token at the same sigma", in.shape),
                            {"clock", "SAWL", "low", "nominal", "high"},
                            {}};
  for (const arch::Clock clock : {arch::Clock::paper, arch::Clock::spice}) {
    arch::Architecture a = in.architecture;
    a.clock = clock;
    Line line{fmt::format("{} clock", to_string(clock)), {}};
    for (const arch::SawlPoint& p :
         arch::sawl_points(*arch::known_shape(in.shape), a, designed_sawl(), {ConverterLaw::flash})) {
      line.points.emplace_back(p.sawl, 1e6 * p.token_time[nominal]);
      table.rows.push_back({std::string(to_string(clock)), std::to_string(p.sawl),
                            cost_text(p.token_time[0], "s"), cost_text(p.token_time[1], "s"),
                            cost_text(p.token_time[2], "s")});
    }
    page.ours.push_back(fmt::format("{} clock: {:.3g} us a token at SAWL {}, {:.3g} us at SAWL {}",
                                    to_string(clock), line.points.front().second, designed_sawl().front(),
                                    line.points.back().second, designed_sawl().back()));
    lines.push_back(std::move(line));
  }
  page.ours.emplace_back("where more rows no longer help, DRAM takes longer than the arrays");
  page.tables = {std::move(table)};
  page.figures = {{"latency", draw_lines("latency", {"SAWL", "us a token", true, true, true}, lines)}};
  return page;
}

namespace {

/// Time and energy a token, and the traffic's share, of shapes that differ in one size.
PaperPage growth(const PaperInputs& in, const std::string& name, const std::string& axis,
                 const std::vector<std::pair<int, arch::ModelShape>>& shapes) {
  PaperPage page;
  std::array<Line, 3> energy{Line{"fused, BitSift", {}}, Line{"conventional", {}},
                             Line{"digital in-memory array, middle", {}}};
  std::array<Line, 2> time{Line{"fused, BitSift", {}}, Line{"conventional", {}}};
  const DigitalFigure digital = read_digital();
  analysis::TextTable table{
      fmt::format("Attention of one layer and token over {}", axis),
      {axis, "cycles a layer", "J/token", "conventional", "s/token", "conventional", "traffic ratio"},
      {}};
  for (const auto& [x, shape] : shapes) {
    CostModel model;
    model.shape = shape;
    model.shape.layers = 1;
    const CostRun run = run_cost(model, in.architecture), other = run_conventional(run);
    const CostReport &c = run.report(), &d = other.report();
    const arch::LayerLoad& layer = run.workload().layers.front();
    energy[0].points.emplace_back(x, 1e6 * c.token_energy());
    energy[1].points.emplace_back(x, 1e6 * d.token_energy());
    energy[2].points.emplace_back(x, 1e6 * c.macs / c.tokens * (digital.low + digital.high) / 2);
    time[0].points.emplace_back(x, 1e6 * c.interval / c.tokens);
    time[1].points.emplace_back(x, 1e6 * d.interval / d.tokens);
    table.rows.push_back({std::to_string(x), fmt::format("{:.0f}", layer.kv_cycles + layer.fused_cycles),
                          cost_text(c.token_energy(), "J"), cost_text(d.token_energy(), "J"),
                          cost_text(c.interval / c.tokens, "s"), cost_text(d.interval / d.tokens, "s"),
                          fmt::format("{:.2f}", layer.unfused_words / layer.fused_words)});
  }
  page.tables = {std::move(table)};
  page.figures = {
      {name + "_energy", draw_lines(name + "_energy", {axis, "uJ a token and layer", true, true, true},
                                    {energy.begin(), energy.end()})},
      {name + "_time", draw_lines(name + "_time", {axis, "us a token and layer", true, true, true},
                                  {time.begin(), time.end()})}};
  return page;
}

}  // namespace

PaperPage tokens_page(const PaperInputs& in) {
  std::vector<std::pair<int, arch::ModelShape>> shapes;
  for (const int n : {64, 128, 256, 512, 1024, 2048, 4096})
    shapes.emplace_back(n, *arch::known_shape(in.shape, n));
  PaperPage page = growth(in, "tokens", "tokens N", shapes);
  page.paper = {
      "traffic grows with N^2 unfused and with N fused (sections 2.3 and 4.5): 2 + 2 N / (3 d_k) times"};
  page.ours = {
      "reads of the projections go with N D^2 / SAWL, of attention with N^2 D / SAWL: equal at N = 2 D "
      "without sparsity"};
  return page;
}

PaperPage width_page(const PaperInputs& in) {
  std::vector<std::pair<int, arch::ModelShape>> shapes;
  for (const int d : {192, 384, 768, 1024, 1536, 2048, 4096}) {
    arch::ModelShape s = *arch::known_shape(in.shape);
    s.width = d;
    s.heads = d / 64;
    s.mlp_width = 4 * d;
    shapes.emplace_back(d, s);
  }
  PaperPage page = growth(in, "width", "width D", shapes);
  page.paper = {"word lines must hold D rows, bit lines D x 8 (section 4.1)"};
  return page;
}

PaperPage tornado_page(const PaperInputs& in) {
  PaperPage page;
  page.paper = {"gives no ranges"};
  const arch::Workload work = arch::closed_form(*arch::known_shape(in.shape), in.architecture);
  for (const bool time : {false, true}) {
    const std::string what = time ? "time a token" : "energy a token";
    const std::vector<arch::Influence> all = arch::influences(work, true, in.architecture, time);
    analysis::TextTable table{
        fmt::format("{}, {}: one parameter at its ends, all others nominal", in.shape, what),
        {"parameter", "low", "high", "kind", "source"},
        {}};
    std::vector<Bar> bars;
    for (std::size_t i = 0; i < std::min<std::size_t>(12, all.size()); ++i) {
      const arch::Parameter& p = in.architecture.parameters.get(all[i].parameter);
      table.rows.push_back({p.name, fmt::format("{:.3f}", all[i].low), fmt::format("{:.3f}", all[i].high),
                            std::string(to_string(p.kind)), p.source});
      bars.push_back({p.name, 1, all[i].low, all[i].high, 0});
    }
    Band band;
    if (!time) {
      const DigitalFigure d = read_digital();
      const CostReport cost = cost_of(work, in.architecture);
      const double macs = cost.macs / cost.sequence_energy;
      band = {fmt::format("{}, {} nm", d.name, d.node), macs * d.low, macs * d.high};
    }
    if (!all.empty())
      page.ours.push_back(fmt::format("{} hangs most on {} ({:.2f} to {:.2f} times)", what,
                                      all.front().parameter, all.front().low, all.front().high));
    page.tables.push_back(std::move(table));
    const std::string name = time ? "tornado_time" : "tornado_energy";
    page.figures.emplace_back(name, draw_ranges(name, what + " over its nominal value", bars, band));
  }
  return page;
}

}  // namespace flare::studies
