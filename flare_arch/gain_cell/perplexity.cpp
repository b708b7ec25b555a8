#include "flare_arch/gain_cell/perplexity.hpp"

#include <omp.h>

#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <stdexcept>

namespace flare::arch {

AttentionLayers float_layers(const Transformer& model) {
  AttentionLayers layers;
  layers.reserve(static_cast<std::size_t>(model.spec().layers));
  for (int i = 0; i < model.spec().layers; ++i)
    layers.push_back(std::make_unique<FloatAttention>(model.shared_attention(i)));
  return layers;
}

double window_loss(const MatrixF& logits, const TextWindow& window) {
  if (!logits.allFinite())
    throw std::runtime_error("perplexity: the model gives numbers that are not finite");
  double sum = 0;
  for (Eigen::Index t = 0; t < logits.rows(); ++t) {
    const Eigen::RowVectorXd row = logits.row(t).cast<double>();
    const double largest = row.maxCoeff();
    sum += largest + std::log((row.array() - largest).exp().sum()) -
           row(window.targets[static_cast<std::size_t>(t)]);
  }
  return sum;
}

bool for_each_window(std::int64_t windows, const TextRun& run,
                     const std::function<void(std::int64_t)>& visit) {
  const int threads = run.threads > 0 ? run.threads : omp_get_max_threads();
  std::exception_ptr failure;
  std::int64_t failed_at = windows, done = 0;
  std::atomic<bool> quit = false;
  std::mutex mutex;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (std::int64_t i = 0; i < windows; ++i) {
    if (quit || run.stop.stop_requested()) continue;
    try {
      visit(i);
      const std::lock_guard lock(mutex);
      ++done;
      if (run.progress) run.progress(done, windows);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (i < failed_at) {
        failure = std::current_exception();
        failed_at = i;
      }
      quit = true;
    }
  }
  if (failure) std::rethrow_exception(failure);
  return done == windows;
}

TextLoss text_loss(const Transformer& model, const AttentionLayers& layers,
                   const std::vector<TextWindow>& windows, const TextRun& run) {
  if (!model.spec().is_language_model() || model.spec().is_image())
    throw std::invalid_argument("perplexity: a language model is expected");
  std::vector<double> sums(windows.size());
  const auto tokens = static_cast<std::uint32_t>(model.spec().tokens());
  TextLoss result;
  result.stopped = !for_each_window(static_cast<std::int64_t>(windows.size()), run, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    AttentionErrors errors;
    errors.first_token = static_cast<std::uint32_t>(i) * tokens;
    Example example;
    example.tokens = windows[at].inputs;
    LayerProducts products;
    products.attention = [&](int layer, const MatrixF& x) {
      return layers[static_cast<std::size_t>(layer)]->forward(x, errors);
    };
    sums[at] = window_loss(model.logits(example, products), windows[at]);
  });
  if (result.stopped) return result;
  double sum = 0;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    sum += sums[i];
    result.tokens += static_cast<std::int64_t>(windows[i].targets.size());
  }
  if (result.tokens == 0) throw std::invalid_argument("perplexity: the text has nothing to predict");
  result.loss = sum / static_cast<double>(result.tokens);
  return result;
}

}  // namespace flare::arch
