// `flare accuracy` as a person meets it: both kinds of arrays alike or each with its own error model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "engine/hdf5_io.hpp"
#include "tests/studies/program_fixture.hpp"

namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

using flare::studies::testing::Ended;

class Accuracy : public flare::studies::testing::ProgramFixture {
 protected:
  Ended accuracy(const std::string& arguments) const {
    return run_line("accuracy --model " + source("data/models/digits_vit") + " --dataset " +
                    source("data/digits/digits.csv") + " --examples 20 " + arguments);
  }
  /// A small study with two SAWL and two converters.
  void run_study() const {
    std::ofstream(folder_ / "small.toml")
        << "title = \"small\"\nseed = 5\n[technology]\ncards = \"" FLARE_SOURCE_DIR
           "/netlists/cards/cmos28.lib\"\n"
           "[column]\ncell = \"sram8t\"\nsawl = [2, 4]\nswing = \"0.4 V\"\n"
           "[[variation]]\nparameter = \"vth\"\npelgrom = \"1.3 mV um\"\n"
           "[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\nfull = 1\n"
           "[[converter]]\nname = \"flash\"\noffset_sigma = \"0.03 step\"\n"
           "[[converter]]\nname = \"noisy\"\noffset_sigma = \"0.2 step\"\n"
           "[estimator]\nmethod = \"fit\"\nruns = 60\n";
    const Ended ended = run_line("run small.toml -o out.h5");
    ASSERT_EQ(ended.status, 0) << ended.out;
  }
};

TEST_F(Accuracy, TwoErrorModelsOfAResultWithTheirOwnSawlAndConverter) {
  run_study();
  const Ended ended = accuracy(
      "out.h5 --weight-arrays sram8t/sawl4/flash/tt_0.90V_27C --dynamic-arrays "
      "sram8t/sawl2/noisy/tt_0.90V_27C "
      "--modes read die -o both.h5");
  ASSERT_EQ(ended.status, 0) << ended.out;
  const H5::H5File file = flare::engine::open_result(folder_ / "both.h5");
  const flare::engine::Table accuracies = flare::engine::read_table(file, "/accuracy");
  ASSERT_EQ(accuracies.rows(), 4U);  // float, no errors, read, die
  EXPECT_EQ(accuracies.texts("adc")[2], "flash + noisy");
  const flare::engine::Table counters = flare::engine::read_table(file, "/array_counters");
  ASSERT_EQ(counters.rows(), 6U);
  const auto row = [&](const std::string& arrays, const std::string& mode) {
    for (std::size_t i = 0; i < counters.rows(); ++i)
      if (counters.texts("arrays")[i] == arrays && counters.texts("mode")[i] == mode) return i;
    ADD_FAILURE() << arrays << " " << mode;
    return std::size_t{0};
  };
  for (const char* mode : {"read", "die"}) {
    const std::size_t weights = row("weights", mode), dynamic = row("dynamic", mode);
    EXPECT_EQ(counters.integers("sawl")[weights], 4);
    EXPECT_EQ(counters.integers("sawl")[dynamic], 2);
    for (const std::size_t i : {weights, dynamic}) {  // every read drives SAWL rows of its own kind
      EXPECT_EQ(counters.integers("driven_rows")[i] + counters.integers("dummy_rows")[i],
                counters.integers("sawl")[i] * counters.integers("cycles")[i]);
    }
  }
  // Offsets of 0.2 step err at least as often as Phi(-2.5) = 0.6 % of the reads whose level has a neighbour.
  const std::size_t noisy = row("dynamic", "read");
  EXPECT_GT(static_cast<double>(counters.integers("wrong_reads")[noisy]) /
                static_cast<double>(counters.integers("conversions")[noisy]),
            0.005);
  EXPECT_EQ(counters.integers("wrong_reads")[row("weights", "read")], 0);
  EXPECT_GT(flare::engine::read_table(file, "/storage").rows(), 5U);
}

TEST_F(Accuracy, NamingTheSameModelTwiceIsTheResultsOwnRow) {
  run_study();
  ASSERT_EQ(accuracy("out.h5 --converter noisy --sawl 4 -o alike.h5").status, 0);
  ASSERT_EQ(accuracy("out.h5 --weight-arrays sram8t/sawl4/noisy/tt_0.90V_27C --dynamic-arrays "
                     "out.h5:sram8t/sawl4/noisy/tt_0.90V_27C -o named.h5")
                .status,
            0);
  const auto numbers = [&](const char* name) {
    const H5::H5File file = flare::engine::open_result(folder_ / name);
    const flare::engine::Table counters = flare::engine::read_table(file, "/array_counters");
    auto all = counters.integers("wrong_reads");
    const auto& cycles = counters.integers("cycles");
    all.insert(all.end(), cycles.begin(), cycles.end());
    return std::pair(flare::engine::read_table(file, "/accuracy").numbers("accuracy_mean"), all);
  };
  EXPECT_EQ(numbers("alike.h5"), numbers("named.h5"));
}

TEST_F(Accuracy, SyntheticModelsNeedNoResult) {
  const Ended ended = accuracy(
      "--weight-arrays synthetic:sawl=8,cells=0.027,off_cells=0.007,offsets=0.03 --dynamic-arrays "
      "synthetic:sawl=4,rate=1e-3 --rounding half_lsb --packing first_fit");
  EXPECT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("keys and values"));
  EXPECT_THAT(ended.out, HasSubstr("64 x 512"));
  const Ended razored =
      accuracy("--weight-arrays none --dynamic-arrays none --quantizer qrazor_w4a4kv4 --group 8");
  EXPECT_EQ(razored.status, 0) << razored.out;
  EXPECT_THAT(razored.out, HasSubstr("metadata"));
}

TEST_F(Accuracy, ThreadsDoNotChangeANumber) {
  const std::string arrays =
      "--weight-arrays synthetic:sawl=8,cells=0.08,offsets=0.05,noise=0.03 --dynamic-arrays "
      "synthetic:sawl=4,codes=4,cells=0.1 --modes read die -o ";
  std::vector<std::pair<std::vector<double>, std::vector<std::int64_t>>> numbers;
  for (const char* threads : {"1", "2"}) {
    ::setenv("OMP_NUM_THREADS", threads, 1);
    const Ended ended = accuracy(arrays + threads + ".h5");
    ::unsetenv("OMP_NUM_THREADS");
    ASSERT_EQ(ended.status, 0) << ended.out;
    const H5::H5File file = flare::engine::open_result(folder_ / (threads + std::string(".h5")));
    numbers.emplace_back(flare::engine::read_table(file, "/accuracy").numbers("accuracy_mean"),
                         flare::engine::read_table(file, "/array_counters").integers("wrong_reads"));
  }
  EXPECT_EQ(numbers[0], numbers[1]);
  EXPECT_GT(numbers[0].second.back() + numbers[0].second[2], 0);
}

TEST_F(Accuracy, TheWidestWordsRun) {
  const Ended ended =
      accuracy("--weight-arrays none --dynamic-arrays none --kv-bits 16 --activation-bits 12");
  EXPECT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("emsbq"));
}

TEST_F(Accuracy, WrongModelsAndDataSetsAreStatusTwoInOneLine) {
  const auto refused = [&](const std::string& model, const std::string& dataset, const std::string& word) {
    const Ended ended = run_line("accuracy --model " + model + " --dataset " + dataset +
                                 " --weight-arrays none --dynamic-arrays none --examples 2");
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_THAT(ended.out, HasSubstr(word));
    EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 1) << ended.out;
  };
  const std::string model = source("data/models/digits_vit"), dataset = source("data/digits/digits.csv");
  fs::create_directories(folder_ / "empty");
  refused("empty", dataset, "model.json");
  refused("nowhere", dataset, "nowhere");
  fs::create_directories(folder_ / "other");
  std::ofstream(folder_ / "other" / "model.json") << R"({"format": "other/1"})";
  refused("other", dataset, "flare-vit/1");
  refused(model, source("README.md"), "split,label");
  refused(model, source("data"), "data");
}

TEST_F(Accuracy, BadInputIsStatusTwoAndSaysWhere) {
  const auto refused = [&](const std::string& arguments, const std::string& word) {
    const Ended ended = accuracy(arguments);
    EXPECT_EQ(ended.status, 2) << arguments << "\n" << ended.out;
    EXPECT_THAT(ended.out, HasSubstr(word));
  };
  refused("", "--weight-arrays");
  refused("--weight-arrays none", "--dynamic-arrays");
  refused("--weight-arrays none --dynamic-arrays cell/sawl8", "CELL/sawlN/CONVERTER/CORNER");
  refused("--weight-arrays none --dynamic-arrays missing.h5:a/sawl8/b/c", "missing.h5");
  refused("--weight-arrays none --dynamic-arrays synthetic:sawl=80", "1 to 64");
  refused("--weight-arrays none --dynamic-arrays synthetic:sawl=8,rate=nan", "nan");
  refused("--weight-arrays none --dynamic-arrays synthetic:sawl=8,rate=1e-3 --modes die", "die");
  refused("--weight-arrays none --dynamic-arrays none --rounding up", "half_lsb");
  refused("--weight-arrays none --dynamic-arrays none --packing any", "next_fit");
  refused("--weight-arrays none --dynamic-arrays synthetic:sawl=8,rate=1e-3 --quantizer qrazor_w4a8",
          "analog");
}

}  // namespace
