#include "studies/model/perplexity_bench.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "engine/store/run_store.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {
namespace {

void summarise(const std::vector<double>& losses, PerplexityRow& row) {
  const auto n = static_cast<double>(losses.size());
  double sum = 0, squares = 0;
  for (const double loss : losses) sum += loss;
  row.loss = sum / n;
  for (const double loss : losses) squares += (loss - row.loss) * (loss - row.loss);
  row.sigma = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
  row.repeats = static_cast<int>(losses.size());
}

/// Of the highest level's current.
double leak_of(const arch::CellSystem& system) {
  const auto top = system.currents.cols() - 1;
  return 1 - system.currents(system.array.window - 1, top) / system.currents(0, top);
}

arch::Transformer load_decoder(const std::filesystem::path& folder) {
  arch::Transformer model = arch::Transformer::load(folder);
  if (!model.spec().is_language_model() || model.spec().is_image())
    throw StudyError(
        fmt::format("{}: a decoder is expected, a model that predicts the next token", folder.string()));
  return model;
}

}  // namespace

engine::Table perplexity_table(const std::vector<PerplexityRow>& rows) {
  using Row = const PerplexityRow&;
  const auto column = [&](const auto& get) { return engine::column_of(rows, get); };
  engine::Table table;
  table.add("model", "", column([](Row r) { return r.model; }))
      .add("attention", "", column([](Row r) { return r.attention; }))
      .add("cell", "", column([](Row r) { return r.cell; }))
      .add("corner", "", column([](Row r) { return r.corner; }))
      .add("adapted", "", column([](Row r) { return r.adapted ? 1 : 0; }))
      .add("repeats", "", column([](Row r) { return r.repeats; }))
      .add("tokens", "", column([](Row r) { return r.tokens; }))
      .add("loss_mean", "nat", column([](Row r) { return r.loss; }))
      .add("loss_sigma", "nat", column([](Row r) { return r.sigma; }))
      .add("window", "", column([](Row r) { return r.window; }))
      .add("mismatch", "", column([](Row r) { return r.mismatch; }))
      .add("temperature", "degC", column([](Row r) { return r.temperature; }))
      .add("leak", "", column([](Row r) { return r.leak; }))
      .add("passes", "", column([](Row r) { return r.passes; }))
      .add("seed", "", column([](Row r) { return static_cast<std::int64_t>(r.seed); }));
  return table;
}

PerplexityBench::PerplexityBench(const BenchInputs& inputs, arch::TextRun run)
    : inputs_(inputs), run_(std::move(run)), model_(load_decoder(inputs.model)) {
  const arch::Characters characters = arch::Characters::load(inputs.model, model_.spec().vocabulary);
  windows_ = arch::windows_of(arch::read_text(inputs.text, characters, inputs.characters), positions());
  const std::int64_t most = std::int64_t{inputs.adaptation_windows} * positions() + 1;
  batch_ = arch::windows_of(arch::read_text(adaptation_file(), characters, most), positions());
}

const std::filesystem::path& PerplexityBench::adaptation_file() const {
  return inputs_.adaptation_text.empty() ? inputs_.text : inputs_.adaptation_text;
}

void PerplexityBench::draw_text(std::uint64_t seed) {
  if (text_.empty()) {
    const arch::Characters characters = arch::Characters::load(inputs_.model, model_.spec().vocabulary);
    text_ = arch::read_text(inputs_.text, characters);
    adaptation_text_ = arch::read_text(adaptation_file(), characters);
  }
  const auto draw = [&](std::vector<arch::TextWindow>& windows, const std::vector<std::int32_t>& text,
                        std::uint32_t which) {
    windows = arch::random_windows(text, positions(), static_cast<std::int64_t>(windows.size()), seed, which);
  };
  try {
    draw(windows_, text_, 0);
    draw(batch_, adaptation_text_, 1);
  } catch (const std::invalid_argument& e) {
    throw StudyError(e.what());
  }
  targets_.reset();
}

PerplexityRow PerplexityBench::softmax() const {
  const arch::TextLoss loss = arch::text_loss(model_, arch::float_layers(model_), windows_, run_);
  if (loss.stopped) throw engine::Stopped();
  PerplexityRow row;
  row.model = model_.name();
  row.attention = "softmax";
  row.tokens = loss.tokens;
  row.loss = loss.loss;
  return row;
}

PerplexityRow PerplexityBench::as_trained(const NamedCell& trained_on) {
  scalers();
  const arch::TextLoss loss = arch::text_loss(
      model_, arch::cell_layers(model_, *trained_scalers_, trained_on.system), windows_, run_);
  if (loss.stopped) throw engine::Stopped();
  PerplexityRow row = head_of(trained_on);
  row.tokens = loss.tokens;
  row.loss = loss.loss;
  return row;
}

PerplexityRow PerplexityBench::head_of(const NamedCell& cell) const {
  PerplexityRow row;
  row.model = model_.name();
  row.attention = cell.cell == "linear" ? "linear" : "cell";
  row.cell = cell.cell;
  row.corner = cell.corner;
  row.window = cell.system.array.window;
  row.temperature = cell.temperature;
  row.leak = leak_of(cell.system);
  row.seed = cell.system.seed;
  return row;
}

const std::vector<arch::LayerScalers>& PerplexityBench::scalers() {
  if (scalers_) return *scalers_;
  const int layers = model_.spec().layers, heads = model_.spec().heads;
  trained_scalers_ = arch::load_scalers(inputs_.model, layers, heads);
  scalers_ = inputs_.reset_scalers ? arch::reset_scalers(layers, heads) : *trained_scalers_;
  return *scalers_;
}

/// What the trained scalers do on the cells of the training.
const std::vector<arch::LayerMoments>& PerplexityBench::targets(const NamedCell& trained_on) {
  if (targets_) return *targets_;
  scalers();
  const arch::CellPass pass = arch::run_cells(model_, *trained_scalers_, trained_on.system, batch_, run_);
  if (pass.layers.empty()) throw engine::Stopped();
  targets_ = pass.layers;
  return *targets_;
}

double PerplexityBench::cell_loss(const arch::CellSystem& system, const NamedCell* trained_on,
                                  PerplexityRow& row) {
  std::vector<arch::LayerScalers> used = scalers();
  if (trained_on != nullptr) {
    const arch::Adaptation adaptation =
        arch::adapt(model_, used, system, targets(*trained_on), batch_, {}, run_);
    if (run_.stop.stop_requested()) throw engine::Stopped();
    used = adaptation.scalers;
    if (trace_.empty()) {
      trace_ = adaptation.losses;
      row.passes = adaptation.passes;
    }
  }
  const arch::TextLoss loss =
      arch::text_loss(model_, arch::cell_layers(model_, used, system), windows_, run_);
  if (loss.stopped) throw engine::Stopped();
  row.tokens = loss.tokens;
  return loss.loss;
}

PerplexityRow PerplexityBench::on_cells(const NamedCell& cell, int dies, const NamedCell* trained_on) {
  PerplexityRow row = head_of(cell);
  row.adapted = trained_on != nullptr;
  trace_.clear();
  arch::CellSystem system = cell.system;
  system.has_die = dies > 0 && !system.spread.is_none();
  row.mismatch = system.has_die ? system.spread.scale : 0;
  const bool is_random = system.has_die || system.array.pulse_noise > 0;
  std::vector<double> losses;
  try {
    for (int repeat = 0; repeat < (is_random ? std::max(1, dies) : 1); ++repeat) {
      system.seed = cell.system.seed + static_cast<std::uint64_t>(repeat);
      losses.push_back(cell_loss(system, trained_on, row));
    }
  } catch (const std::invalid_argument& e) {
    throw StudyError(e.what());
  }
  summarise(losses, row);
  return row;
}

}  // namespace flare::studies
