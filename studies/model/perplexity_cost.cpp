#include "studies/model/perplexity_cost.hpp"

#include <fmt/format.h>

#include <cmath>

#include "engine/base/units.hpp"

namespace flare::studies {
namespace {

constexpr int heads = 12;

std::string text_of(double value, const char* unit) {
  return std::isfinite(value) ? engine::format_quantity(value, unit) : "-";
}

}  // namespace

std::vector<TokenCost> token_costs(const std::string& cell, double head_time, double head_energy) {
  constexpr double paper_time = 65e-9;
  constexpr double paper_analog = (1120e-12 + 700e-12) * heads, paper_whole = 6.1e-9 * heads;
  std::vector<TokenCost> costs;
  costs.reserve(6);
  if (head_energy > 0)
    costs.push_back({cell + ", as measured", "cells and converters, no write in the time",
                     head_time > 0 ? head_time : std::nan(""), heads * head_energy});
  costs.push_back({"paper", "cells and converters", std::nan(""), paper_analog});
  costs.push_back({"paper", "whole head: digital and DACs, too", paper_time, paper_whole});
  costs.push_back({"RTX 4090", "published measurement", 22.4e-6, 7.18e-3});
  costs.push_back({"Jetson Nano", "published measurement", 489e-6, 3.25e-3});
  costs.push_back(
      {"H100", "100 and 70,000 times the whole head, as stated", 100 * paper_time, 7e4 * paper_whole});
  return costs;
}

void print_costs(const std::vector<TokenCost>& costs) {
  fmt::print(
      "\nA token through one layer of 12 heads of 64, window 1,024 tokens:\n{:<40} {:<46} {:>10} {:>10}\n",
      "", "of", "time", "energy");
  for (const TokenCost& cost : costs)
    fmt::print("{:<40} {:<46} {:>10} {:>10}\n", cost.system, cost.includes, text_of(cost.seconds, "s"),
               text_of(cost.joules, "J"));
}

engine::Table cost_table(const std::vector<TokenCost>& costs) {
  using Row = const TokenCost&;
  engine::Table table;
  table.add("system", "", engine::column_of(costs, [](Row r) { return r.system; }))
      .add("includes", "", engine::column_of(costs, [](Row r) { return r.includes; }))
      .add("time", "s", engine::column_of(costs, [](Row r) { return r.seconds; }))
      .add("energy", "J", engine::column_of(costs, [](Row r) { return r.joules; }));
  return table;
}

}  // namespace flare::studies
