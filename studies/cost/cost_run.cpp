#include "studies/cost/cost_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

using arch::Bound;
using arch::LayerLoad;
using arch::ProductLoad;
using arch::Workload;

std::string shape_help() {
  return fmt::format("a folder of a model or one of {}", fmt::join(arch::known_shape_names(), ", "));
}

/// "bert_base:512".
std::optional<arch::ModelShape> named_shape(const std::string& model) {
  const std::size_t colon = model.find(':');
  int tokens = 0;
  if (colon != std::string::npos) {
    const char* end = model.data() + model.size();
    const auto [at, error] = std::from_chars(model.data() + colon + 1, end, tokens);
    if (error != std::errc() || at != end || tokens < 1 || tokens > 65536) return std::nullopt;
  }
  return arch::known_shape(model.substr(0, colon), tokens);
}

std::array<Workload, 3> all_alike(const Workload& work) { return {work, work, work}; }

/// Counts read back, put into the frame of the architecture's arrays.
Workload from_counts(const CostModel& model, const arch::Architecture& a) {
  const analysis::CostResult& counts = *model.counts;
  if (counts.counting != counting_key(a))
    throw StudyError(
        fmt::format("--counts: was counted for {}; the architecture has {}: count again with --dataset",
                    counts.counting, counting_key(a)));
  Workload work;
  work.shape = model.shape;
  work.origin = counts.origin;
  work.tokens = counts.tokens;
  work.sequences = counts.sequences;
  work.layers.assign(static_cast<std::size_t>(model.shape.layers), arch::layer_frame(model.shape, a));
  const auto layer_at = [&](int layer) -> LayerLoad& {
    if (layer < 0 || layer >= model.shape.layers)
      throw StudyError(fmt::format("--counts: holds a layer {}, the model has {}; it is of another model",
                                   layer, model.shape.layers));
    return work.layers[static_cast<std::size_t>(layer)];
  };
  for (const analysis::CostWorkloadLayerRow& row : counts.workload_layers) {
    LayerLoad& l = layer_at(row.layer);
    l.kv_cycles = row.kv_cycles;
    l.fused_cycles = row.fused_cycles;
    l.fused_words = row.fused_words;
    l.unfused_words = row.unfused_words;
    l.written_bits = row.written_bits;
    l.quantised = row.quantised;
    l.scores = row.scores;
    l.macs = row.macs;
  }
  for (const analysis::CostWorkloadRow& row : counts.workload)
    for (ProductLoad& p : layer_at(row.layer).products) {
      if (to_string(p.product) != row.product) continue;
      p.cycles = row.cycles;
      p.fixed_cycles = row.fixed_cycles;
      p.conversions = row.conversions;
      p.driven_cells = row.driven_cells;
      p.on_cells = row.on_cells;
      p.scanned_rows = row.scanned_rows;
      p.stage_cycles = row.stage_cycles;
      p.levels.clear();
    }
  for (const analysis::CostLevelRow& row : counts.levels)
    for (ProductLoad& p : layer_at(row.layer).products)
      if (to_string(p.product) == row.product && row.k == static_cast<int>(p.levels.size()))
        p.levels.push_back(row.reads);
  if (counts.levels.empty())
    throw StudyError("--counts: holds no reads by on-cells (/cost/levels); count again with --dataset");
  return work;
}

std::array<Workload, 3> workloads_of(const CostModel& model, const arch::Architecture& a) {
  if (model.counts) return all_alike(from_counts(model, a));
  if (model.model && model.data)
    return all_alike(arch::count_workload(*model.model, *model.data, a, model.options));
  return {arch::closed_form(model.shape, a, Bound::low), arch::closed_form(model.shape, a, Bound::nominal),
          arch::closed_form(model.shape, a, Bound::high)};
}

void cost_all(CostRun& run) {
  for (const Bound bound : arch::bounds)
    run.reports[static_cast<std::size_t>(bound)] =
        arch::cost_of(run.workload(bound), run.architecture, bound);
}

}  // namespace

CostModel CostModel::load(const std::string& model, const std::filesystem::path& dataset,
                          const std::filesystem::path& counts) {
  CostModel m;
  if (const auto shape = named_shape(model)) {
    m.shape = *shape;
    if (!dataset.empty())
      throw StudyError(fmt::format(
          "--dataset: {} is a shape without weights; give a model's folder to count on data", model));
  } else {
    if (!std::filesystem::exists(model))
      throw StudyError(
          fmt::format("{}: no such model; {} (bert_base:512 for another length)", model, shape_help()));
    m.model = std::make_shared<const arch::Transformer>(arch::Transformer::load(model));
    m.shape = arch::shape_of_model(m.model->spec());
  }
  if (!dataset.empty()) {
    if (!std::filesystem::exists(dataset)) throw StudyError(dataset.string() + ": no such file");
    m.data = std::make_shared<const arch::Dataset>(arch::load_dataset(dataset, m.model->spec(), model));
  }
  if (counts.empty()) return m;
  m.counts = analysis::read_cost(engine::open_result(counts));
  if (m.counts->empty() || m.counts->workload.empty())
    throw StudyError(counts.string() +
                     ": holds no counted workload; make it with flare cost ... --dataset DATA -o FILE");
  if (m.counts->model != m.shape.name)
    throw StudyError(
        fmt::format("{}: was counted for {}, not for {}", counts.string(), m.counts->model, m.shape.name));
  return m;
}

analysis::CostRange CostRun::range(const std::function<double(const arch::CostReport&)>& of) const {
  return {of(reports[0]), of(reports[1]), of(reports[2])};
}

std::string counting_key(const arch::Architecture& a) {
  return fmt::format(
      "SAWL {} and {}, {} slices of {}, {}/{}/{}/{} bits, {} {}, {} columns and {} a converter, word lines "
      "{} and {}, "
      "{}, softmax {} cycles",
      a.weights.sawl, a.dynamic.sawl, to_string(a.packing), a.slice_length, a.activation_bits, a.kv_bits,
      a.weight_bits, a.probability_bits, to_string(a.sharing),
      // Copies by tokens change no count.
      a.sharing == arch::Sharing::tokens ? 1 : a.copies, a.weights.columns_per_converter,
      a.dynamic.columns_per_converter, a.weights.word_lines, a.dynamic.word_lines, to_string(a.scope),
      a.softmax_cycles);
}

CostRun run_cost(const CostModel& model, const arch::Architecture& a) {
  CostRun run;
  run.architecture = a;
  try {
    run.workloads = workloads_of(model, a);
    cost_all(run);
  } catch (const std::invalid_argument& e) {
    throw StudyError(e.what());
  }
  return run;
}

CostRun run_conventional(const CostRun& like) {
  CostRun run;
  run.architecture = arch::conventional(like.architecture);
  for (const Bound bound : arch::bounds) {
    Workload& work = run.workloads[static_cast<std::size_t>(bound)];
    const Workload& counted = like.workload(bound);
    arch::ModelShape shape = counted.shape;
    shape.tokens = std::max(1, static_cast<int>(std::lround(counted.tokens)));
    work = arch::closed_form(shape, run.architecture, bound);
    // The same rows carry ones, however they are grouped.
    for (std::size_t l = 0; l < work.layers.size(); ++l)
      for (std::size_t p = 0; p < work.layers[l].products.size(); ++p) {
        ProductLoad& load = work.layers[l].products[p];
        load.on_cells = counted.layers[l].products[p].on_cells;
        load.levels =
            arch::binomial_levels(load.conversions, load.on_cells, static_cast<int>(load.levels.size()) - 1);
      }
  }
  cost_all(run);
  return run;
}

}  // namespace flare::studies
