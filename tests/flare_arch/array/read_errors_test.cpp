// Errors drawn per read: every path has the distribution of the model.
#include "flare_arch/array/array.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "tests/flare_arch/array/random_operands.hpp"

namespace flare::arch {
namespace {

using testing::encodings;
using testing::random_matrix;

/// Chi-square statistic of counts against expected probabilities, cells expected below 5 pooled; and its
/// degrees of freedom.
std::pair<double, int> chi_square(const std::map<int, double>& probability, const std::map<int, int>& count,
                                  int total) {
  double statistic = 0, pooled_expected = 0, pooled_count = 0;
  int cells = 0;
  for (const auto& [value, p] : probability) {
    const auto at = count.find(value);
    const double seen = at == count.end() ? 0 : at->second, expected = p * total;
    if (expected < 5) {
      pooled_expected += expected;
      pooled_count += seen;
      continue;
    }
    statistic += (seen - expected) * (seen - expected) / expected;
    ++cells;
  }
  if (pooled_expected > 0.5) {
    statistic += (pooled_count - pooled_expected) * (pooled_count - pooled_expected) / pooled_expected;
    ++cells;
  }
  return {statistic, cells - 1};
}

/// Distribution of the output of a column for one input, by convolving the codes of all its reads.
std::map<int, double> enumerate_output(const MatrixI& w, const PlaneFormat& cells, const MatrixI& x,
                                       const PlaneFormat& in, const SegmentationOptions& segmentation,
                                       const ErrorModel& model) {
  std::map<int, double> distribution = {{0, 1.0}};
  for (int p = 0; p < in.planes(); ++p) {
    std::vector<std::uint8_t> plane;
    for (Eigen::Index r = 0; r < x.cols(); ++r)
      plane.push_back(static_cast<std::uint8_t>((in.pattern(x(0, r)) >> p) & 1));
    const ReadPlan plan = plan_reads(plane, segmentation);
    for (std::size_t read = 0; read < plan.reads(); ++read)
      for (int q = 0; q < cells.planes(); ++q) {
        int k = 0;
        for (const auto row : plan.rows(read)) k += static_cast<int>((cells.pattern(w(row, 0)) >> q) & 1);
        std::map<int, double> next;
        for (const auto& [value, probability] : distribution)
          for (int code = 0; code < model.codes(); ++code)
            next[value + code * in.scale(p) * cells.scale(q)] += probability * model.confusion(k, code);
        distribution = next;
      }
  }
  return distribution;
}

TEST(Array, EveryPathFollowsTheEnumeratedDistribution) {
  // Three rows of 2-bit weights and inputs in every pair of encodings, SAWL 2, errors in both directions. 20,000
  // tokens per path and pair; a false alarm needs z > 5 (p about 3e-7, 27 comparisons with a fixed seed).
  ErrorModel model = ErrorModel::ideal(2);
  model.confusion << 0.9, 0.08, 0.02, 0.15, 0.8, 0.05, 0.01, 0.09, 0.9;
  const CodeSampler sampler(model);
  const int tokens = 20000;
  const SegmentationOptions segmentation{2, 2, Packing::next_fit};
  for (const Encoding in_encoding : encodings)
    for (const Encoding cell_encoding : encodings) {
      const PlaneFormat in{2, in_encoding}, cells{2, cell_encoding};
      MatrixI w(3, 1), one(1, 3);
      w << cells.highest(), 1, cells.lowest();
      one << in.highest(), in.lowest(), 1;
      const MatrixI x = one.replicate(tokens, 1);
      const Array array(w, cells, segmentation);
      const std::map<int, double> distribution = enumerate_output(w, cells, one, in, segmentation, model);
      for (const ReadPath path : {ReadPath::reference, ReadPath::sparse, ReadPath::dense}) {
        SCOPED_TRACE(std::to_string(static_cast<int>(in_encoding)) + " " +
                     std::to_string(static_cast<int>(cell_encoding)) + " path " +
                     std::to_string(static_cast<int>(path)));
        ErrorInjection errors;
        errors.sampler = &sampler;
        errors.path = path;
        errors.seed = 17;
        const MatrixI y = array.multiply(x, in, errors);
        std::map<int, int> count;
        for (int t = 0; t < tokens; ++t) ++count[y(t, 0)];
        const auto [statistic, freedom] = chi_square(distribution, count, tokens);
        EXPECT_GT(freedom, 3);
        EXPECT_LT((statistic - freedom) / std::sqrt(2.0 * freedom), 5);
        for (const auto& [value, seen] : count) EXPECT_TRUE(distribution.count(value)) << value;
      }
    }
}

TEST(Array, ErrorsSpreadEvenlyOverPlanesReadsAndTokens) {
  // Four full input planes of two reads each, one weight plane of ones, single codes lost at 1 %: an output of 240
  // less 2^p lost a code in plane p. Tokens with one error tell plane and token; reads are told by errors that only
  // the second group of rows can make (its cells are on, the first group's are off: k = 0 never errs).
  ErrorModel model = ErrorModel::ideal(8);
  model.confusion(8, 8) = 0.99;
  model.confusion(8, 7) = 0.01;
  const CodeSampler sampler(model);
  const PlaneFormat in{4, Encoding::unsigned_binary}, cells{2, Encoding::unsigned_binary};
  MatrixI w = MatrixI::Ones(16, 2);
  w.col(1).head(8).setZero();  // column 0 errs in both reads, column 1 in the second only
  const Array array(w, cells, {8, 16, Packing::next_fit});
  const MatrixI x = MatrixI::Constant(20'000, 16, 15);
  for (const ReadPath path : {ReadPath::reference, ReadPath::sparse, ReadPath::dense}) {
    SCOPED_TRACE(static_cast<int>(path));
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.path = path;
    errors.seed = 29;
    const MatrixI y = array.multiply(x, in, errors);
    std::vector<double> plane(4), tokens(20);
    double errors_of[2] = {0, 0};
    for (Eigen::Index t = 0; t < y.rows(); ++t)
      for (int c = 0; c < 2; ++c) {
        const int lost = (c == 0 ? 240 : 120) - y(t, c);
        if (lost == 0) continue;
        tokens[static_cast<std::size_t>(t / 1000)] += 1;
        errors_of[c] += 1;
        for (int p = 0; p < 4; ++p)
          if (lost == 1 << p) plane[static_cast<std::size_t>(p)] += 1;
      }
    // 3 and 19 degrees of freedom: chi-square beyond 35 and 65 has p below 2e-7 and 7e-7.
    const auto uneven = [](const std::vector<double>& counts) {
      double sum = 0, statistic = 0;
      for (const double n : counts) sum += n;
      const double mean = sum / static_cast<double>(counts.size());
      for (const double n : counts) statistic += (n - mean) * (n - mean) / mean;
      return statistic;
    };
    EXPECT_LT(uneven(plane), 35);
    EXPECT_LT(uneven(tokens), 65);
    // A column errs where at least one of its 8 (or 4) full reads does.
    for (const int c : {0, 1}) {
      const double p = 1 - std::pow(0.99, c == 0 ? 8 : 4);
      EXPECT_NEAR(errors_of[c], 20'000 * p, 5 * std::sqrt(20'000 * p * (1 - p))) << c;  // p 6e-7
    }
  }
}

TEST(Array, WrongReadsAreAsManyAsTheModelSays) {
  std::mt19937 generator(4);
  const PlaneFormat format;
  const MatrixI w = random_matrix(generator, 64, 32, format), x = random_matrix(generator, 64, 64, format);
  const Array array(w, format, {});
  for (const double rate : {1e-4, 1e-2, 0.3}) {
    const CodeSampler sampler(ErrorModel::neighbour_errors(8, rate));
    for (const ReadPath path : {ReadPath::reference, ReadPath::sparse, ReadPath::dense}) {
      ErrorInjection errors;
      errors.sampler = &sampler;
      errors.path = path;
      ArrayCounters counters;
      array.multiply(x, format, errors, &counters);
      const double expected = rate * static_cast<double>(counters.conversions);
      EXPECT_NEAR(static_cast<double>(counters.wrong_reads), expected, 5 * std::sqrt(expected))
          << rate;  // p 6e-7
    }
  }
}

TEST(Array, ErrorsOfBothPathsLieAlike) {
  // One weight plane and one input plane, so that every error shows where it happened: 200 columns, 3,000 tokens,
  // all rows on (k = 8 everywhere). Errors per column are uniform, and codes split as the model says.
  ErrorModel model = ErrorModel::ideal(8);
  model.confusion(8, 8) = 0.99;
  model.confusion(8, 7) = 0.007;
  model.confusion(8, 5) = 0.003;
  const CodeSampler sampler(model);
  const PlaneFormat bits{2, Encoding::unsigned_binary};
  const Array array(MatrixI::Ones(8, 200), bits, {});
  const MatrixI x = MatrixI::Ones(3000, 8);
  for (const ReadPath path : {ReadPath::reference, ReadPath::sparse, ReadPath::dense}) {
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.path = path;
    errors.seed = 23;
    const MatrixI y = array.multiply(x, bits, errors);
    std::vector<double> per_column(200);
    double sevens = 0, fives = 0;
    for (Eigen::Index t = 0; t < y.rows(); ++t)
      for (Eigen::Index c = 0; c < 200; ++c) {
        // The empty second plane reads k = 0, which never errs here.
        ASSERT_TRUE(y(t, c) == 8 || y(t, c) == 7 || y(t, c) == 5) << y(t, c);
        per_column[c] += y(t, c) != 8 ? 1 : 0;
        sevens += y(t, c) == 7 ? 1 : 0;
        fives += y(t, c) == 5 ? 1 : 0;
      }
    double statistic = 0;
    for (const double n : per_column) statistic += (n - 30) * (n - 30) / (30 * 0.99);
    EXPECT_LT(std::abs(statistic - 200) / std::sqrt(400.0), 4.5) << static_cast<int>(path);  // p 7e-6 each
    EXPECT_NEAR(sevens, 4200, 4.5 * std::sqrt(4200.0)) << static_cast<int>(path);
    EXPECT_NEAR(fives, 1800, 4.5 * std::sqrt(1800.0)) << static_cast<int>(path);
  }
}

TEST(Array, DenseAndReferenceAgreeOnCoarseConverters) {
  // Mean and spread of the outputs over 4,000 tokens of the same input, coarse converter, many errors.
  std::mt19937 generator(8);
  const ErrorModel model = ErrorModel::gaussian(16, 8, {0.05, 0, 0.1}, {0.3});
  const CodeSampler sampler(model);
  const PlaneFormat in{4}, cells{4};
  const MatrixI w = random_matrix(generator, 40, 3, cells), one = random_matrix(generator, 1, 40, in);
  const MatrixI x = one.replicate(4000, 1);
  const Array array(w, cells, {16, 16, Packing::next_fit});
  Eigen::RowVectorXd mean[2], variance[2];
  for (const int path : {0, 1}) {
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.path = path == 0 ? ReadPath::reference : ReadPath::dense;
    errors.seed = 9;
    const MatrixD y = array.multiply(x, in, errors).cast<double>();
    mean[path] = y.colwise().mean();
    variance[path] = (y.rowwise() - mean[path]).array().square().colwise().mean();
  }
  for (int c = 0; c < 3; ++c) {  // 4.5 standard errors of each: p 7e-6 per comparison
    EXPECT_NEAR(mean[0](c), mean[1](c), 4.5 * std::sqrt((variance[0](c) + variance[1](c)) / 4000));
    EXPECT_NEAR(variance[0](c) / variance[1](c), 1, 4.5 * std::sqrt(4.0 / 4000));
  }
}

}  // namespace
}  // namespace flare::arch
