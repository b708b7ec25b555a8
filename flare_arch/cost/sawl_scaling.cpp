#include "flare_arch/cost/sawl_scaling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace flare::arch {
namespace {

/// Of the shipped column's 70 fF: what does not go with the cells' size. 53.5 fF with cells of a 33rd of the gate area.
constexpr double fixed_bitline = 50.0 / 70.0;
constexpr double stored_cell = 0.125e-12;  // m^2: the six transistors that store, whatever the read stack

void scale(ParameterSet& parameters, const char* name, double factor) {
  Parameter p = parameters.get(name);
  p.value *= factor;
  p.low *= factor;
  p.high *= factor;
  parameters.replace(std::move(p));
}

/// Cells: six transistors that stay, a read stack that grows.
void scale_cells(ParameterSet& parameters, double factor) {
  Parameter p = parameters.get("sram_cell_area");
  for (double* area : {&p.value, &p.low, &p.high})
    *area = stored_cell + std::max(0.0, *area - stored_cell) * factor;
  parameters.replace(std::move(p));
}

/// What an offset of `ratio` times the base's asks of a converter.
void scale_converter(ConverterChoice& c, ParameterSet& parameters, double ratio) {
  c.offset_sigma *= ratio;
  int bits = 0;
  while (c.trim_residue > c.offset_sigma) {
    c.trim_residue /= 2;
    ++bits;
  }
  if (bits > 0) scale(parameters, "trim_area", std::exp2(bits));
}

Architecture with_end(const Architecture& base, const Parameter& p, Bound bound) {
  Architecture a = base;
  Parameter moved = p;
  moved.value = p.at(bound);
  a.parameters.replace(std::move(moved));
  return a;
}

double mac_energy(const ModelShape& shape, const Architecture& a, Bound bound) {
  return array_energy(cost_of(closed_form(shape, a, bound), a, bound)).total();
}

int cheapest_of(const ModelShape& shape, const Architecture& base, const std::vector<int>& sawl,
                Bound bound) {
  int best = 0;
  double least = 0;
  for (const int s : sawl) {
    const double energy = mac_energy(shape, at_same_sigma(base, s), bound);
    if (best == 0 || energy < least) {
      best = s;
      least = energy;
    }
  }
  return best;
}

}  // namespace

Architecture at_same_sigma(const Architecture& base, int sawl) {
  Architecture a = base;
  const double grown = static_cast<double>(sawl) / base.dynamic.sawl;
  const double bitline = (fixed_bitline + (1 - fixed_bitline) * std::sqrt(grown)) / grown;
  a.weights.technology = a.dynamic.technology = MemoryTechnology::sram;
  scale(a.parameters, "sram_bitline", bitline);
  scale(a.parameters, "sram_wordline", grown);
  scale(a.parameters, "sram_pulse", bitline);
  scale_cells(a.parameters, grown);
  // Both kinds share the trim's parameters: scaled once, for the first.
  ConverterChoice same = a.dynamic.converter;
  scale_converter(same, a.parameters, 1 / grown);
  for (ArrayChoice* array : {&a.weights, &a.dynamic}) {
    array->sawl = sawl;
    array->converter = same;
    array->read_shape.clear();
    array->wordline_shape.clear();
  }
  return a;
}

ArrayEnergy array_energy(const CostReport& report) {
  ArrayEnergy e;
  const std::map<std::string, double*> parts = {{"bitline", &e.bitline},
                                                {"word lines", &e.word_lines},
                                                {"converter", &e.converter},
                                                {"code to sum", &e.code_to_sum},
                                                {"controller", &e.controller}};
  for (const LayerCost& layer : report.layers)
    for (const EnergyPart& p : layer.parts)
      if (const auto at = parts.find(p.component); at != parts.end()) *at->second += p.energy / report.macs;
  return e;
}

std::vector<SawlPoint> sawl_points(const ModelShape& shape, const Architecture& base,
                                   const std::vector<int>& sawl, const std::vector<ConverterLaw>& laws) {
  std::vector<SawlPoint> points;
  for (const ConverterLaw law : laws)
    for (const int s : sawl) {
      Architecture with = base;
      with.weights.converter.law = with.dynamic.converter.law = law;
      const Architecture a = at_same_sigma(with, s);
      SawlPoint point{s, law, {}, {}, {}};
      for (const Bound bound : bounds) {
        const auto b = static_cast<std::size_t>(bound);
        const CostReport report = cost_of(closed_form(shape, a, bound), a, bound);
        point.energy[b] = array_energy(report);
        point.token_time[b] = report.interval / report.tokens;
        point.area[b] = report.area;
      }
      points.push_back(point);
    }
  return points;
}

CheapestSawl cheapest_sawl(const ModelShape& shape, const Architecture& base, const std::vector<int>& sawl,
                           ConverterLaw law) {
  Architecture a = base;
  a.weights.converter.law = a.dynamic.converter.law = law;
  CheapestSawl c;
  c.nominal = c.least = c.most = cheapest_of(shape, a, sawl, Bound::nominal);
  const auto meet = [&](int s, const std::string& cause) {
    if (s != c.nominal) c.moved_by += fmt::format("{}{} (to {})", c.moved_by.empty() ? "" : ", ", cause, s);
    c.least = std::min(c.least, s);
    c.most = std::max(c.most, s);
  };
  meet(cheapest_of(shape, a, sawl, Bound::low), "all low");
  meet(cheapest_of(shape, a, sawl, Bound::high), "all high");
  for (const Parameter& p : a.parameters.all())
    for (const Bound end : {Bound::low, Bound::high})
      if (p.at(end) != p.value)
        meet(cheapest_of(shape, with_end(a, p, end), sawl, Bound::nominal),
             fmt::format("{} {}", p.name, end == Bound::low ? "low" : "high"));
  const Architecture best = at_same_sigma(a, c.nominal);
  c.energy_low = mac_energy(shape, best, Bound::low);
  c.energy = mac_energy(shape, best, Bound::nominal);
  c.energy_high = mac_energy(shape, best, Bound::high);
  return c;
}

std::vector<Influence> influences(const Workload& counted, bool closed, const Architecture& a, bool time) {
  const auto cost = [&](const Architecture& changed) {
    const Workload& work = counted;
    const CostReport r = cost_of(closed ? closed_form(work.shape, changed) : work, changed);
    return time ? r.interval / r.tokens : r.token_energy();
  };
  const double nominal = cost(a);
  std::vector<Influence> all;
  for (const Parameter& p : a.parameters.all()) {
    if (p.low == p.value && p.high == p.value) continue;
    const Influence i{p.name, cost(with_end(a, p, Bound::low)) / nominal,
                      cost(with_end(a, p, Bound::high)) / nominal};
    if (i.swing() > 0) all.push_back(i);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Influence& x, const Influence& y) { return x.swing() > y.swing(); });
  return all;
}

}  // namespace flare::arch
