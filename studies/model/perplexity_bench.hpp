// One model and one text, scored on one kind of attention after the other: what `flare perplexity` and its sweeps share.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/hdf5_io.hpp"
#include "flare_arch/gain_cell/adaptation.hpp"
#include "studies/model/perplexity_cells.hpp"

namespace flare::studies {

/// A row of /perplexity.
struct PerplexityRow {
  std::string model, attention, cell, corner;
  bool adapted = false;
  int repeats = 1;          // dies; 1 where nothing is drawn
  std::int64_t tokens = 0;  // predicted, of one repeat
  double loss = 0;          // nats per token, mean over repeats
  double sigma = 0;         // between repeats, n - 1; 0 for one
  int window = 0;           // tokens; 0: all of the model's
  double mismatch = 0;      // times the measured sigma; 0: none drawn
  double temperature = 27;  // degC
  double leak = 0;          // share of the highest level's current that is lost over the window
  int passes = 0;           // of adaptation, of the first repeat
  std::uint64_t seed = 1;   // of the first die, of noise and of the text where it is drawn
};

engine::Table perplexity_table(const std::vector<PerplexityRow>& rows);

struct BenchInputs {
  std::filesystem::path model, text, adaptation_text;  // adaptation_text empty: the text itself
  std::int64_t characters = 0;                         // 0: all
  bool reset_scalers = false;                          // a = 1, b = 0 before anything else
  int adaptation_windows = 16;
};

class PerplexityBench {
 public:
  /// Throws engine::FileError and StudyError for inputs that do not fit.
  PerplexityBench(const BenchInputs& inputs, arch::TextRun run);

  /// From now on: windows of both texts drawn by this seed, as many as stood in order.
  void draw_text(std::uint64_t seed);

  PerplexityRow softmax() const;
  /// On the cells of the training, with its scalers.
  PerplexityRow as_trained(const NamedCell& trained_on);
  /// On cells; `dies` dies where the cell varies (0: none, every cell its mean). `adapted` to what the model does on
  /// `trained_on`.
  PerplexityRow on_cells(const NamedCell& cell, int dies, const NamedCell* trained_on = nullptr);

  int positions() const { return model_.spec().tokens(); }
  const arch::Transformer& model() const { return model_; }
  /// Losses of the adaptation's batch, pass by pass, of the last on_cells().
  const std::vector<double>& trace() const { return trace_; }

 private:
  const std::vector<arch::LayerScalers>& scalers();
  const std::vector<arch::LayerMoments>& targets(const NamedCell& trained_on);
  const std::filesystem::path& adaptation_file() const;
  PerplexityRow head_of(const NamedCell& cell) const;
  double cell_loss(const arch::CellSystem& system, const NamedCell* trained_on, PerplexityRow& row);

  BenchInputs inputs_;
  arch::TextRun run_;
  arch::Transformer model_;
  std::vector<std::int32_t> text_, adaptation_text_;  // whole; only where windows are drawn
  std::vector<arch::TextWindow> windows_, batch_;
  std::optional<std::vector<arch::LayerScalers>> trained_scalers_, scalers_;
  std::optional<std::vector<arch::LayerMoments>> targets_;
  std::vector<double> trace_;
};

}  // namespace flare::studies
