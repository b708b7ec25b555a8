// The array: integer products exactly, whatever the path and the number of threads.
#include "flare_arch/array/array.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <random>

#include "flare_arch/array/integer_product.hpp"
#include "tests/flare_arch/array/random_operands.hpp"

namespace flare::arch {
namespace {

using testing::encodings;
using testing::random_matrix;

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

// What one thread has prepared is used by all, at the sizes of a real model's layers.
TEST(Array, ThreadsShareAProductThatAnotherHasMade) {
  std::mt19937 generator(3);
  const PlaneFormat format;
  std::vector<IntegerProduct> products;
  std::vector<MatrixI> inputs, weights, expected;
  for (const auto& [depth, columns] : {std::pair(192, 192), {64, 197}, {197, 64}, {768, 192}, {192, 768}}) {
    weights.push_back(random_matrix(generator, depth, columns, format));
    inputs.push_back(random_matrix(generator, 197, depth, format));
    expected.emplace_back(inputs.back() * weights.back());
  }
  products.reserve(weights.size());
  for (const MatrixI& w : weights) products.emplace_back(w, format);
  const auto wrong = [&] {
    int errors = 0;
    for (int repeat = 0; repeat < 20; ++repeat)
      for (std::size_t i = 0; i < products.size(); ++i) {
        MatrixI result;
        products[i].multiply(inputs[i], format, result);
        errors += result != expected[i];
      }
    return errors;
  };
  EXPECT_EQ(wrong(), 0);
  constexpr std::size_t count = 4;
  std::vector<std::future<int>> threads;
  threads.reserve(count);
  for (std::size_t t = 0; t < count; ++t) threads.push_back(std::async(std::launch::async, wrong));
  for (std::future<int>& thread : threads) EXPECT_EQ(thread.get(), 0);
}

TEST(Array, DieWithoutDeviationsIsTheIntegerProduct) {
  std::mt19937 generator(2);
  const PlaneFormat format;
  const MatrixI w = random_matrix(generator, 40, 5, format), x = random_matrix(generator, 4, 40, format);
  const Array array(w, format, {});
  const CodeSampler sampler(ErrorModel::gaussian(8, 9, {}, {}));
  const ArrayDie die(sampler.model(), 1, 0, 40, array.bitlines());
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

TEST(Array, ResultsDoNotDependOnThreads) {
  std::mt19937 generator(10);
  const PlaneFormat format;
  const MatrixI w = random_matrix(generator, 70, 80, format), x = random_matrix(generator, 9, 70, format);
  const Array array(w, format, {});
  const CodeSampler sampler(ErrorModel::gaussian(8, 9, {0.08, 0, 0.05}, {0.05}));
  const ArrayDie die(sampler.model(), 2, 0, 70, array.bitlines());
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
  const ArrayDie die(die_model.model(), 2, 0, 64, array.bitlines());
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
