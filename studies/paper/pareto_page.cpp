// Accuracy against energy over SAWL and ENOB: which is cheapest at a stated accuracy?
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/report_cost.hpp"
#include "analysis/results/accuracy_table.hpp"
#include "engine/base/hdf5_io.hpp"
#include "engine/simulate/evaluator.hpp"
#include "flare_arch/cost/sawl_scaling.hpp"
#include "flare_arch/models/accuracy.hpp"
#include "studies/model/accuracy_statistics.hpp"
#include "studies/paper/drawing.hpp"
#include "studies/paper/paper.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

using analysis::cost_text;
using analysis::CostRange;

/// How much of floating point's accuracy is lost on the same examples, and its 95 % limits.
struct Drop {
  double least = 0, seen = 0, most = 0;
};

/// One SAWL and converter with what it costs and gives.
struct Choice {
  int sawl = 0;
  std::string converter;
  double accuracy = 0;
  Drop drop;
  CostRange energy;  // J a MAC
  bool front = false;
};

/// What the choices are compared with.
struct Reference {
  double accuracy = 0;  // in floating point
  std::int64_t examples = 0;
};

arch::ArrayChoice with_sawl(arch::ArrayChoice array, int sawl, double enob) {
  array.sawl = sawl;
  array.read_shape.clear();
  array.wordline_shape.clear();
  array.technology = arch::MemoryTechnology::sram;
  array.converter.law = arch::ConverterLaw::enob;
  array.converter.enob = enob;
  array.converter.trim_residue = std::min(array.converter.trim_residue, array.converter.offset_sigma);
  return array;
}

/// The same cells at every SAWL; the converter by the paper's law, 2^ENOB from the trimmed flash.
CostRange energy_of(const PaperInputs& in, const CostModel& model, int sawl, double enob) {
  arch::Architecture a = in.architecture;
  const double step = static_cast<double>(a.dynamic.sawl) / sawl;
  a.weights = with_sawl(a.weights, sawl, enob);
  a.dynamic = with_sawl(a.dynamic, sawl, enob);
  // At one swing an on-cell moves a step.
  arch::Parameter bitline = a.parameters.get("sram_bitline");
  for (double* value : {&bitline.value, &bitline.low, &bitline.high}) *value *= step;
  a.parameters.replace(std::move(bitline));
  return run_cost(model, a).range([](const arch::CostReport& c) { return c.mac_energy(); });
}

Choice choice_of(const analysis::AccuracyRow& row, const CostRange& energy) {
  if (row.is_loss())
    throw StudyError("pareto: the metric is a loss; it needs one of which more is better, such as top1");
  return {row.sawl, row.adc, row.mean, {row.drop_low, row.drop, row.drop_high}, energy};
}

/// Of a study: every SAWL and converter that its accuracies know.
std::vector<Choice> measured_choices(const PaperInputs& in, const CostModel& model, Reference& reference) {
  std::vector<Choice> choices;
  for (const analysis::AccuracyRow& row : analysis::read_accuracy(engine::open_result(in.study))) {
    reference = {row.floating, row.examples};
    if (row.sawl == 0 || row.mode != "read") continue;
    if (!std::isfinite(row.drop))
      throw StudyError(
          fmt::format("{}: /accuracy does not say what is lost against floating point; run its study again "
                      "with this flare",
                      in.study.string()));
    choices.push_back(choice_of(row, energy_of(in, model, row.sawl, std::log2(row.sawl + 1.0))));
  }
  return choices;
}

/// Simulated here: the shipped cell's spread at every SAWL, converters of 2^ENOB levels.
std::vector<Choice> simulated_choices(const PaperInputs& in, const CostModel& model, Reference& reference) {
  const arch::Dataset data = arch::load_dataset(in.dataset, model.model->spec(), in.model);
  arch::AccuracyOptions options;
  options.examples = in.examples;
  options.attention = arch::attention_options(in.architecture);
  options.stop = in.stop;
  options.quantizer = "float";
  const arch::AccuracyResult floating = arch::evaluate_accuracy(*model.model, data, options);
  reference = {floating.mean, floating.examples};
  options.quantizer = "emsbq";
  std::vector<Choice> choices;
  for (const int sawl : {2, 4, 8, 16, 32})
    for (const int bits : {1, 2, 3, 4, 5}) {
      // 2^b - 1 thresholds give 2^b codes; as many as there are levels are enough.
      const int codes = std::min(1 << bits, sawl + 1);
      if (bits > 1 && (1 << (bits - 1)) >= sawl + 1) continue;
      const arch::FrozenVariation cells{0.027, 0.007, 0.03 * sawl / 8.0};
      options.weight_arrays = options.dynamic_arrays =
          std::make_shared<const arch::ErrorModel>(arch::ErrorModel::gaussian(sawl, codes, cells, {}));
      const arch::AccuracyResult result = arch::evaluate_accuracy(*model.model, data, options);
      if (result.stopped) throw engine::Stopped();
      const double enob = std::log2(codes);
      analysis::AccuracyRow row;
      row.sawl = sawl;
      row.adc = fmt::format("{:.2f} bit", enob);
      row.metric = arch::metric_name(data.metric);
      row.mean = result.mean;
      judge(result.answers, floating.answers.front(), data.metric, {in.accuracy_drop, options.seed}, row);
      choices.push_back(choice_of(row, energy_of(in, model, sawl, enob)));
    }
  return choices;
}

/// Whom no other beats in both.
void mark_front(std::vector<Choice>& choices) {
  for (Choice& c : choices)
    c.front = std::none_of(choices.begin(), choices.end(), [&](const Choice& o) {
      return o.energy.nominal <= c.energy.nominal && o.accuracy >= c.accuracy &&
             (o.energy.nominal < c.energy.nominal || o.accuracy > c.accuracy);
    });
}

/// The cheapest at one end of the parameters whose drop, as it was seen or by one of its limits, is at most `allowed`.
const Choice* cheapest(const std::vector<Choice>& choices, double allowed, double Drop::*drop,
                       double CostRange::*end) {
  const Choice* best = nullptr;
  for (const Choice& c : choices)
    if (c.drop.*drop <= allowed + 1e-12 && (best == nullptr || c.energy.*end < best->energy.*end)) best = &c;
  return best;
}

/// The cheapest at a stated accuracy, and which others it may be.
std::string answer_within(const std::vector<Choice>& choices, const Reference& reference, double allowed) {
  const std::string within = fmt::format("within {:.1f} % of floating point ({:.1f} % of {} examples)",
                                         100 * allowed, 100 * reference.accuracy, reference.examples);
  const Choice* best = cheapest(choices, allowed, &Drop::seen, &CostRange::nominal);
  if (best == nullptr) return fmt::format("no choice is {}", within);
  int least = best->sawl, most = best->sawl;
  bool sure = false;
  for (const auto drop : {&Drop::least, &Drop::seen, &Drop::most})
    for (const auto end : {&CostRange::low, &CostRange::nominal, &CostRange::high})
      if (const Choice* other = cheapest(choices, allowed, drop, end); other != nullptr) {
        least = std::min(least, other->sawl);
        most = std::max(most, other->sawl);
        sure |= drop == &Drop::most;
      }
  return fmt::format(
      "{} it is SAWL {} with {} ({} to {} over the parameters' ends and the 95 % limits of what is lost), "
      "which loses {:.1f} % [{:.1f} %, {:.1f} %]{}; everything counted {} a MAC ({} to {})",
      within, best->sawl, best->converter, least, most, 100 * best->drop.seen, 100 * best->drop.least,
      100 * best->drop.most, sure ? "" : ", none surely within on so few examples",
      cost_text(best->energy.nominal, "J"), cost_text(best->energy.low, "J"),
      cost_text(best->energy.high, "J"));
}

/// The two questions in one sentence, each with how far the answer moves over the parameters' ends.
std::string answer(const PaperInputs& in, const arch::ModelShape& shape, const std::vector<Choice>& choices,
                   const Reference& reference) {
  const arch::CheapestSawl six =
      arch::cheapest_sawl(shape, in.architecture, designed_sawl(), in.architecture.dynamic.converter.law);
  const std::string sigma = fmt::format(
      "at six sigma the cheapest is SAWL {} ({} to {}) with a {} converter: {} a MAC ({} to {})", six.nominal,
      six.least, six.most, to_string(in.architecture.dynamic.converter.law), cost_text(six.energy, "J"),
      cost_text(six.energy_low, "J"), cost_text(six.energy_high, "J"));
  return sigma + "; " + answer_within(choices, reference, in.accuracy_drop);
}

}  // namespace

PaperPage pareto_page(const PaperInputs& in) {
  require_data(in, "pareto");
  CostModel model = CostModel::load(in.model.string(), in.dataset, {});
  model.options.examples = std::min(in.examples == 0 ? 10 : in.examples, 10);
  Reference reference;
  const bool study = !in.study.empty();
  std::vector<Choice> choices =
      study ? measured_choices(in, model, reference) : simulated_choices(in, model, reference);
  if (choices.empty())
    throw StudyError(in.study.string() +
                     ": holds no /accuracy of columns in mode \"read\"; add [accuracy] to its study, or "
                     "leave --study away to simulate normal deviations");
  mark_front(choices);
  std::sort(choices.begin(), choices.end(),
            [](const Choice& a, const Choice& b) { return a.energy.nominal < b.energy.nominal; });
  PaperPage page;
  page.paper = {
      "converters' energy and area grow with 2^ENOB (section 3.2): few rows, few levels, small converters"};
  page.ours = {
      answer(in, model.shape, choices, reference),
      fmt::format(
          "converters by the paper's law, 2^ENOB from the trimmed flash of SAWL + 1 levels; {}",
          study ? "errors as the study found them, at its worst corners"
                : "errors: normal, cells 2.7 % of a step, comparators 0.03 step of SAWL 8 at one swing")};
  analysis::TextTable table{"Accuracy and energy of a MAC, the cheapest first",
                            {"SAWL", "converter", "accuracy", "lost", "95 % limits", "J/MAC low", "nominal",
                             "high", "Pareto front"},
                            {}};
  std::string named;
  for (const Choice& c : choices)
    if (c.front) named += fmt::format("{}SAWL {} with {}", named.empty() ? "" : ", ", c.sawl, c.converter);
  page.ours.push_back("the Pareto front: " + named);
  Line all{"dominated", {}, false}, front{"Pareto front", {}, true};
  for (const Choice& c : choices) {
    table.rows.push_back({std::to_string(c.sawl), c.converter, fmt::format("{:.1f} %", 100 * c.accuracy),
                          fmt::format("{:.1f} %", 100 * c.drop.seen),
                          fmt::format("{:.1f} to {:.1f} %", 100 * c.drop.least, 100 * c.drop.most),
                          cost_text(c.energy.low, "J"), cost_text(c.energy.nominal, "J"),
                          cost_text(c.energy.high, "J"), c.front ? "yes" : ""});
    (c.front ? front : all).points.emplace_back(1e15 * c.energy.nominal, 100 * c.accuracy);
  }
  page.tables = {std::move(table)};
  std::vector<Line> lines = {front};
  if (!all.points.empty()) lines.push_back(all);
  const DigitalFigure d = read_digital();
  lines.push_back({fmt::format("{}, without errors", d.name),
                   {{1e15 * d.low, 100 * reference.accuracy}, {1e15 * d.high, 100 * reference.accuracy}},
                   true});
  page.ours.push_back(fmt::format("a digital in-memory array takes {:.0f} to {:.0f} fJ a MAC without errors",
                                  1e15 * d.low, 1e15 * d.high));
  page.figures = {
      {"pareto", draw_lines("pareto", {"fJ a MAC, everything counted", "accuracy (%)", true, false}, lines)}};
  return page;
}

}  // namespace flare::studies
