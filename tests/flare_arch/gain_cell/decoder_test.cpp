// The decoder on softmax and on gain cells against PyTorch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/safetensors.hpp"
#include "tests/flare_arch/gain_cell/shipped_decoder.hpp"

namespace flare::arch {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// Logits of the golden's two windows, one below the other.
MatrixF logits_of(const Transformer& model, const AttentionLayers& layers, const Matrix<std::int64_t>& ids) {
  MatrixF all(ids.size(), model.spec().vocabulary);
  for (Eigen::Index w = 0; w < ids.rows(); ++w) {
    Example example;
    for (Eigen::Index t = 0; t < ids.cols(); ++t)
      example.tokens.push_back(static_cast<std::int32_t>(ids(w, t)));
    LayerProducts products;
    products.attention = [&](int layer, const MatrixF& x) {
      return layers[static_cast<std::size_t>(layer)]->forward(x, {});
    };
    all.middleRows(w * ids.cols(), ids.cols()) = model.logits(example, products);
  }
  return all;
}

/// Share of tokens all of whose logits are PyTorch's. A code on a tie may fall to the other side in another order of
/// sums: then all later tokens of the window move.
double equal_share(const MatrixF& logits, const MatrixF& expected) {
  const auto off = (logits - expected).cwiseAbs().rowwise().maxCoeff();
  return static_cast<double>((off.array() < 2e-3f).count()) / static_cast<double>(logits.rows());
}

TEST(Decoder, LogitsArePyTorchs) {
  const TensorFile golden = TensorFile::load(decoder_folder("golden.safetensors"));
  const Matrix<std::int64_t> ids = golden.integers("input_ids");
  const ShippedDecoder linear("linear"), cell("cell");
  const Transformer softmax = Transformer::load(decoder_folder("softmax"));
  const auto share = [&](const Transformer& model, const AttentionLayers& layers, const char* name) {
    return equal_share(logits_of(model, layers, ids), golden.floats(name));
  };
  EXPECT_EQ(share(softmax, float_layers(softmax), "logits_softmax"), 1);
  EXPECT_GT(share(linear.model, cell_layers(linear.model, linear.scalers, decoder_cells(linear_law())),
                  "logits_linear"),
            0.9);
  EXPECT_GT(share(linear.model, cell_layers(linear.model, linear.scalers, decoder_cells(paper_law())),
                  "logits_cell_as_linear"),
            0.9);
  EXPECT_GT(
      share(cell.model, cell_layers(cell.model, cell.scalers, decoder_cells(paper_law())), "logits_cell"),
      0.9);
}

/// Over all whole windows of the held-out text, as the training script measured it.
TEST(Decoder, LossIsPyTorchs) {
  std::ifstream in(decoder_folder("losses.json"));
  const nlohmann::json losses = nlohmann::json::parse(in);
  const ShippedDecoder linear("linear"), cell("cell");
  const Transformer softmax = Transformer::load(decoder_folder("softmax"));
  const std::vector<TextWindow> text = linear.text("validation", 871);
  ASSERT_EQ(text.size(), 871U);
  const auto near = [&](const TextLoss& loss, const char* name) {
    EXPECT_NEAR(loss.loss, losses.at(name).get<double>(), 1e-5) << name;
  };
  near(text_loss(softmax, float_layers(softmax), text), "softmax");
  near(text_loss(linear.model, cell_layers(linear.model, linear.scalers, decoder_cells(linear_law())), text),
       "linear");
  near(text_loss(linear.model, cell_layers(linear.model, linear.scalers, decoder_cells(paper_law())), text),
       "cell, as linear");
  near(text_loss(cell.model, cell_layers(cell.model, cell.scalers, decoder_cells(paper_law())), text),
       "cell, tuned");
}

TEST(Decoder, LossDoesNotDependOnThreadsAndErrorsBelongToTheSeed) {
  const ShippedDecoder decoder("linear");
  const std::vector<TextWindow> text = decoder.text("validation", 6);
  CellSystem system = decoder_cells(paper_law());
  system.has_die = true;
  system.spread.covariance.diagonal() << 1e-14, 1e-12, 1e-12, 4e-12;
  system.array.pulse_noise = 0.01;
  const auto loss = [&](int threads, std::uint64_t seed) {
    system.seed = seed;
    return text_loss(decoder.model, cell_layers(decoder.model, decoder.scalers, system), text, {threads})
        .loss;
  };
  const double one = loss(1, 5);
  EXPECT_EQ(one, loss(3, 5));
  EXPECT_NE(one, loss(1, 6));
}

/// A window as long as the sequence is no window; a shorter one forgets.
TEST(Decoder, AWindowForgetsWhatIsOlder) {
  const ShippedDecoder decoder("linear");
  const std::vector<TextWindow> text = decoder.text("validation", 8);
  const auto loss = [&](int window) {
    const CellSystem system = decoder_cells(linear_law(), window);
    return text_loss(decoder.model, cell_layers(decoder.model, decoder.scalers, system), text).loss;
  };
  EXPECT_EQ(loss(128), loss(192));
  EXPECT_GT(loss(4), loss(128) + 0.02);
}

TEST(Decoder, AModelThatWasNotTrainedForCellsSaysSo) {
  EXPECT_THAT([] { load_scalers(decoder_folder("softmax"), 2, 2); },
              ThrowsMessage<engine::FileError>(HasSubstr("was not trained for gain cells")));
  EXPECT_THAT([] { load_scalers(decoder_folder("linear"), 2, 3); },
              ThrowsMessage<engine::FileError>(HasSubstr("3 x 2")));
  const ShippedDecoder decoder("linear");
  AttentionWeights weights = decoder.model.attention(0);
  weights.causal = false;
  EXPECT_THAT(([&] {
                CellAttention(std::make_shared<const AttentionWeights>(weights), decoder.scalers[0],
                              decoder_cells(linear_law()), 0);
              }),
              ThrowsMessage<std::invalid_argument>(HasSubstr("causal")));
}

}  // namespace
}  // namespace flare::arch
