// Costs: parts sum to wholes, what a parameter moves, doubling laws, published expectations.
#include "flare_arch/cost/cost_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "flare_arch/cost/converter_cost.hpp"

namespace flare::arch {
namespace {

ModelShape shape(const char* name, int tokens = 0) { return *known_shape(name, tokens); }

Architecture flare_architecture() {
  Architecture a;
  a.weights.converter.law = a.dynamic.converter.law = ConverterLaw::flash;
  return a;
}

std::vector<Architecture> architectures() {
  std::vector<Architecture> all;
  for (const Sharing sharing : {Sharing::tokens, Sharing::planes, Sharing::split})
    for (const Residency residency : {Residency::one, Residency::resident})
      for (const Scope scope : {Scope::attention, Scope::encoder})
        for (const Clock clock : {Clock::paper, Clock::spice}) {
          Architecture a = flare_architecture();
          a.sharing = sharing;
          a.residency = residency;
          a.scope = scope;
          a.clock = clock;
          all.push_back(a);
          all.push_back(conventional(a));
        }
  return all;
}

/// A part by all its names.
using PartKey = std::tuple<std::size_t, std::string, std::string, std::string, std::string>;
std::map<PartKey, double> parts_of_report(const CostReport& report) {
  std::map<PartKey, double> parts;
  for (std::size_t l = 0; l < report.layers.size(); ++l)
    for (const EnergyPart& p : report.layers[l].parts)
      parts[{l, p.where, p.component, p.stage, p.product}] += p.energy;
  return parts;
}

void expect_close(double sum, double total) { EXPECT_NEAR(sum, total, 1e-12 * std::abs(total)); }

TEST(CostModel, PartsSumToWholes) {
  for (const Architecture& a : architectures())
    for (const Bound bound : bounds) {
      const CostReport r = cost_of(closed_form(shape("deit_tiny", 33), a, bound), a, bound);
      double sequence = 0, time = 0, area = 0;
      for (const LayerCost& layer : r.layers) {
        double parts = 0, stages = 0, power = 0, stage_time = 0;
        for (const EnergyPart& p : layer.parts) parts += p.energy;
        for (const StageCost& s : layer.stages) {
          stages += s.energy;
          power += s.power() * s.time;  // the integral of power over time
          stage_time += s.time;
        }
        expect_close(parts, layer.energy);
        expect_close(stages, layer.energy);
        expect_close(power, layer.energy);
        expect_close(stage_time, layer.time);
        sequence += layer.energy;
        time += layer.time;
      }
      for (const AreaPart& p : r.area_parts) area += p.area;
      expect_close(sequence, r.sequence_energy);
      expect_close(time, r.sequence_time);
      expect_close(area, r.area);
      expect_close(r.token_energy() * r.tokens_per_joule(), 1);
      expect_close(r.power() * r.interval, r.sequence_energy);
    }
}

TEST(CostModel, EveryEnergyHasAStage) {
  for (const Architecture& a : architectures()) {
    const CostReport r = cost_of(closed_form(shape("deit_tiny", 17), a), a);
    for (const LayerCost& layer : r.layers) {
      std::set<std::string> stages;
      for (const StageCost& s : layer.stages) stages.insert(s.name);
      EXPECT_EQ(stages.size(), layer.stages.size());
      for (const EnergyPart& p : layer.parts)
        EXPECT_TRUE(stages.contains(p.stage)) << p.component << " " << p.stage;
    }
  }
}

TEST(CostModel, CostsRiseWithEveryParameter) {
  // What low and high ends rest on: no cost falls where a parameter rises.
  const Architecture base = flare_architecture();
  for (Architecture a : {base, conventional(base)})
    for (const Clock clock : {Clock::paper, Clock::spice})
      for (const Parameter& p : base.parameters.all()) {
        if (p.name == "comparator_offset")
          continue;  // rises, too, and not below the shipped size: tested by itself
        a.clock = clock;
        Architecture more = a;
        Parameter raised = p;
        raised.value = raised.high = p.high > 0 ? 1.01 * p.high : 1;
        more.parameters.replace(raised);
        const CostReport r = cost_of(closed_form(shape("deit_tiny", 33), a), a),
                         s = cost_of(closed_form(shape("deit_tiny", 33), more), more);
        EXPECT_GE(s.sequence_energy, r.sequence_energy) << p.name;
        EXPECT_GE(s.interval, r.interval) << p.name;
        EXPECT_GE(s.area, r.area) << p.name;
      }
}

TEST(CostModel, AParameterMovesOnlyItsRows) {
  const Architecture a = flare_architecture();
  const Workload work = closed_form(shape("deit_tiny", 33), a);
  const std::map<std::string, std::string> rows = {{"sram_bitline", "bitline"},
                                                   {"sram_wordline", "word lines"},
                                                   {"mram_read", "bitline"},
                                                   {"mram_wordline", "word lines"},
                                                   {"comparator_energy", "converter"},
                                                   {"code_to_sum", "code to sum"},
                                                   {"controller_row", "controller"},
                                                   {"softmax", "softmax"},
                                                   {"quantiser", "quantiser"},
                                                   {"dram", "DRAM"},
                                                   {"buffer_read", "buffer"},
                                                   {"cell_leakage", "leakage"},
                                                   {"sram_write", "write"},
                                                   {"mram_write", "write"}};
  const auto before = parts_of_report(cost_of(work, a));
  for (const auto& [parameter, component] : rows) {
    Architecture changed = a;
    Parameter p = a.parameters.get(parameter);
    p.value = p.high = 2 * p.high;
    changed.parameters.replace(p);
    const CostReport r = cost_of(work, changed);
    const auto after = parts_of_report(r);
    ASSERT_EQ(after.size(), before.size());
    bool moved = false;
    for (const auto& [key, energy] : after) {
      if (std::get<2>(key) != component) {
        EXPECT_EQ(energy, before.at(key)) << parameter;
      }
      moved |= energy != before.at(key);
    }
    EXPECT_TRUE(moved) << parameter;
    EXPECT_EQ(r.interval, cost_of(work, a).interval);
  }
}

TEST(CostModel, LinearInAnEnergy) {
  Architecture a = flare_architecture();
  const Workload work = closed_form(shape("bert_base"), a);
  const double once = cost_of(work, a).sequence_energy;
  Parameter p = a.parameters.get("dram");
  p.value = p.high = 2 * p.value;
  p.high = std::max(p.high, p.value);
  a.parameters.replace(p);
  const double words = work.layers.front().fused_words, bits = 8;
  EXPECT_NEAR(cost_of(work, a).sequence_energy - once, 12 * words * bits * 8e-12, 1e-12 * once);
}

/// What section 4 of a hand calculation has: 0.13 pJ a read, 110 um^2 a converter, cells of 1.0 and 0.05 um^2.
Architecture hand_calculation() {
  Architecture a = flare_architecture();
  a.kv_bits = 8;
  a.softmax_cycles = 0;
  a.batch = 1'000'000;  // the weights' writes aside
  const auto set = [&](const char* name, double value) {
    a.parameters.replace(
        {name, value, value, value, a.parameters.get(name).unit, ParameterKind::assumed, "by hand"});
  };
  const ParameterSet defaults = default_parameters();
  for (const Parameter& p : defaults.all())
    if (p.unit == "J" || p.unit == "m^2") set(p.name.c_str(), 0);
  set("code_to_sum", 0.13e-12);
  set("dram", 8e-12);
  set("code_to_sum_area", 110e-12);
  set("sram_cell_area", 1e-12);
  set("mram_cell_area", 0.05e-12);
  set("cell_leakage", 0);
  set("converter_leakage", 0);
  set("cell_overhead", 1 / 0.7);
  return a;
}

/// Of one product, over all layers.
double bitline_of(const CostReport& report, const std::string& product) {
  double sum = 0;
  for (const LayerCost& layer : report.layers)
    for (const EnergyPart& p : layer.parts)
      if (p.component == "bitline" && p.product == product) sum += p.energy;
  return sum;
}

TEST(CostModel, EveryReadTakesTheEnergyOfItsOnCells) {
  Architecture a = flare_architecture();
  const Workload work = closed_form(shape("deit_tiny", 33), a);
  const CostReport mean = cost_of(work, a);
  for (int k = 0; k <= 8; ++k) a.dynamic.read_shape.push_back(k / 8.0);
  // A line in k: the mean number of on-cells says it all.
  EXPECT_NEAR(cost_of(work, a).sequence_energy, mean.sequence_energy, 1e-9 * mean.sequence_energy);
  for (int k = 0; k <= 8; ++k) a.dynamic.read_shape[static_cast<std::size_t>(k)] = std::sqrt(k / 8.0);
  const CostReport bent = cost_of(work, a);
  double expected = 0;
  for (const LayerLoad& layer : work.layers) {
    const ProductLoad& load = *layer.find(Product::logits);
    for (int k = 0; k <= 8; ++k)
      expected += load.levels[static_cast<std::size_t>(k)] * (0.3e-15 + 8 * 3.3e-15 * std::sqrt(k / 8.0));
  }
  EXPECT_NEAR(bitline_of(bent, "logits"), expected, 1e-9 * expected);
  EXPECT_EQ(bitline_of(bent, "key"), bitline_of(mean, "key"));
  // Word lines: over those of half of the rows.
  const auto word_lines = [](const CostReport& r) {
    double sum = 0;
    for (const EnergyPart& p : r.layers.front().parts)
      if (p.component == "word lines" && p.product == "logits") sum += p.energy;
    return sum;
  };
  for (int k = 0; k <= 8; ++k) a.dynamic.wordline_shape.push_back(0.5 + k / 8.0);
  const ProductLoad& load = *work.layers.front().find(Product::logits);
  EXPECT_NEAR(word_lines(cost_of(work, a)) / word_lines(mean), 0.5 + load.on_cells / load.conversions / 8,
              1e-9);
  // MRAM: over that of the mean of all on-cells.
  a.weights.read_shape.assign(9, 2.0);
  EXPECT_NEAR(bitline_of(cost_of(work, a), "key"), 2 * bitline_of(mean, "key"),
              1e-9 * bitline_of(mean, "key"));
}

TEST(CostModel, HandCalculatedModels) {
  struct Row {
    const char* model;
    double dc1, dc8, pipelined, arrays, dram, area;  // kilo tokens a second; uJ a token; mm^2 a layer
  };
  for (const Row& row :
       {Row{"bert_base", 10.8, 86.7, 1040, 17.5, 1.8, 15.5}, Row{"bert_large", 4.06, 32.5, 780, 62, 4.7, 26},
        Row{"vit_b16", 10.8, 86.5, 1040, 16.2, 1.8, 10.3}, Row{"deit_tiny", 43, 346, 4150, 1.3, 0.44, 2.3}}) {
    SCOPED_TRACE(row.model);
    Architecture a = hand_calculation();
    const auto cost = [&](int copies, Residency residency) {
      a.copies = copies;
      a.residency = residency;
      return cost_of(closed_form(shape(row.model), a), a);
    };
    const double tolerance = 0.03;  // of figures with two or three digits
    EXPECT_NEAR(cost(1, Residency::one).tokens_per_second() / 1e3, row.dc1, tolerance * row.dc1);
    EXPECT_NEAR(cost(8, Residency::one).tokens_per_second() / 1e3, row.dc8, tolerance * row.dc8);
    const CostReport resident = cost(8, Residency::resident);
    EXPECT_NEAR(resident.tokens_per_second() / 1e3, row.pipelined, tolerance * row.pipelined);
    double arrays = 0, dram = 0;
    for (const LayerCost& layer : resident.layers)
      for (const EnergyPart& p : layer.parts) (p.component == "DRAM" ? dram : arrays) += p.energy;
    EXPECT_NEAR(1e6 * arrays / resident.tokens, row.arrays, tolerance * row.arrays);
    EXPECT_NEAR(1e6 * dram / resident.tokens, row.dram, tolerance * row.dram);
    EXPECT_NEAR(1e6 * cost(1, Residency::one).area, row.area, tolerance * row.area);
  }
}

TEST(CostModel, CopiesByTokensShareTimeNotEnergy) {
  Architecture one = flare_architecture(), eight = flare_architecture();
  one.copies = 1;
  eight.copies = 8;
  one.residency = eight.residency = Residency::resident;
  const Workload work = closed_form(shape("bert_base"), one);
  const CostReport a = cost_of(work, one), b = cost_of(work, eight);
  EXPECT_NEAR(a.interval / b.interval, 8, 1e-9);
  EXPECT_NEAR(a.sequence_energy, b.sequence_energy,
              1e-12 * a.sequence_energy);  // eight times the leakage, an eighth of it long
  EXPECT_NEAR(b.area / a.area, 8, 1e-12);
}

TEST(CostModel, TheSlip) {
  // 524,288 cycles of 10 ns are 5.24 ms; the paper has about 0.5 ms, which 1 ns would give.
  Architecture a = flare_architecture();
  a.kv_bits = 8;
  a.packing = Packing::fixed;
  a.copies = 1;
  const Workload work = closed_form(shape("bert_large"), a);
  const double cycles = work.layers.front().find(Product::query)->cycles;
  EXPECT_NEAR(cycles * cycle_time(a, Bound::nominal), 5.24288e-3, 1e-12);
  EXPECT_NEAR(cycles * cycle_time(a, Bound::low), 0.524288e-3, 1e-12);
}

TEST(Converter, ComparatorsAreCostedAtTheSizeTheirOffsetAsksFor) {
  const ParameterSet p = default_parameters();
  EXPECT_DOUBLE_EQ(comparator_scale(p, 6.8e-3), 1);
  EXPECT_DOUBLE_EQ(comparator_scale(p, 20e-3), 1);  // not below the shipped size
  EXPECT_DOUBLE_EQ(comparator_scale(p, 3.4e-3), 4);
  Architecture a = flare_architecture();
  ArrayChoice trimmed = a.dynamic, untrimmed = a.dynamic;
  untrimmed.converter.law = ConverterLaw::flash_untrimmed;
  const ConversionCost t = conversion_cost(trimmed, a, Bound::nominal),
                       u = conversion_cost(untrimmed, a, Bound::nominal);
  const double scale = std::pow(6.8 / 1.5, 2);
  EXPECT_NEAR(u.energy, 8 * (7.7e-15 * scale + 1e-15), 1e-18);
  EXPECT_NEAR(t.energy, 8 * 8.7e-15, 1e-18);
  EXPECT_NEAR(t.area, 8 * 4 * (0.357 + 0.46) * 1e-12, 1e-18);
  // Sixteen rows of the same swing: half the offset, four times the comparator, twice as many of them.
  untrimmed.sawl = 16;
  untrimmed.converter.offset_sigma /= 2;
  EXPECT_NEAR(conversion_cost(untrimmed, a, Bound::nominal).energy / u.energy, 8, 0.1);
}

TEST(Converter, LawsByHand) {
  Architecture a = flare_architecture();
  ArrayChoice array = a.dynamic;
  array.converter.law = ConverterLaw::zigzag;
  array.converter.enob = 3.17;
  EXPECT_NEAR(conversion_cost(array, a, Bound::nominal).energy, (317 + 0.001 * std::pow(4, 3.17)) * 0.81e-15,
              1e-18);
  EXPECT_NEAR(conversion_cost(array, a, Bound::nominal).area * 1e12, 110, 1);
  array.converter.enob = 8;
  EXPECT_NEAR(conversion_cost(array, a, Bound::nominal).area * 1e12, 2085, 1);
  array.converter.law = ConverterLaw::enob;
  ArrayChoice flash = a.dynamic;
  EXPECT_NEAR(
      conversion_cost(array, a, Bound::nominal).energy / conversion_cost(flash, a, Bound::nominal).energy,
      256.0 / 9, 1e-9);
  array.converter.law = ConverterLaw::survey;
  EXPECT_NEAR(conversion_cost(array, a, Bound::nominal).energy, 8 * 1.6e-12, 1e-18);
  EXPECT_DOUBLE_EQ(converter_bits(flash), std::log2(9.0));
}

TEST(Architecture, WhatMakesNoSense) {
  std::string error;
  Architecture a = flare_architecture();
  EXPECT_TRUE(a.is_valid(&error)) << error;
  a.dynamic.converter.offset_sigma = 0.3e-3;
  EXPECT_FALSE(a.is_valid(&error));
  EXPECT_EQ(error,
            "arrays.dynamic.converter.trim_residue: the trim leaves 0.6 mV where the error model allows 0.3 "
            "mV; use a "
            "finer trim or flash_untrimmed");
  a = flare_architecture();
  a.copies = 17;
  EXPECT_FALSE(a.is_valid(&error));
  EXPECT_EQ(error, "copies: must be 1 to 16 (DC1 ... DC16)");
  a = flare_architecture();
  Parameter p = a.parameters.get("dram");
  p.source.clear();
  a.parameters.replace(p);
  EXPECT_FALSE(a.is_valid(&error));
  EXPECT_EQ(error, "parameters.dram: needs a source: where the number comes from");
}

TEST(Parameters, EveryDefaultHasItsEndsUnitAndSource) {
  std::set<std::string> names;
  const ParameterSet defaults = default_parameters();
  for (const Parameter& p : defaults.all()) {
    std::string error;
    EXPECT_TRUE(p.is_valid(&error)) << p.name << ": " << error;
    EXPECT_FALSE(p.unit.empty()) << p.name;
    EXPECT_TRUE(names.insert(p.name).second) << p.name;
  }
}

}  // namespace
}  // namespace flare::arch
