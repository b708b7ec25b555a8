// The array: integer products exactly, error injection in distribution.
#include "flare_arch/array/array.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <random>

namespace flare::arch {
namespace {

MatrixI random_matrix(std::mt19937& generator, int rows, int columns, const PlaneFormat& format) {
  std::uniform_int_distribution<int> value(format.lowest(), format.highest());
  MatrixI m(rows, columns);
  for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = value(generator);
  return m;
}

const Encoding encodings[] = {Encoding::twos_complement, Encoding::sign_magnitude, Encoding::unsigned_binary};

TEST(PlaneFormat, PlanesAddUpToTheValue) {
  for (const Encoding encoding : encodings)
    for (int bits = 2; bits <= 12; ++bits) {
      const PlaneFormat format{bits, encoding};
      for (std::int32_t v = format.lowest(); v <= format.highest(); ++v) {
        std::int32_t sum = 0;
        for (int p = 0; p < format.planes(); ++p)
          sum += format.scale(p) * static_cast<std::int32_t>((format.pattern(v) >> p) & 1);
        ASSERT_EQ(sum, v);
        ASSERT_LT(format.pattern(v), std::uint64_t{1} << format.planes());
      }
    }
}

TEST(Array, WithoutErrorsIsTheIntegerProduct) {
  std::mt19937 generator(1);
  for (int repeat = 0; repeat < 120; ++repeat) {
    const int depth = 1 + static_cast<int>(generator() % 70), columns = 1 + static_cast<int>(generator() % 9);
    const PlaneFormat in{2 + static_cast<int>(generator() % 9), encodings[generator() % 3]};
    const PlaneFormat cells{2 + static_cast<int>(generator() % 9), encodings[generator() % 3]};
    const SegmentationOptions segmentation{1 + static_cast<int>(generator() % 17),
                                           1 + static_cast<int>(generator() % 33),
                                           static_cast<Packing>(generator() % 5)};
    const MatrixI w = random_matrix(generator, depth, columns, cells),
                  x = random_matrix(generator, 3, depth, in);
    const MatrixI expected = x * w;
    const Array array(w, cells, segmentation);
    const CodeSampler sampler(ErrorModel::ideal(segmentation.rows_per_read));
    for (const ReadPath path :
         {ReadPath::automatic, ReadPath::reference, ReadPath::sparse, ReadPath::dense}) {
      ErrorInjection errors;
      errors.path = path;
      ASSERT_EQ(array.multiply(x, in, errors), expected);
      errors.sampler = &sampler;
      ASSERT_EQ(array.multiply(x, in, errors), expected);
    }
  }
}

TEST(Array, DieWithoutDeviationsIsTheIntegerProduct) {
  std::mt19937 generator(2);
  const PlaneFormat format;
  const MatrixI w = random_matrix(generator, 40, 5, format), x = random_matrix(generator, 4, 40, format);
  const Array array(w, format, {});
  const CodeSampler sampler(ErrorModel::gaussian(8, 9, {}, {}));
  const DieVariation die(sampler.model(), 1, 0, 40, array.bitlines());
  ErrorInjection errors;
  errors.sampler = &sampler;
  errors.mode = ErrorMode::die;
  errors.die = &die;
  EXPECT_EQ(array.multiply(x, format, errors), x * w);
}

TEST(Array, CoarseConverterRoundsAsItsCodesSay) {
  // 3 codes over SAWL 4: values 0, 2, 4; thresholds 1 and 3 belong to the code below.
  const CodeSampler sampler(ErrorModel::gaussian(4, 3, {}, {}));
  EXPECT_EQ(sampler.base_value(0), 0);
  EXPECT_EQ(sampler.base_value(2), 2);
  EXPECT_EQ(sampler.base_value(4), 4);
  MatrixI w(4, 1), x(1, 4);
  w << 1, 1, 1, 0;
  x << 1, 1, 1, 1;
  const PlaneFormat bits{2, Encoding::unsigned_binary};
  const Array array(w, bits, {4, 4, Packing::ideal});
  for (const ReadPath path : {ReadPath::reference, ReadPath::dense, ReadPath::automatic}) {
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.path = path;
    EXPECT_EQ(array.multiply(x, bits, errors)(0, 0), sampler.base_value(3));
  }
}

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

TEST(Array, DieErrsTheSameWayAgain) {
  std::mt19937 generator(5);
  const PlaneFormat format;
  const MatrixI w = random_matrix(generator, 48, 8, format);
  MatrixI x = random_matrix(generator, 2, 48, format);
  x.row(1) = x.row(0);
  const Array array(w, format, {});
  const CodeSampler sampler(ErrorModel::gaussian(8, 9, {0.15, 0.02, 0.05}, {}));
  const DieVariation die(sampler.model(), 3, 0, 48, array.bitlines()),
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
    const DieVariation die(model, 1000 + d, 0, 8, array.bitlines());
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

TEST(Array, DieKernelEqualsTheReferenceBitForBit) {
  std::mt19937 generator(6);
  const Encoding some[] = {Encoding::twos_complement, Encoding::sign_magnitude};
  for (int repeat = 0; repeat < 24; ++repeat) {
    const int sawl = 1 + static_cast<int>(generator() % 20), depth = 1 + static_cast<int>(generator() % 90);
    const int columns = 1 + static_cast<int>(generator() % 90);
    const PlaneFormat in{5, some[generator() % 2]}, cells{6, some[generator() % 2]};
    SegmentationOptions segmentation{sawl, 16, static_cast<Packing>(generator() % 5)};
    segmentation.dummy_rows = generator() % 2 == 0;
    const MatrixI w = random_matrix(generator, depth, columns, cells),
                  x = random_matrix(generator, 3, depth, in);
    const Array array(w, cells, segmentation);
    ErrorModel model =
        ErrorModel::gaussian(sawl, 2 + static_cast<int>(generator() % (sawl + 1)), {0.1, 0.02, 0.1}, {});
    for (double& mean : model.level_mean) mean += 0.01 * mean * mean / sawl;  // levels that bend
    const CodeSampler sampler(model);
    const DieVariation die(model, repeat, 0, depth, array.bitlines());
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
  const DieVariation die(model, 7, 0, 4, array.bitlines());
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

TEST(Array, ResultsDoNotDependOnThreads) {
  std::mt19937 generator(10);
  const PlaneFormat format;
  const MatrixI w = random_matrix(generator, 70, 80, format), x = random_matrix(generator, 9, 70, format);
  const Array array(w, format, {});
  const CodeSampler sampler(ErrorModel::gaussian(8, 9, {0.08, 0, 0.05}, {0.05}));
  const DieVariation die(sampler.model(), 2, 0, 70, array.bitlines());
  for (const ErrorMode mode : {ErrorMode::read, ErrorMode::die})
    for (const ReadPath path : {ReadPath::reference, ReadPath::sparse, ReadPath::dense}) {
      if (mode == ErrorMode::die && path == ReadPath::sparse) continue;
      ErrorInjection errors;
      errors.sampler = &sampler;
      errors.mode = mode;
      errors.die = &die;
      errors.path = path;
      ArrayCounters one, three;
      const MatrixI y = array.multiply(x, format, errors, &one);
      errors.threads = 3;
      EXPECT_EQ(array.multiply(x, format, errors, &three), y);
      EXPECT_EQ(one.wrong_reads, three.wrong_reads);
      EXPECT_EQ(one.cycles, three.cycles);
      EXPECT_EQ(array.multiply(x, format, errors), y);  // with and without counters
      // Token by token is the same as all at once: a number belongs to its token, not to the call.
      errors.first_token = 4;
      EXPECT_EQ(array.multiply(x.middleRows(4, 2), format, errors), y.middleRows(4, 2));
    }
}

TEST(Array, BlocksOfTokensDoNotShow) {
  // More tokens than die mode plans at once: the same numbers as in two calls, on 1 and 2 threads.
  std::mt19937 generator(14);
  const PlaneFormat in{3}, cells{3};
  const MatrixI w = random_matrix(generator, 20, 7, cells), x = random_matrix(generator, 2500, 20, in);
  const Array array(w, cells, {});
  const CodeSampler sampler(ErrorModel::gaussian(8, 9, {0.1, 0.02, 0.1}, {0.1}));
  const DieVariation die(sampler.model(), 2, 0, 20, array.bitlines());
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

/// Largest resident memory since the last reset, in bytes; -1 where the system does not tell.
std::int64_t peak_memory(bool reset) {
  if (reset) std::ofstream("/proc/self/clear_refs") << "5";
  std::ifstream status("/proc/self/status");
  std::string word;
  std::int64_t kilobytes = 0;
  while (status >> word)
    if (word == "VmHWM:") return status >> kilobytes ? 1024 * kilobytes : -1;
  return -1;
}

TEST(Array, MemoryDoesNotGrowWithTheReads) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer keeps freed memory";
#endif
  // 40,000 tokens, 8 planes, 64 rows: the plans of all reads would take some 40 MB.
  std::mt19937 generator(15);
  const PlaneFormat format;
  const MatrixI w = random_matrix(generator, 64, 1, format), x = random_matrix(generator, 40'000, 64, format);
  const Array array(w, format, {});
  const CodeSampler die_model(ErrorModel::gaussian(8, 9, {0.03, 0, 0.03}, {0.02})),
      read_model(ErrorModel::neighbour_errors(8, 1e-3));
  const DieVariation die(die_model.model(), 2, 0, 64, array.bitlines());
  MatrixI result(x.rows(), 1);
  for (const ReadPath path : {ReadPath::sparse, ReadPath::dense, ReadPath::automatic}) {
    ErrorInjection errors;
    errors.mode = path == ReadPath::automatic ? ErrorMode::die : ErrorMode::read;
    errors.sampler = errors.mode == ErrorMode::die ? &die_model : &read_model;
    errors.die = &die;
    errors.path = path;
    errors.threads = 1;
    const std::int64_t before = peak_memory(true);
    ArrayCounters counters;
    array.multiply(x, format, errors, &counters, result);
    const std::int64_t after = peak_memory(false);
    if (before < 0 || after < 0) GTEST_SKIP() << "the system does not tell the peak memory";
    EXPECT_LT(after - before, 8 << 20) << static_cast<int>(path);
    EXPECT_GT(counters.conversions, 10'000'000);
  }
}

TEST(Array, PathIsChosenByTheModel) {
  using enum ReadPath;
  const auto choice = [](const ErrorModel& m, ErrorMode mode) { return choose_path(CodeSampler(m), mode); };
  EXPECT_EQ(choice(ErrorModel::neighbour_errors(8, 1e-6), ErrorMode::read), sparse);
  EXPECT_EQ(choice(ErrorModel::neighbour_errors(8, 0.1), ErrorMode::read), dense);
  EXPECT_EQ(choice(ErrorModel::gaussian(8, 4, {}, {}), ErrorMode::read), dense);
  EXPECT_EQ(choice(ErrorModel::neighbour_errors(8, 1e-6), ErrorMode::die), dense);
  ErrorModel uneven = ErrorModel::ideal(3);
  uneven.reconstruct = {0, 1, 2, 5};
  EXPECT_EQ(choice(uneven, ErrorMode::read), reference);
}

TEST(Array, LargeProductsTakeTheSamePath) {
  // Large enough for oneDNN.
  std::mt19937 generator(12);
  for (const Encoding encoding : encodings) {
    const PlaneFormat in{8, encoding}, cells;
    const MatrixI w = random_matrix(generator, 301, 257, cells), x = random_matrix(generator, 67, 301, in);
    EXPECT_EQ(Array(w, cells, {}).multiply(x, in), x * w);
    MatrixI outside = x;
    outside(66, 300) = in.highest() + 1;
    EXPECT_THROW(Array(w, cells, {}).multiply(outside, in), std::invalid_argument);
  }
  // Sequences of many lengths, there and back: packed weights come and go.
  const MatrixI w = random_matrix(generator, 301, 257, {}), x = random_matrix(generator, 67, 301, {});
  const Array array(w, {}, {});
  for (const int tokens : {60, 61, 62, 63, 64, 65, 66, 67, 60, 67, 63})
    EXPECT_EQ(array.multiply(x.topRows(tokens), {}), x.topRows(tokens) * w);
}

TEST(Array, CountersAreThoseOfTheReadPlans) {
  const PlaneFormat bits{4, Encoding::unsigned_binary};
  MatrixI x(1, 16);
  x.setConstant(5);  // planes 0 and 2 full: 2 reads of 8 each; planes 1 and 3 empty
  const Array array(MatrixI::Ones(16, 3), bits, {});
  ArrayCounters counters;
  array.multiply(x, bits, {}, &counters);
  EXPECT_EQ(counters.cycles, 4);
  EXPECT_EQ(counters.fixed_cycles, 8);
  EXPECT_EQ(counters.ideal_cycles, 4);
  EXPECT_EQ(counters.conversions, 4 * 3 * 4);
  EXPECT_EQ(counters.driven_rows, 32);
  EXPECT_EQ(counters.dummy_rows, 0);
}

TEST(Array, RefusesWhatDoesNotFit) {
  const PlaneFormat format;
  const MatrixI w = MatrixI::Ones(8, 2);
  const Array array(w, format, {});
  EXPECT_THROW(array.multiply(MatrixI::Ones(1, 7), format), std::invalid_argument);
  EXPECT_THROW(array.multiply(MatrixI::Constant(1, 8, 128), format), std::invalid_argument);
  EXPECT_THROW(Array(MatrixI::Constant(8, 2, -129), format, {}), std::invalid_argument);
  EXPECT_THROW(Array(w, format, {0}), std::invalid_argument);
  const CodeSampler small(ErrorModel::ideal(4));
  ErrorInjection errors;
  errors.sampler = &small;
  EXPECT_THROW(array.multiply(MatrixI::Ones(1, 8), format, errors), std::invalid_argument);
  const CodeSampler sampler(ErrorModel::ideal(8));
  errors.sampler = &sampler;
  errors.mode = ErrorMode::die;
  EXPECT_THROW(array.multiply(MatrixI::Ones(1, 8), format, errors), std::invalid_argument);
}

}  // namespace
}  // namespace flare::arch
