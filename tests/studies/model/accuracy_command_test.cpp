// `flare accuracy` as a person meets it: both kinds of arrays alike or each with its own error model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "engine/base/hdf5_io.hpp"
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
  void run_study(const std::string& stage = "") const {
    std::ofstream(folder_ / "small.toml")
        << "title = \"small\"\nseed = 5\n[technology]\ncards = \"" FLARE_SOURCE_DIR
           "/netlists/cards/cmos28.lib\"\n"
           "[column]\ncell = \"sram8t\"\nsawl = [2, 4]\nswing = \"0.4 V\"\n"
           "[[variation]]\nparameter = \"vth\"\npelgrom = \"1.3 mV um\"\n"
           "[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\nfull = 1\n"
           "[[converter]]\nname = \"flash\"\noffset_sigma = \"0.03 step\"\n"
           "[[converter]]\nname = \"noisy\"\noffset_sigma = \"0.2 step\"\n"
           "[estimator]\nmethod = \"fit\"\nruns = 60\n"
        << stage;
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

/// Everything random that an accuracy run counted, and what it made of it.
struct Numbers {
  std::vector<double> accuracy;
  std::vector<std::int64_t> wrong_reads, cycles;
  bool operator==(const Numbers&) const = default;
};
Numbers numbers_of(const fs::path& result) {
  const H5::H5File file = flare::engine::open_result(result);
  const flare::engine::Table counters = flare::engine::read_table(file, "/array_counters");
  return {flare::engine::read_table(file, "/accuracy").numbers("accuracy_mean"),
          counters.integers("wrong_reads"), counters.integers("cycles")};
}

/// P(code | k) of SAWL 8: one read in a thousand high, one low, as measured to three digits.
flare::engine::Matrix measured_matrix() {
  flare::engine::Matrix p = flare::engine::Matrix::Zero(9, 9);
  for (int k = 0; k <= 8; ++k)
    for (const int c : {k - 1, k + 1}) {
      if (c >= 0 && c <= 8) p(k, c) = 0.001;
    }
  for (int k = 0; k <= 8; ++k) p(k, k) = k == 0 || k == 8 ? 0.999 : 0.998;
  return p;
}

TEST_F(Accuracy, AMeasuredMatrixIsTheSameAsCsvAndInHdf5) {
  const flare::engine::Matrix p = measured_matrix();
  std::ofstream csv(folder_ / "measured.csv");
  for (Eigen::Index k = 0; k < p.rows(); ++k)
    for (Eigen::Index c = 0; c < p.cols(); ++c) csv << p(k, c) << (c + 1 == p.cols() ? "\n" : ",");
  csv.close();
  {
    H5::H5File file((folder_ / "own.h5").string(), H5F_ACC_TRUNC);
    flare::engine::write_matrix(file, "/error_models/chip/sawl8/sar/lab/confusion", p);
  }
  const auto run_with = [&](const std::string& arrays, const std::string& modes, const std::string& out) {
    const Ended ended = accuracy("--weight-arrays " + arrays + " --dynamic-arrays " + arrays + " --modes " +
                                 modes + " -o " + out);
    EXPECT_EQ(ended.status, 0) << ended.out;
    return ended.out;
  };
  EXPECT_EQ(run_with("measured.csv", "read", "csv.h5").find("Note"), std::string::npos);
  run_with("own.h5:chip/sawl8/sar/lab", "read", "hdf5.h5");
  run_with("own.h5:/error_models/chip/sawl8/sar/lab/confusion", "read", "path.h5");
  const Numbers read = numbers_of(folder_ / "csv.h5");
  EXPECT_EQ(read, numbers_of(folder_ / "hdf5.h5"));
  EXPECT_EQ(read, numbers_of(folder_ / "path.h5"));
  // One or two reads in a thousand err; most levels have two neighbours.
  const auto counters =
      flare::engine::read_table(flare::engine::open_result(folder_ / "csv.h5"), "/array_counters");
  const auto rows = static_cast<std::size_t>(counters.rows());
  const double rate = static_cast<double>(counters.integers("wrong_reads")[rows - 1]) /
                      static_cast<double>(counters.integers("conversions")[rows - 1]);
  EXPECT_GT(rate, 0.0010);
  EXPECT_LT(rate, 0.0021);
  // Nothing is frozen: die mode is read mode, to the bit, and says so.
  EXPECT_THAT(run_with("measured.csv", "die", "die.h5"), HasSubstr("mode die is mode read"));
  EXPECT_EQ(read, numbers_of(folder_ / "die.h5"));
}

TEST_F(Accuracy, ResultsNameTheFilesTheyDependOn) {
  std::ofstream(folder_ / "measured.csv") << "0.999,0.001\n0.002,0.998\n";
  const auto inputs = [&] {
    const Ended ended = accuracy("--weight-arrays measured.csv --dynamic-arrays none -o r.h5");
    EXPECT_EQ(ended.status, 0) << ended.out;
    return flare::engine::read_table(flare::engine::open_result(folder_ / "r.h5"), "/inputs");
  };
  const flare::engine::Table before = inputs();
  ASSERT_EQ(before.rows(), 4U);  // description, weights, data set, matrix
  EXPECT_THAT(before.texts("file")[1], HasSubstr("model.safetensors"));
  EXPECT_THAT(before.texts("file")[3], HasSubstr("measured.csv"));
  std::ofstream(folder_ / "measured.csv") << "0.999,0.001\n0.003,0.997\n";
  const flare::engine::Table after = inputs();
  EXPECT_EQ(before.texts("hash")[1], after.texts("hash")[1]);
  EXPECT_NE(before.texts("hash")[3], after.texts("hash")[3]);
}

TEST_F(Accuracy, SyntheticLevelsShiftAndTakePercent) {
  const auto run_with = [&](const std::string& arrays, const std::string& out) {
    const Ended ended = accuracy("--weight-arrays none --dynamic-arrays synthetic:sawl=8," + arrays +
                                 " --modes read die -o " + out);
    EXPECT_EQ(ended.status, 0) << ended.out;
    return numbers_of(folder_ / out);
  };
  EXPECT_EQ(run_with("cells=3%,noise=20%", "percent.h5"), run_with("cells=0.03,noise=0.2", "number.h5"));
  EXPECT_EQ(run_with("noise=20%,shift=0,gain_error=0%", "unmoved.h5"), run_with("noise=0.2", "plain.h5"));
  EXPECT_NE(run_with("noise=20%,shift=0.3,gain_error=-3%", "moved.h5"), run_with("noise=0.2", "plain.h5"));
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
  refused(model, source("README.md"), ".csv, .tsv, .safetensors or .h5");
  refused(model, source("data"), "data");
  std::ofstream(folder_ / "other.csv") << "label,split\n";
  refused(model, "other.csv", "split,label");
  const std::string families = source("tests/flare_arch/golden/families/");
  refused(families + "bert", dataset, ": model: examples with tokens");
  refused(families + "bert", families + "gpt2/golden.safetensors", "labels");
  refused(families + "gpt2", families + "bert/golden.safetensors", "language model");
  fs::create_directories(folder_ / "cut");
  fs::copy(families + "bert/config.json", folder_ / "cut/config.json");
  fs::copy(families + "bert/model.safetensors", folder_ / "cut/model.safetensors");
  fs::resize_file(folder_ / "cut/model.safetensors", fs::file_size(folder_ / "cut/model.safetensors") - 4);
  refused("cut", families + "bert/golden.safetensors", "outside the file");
}

TEST_F(Accuracy, FoldersOfEveryKindRun) {
  const std::string families = source("tests/flare_arch/golden/families/");
  for (const std::string name : {"llama", "bert", "timm_distilled"}) {
    const Ended ended =
        run_line("accuracy --model " + families + name + " --dataset " + families + name +
                 "/golden.safetensors --weight-arrays synthetic:sawl=8,rate=1e-3 --dynamic-arrays "
                 "synthetic:sawl=4,rate=1e-3 --feed-forward arrays --input-encoding sign_magnitude "
                 "--modes read die -o " +
                 name + ".h5");
    EXPECT_EQ(ended.status, 0) << ended.out;
    EXPECT_THAT(ended.out, HasSubstr(name == "llama" ? "nats a token" : "accuracy"));
    const flare::engine::Table answers =
        flare::engine::read_table(flare::engine::open_result(folder_ / (name + ".h5")), "/answers");
    const std::size_t examples = name == "timm_distilled" ? 3 : 4;
    EXPECT_EQ(answers.rows(), examples * (1 + 1 + 2 * 2));  // floating, quantised, two modes of two repeats
  }
}

// A study's own stage takes what the command takes, and says the same of it.
TEST_F(Accuracy, AStudyTakesATableOfTextAndSaysWhatCalibratedIt) {
  const std::string model = source("data/models/agreement_bert"),
                    table = source("data/text/agreement/test.tsv"),
                    note = "Note: static scales were calibrated with examples that they are judged on";
  run_study("[accuracy]\nconverter = \"flash\"\nexamples = 8\nrepeats = 1\nmodel = \"" + model +
            "\"\ndataset = \"" + table + "\"\n");
  EXPECT_THAT(run_line("report out.h5").out,
              ::testing::Not(HasSubstr(note)));  // a training split lies beside it
  const H5::H5File file = flare::engine::open_result(folder_ / "out.h5");
  EXPECT_EQ(flare::engine::read_table(file, "/accuracy").texts("calibration")[1], "other examples");
  std::ofstream(folder_ / "again.toml")
      << std::ifstream(folder_ / "small.toml").rdbuf() << "calibration = \"" << table << "\"\n";
  EXPECT_THAT(run_line("run again.toml -o again.h5").out, HasSubstr(note));
  EXPECT_THAT(run_line("accuracy --model " + model + " --dataset " + table + " --calibration " + table +
                       " --examples 8 --weight-arrays none --dynamic-arrays none")
                  .out,
              HasSubstr(note));
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
  refused("--weight-arrays none --dynamic-arrays synthetic:sawl=8,noise=5%x", "5%x");
  refused("--weight-arrays none --dynamic-arrays missing.csv", "missing.csv");
  refused("--weight-arrays none --dynamic-arrays none --rounding up", "half_lsb");
  refused("--weight-arrays none --dynamic-arrays none --packing any", "next_fit");
  refused("--weight-arrays none --dynamic-arrays synthetic:sawl=8,rate=1e-3 --quantizer qrazor_w4a8",
          "analog");
  H5::H5File((folder_ / "circuit.h5").string(), H5F_ACC_TRUNC).createGroup("failures");
  refused("circuit.h5", "no result of a column study");
  refused("circuit.h5 --weight-arrays none --dynamic-arrays none", "no result of a column study");
}

}  // namespace
