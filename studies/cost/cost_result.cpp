// A cost as the tables of /cost.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "studies/cost/architecture_file.hpp"
#include "studies/cost/cost_run.hpp"
#include "studies/cost/gpu_baselines.hpp"

namespace flare::studies {

namespace {

using analysis::CostRange;
using analysis::CostResult;
using arch::Bound;
using arch::CostReport;

double& at(CostRange& range, Bound bound) {
  return bound == Bound::low ? range.low : bound == Bound::high ? range.high : range.nominal;
}

void add_summary(CostResult& r, const CostRun& run) {
  const auto add = [&](const char* quantity, const char* unit,
                       const std::function<double(const CostReport&)>& of) {
    r.summary.push_back({quantity, unit, run.range(of)});
  };
  const auto share = [](const CostReport& c, bool is_static) {
    double sum = 0;
    for (const arch::LayerCost& layer : c.layers)
      for (const arch::EnergyPart& p : layer.parts)
        if (p.is_static == is_static) sum += p.energy;
    return sum / c.tokens;
  };
  add("cycle", "s", [](const CostReport& c) { return c.cycle; });
  add("latency of a sequence", "s", [](const CostReport& c) { return c.sequence_time; });
  add("time between sequences", "s", [](const CostReport& c) { return c.interval; });
  add("tokens per second", "1/s", [](const CostReport& c) { return c.tokens_per_second(); });
  add("energy per token", "J", [](const CostReport& c) { return c.token_energy(); });
  add("of it dynamic", "J", [&](const CostReport& c) { return share(c, false); });
  add("of it static", "J", [&](const CostReport& c) { return share(c, true); });
  add("energy per MAC", "J", [](const CostReport& c) { return c.mac_energy(); });
  add("tokens per joule", "1/J", [](const CostReport& c) { return c.tokens_per_joule(); });
  add("power", "W", [](const CostReport& c) { return c.power(); });
  add("area", "m^2", [](const CostReport& c) { return c.area; });
}

void add_layers(CostResult& r, const CostRun& run) {
  const CostReport& nominal = run.report();
  for (std::size_t l = 0; l < nominal.layers.size(); ++l)
    for (std::size_t s = 0; s < nominal.layers[l].stages.size(); ++s) {
      const arch::StageCost& stage = nominal.layers[l].stages[s];
      r.layers.push_back({static_cast<int>(l), stage.name, stage.cycles,
                          run.range([&](const CostReport& c) { return c.layers[l].stages[s].time; }),
                          run.range([&](const CostReport& c) { return c.layers[l].stages[s].energy; }),
                          stage.power()});
    }
}

void add_components(CostResult& r, const CostRun& run) {
  using Key = std::tuple<std::string, std::string, std::string, bool>;
  std::map<Key, CostRange> sums;
  for (const Bound bound : arch::bounds)
    for (const arch::LayerCost& layer : run.report(bound).layers)
      for (const arch::EnergyPart& p : layer.parts)
        at(sums[{p.where, p.component, p.product, p.is_static}], bound) += p.energy;
  for (const auto& [key, energy] : sums)
    r.components.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key),
                            std::get<3>(key) ? "static" : "dynamic", energy});
}

void add_area(CostResult& r, const CostRun& run) {
  const auto& parts = run.report().area_parts;
  for (std::size_t i = 0; i < parts.size(); ++i)
    r.area.push_back({parts[i].where, parts[i].component, parts[i].count,
                      run.range([&](const CostReport& c) { return c.area_parts[i].area; }), parts[i].product,
                      parts[i].arrays});
}

void add_parameters(CostResult& r, const arch::ParameterSet& parameters) {
  const arch::ParameterSet defaults = arch::default_parameters();
  for (const arch::Parameter& p : parameters.all()) {
    const arch::Parameter& d = defaults.get(p.name);
    const bool changed =
        parameter_text(p.value, p.unit) != parameter_text(d.value, d.unit) || p.source != d.source;
    r.parameters.push_back(
        {p.name, {p.low, p.value, p.high}, p.unit, std::string(to_string(p.kind)), p.source, changed});
  }
}

void add_workload(CostResult& r, const arch::Workload& work) {
  r.model = work.shape.name;
  r.origin = work.origin;
  r.tokens = work.tokens;
  r.sequences = work.sequences;
  for (std::size_t i = 0; i < work.layers.size(); ++i) {
    const arch::LayerLoad& l = work.layers[i];
    const int layer = static_cast<int>(i);
    for (const arch::ProductLoad& p : l.products)
      for (std::size_t k = 0; k < p.levels.size(); ++k)
        r.levels.push_back({layer, std::string(to_string(p.product)), static_cast<int>(k), p.levels[k]});
    for (const arch::ProductLoad& p : l.products)
      r.workload.push_back({layer, std::string(to_string(p.product)), p.cycles, p.fixed_cycles, p.conversions,
                            p.driven_cells, p.on_cells, p.scanned_rows, p.stage_cycles});
    r.workload_layers.push_back({layer, l.kv_cycles, l.fused_cycles, l.fused_words, l.unfused_words,
                                 l.written_bits, l.quantised, l.scores, l.macs});
  }
}

std::string described(const arch::Architecture& a) {
  return fmt::format("DC{} by {}, {} clock, layers {}", a.copies, to_string(a.sharing), to_string(a.clock),
                     to_string(a.residency));
}

analysis::CostBaselineRow computed(const CostRun& run) {
  return {run.architecture.name,
          std::string(to_string(run.architecture.scope)),
          "computed",
          run.range([](const CostReport& c) { return c.tokens_per_second(); }),
          run.range([](const CostReport& c) { return c.token_energy(); }),
          described(run.architecture),
          "/cost/parameters"};
}

void add_baselines(CostResult& r, const CostRun& run, const CostRun& conventional,
                   const std::vector<GpuFigure>& gpus, const DigitalFigure& digital) {
  const arch::ModelShape& shape = run.workload().shape;
  r.baselines = {computed(run), computed(conventional)};
  const double macs = run.report().macs / run.report().tokens, mean = (digital.low + digital.high) / 2;
  r.baselines.push_back({digital.name,
                         std::string(to_string(run.architecture.scope)),
                         "published",
                         {0, 0, 0},
                         {macs * digital.low, macs * mean, macs * digital.high},
                         fmt::format("{} nm, {:.0f} to {:.0f} fJ a MAC, arrays alone", digital.node,
                                     1e15 * digital.low, 1e15 * digital.high),
                         digital.source});
  for (analysis::CostBaselineRow& row : gpu_baselines(gpus, shape, run.architecture.scope))
    r.baselines.push_back(std::move(row));
}

double component(const CostReport& c, const std::string& name) {
  double sum = 0;
  for (const arch::LayerCost& layer : c.layers)
    for (const arch::EnergyPart& p : layer.parts)
      if (p.component == name) sum += p.energy;
  return sum;
}

bool is_largest(const CostReport& c, const std::string& name) {
  std::map<std::string, double> sums;
  for (const arch::LayerCost& layer : c.layers)
    for (const arch::EnergyPart& p : layer.parts) sums[p.component] += p.energy;
  return std::all_of(sums.begin(), sums.end(), [&](const auto& s) { return s.second <= sums[name]; });
}

void add_conclusions(CostResult& r, const CostRun& run, const CostRun& conventional) {
  const auto add = [&](const std::string& sentence, const std::function<bool(Bound)>& holds) {
    r.conclusions.push_back({sentence, holds(Bound::low), holds(Bound::nominal), holds(Bound::high)});
  };
  const auto own = [&](Bound b) -> const CostReport& { return run.report(b); };
  add("The converters are the largest part of the energy",
      [&](Bound b) { return is_largest(own(b), "converter"); });
  add("DRAM takes more energy than the converters",
      [&](Bound b) { return component(own(b), "DRAM") > component(own(b), "converter"); });
  add("A MAC takes less energy than in a digital in-memory array",
      [&](Bound b) { return own(b).token_energy() < r.baselines[2].token_energy.nominal; });
  add("The techniques save energy against fixed groups, unfused traffic and floating point on the same parts",
      [&](Bound b) { return own(b).token_energy() < conventional.report(b).token_energy(); });
  add("They save time", [&](Bound b) { return own(b).interval < conventional.report(b).interval; });
  add("The area is more than one reticle of 858 mm^2", [&](Bound b) { return own(b).area > 858e-6; });
  for (std::size_t i = 3; i < r.baselines.size(); ++i) {
    const analysis::CostBaselineRow gpu = r.baselines[i];
    if (gpu.kind == "peak") continue;
    add("More tokens a second than " + gpu.name,
        [&](Bound b) { return own(b).tokens_per_second() > gpu.tokens_per_second.nominal; });
    if (gpu.token_energy.nominal > 0)
      add("Less energy a token than " + gpu.name + " at its " +
              (gpu.detail.find("TDP") != std::string::npos ? "TDP" : "measured power"),
          [&](Bound b) { return own(b).token_energy() < gpu.token_energy.nominal; });
  }
}

}  // namespace

analysis::CostResult cost_result(const CostRun& run, const std::vector<GpuFigure>& gpus,
                                 const DigitalFigure& digital, const std::vector<std::string>& notes) {
  CostResult r;
  r.architecture = architecture_text(run.architecture);
  r.counting = counting_key(run.architecture);
  r.notes = notes;
  const CostRun conventional = run_conventional(run);
  add_workload(r, run.workload());
  add_summary(r, run);
  add_layers(r, run);
  add_components(r, run);
  add_area(r, run);
  add_parameters(r, run.architecture.parameters);
  add_baselines(r, run, conventional, gpus, digital);
  add_conclusions(r, run, conventional);
  return r;
}

}  // namespace flare::studies
