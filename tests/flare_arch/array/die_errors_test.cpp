// Errors frozen per die: the same again on every path, the model over many dies.
#include "flare_arch/array/array.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "flare_arch/array/array_job.hpp"
#include "tests/flare_arch/array/random_operands.hpp"

namespace flare::arch {
namespace {

using testing::random_matrix;

TEST(Array, DieErrsTheSameWayAgain) {
  std::mt19937 generator(5);
  const PlaneFormat format;
  const MatrixI w = random_matrix(generator, 48, 8, format);
  MatrixI x = random_matrix(generator, 2, 48, format);
  x.row(1) = x.row(0);
  const Array array(w, format, {});
  const CodeSampler sampler(ErrorModel::gaussian(8, 9, {0.15, 0.02, 0.05}, {}));
  const ArrayDie die(sampler.model(), 3, 0, 48, array.bitlines()),
      other(sampler.model(), 4, 0, 48, array.bitlines());
  ErrorInjection errors;
  errors.sampler = &sampler;
  errors.mode = ErrorMode::die;
  errors.die = &die;
  const MatrixI y = array.multiply(x, format, errors);
  EXPECT_EQ(y.row(0), y.row(1));
  EXPECT_NE(y, x * w);
  errors.die = &other;
  EXPECT_NE(array.multiply(x, format, errors), y);
}

TEST(ArrayDie, OffsetsSpreadAsEachThresholdSays) {
  ErrorModel model = ErrorModel::ideal(4);
  model.frozen.threshold_offset_sigmas = {0.02, 0.08, 0.0, 0.16};
  constexpr int lines = 4000;
  const auto offsets = [&](bool common) {
    model.frozen.common_offset = common;
    const ArrayDie die(model, 11, 0, 8, lines);
    const double unit = std::ldexp(1.0, -die.fraction_bits());
    std::vector<std::vector<double>> all(4);
    for (int line = 0; line < lines; ++line)
      for (std::size_t c = 0; c < 4; ++c)
        all[c].push_back(die.thresholds(line)[c] * unit - model.thresholds[c]);
    return all;
  };
  const auto product = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum / static_cast<double>(a.size());
  };
  const auto apart = offsets(false), common = offsets(true);
  for (std::size_t c = 0; c < 4; ++c) {
    const double sigma = model.frozen.threshold_offset_sigmas[c];
    EXPECT_NEAR(std::sqrt(product(apart[c], apart[c])), sigma, 0.05 * sigma) << c;  // 4.5 standard errors
  }
  EXPECT_LT(std::abs(product(apart[1], apart[3])), 0.07 * 0.08 * 0.16);
  EXPECT_NEAR(product(common[1], common[3]), 0.08 * 0.16, 0.07 * 0.08 * 0.16);
  for (std::size_t line = 0; line < lines; ++line)
    EXPECT_NEAR(common[3][line], 2 * common[1][line],
                0.005);  // the grid of the levels: 1/1024 step and finer
}

TEST(Array, DieModeMatchesTheConfusionMatrixOverManyDies) {
  // Over dies, P(code | k) of one column is the model's. One bit line, 8 rows all on: k = 8.
  const ErrorModel model = ErrorModel::gaussian(8, 9, {0.1, 0.03, 0.1}, {0.1});
  const CodeSampler sampler(model);
  const PlaneFormat bits{2, Encoding::unsigned_binary};
  const MatrixI w = MatrixI::Ones(8, 1);
  MatrixI x = MatrixI::Ones(1, 8);
  x(0, 7) = 0;
  x(0, 6) = 0;  // k = 6, two dummies
  const Array array(w, bits, {8, 8, Packing::next_fit});
  const int dies = 20000;
  int right = 0;
  for (int d = 0; d < dies; ++d) {
    const ArrayDie die(model, 1000 + d, 0, 8, array.bitlines());
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.mode = ErrorMode::die;
    errors.die = &die;
    errors.seed = 1000 + d;
    right += array.multiply(x, bits, errors)(0, 0) == 6 ? 1 : 0;
  }
  // The second weight plane is empty and may err too, upwards from 0: it does so by 2 per unit.
  const double p = model.confusion(6, 6) * model.confusion(0, 0);
  EXPECT_NEAR(right / double(dies), p, 4.5 * std::sqrt(p * (1 - p) / dies));  // p 7e-6
}

/// Any array with any reads, and the inputs of three tokens.
struct AnyArray {
  int sawl = 0, depth = 0, columns = 0;
  PlaneFormat in, cells;
  SegmentationOptions segmentation;
  MatrixI w, x;

  AnyArray(std::mt19937& generator, int least_sawl, int sawls, int most_columns) {
    const Encoding some[] = {Encoding::twos_complement, Encoding::sign_magnitude};
    const auto below = [&](int n) { return static_cast<int>(generator() % static_cast<unsigned>(n)); };
    sawl = least_sawl + below(sawls);
    depth = 1 + below(90);
    columns = 1 + below(most_columns);
    in = {5, some[below(2)]};
    cells = {6, some[below(2)]};
    segmentation = {sawl, 16, static_cast<Packing>(below(5))};
    segmentation.dummy_rows = below(2) == 0;
    w = random_matrix(generator, depth, columns, cells);
    x = random_matrix(generator, 3, depth, in);
  }
};

TEST(Array, DieKernelEqualsTheReferenceBitForBit) {
  std::mt19937 generator(6);
  for (int repeat = 0; repeat < 24; ++repeat) {
    const auto [sawl, depth, columns, in, cells, segmentation, w, x] = AnyArray(generator, 1, 20, 90);
    const Array array(w, cells, segmentation);
    const bool few = repeat % 3 == 0;  // reads that stray: the exact product is corrected
    const int codes = few ? sawl + 1 : 2 + static_cast<int>(generator() % (sawl + 1));
    ErrorModel model = ErrorModel::gaussian(sawl, codes, {few ? 0.04 : 0.1, 0.02, few ? 0.06 : 0.1}, {});
    for (double& mean : model.level_mean) mean += 0.01 * mean * mean / sawl;  // levels that bend
    const CodeSampler sampler(model);
    const ArrayDie die(model, repeat, 0, depth, array.bitlines());
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.mode = ErrorMode::die;
    errors.die = &die;
    errors.path = ReadPath::dense;
    errors.threads = 2;
    const MatrixI dense = array.multiply(x, in, errors);
    errors.path = ReadPath::reference;
    ASSERT_EQ(dense, array.multiply(x, in, errors)) << "SAWL " << sawl << " depth " << depth;
  }
}

/// Sums of all tokens of a job on a die, in fixed point: a code for every read, or the exact product and the strays' errors.
std::vector<TokenSums> coded_sums(const ArrayJob& job, const std::vector<TokenPlan>& plans) {
  std::vector<TokenSums> sums(plans.size(), TokenSums(job.array.columns()));
  add_die(job, 0, plans, sums, 1);
  return sums;
}

std::vector<TokenSums> corrected_sums(const ArrayJob& job, const std::vector<TokenPlan>& plans) {
  std::vector<TokenSums> sums(plans.size(), TokenSums(job.array.columns()));
  std::vector<std::vector<ColumnError>> errors(plans.size());
  find_die_errors(job, 0, plans, errors, 1);
  const MatrixL exact = job.inputs.cast<std::int64_t>() * job.array.weights().cast<std::int64_t>();
  for (std::size_t t = 0; t < plans.size(); ++t) {
    for (std::size_t c = 0; c < sums[t].size(); ++c) {
      const bool absent = !job.present.columns.empty() && static_cast<int>(c) >= job.present.columns[t];
      sums[t][c] = absent ? 0 : exact(static_cast<Eigen::Index>(t), static_cast<Eigen::Index>(c));
    }
    for (const ColumnError& e : errors[t]) sums[t][e.column] += e.value;
  }
  return sums;
}

TEST(Array, StraysOnADieAddUpToACodeForEveryRead) {
  // With and without noise, dummies, bent levels and absent columns; from few strays to reads that nearly all stray.
  std::mt19937 generator(16);
  int wrong = 0, right = 0;
  for (int repeat = 0; repeat < 40; ++repeat) {
    const auto [sawl, depth, columns, in, cells, segmentation, w, x] = AnyArray(generator, 2, 15, 40);
    const Array array(w, cells, segmentation);
    const double spread = repeat % 4 == 3 ? 0.2 : 0.03 * (repeat % 4);
    ErrorModel model =
        ErrorModel::gaussian(sawl, sawl + 1, {spread, spread / 3, spread}, {0.04 * (repeat % 3)});
    if (repeat % 5 == 4)
      for (double& mean : model.level_mean) mean += 0.05 * mean * mean / sawl / sawl;
    const CodeSampler sampler(model);
    const ArrayDie die(model, repeat, 0, depth, array.bitlines());
    const std::vector<std::int32_t> met = {columns, columns / 2, 0};
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.mode = ErrorMode::die;
    errors.die = &die;
    errors.seed = 9;
    const IntegerView inputs = x;
    ArrayJob job{array, inputs, in, errors};
    if (repeat % 2 == 1) job.present.columns = met;
    ArrayCounters ignored;
    std::vector<TokenPlan> plans(3);
    for (int t = 0; t < 3; ++t) plans[t].make(job, t, ignored);
    const auto coded = coded_sums(job, plans);
    ASSERT_EQ(corrected_sums(job, plans), coded) << repeat;
    for (Eigen::Index t = 0; t < 3; ++t)
      for (int c = 0; c < job.bitlines_of(t) / cells.planes(); ++c)
        ++(coded[t][c] == (x.row(t) * w.col(c)).value() ? right : wrong);
  }
  EXPECT_GT(wrong, 100);
  EXPECT_GT(right, 100);
}

TEST(Array, DieNoiseHasTheSameDistributionOnBothPaths) {
  // One array, 4 rows, noise of 0.2 steps; the same sum drawn for 20,000 tokens on each path. Two-sample
  // chi-square; a false alarm needs z > 4.5 (p about 3e-6).
  const ErrorModel model = ErrorModel::gaussian(4, 5, {0.1, 0.02, 0.1}, {0.2});
  const CodeSampler sampler(model);
  const PlaneFormat bits{2, Encoding::unsigned_binary};
  MatrixI w(4, 1), x(20000, 4);
  w << 3, 1, 2, 3;
  x.setConstant(3);
  const Array array(w, bits, {4, 16, Packing::next_fit});
  const ArrayDie die(model, 7, 0, 4, array.bitlines());
  std::map<int, int> count[2];
  for (const int path : {0, 1}) {
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.mode = ErrorMode::die;
    errors.die = &die;
    errors.seed = 31;
    errors.path = path == 0 ? ReadPath::reference : ReadPath::dense;
    const MatrixI y = array.multiply(x, bits, errors);
    for (Eigen::Index t = 0; t < y.rows(); ++t) ++count[path][y(t, 0)];
  }
  double statistic = 0;
  int cells = 0;
  std::map<int, int> both = count[0];
  for (const auto& [value, seen] : count[1]) both[value] += seen;
  for (const auto& [value, seen] : both) {
    if (seen < 20) continue;
    const double difference = count[0][value] - count[1][value];
    statistic += difference * difference / seen;
    ++cells;
  }
  EXPECT_GT(cells, 5);
  EXPECT_LT((statistic - cells) / std::sqrt(2.0 * cells), 4.5);
}

TEST(Array, BlocksOfTokensDoNotShow) {
  // More tokens than die mode plans at once: the same numbers as in two calls, on 1 and 2 threads.
  std::mt19937 generator(14);
  const PlaneFormat in{3}, cells{3};
  const MatrixI w = random_matrix(generator, 20, 7, cells), x = random_matrix(generator, 2500, 20, in);
  const Array array(w, cells, {});
  const CodeSampler sampler(ErrorModel::gaussian(8, 9, {0.1, 0.02, 0.1}, {0.1}));
  const ArrayDie die(sampler.model(), 2, 0, 20, array.bitlines());
  ErrorInjection errors;
  errors.sampler = &sampler;
  errors.mode = ErrorMode::die;
  errors.die = &die;
  errors.threads = 2;
  const MatrixI y = array.multiply(x, in, errors);
  errors.threads = 1;
  EXPECT_EQ(array.multiply(x.topRows(100), in, errors), y.topRows(100));
  errors.first_token = 100;
  EXPECT_EQ(array.multiply(x.bottomRows(2400), in, errors), y.bottomRows(2400));
  EXPECT_NE(y, x * w);
}

}  // namespace
}  // namespace flare::arch
