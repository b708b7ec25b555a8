#include "studies/model/sensitivity.hpp"

#include <fmt/format.h>

namespace flare::studies {
namespace {

using arch::Operand;

/// The columns that map and sweep share.
template <class Item>
engine::Table& add_outcome(engine::Table& table, const std::vector<Item>& items) {
  const auto add = [&](const char* name, const char* unit, double analysis::AccuracyRow::*value) {
    table.add(name, unit, engine::column_of(items, [value](const Item& i) { return i.row.*value; }));
  };
  using R = analysis::AccuracyRow;
  add("value", "", &R::mean);
  add("low", "", &R::low);
  add("high", "", &R::high);
  add("drop", "", &R::drop);
  add("drop_low", "", &R::drop_low);
  add("drop_high", "", &R::drop_high);
  add("p", "", &R::p);
  add("p_adjusted", "", &R::p_adjusted);
  add("agreement", "", &R::agreement);
  add("divergence", "nat", &R::divergence);
  add("logit_error", "", &R::logit_error);
  return table.add("wrong_reads", "", engine::column_of(items, [](const Item& i) {
                     return i.row.counters.stationary.wrong_reads + i.row.counters.dynamic.wrong_reads;
                   }));
}

std::string outcome_text(const AccuracyEvaluation& row) {
  return fmt::format("{:>10} {:>10} {:>22} {:>8.2f}% {:>10.3g} {:>10.3g} {:>8.2g}",
                     analysis::accuracy_text(row, row.mean), analysis::accuracy_text(row, row.drop),
                     analysis::accuracy_limits_text(row, row.drop_low, row.drop_high), 100 * row.agreement,
                     row.divergence, row.logit_error, row.p_adjusted);
}

constexpr const char* outcome_head =
    "     value       drop                   95 %   as float         KL  logit err        p";

}  // namespace

std::string operand_name(Operand operand) {
  switch (operand) {
    case Operand::query:
      return "query";
    case Operand::key:
      return "key";
    case Operand::value:
      return "value";
    case Operand::scores:
      return "scores";
    case Operand::weighted:
      return "weighted";
    case Operand::output:
      return "output";
    case Operand::feed_forward:
      return "feed_forward";
  }
  return {};
}

std::vector<Operand> operands(bool feed_forward) {
  std::vector<Operand> all = {Operand::query,  Operand::key,      Operand::value,
                              Operand::scores, Operand::weighted, Operand::output};
  if (feed_forward) all.push_back(Operand::feed_forward);
  return all;
}

std::vector<MapCell> sensitivity_map(AccuracyBench& bench, const std::string& quantizer,
                                     const ArrayErrors& weights, const ArrayErrors& dynamic) {
  std::vector<MapCell> cells;
  for (int layer = 0; layer < bench.model().spec().layers; ++layer)
    for (const Operand operand : operands(bench.arithmetic().feed_forward))
      cells.push_back(
          {layer, operand, bench.evaluate(quantizer, weights, dynamic, "read", {layer, operand})});
  return cells;
}

engine::Table map_table(const std::vector<MapCell>& cells) {
  engine::Table table;
  table.add("layer", "", engine::column_of(cells, [](const MapCell& c) { return c.layer; }))
      .add("operand", "", engine::column_of(cells, [](const MapCell& c) { return operand_name(c.operand); }));
  return add_outcome(table, cells);
}

void print_map(const std::vector<MapCell>& cells) {
  fmt::print("\nErrors in one place (read mode); p adjusted for all of them\n{:>5} {:<13}{}\n", "layer",
             "operand", outcome_head);
  for (const MapCell& c : cells)
    fmt::print("{:>5} {:<13}{}\n", c.layer, operand_name(c.operand), outcome_text(c.row));
}

std::vector<SweepPoint> sweep_rates(AccuracyBench& bench, const std::string& quantizer,
                                    const std::vector<double>& rates, int sawl) {
  std::vector<SweepPoint> points;
  for (const double rate : rates) {
    const ArrayErrors errors =
        array_errors("--sweep", fmt::format("synthetic:sawl={},rate={}", sawl, rate), {});
    points.push_back({rate, bench.evaluate(quantizer, errors, errors, "read")});
  }
  return points;
}

engine::Table sweep_table(const std::vector<SweepPoint>& points) {
  engine::Table table;
  table.add("rate", "", engine::column_of(points, [](const SweepPoint& p) { return p.rate; }))
      .add("sawl", "", engine::column_of(points, [](const SweepPoint& p) { return p.row.sawl; }));
  return add_outcome(table, points);
}

void print_sweep(const std::vector<SweepPoint>& points) {
  fmt::print("\nEvery read wrong by one code at a rate (read mode)\n{:>9} {}\n", "rate", outcome_head);
  for (const SweepPoint& p : points) fmt::print("{:>9.3g} {}\n", p.rate, outcome_text(p.row));
}

}  // namespace flare::studies
