// Figs. 17 and 18: tokens a second and a joule beside GPUs, digital arrays and the same parts without the techniques.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/report/report_cost.hpp"
#include "studies/paper/drawing.hpp"
#include "studies/paper/paper.hpp"

namespace flare::studies {

namespace {

using analysis::cost_text;
using analysis::CostRange;
using arch::CostReport;

/// One bar and what must stand beside it.
struct Entry {
  std::string name, scope, kind, detail, source;
  CostRange speed, energy;  // token/s; J a token, 0: not known
};

constexpr int ours = 0, conventional = 1, measured = 2, estimate = 3, peak = 4;
const std::vector<std::string> group_names = {"FLARE", "same parts, conventional", "GPU, measured",
                                              "GPU, estimate from its share", "GPU, roofline of its peak"};

int group_of(const Entry& e) {
  if (e.kind == "computed") return e.name.find("conventional") != std::string::npos ? conventional : ours;
  return e.kind == "measured" ? measured : e.kind == "peak" ? peak : estimate;
}

Entry entry_of(const CostRun& run, const std::string& name) {
  return {name,
          std::string(to_string(run.architecture.scope)),
          "computed",
          fmt::format("{}", cost_text(run.report().area, "m^2")),
          "this program",
          run.range([](const CostReport& c) { return c.tokens_per_second(); }),
          run.range([](const CostReport& c) { return c.token_energy(); })};
}

/// FLARE one layer at a time and resident, on either clock, and without the techniques; then the GPUs of the same scope.
std::vector<Entry> entries_of(const PaperInputs& in, const std::string& shape, arch::Scope scope) {
  const CostModel model = shape_model(shape);
  arch::Architecture a = in.architecture;
  a.scope = scope;
  std::vector<Entry> entries;
  for (const arch::Residency residency : {arch::Residency::one, arch::Residency::resident})
    for (const arch::Clock clock : {arch::Clock::paper, arch::Clock::spice}) {
      a.residency = residency;
      a.clock = clock;
      entries.push_back(entry_of(
          run_cost(model, a),
          fmt::format("DC{}, {}, {} clock", a.copies,
                      residency == arch::Residency::one ? "a layer at a time" : "all layers resident",
                      to_string(clock))));
    }
  a.residency = arch::Residency::one;
  a.clock = arch::Clock::paper;
  const CostRun run = run_cost(model, a);
  entries.push_back(entry_of(run_conventional(run), fmt::format("DC{}, conventional", a.copies)));
  const analysis::CostResult result = cost_result(run, read_gpus(), read_digital(), {});
  for (std::size_t i = 3; i < result.baselines.size(); ++i) {
    const analysis::CostBaselineRow& b = result.baselines[i];
    entries.push_back({b.name, b.scope, b.kind, b.detail, b.source, b.tokens_per_second, b.token_energy});
  }
  return entries;
}

std::string range_text(const CostRange& r, const std::string& unit) {
  if (r.high <= 0) return "-";
  if (r.low == r.high) return cost_text(r.nominal, unit);
  return fmt::format("{} ({} to {})", cost_text(r.nominal, unit), cost_text(r.low, unit),
                     cost_text(r.high, unit));
}

CostRange per_joule(const CostRange& energy) {
  if (energy.low <= 0) return {};
  return {1 / energy.high, 1 / energy.nominal, 1 / energy.low};
}

/// " (kernl)": the repository of a published figure, for its bar; the table has the rest.
std::string short_source(const Entry& e) {
  if (e.kind == "computed") return {};
  const std::string first = e.source.substr(0, e.source.find(' '));
  return fmt::format(" ({})", first.substr(first.find('/') + 1));
}

/// How short a cycle would have to be for a layer at a time to keep up with each GPU.
std::string break_even(const PaperInputs& in, const std::string& shape) {
  std::string text;
  const std::vector<Entry> entries = entries_of(in, shape, arch::Scope::attention);
  const double cycle = arch::cycle_time(in.architecture, arch::Bound::nominal);
  for (const Entry& e : entries)
    if (e.kind == "estimate")
      text += fmt::format("{}{} at {}", text.empty() ? "" : "; ", e.name,
                          cost_text(cycle * entries.front().speed.nominal / e.speed.nominal, "s"));
  return fmt::format("{}, DC{}, a layer at a time meets {}", shape, in.architecture.copies, text);
}

/// BERT-large as MLPerf offline runs it: sequences, of which it drops the padding; ours run the longest, 384 tokens.
void add_mlperf(const PaperInputs& in, const std::string& name, bool energy, PaperPage& page) {
  CostModel model = shape_model("bert_large:384");
  arch::Architecture a = in.architecture;
  a.scope = arch::Scope::encoder;
  const std::string unit = energy ? "1/J" : "1/s";
  analysis::TextTable table{fmt::format("bert_large, encoder, sequences a {}", energy ? "joule" : "second"),
                            {"", "how known", "", "", "source"},
                            {}};
  std::vector<Bar> bars;
  const auto add = [&](const std::string& label, const std::string& kind, const CostRange& value,
                       const std::string& detail, const std::string& source, int group) {
    table.rows.push_back({label, kind, range_text(value, unit), detail, source});
    bars.push_back({label, value.nominal, value.low, value.high, group});
  };
  for (const arch::Residency residency : {arch::Residency::one, arch::Residency::resident}) {
    a.residency = residency;
    const CostRun run = run_cost(model, a), other = run_conventional(run);
    const auto of = [&](const CostReport& c) { return energy ? 1 / c.sequence_energy : 1 / c.interval; };
    const auto ordered = [](CostRange r) {
      return CostRange{std::min(r.low, r.high), r.nominal, std::max(r.low, r.high)};
    };
    const std::string layers =
        residency == arch::Residency::one ? "a layer at a time" : "all layers resident";
    add(fmt::format("DC{}, {}, 384 tokens", a.copies, layers), "computed", ordered(run.range(of)),
        cost_text(run.report().area, "m^2"), "this program", ours);
    if (residency == arch::Residency::one)
      add(fmt::format("DC{}, conventional, 384 tokens", a.copies), "computed", ordered(other.range(of)),
          cost_text(other.report().area, "m^2"), "this program", conventional);
  }
  for (const GpuFigure& g : read_gpus()) {
    if (g.quantity != "sequence/s" || (energy && g.watt_kind != "wall")) continue;
    const double value = energy ? g.value / g.watt : g.value;
    add(fmt::format("{} MLPerf offline, {}", g.device, energy ? "measured at the wall" : "measured"),
        "measured", {value, value, value}, fmt::format("{} nm", g.node), g.source, measured);
  }
  Band band;
  if (energy) {
    const DigitalFigure d = read_digital();
    const double macs = model.shape.macs(true) * model.shape.layers;
    band = {fmt::format("{} ({} nm), the multiplications of 384 tokens alone", d.name, d.node),
            1 / (macs * d.high), 1 / (macs * d.low)};
  }
  page.tables.push_back(std::move(table));
  page.figures.emplace_back(
      name + "_mlperf",
      draw_bars(name + "_mlperf", fmt::format("sequence/{} (bert_large, encoder)", energy ? "J" : "s"), bars,
                group_names, band));
}

/// A figure and a table for each of two models and both scopes.
PaperPage compared(const PaperInputs& in, const std::string& name, bool energy) {
  PaperPage page;
  const DigitalFigure digital = read_digital();
  for (const std::string shape : {"bert_base", "vit_b16"})
    for (const arch::Scope scope : {arch::Scope::attention, arch::Scope::encoder}) {
      const std::string where(to_string(scope));
      const std::vector<Entry> entries = entries_of(in, shape, scope);
      analysis::TextTable table{
          fmt::format("{}, {}", shape, where),
          {"", "how known", energy ? "tokens a joule" : "tokens a second", "", "source"},
          {}};
      std::vector<Bar> bars;
      for (const Entry& e : entries) {
        const CostRange value = energy ? per_joule(e.energy) : e.speed;
        table.rows.push_back({e.name, e.kind, range_text(value, energy ? "1/J" : "1/s"), e.detail, e.source});
        if (value.nominal > 0)
          bars.push_back({e.name + short_source(e), value.nominal, value.low, value.high, group_of(e)});
      }
      Band band;
      if (energy) {
        const arch::ModelShape s = *arch::known_shape(shape);
        const double macs = s.macs(scope == arch::Scope::encoder) * s.layers / s.tokens;
        band = {fmt::format("{} ({} nm, {:.0f} to {:.0f} fJ a MAC)", digital.name, digital.node,
                            1e15 * digital.low, 1e15 * digital.high),
                1 / (macs * digital.high), 1 / (macs * digital.low)};
      }
      page.tables.push_back(std::move(table));
      page.figures.emplace_back(
          fmt::format("{}_{}_{}", name, shape, where),
          draw_bars(fmt::format("{}_{}_{}", name, shape, where),
                    fmt::format("{}, {} ({})", energy ? "token/J" : "token/s", shape, where), bars,
                    group_names, band));
    }
  add_mlperf(in, name, energy, page);
  return page;
}

}  // namespace

PaperPage fig17_page(const PaperInputs& in) {
  PaperPage page = compared(in, "fig17", false);
  page.paper = {
      "\"outperforming not only the PiM baseline but also famous SOTA GPUs\" (RTX 3090, RTX 4090, T4, A100); "
      "normalised, "
      "no value is public"};
  page.ours = {
      "holds for some choices only: a layer at a time and 10 ns stay below the GPUs' best batches; all "
      "layers resident, "
      "pipelined, is faster at an area beyond a reticle",
      "GPUs run the whole encoder: beside attention alone stands their figure over attention's share of the "
      "multiplications, marked as an estimate; rooflines are what a device's INT8 peak and bandwidth allow, "
      "for "
      "either scope",
      "MLPerf says neither batch nor length and drops padding: sequences beside ours of 384 tokens, the "
      "longest "
      "it has; a measured decoder's attention alone (RTX 4090, 1,024 tokens: 22.4 us and 7.2 mJ a token) is "
      "of "
      "another scope and has no bar",
      break_even(in, "bert_base")};
  return page;
}

PaperPage fig18_page(const PaperInputs& in) {
  PaperPage page = compared(in, "fig18", true);
  page.paper = {
      "\"outstanding energy efficiency\" beside GPUs and the PiM baseline; normalised, no value is public"};
  page.ours = {
      "GPUs at their TDP where no wall power was measured: an upper bound of their energy, but a roofline's "
      "a "
      "lower one. MLPerf at the wall (BERT-large, padding dropped, so joules a sequence): A100 0.130, RTX "
      "4090 "
      "with its host 0.150",
      "the band is what a digital in-memory array of the same node takes for the multiplications alone"};
  return page;
}

}  // namespace flare::studies
