#include "flare_arch/cost/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "flare_arch/cost/converter_cost.hpp"

namespace flare::arch {
namespace {

const std::string kv_stage = "key_value", fused_stage = "fused", load_stage = "weight_load";

/// One architecture at one end of its parameters.
class Prices {
 public:
  Prices(const Architecture& architecture, Bound bound) : a(architecture), bound_(bound) {}

  double at(const char* name) const { return a.parameters.at(name, bound_); }
  bool mram(bool weights) const { return array(weights).technology == MemoryTechnology::mram; }
  const ArrayChoice& array(bool weights) const { return weights ? a.weights : a.dynamic; }
  ConversionCost conversion(bool weights) const { return conversion_cost(array(weights), a, bound_); }
  double cycle() const { return cycle_time(a, bound_); }
  double copied() const { return a.sharing == Sharing::tokens ? a.copies : 1; }

  const Architecture& a;

 private:
  Bound bound_;
};

/// Energies of reads of one kind of array. Supply: parameters are for 0.9 V; energies go with its square.
struct ReadPrices {
  double base, on_cell, driven, wordline, converter, sum, scanned;
};

ReadPrices read_prices(const Prices& p, bool weights) {
  const double v = p.a.supply / 0.9, square = v * v;
  const bool mram = p.mram(weights);
  return {mram ? 0.0 : p.at("sram_read_base") * square,
          mram ? 0.0 : p.at("sram_bitline") * square,
          mram ? p.at("mram_read") * v : 0.0,  // supply times a current that the read voltage sets
          (mram ? p.at("mram_wordline") : p.at("sram_wordline")) * square,
          p.conversion(weights).energy,
          p.at("code_to_sum") * square,
          p.at("controller_row") * square};
}

class LayerPricing {
 public:
  LayerPricing(const LayerLoad& load, const Workload& work, const Prices& prices)
      : load_(load), work_(work), p_(prices) {}

  LayerCost cost() {
    for (const ProductLoad& product : load_.products) add_product(product);
    add_digital();
    add_memory();
    add_stages();
    add_load();
    add_leakage();
    sum_up();
    return std::move(cost_);
  }

 private:
  std::string stage_of(Product product) const {
    if (!p_.a.fused) return std::string(to_string(product));
    return product == Product::key || product == Product::value ? kv_stage : fused_stage;
  }

  void add(const char* where, const char* component, const std::string& stage, const std::string& product,
           double energy, bool is_static = false) {
    if (energy > 0) cost_.parts.push_back({where, component, stage, product, is_static, energy});
  }

  void add_product(const ProductLoad& l) {
    const bool weights = on_weights(l.product);
    const char* where = weights ? "weights" : "dynamic";
    const ReadPrices e = read_prices(p_, weights);
    const std::string stage = stage_of(l.product), product(to_string(l.product));
    add(where, "bitline", stage, product, bitline_energy(l, e));
    add(where, "word lines", stage, product,
        l.driven_cells * mean_of(l, array_of(l).wordline_shape, 1) * e.wordline);
    add(where, "converter", stage, product, l.conversions * e.converter);
    add(where, "code to sum", stage, product, l.conversions * e.sum);
    add("digital", "controller", stage, product, l.scanned_rows * e.scanned);
  }

  const ArrayChoice& array_of(const ProductLoad& l) const { return p_.array(on_weights(l.product)); }
  /// Mean over the reads of a product of a shape over k; `line` where none is given.
  static double mean_of(const ProductLoad& l, const std::vector<double>& shape, double line) {
    if (shape.size() != l.levels.size() || !(l.conversions > 0)) return line;
    return std::inner_product(l.levels.begin(), l.levels.end(), shape.begin(), 0.0) / l.conversions;
  }
  double bitline_energy(const ProductLoad& l, const ReadPrices& e) const {
    const ArrayChoice& array = array_of(l);
    if (array.technology == MemoryTechnology::mram)
      return l.driven_cells * mean_of(l, array.read_shape, 1) * e.driven;
    const double cells =
        array.read_shape.empty() ? l.on_cells : l.conversions * array.sawl * mean_of(l, array.read_shape, 0);
    return l.conversions * e.base + cells * e.on_cell;
  }

  /// Quantisers and softmax; in floating point a value is scaled twice (multiplied, rounded: an addition), and a score costs
  /// an exponential of five multiplications and additions, and a division counted as one multiplication.
  void add_digital() {
    const std::string late = p_.a.fused ? fused_stage : std::string(to_string(Product::logits));
    if (!p_.a.float_stages) {
      add("digital", "quantiser", late, "all", load_.quantised * p_.at("quantiser"));
      add("digital", "softmax", late, "all", load_.scores * p_.at("softmax"));
      return;
    }
    const double pair = p_.at("fp32_add") + p_.at("fp32_multiply");
    add("digital", "floating point", late, "all",
        load_.quantised * 2 * pair + load_.scores * float_per_score * pair);
  }

  double words() const { return p_.a.fused ? load_.fused_words : load_.unfused_words; }

  void add_memory() {
    // A word comes in and leaves through the buffer: written once, read once. Keys and values into their cells.
    const double bits = words() * p_.a.activation_bits;
    const std::string late = p_.a.fused ? fused_stage : std::string(to_string(Product::logits));
    const std::string early = p_.a.fused ? kv_stage : std::string(to_string(Product::key));
    add("memory", "DRAM", late, "all", bits * p_.at("dram"));
    add("memory", "buffer", late, "all", bits * (p_.at("buffer_read") + p_.at("buffer_write")));
    add("dynamic", "write", early, "all",
        load_.written_bits * (p_.mram(false) ? p_.at("mram_write") : p_.at("sram_write")));
  }

  double traffic_time(double words) const { return words * p_.a.activation_bits * p_.at("dram_bit_time"); }

  void add_stage(const std::string& name, double cycles, double words, double operations) {
    StageCost s;
    s.name = name;
    s.cycles = cycles;
    s.array_time = cycles * p_.cycle() / p_.copied();
    s.traffic_time = traffic_time(words);
    s.float_time = operations * p_.at("fp32_time") / p_.a.float_lanes;
    s.time = std::max(s.array_time, s.traffic_time) + s.float_time;
    cost_.stages.push_back(std::move(s));
  }

  void add_stages() {
    if (p_.a.fused) {
      const double first = work_.tokens * work_.shape.width;  // the input, streamed for keys and values
      add_stage(kv_stage, load_.kv_cycles, first, 0);
      add_stage(fused_stage, load_.fused_cycles, load_.fused_words - first,
                p_.a.float_stages ? float_operations() : 0);
      return;
    }
    // Every tensor leaves and comes back: shared out evenly over the products.
    const double words = load_.unfused_words / static_cast<double>(load_.products.size());
    for (const ProductLoad& l : load_.products) {
      const bool softmax = l.product == Product::logits;
      add_stage(stage_of(l.product), l.stage_cycles, words,
                softmax && p_.a.float_stages ? float_operations() : 0);
    }
  }

  double float_operations() const { return 4 * load_.quantised + 2 * float_per_score * load_.scores; }

  /// Residency `one`: the layer's weights are written before its sequences, row by row, all arrays at once.
  void add_load() {
    if (p_.a.residency != Residency::one) return;
    double cells = 0, rows = 0;
    for (const ProductLoad& l : load_.products) {
      if (!on_weights(l.product)) continue;
      cells += l.cells;
      rows = std::max(rows, l.cells / l.columns);
    }
    // Copies by tokens and planes hold the weights, too.
    const double copies = p_.a.sharing == Sharing::split ? 1 : p_.a.copies;
    const double bit = p_.mram(true) ? p_.at("mram_write") : p_.at("sram_write");
    const double row = p_.mram(true) ? p_.at("mram_write_time") : p_.cycle();
    add("weights", "write", load_stage, "all", cells * copies * bit / p_.a.batch);
    StageCost s;
    s.name = load_stage;
    s.array_time = s.time = rows * row / p_.a.batch;
    cost_.stages.push_back(std::move(s));
  }

  void add_leakage() {
    double cells = 0, converters = 0;
    for (const ProductLoad& l : load_.products) {
      const bool weights = on_weights(l.product);
      if (!p_.mram(weights)) cells += l.cells;
      converters += l.converters / p_.array(weights).columns_per_converter;
    }
    const double copies = p_.a.sharing == Sharing::split ? 1 : p_.a.copies;
    const double power = copies * (cells * p_.at("cell_leakage") + converters * p_.at("converter_leakage"));
    for (const StageCost& s : cost_.stages) add("digital", "leakage", s.name, "all", power * s.time, true);
  }

  void sum_up() {
    for (StageCost& s : cost_.stages) {
      for (const EnergyPart& part : cost_.parts)
        if (part.stage == s.name) s.energy += part.energy;
      cost_.time += s.time;
    }
    for (const EnergyPart& part : cost_.parts) cost_.energy += part.energy;
  }

  static constexpr double float_per_score = 6;

  const LayerLoad& load_;
  const Workload& work_;
  const Prices& p_;
  LayerCost cost_;
};

/// Areas of the arrays of one layer and one copy; all copies and layers are multiplied in at the end.
class AreaPricing {
 public:
  AreaPricing(const Workload& work, const Prices& prices) : work_(work), p_(prices) {}

  std::vector<AreaPart> parts() {
    const LayerLoad& layer = work_.layers.front();
    for (const bool weights : {true, false}) add_arrays(layer, weights);
    const double heads = work_.shape.heads;
    add("digital", "quantiser", heads, p_.at("quantiser_area"), true);
    if (p_.a.float_stages)
      add("digital", "floating point", p_.a.float_lanes, p_.at("fp32_area"), false);
    else
      add("digital", "softmax", heads, p_.at("softmax_area"), true);
    // A token's scores of all heads and three of its words, twice: one is worked on while the next comes in.
    const ModelShape& s = work_.shape;
    const double bits = 2.0 * (double(s.tokens) * s.heads * p_.a.probability_bits + 3.0 * s.width * 16.0);
    add("memory", "buffer", bits, p_.at("buffer_area"), true);
    return std::move(parts_);
  }

 private:
  void add_arrays(const LayerLoad& layer, bool weights) {
    const double cell = p_.mram(weights) ? p_.at("mram_cell_area") : p_.at("sram_cell_area");
    for (const ProductLoad& l : layer.products) {
      if (on_weights(l.product) != weights) continue;
      const double converters = l.converters / p_.array(weights).columns_per_converter;
      const auto add_part = [&](const char* component, double count, double each) {
        add(weights ? "weights" : "dynamic", component, count, each, true);
        parts_.back().product = to_string(l.product);
        parts_.back().arrays = l.arrays * scale(true);
      };
      add_part("cells", l.cells, cell * p_.at("cell_overhead"));
      add_part("converter", converters, p_.conversion(weights).area);
      add_part("code to sum", converters, p_.at("code_to_sum_area"));
      add_part("controller", l.rows, p_.at("controller_area"));
    }
  }

  /// Copies and layers of what one layer has once.
  double scale(bool copied) const {
    const double copies = copied && p_.a.sharing != Sharing::split ? p_.a.copies : 1;
    return copies * (p_.a.residency == Residency::resident ? static_cast<double>(work_.layers.size()) : 1);
  }

  void add(const char* where, const char* component, double count, double each, bool copied) {
    const double all = count * scale(copied);
    parts_.push_back({where, component, "all", 0, all, all * each});
  }

  const Workload& work_;
  const Prices& p_;
  std::vector<AreaPart> parts_;
};

}  // namespace

double cycle_time(const Architecture& a, Bound bound) {
  const auto at = [&](const char* name) { return a.parameters.at(name, bound); };
  if (a.clock == Clock::paper) return at("paper_cycle");
  double slower = 0;
  for (const ArrayChoice* array : {&a.weights, &a.dynamic}) {
    const double pulse = array->technology == MemoryTechnology::mram ? at("mram_pulse") : at("sram_pulse");
    slower = std::max(slower, pulse + conversion_cost(*array, a, bound).time);
  }
  return at("wordline_time") + slower + at("restore_time") + at("margin_time");
}

double read_energy(const ArrayChoice& array, const Architecture& architecture, double on_cells, double driven,
                   Bound bound) {
  Architecture alike = architecture;
  alike.weights = array;
  const Prices prices(alike, bound);
  const ReadPrices e = read_prices(prices, true);
  return e.base + on_cells * e.on_cell + driven * (e.driven + e.wordline) + e.converter + e.sum;
}

CostReport cost_of(const Workload& work, const Architecture& a, Bound bound) {
  std::string error;
  if (!a.is_valid(&error)) throw std::invalid_argument(error);
  if (work.layers.empty()) throw std::invalid_argument("cost: a workload without layers");
  const Prices prices(a, bound);
  CostReport report;
  report.cycle = prices.cycle();
  report.tokens = work.tokens;
  for (const LayerLoad& layer : work.layers) {
    report.layers.push_back(LayerPricing(layer, work, prices).cost());
    const LayerCost& cost = report.layers.back();
    report.sequence_time += cost.time;
    report.sequence_energy += cost.energy;
    report.interval = std::max(report.interval, cost.time);
    report.macs += layer.macs;
  }
  if (a.residency == Residency::one) report.interval = report.sequence_time;
  report.area_parts = AreaPricing(work, prices).parts();
  for (const AreaPart& part : report.area_parts) report.area += part.area;
  return report;
}

}  // namespace flare::arch
