// Figs. 7, 15 and 16: what a model and its data show.
#include <fmt/format.h>

#include "analysis/results/verdict_table.hpp"
#include "flare_arch/cost/sparsity.hpp"
#include "flare_arch/models/accuracy.hpp"
#include "studies/model/array_spec.hpp"
#include "studies/model/sparsity_figures.hpp"
#include "studies/paper/drawing.hpp"
#include "studies/paper/paper.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

using arch::Encoding;

struct Sparse {
  arch::SparsityOptions options;
  std::vector<arch::SparsityRow> rows;
};

Sparse sparsity_of(const PaperInputs& in, const std::string& page) {
  require_data(in, page);
  Sparse s;
  s.options.images = in.examples;
  s.options.rows_per_read = in.architecture.dynamic.sawl;
  s.options.attention = arch::attention_options(in.architecture);
  const arch::Transformer model = arch::Transformer::load(in.model);
  s.rows = arch::sparsity_study(model, arch::load_dataset(in.dataset, model.spec(), in.model), s.options);
  return s;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

}  // namespace

PaperPage fig7_page(const PaperInputs& in) {
  const Sparse s = sparsity_of(in, "fig7");
  PaperPage page;
  page.paper = {
      "bitwise sparsity is much higher than that of values, of groups of values and of slices of columns; "
      "averages over "
      "input, Q, K, V and output of a language and a vision task. No value is public"};
  analysis::TextTable table{"Zeros by the grain at which they could be skipped",
                            {"tensor", "encoding", "bits", "values", "groups of values", "slices of a plane"},
                            {}};
  const auto line = [&](const std::string& tensor, Encoding encoding, const arch::Sparsity& z) {
    table.rows.push_back({tensor, arch::encoding_name(encoding), percent(z.bits), percent(z.values),
                          percent(z.value_groups), percent(z.column_slices)});
  };
  for (const arch::SparsityRow& row : s.rows)
    if (row.tensor != "all") line(row.tensor, row.encoding, row.sparsity);
  for (const Encoding encoding : {Encoding::twos_complement, Encoding::sign_magnitude})
    line("average", encoding, arch::average_sparsity(s.rows, encoding));
  const arch::Sparsity mean = arch::average_sparsity(s.rows, Encoding::twos_complement);
  page.ours = {fmt::format(
      "on {}: {} of the bits and {} of the values are zero; two's complement around zero is half ones",
      in.dataset.filename().string(), percent(mean.bits), percent(mean.values))};
  page.tables = {std::move(table)};
  page.figures = {{"fig7", draw_sparsity(s.rows, s.options)}};
  return page;
}

PaperPage fig16_page(const PaperInputs& in) {
  const Sparse s = sparsity_of(in, "fig16");
  PaperPage page;
  page.paper = {
      "\"boosting factors were almost directly the same as our anticipated values\": 1 / (1 - bit sparsity)"};
  analysis::TextTable table{"BitSift's boost beside 1 / (1 - s), slices of 16, next fit",
                            {"tensor", "encoding", "simulated", "1 / (1 - s)", "ratio"},
                            {}};
  double least = 1e9, most = 0;
  for (const arch::SparsityRow& row : s.rows) {
    if (!row.is_fed()) continue;
    const double boost = row.boost(arch::Packing::next_fit, 16), expected = row.expected_boost();
    least = std::min(least, boost / expected);
    most = std::max(most, boost / expected);
    table.rows.push_back({row.tensor, arch::encoding_name(row.encoding), fmt::format("{:.2f}", boost),
                          fmt::format("{:.2f}", expected), fmt::format("{:.2f}", boost / expected)});
  }
  page.ours = {fmt::format(
      "the simulated boost is {:.2f} to {:.2f} of 1 / (1 - s): reads that are not full, and whole slices",
      least, most)};
  page.tables = {std::move(table)};
  page.figures = {{"fig16", draw_boost(s.rows, s.options)}};
  return page;
}

namespace {

/// Accuracy under one arithmetic and error model.
struct Rated {
  std::string name;
  arch::AccuracyResult result;
};

std::vector<Rated> rate(const PaperInputs& in) {
  const arch::Transformer model = arch::Transformer::load(in.model);
  const arch::Dataset data = arch::load_dataset(in.dataset, model.spec(), in.model);
  std::vector<Rated> rated;
  const auto add = [&](const std::string& name, arch::AccuracyOptions options) {
    options.examples = in.examples;
    options.attention = arch::attention_options(in.architecture);
    options.stop = in.stop;
    rated.push_back({name, arch::evaluate_accuracy(model, data, options)});
  };
  arch::AccuracyOptions options;
  for (const auto& [name, quantizer] :
       {std::pair{"floating point", "float"}, {"int8, DQ-Q", "int8"}, {"FLARE", "emsbq"}}) {
    options.quantizer = quantizer;
    add(name, options);
  }
  if (in.study.empty()) return rated;
  options.repeats = 2;
  for (const analysis::VerdictRow& row : analysis::read_verdict(engine::open_result(in.study))) {
    const analysis::ModelKey& key = row.key;
    options.weight_arrays = options.dynamic_arrays =
        array_errors(in.study, key.cell, key.sawl, key.adc, key.corner).model;
    add(fmt::format("FLARE, errors of SAWL {}, {}", key.sawl, key.adc), options);
  }
  return rated;
}

}  // namespace

PaperPage fig15_page(const PaperInputs& in) {
  require_data(in, "fig15");
  PaperPage page;
  page.paper = {
      "accuracy of FP32, conventional integers with FP32 DQ-Q and eMSB-Q with VDR-Softmax on GLUE and "
      "ImageNet: \"sustains "
      "high accuracy\". No value is public, and neither are the tasks' models here"};
  const std::vector<Rated> rated = rate(in);
  analysis::TextTable table{
      fmt::format("{} on {}", in.model.filename().string(), in.dataset.filename().string()),
      {"", "accuracy", "std", "as floating point", "examples"},
      {}};
  std::vector<Bar> bars;
  for (const Rated& r : rated) {
    const double mean = r.result.mean;
    table.rows.push_back({r.name, percent(mean), percent(r.result.standard_deviation),
                          percent(arch::agreement_with(rated.front().result, r.result)),
                          std::to_string(r.result.examples)});
    bars.push_back({r.name, 100 * mean, 100 * (mean - r.result.standard_deviation),
                    100 * (mean + r.result.standard_deviation),
                    r.name.find("errors") != std::string::npos ? 1 : 0});
  }
  page.ours = {fmt::format(
      "FLARE answers as floating point does in {} of {} examples of {}; models and data of the paper's tasks "
      "are not shipped: --model takes a folder as timm or Hugging Face write it, --dataset its images or "
      "texts "
      "(DeiT-Tiny: --model deit_tiny --dataset imagenet_val)",
      percent(arch::agreement_with(rated.front().result, rated[2].result)), rated[2].result.examples,
      in.dataset.filename().string())};
  page.tables = {std::move(table)};
  page.figures = {{"fig15", draw_bars("fig15", "accuracy (%)", bars,
                                      {"without errors", "with the errors of a read"}, {}, true)}};
  return page;
}

}  // namespace flare::studies
