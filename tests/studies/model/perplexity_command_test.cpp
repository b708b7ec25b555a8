// `flare perplexity` as a person meets it: rows, tables, sweeps, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/flare_arch/gain_cell/cell_tables.hpp"
#include "tests/studies/model/perplexity_program.hpp"

namespace {

using flare::engine::GainCellTables;
using flare::studies::testing::Ended;
using flare::studies::testing::Perplexity;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(Perplexity, ARowSaysWhatWasScoredOnWhat) {
  const std::string file = cells({flare::arch::some_cell_tables()});
  const Ended ended = perplexity("--attention cell --cells " + file +
                                 ":gain_cell_6t/tt_0.90V_27C --adapt --dies 2 --characters 700 -o p.h5");
  ASSERT_EQ(ended.status, 0) << ended.out;
  const flare::engine::Table table = rows("p.h5");
  ASSERT_EQ(table.rows(), 1U);
  EXPECT_EQ(table.texts("model")[0], "linear");
  EXPECT_EQ(table.texts("attention")[0], "cell");
  EXPECT_EQ(table.texts("cell")[0], "gain_cell_6t");
  EXPECT_EQ(table.texts("corner")[0], "tt_0.90V_27C");
  EXPECT_EQ(table.integers("adapted")[0], 1);
  EXPECT_EQ(table.integers("repeats")[0], 2);
  EXPECT_EQ(table.integers("tokens")[0], 699);
  EXPECT_GT(table.numbers("loss_sigma")[0], 0);
  EXPECT_GT(table.numbers("loss_mean")[0], 1.5);
  EXPECT_LT(table.numbers("loss_mean")[0], 3);
  const H5::H5File result = flare::engine::open_result(folder_ / "p.h5");
  EXPECT_GT(flare::engine::read_table(result, "/perplexity_trace").rows(), 2U);
  const flare::engine::Table costs = flare::engine::read_table(result, "/perplexity_cost");
  EXPECT_NEAR(costs.numbers("energy")[0], 12e-9, 1e-15);  // 12 heads of what the study measured
  EXPECT_NEAR(costs.numbers("time")[0], 15e-9 + 2 * (1.01 * 15e-9 + 0.5e-9), 1e-14);
  EXPECT_THAT(costs.texts("system"), testing::IsSupersetOf({"paper", "RTX 4090", "Jetson Nano", "H100"}));
}

TEST_F(Perplexity, SameSeedSameDiesAndDiesDiffer) {
  const std::string on = "--attention cell --characters 400 --dies 1 --cells " +
                         cells({flare::arch::some_cell_tables()}) + " -o ";
  for (const std::string run : {"a.h5", "b.h5", "c.h5 --seed 2"}) ASSERT_EQ(perplexity(on + run).status, 0);
  EXPECT_EQ(rows("a.h5").numbers("loss_mean"), rows("b.h5").numbers("loss_mean"));
  EXPECT_NE(rows("a.h5").numbers("loss_mean"), rows("c.h5").numbers("loss_mean"));
}

TEST_F(Perplexity, SweepsHaveEveryPointWithAndWithoutAdaptation) {
  GainCellTables hot = flare::arch::some_cell_tables("tt_0.90V_125C");
  hot.temperature = 125;
  const std::string file = cells({flare::arch::some_cell_tables(), hot});
  const Ended ended =
      perplexity("--attention cell --characters 200 --sweep temperature --figures . -o t.h5 --cells " + file +
                 ":gain_cell_6t");
  ASSERT_EQ(ended.status, 0) << ended.out;
  const flare::engine::Table table = rows("t.h5");
  EXPECT_THAT(table.numbers("temperature"), testing::ElementsAre(27, 27, 125, 125));
  EXPECT_THAT(table.integers("adapted"), testing::ElementsAre(0, 1, 0, 1));
  std::ifstream in(folder_ / "perplexity_temperature.svg");
  const std::string svg((std::istreambuf_iterator<char>(in)), {});
  EXPECT_THAT(svg, AllOf(HasSubstr("<svg"), HasSubstr("adapted")));
}

/// Seeds have texts, batches and dies of their own, and the same ones again.
TEST_F(Perplexity, RecoveryIsOverSeeds) {
  const std::string of = "--attention cell --characters 400 --recovery 3 --dies 1 --figures . --cells " +
                         cells({flare::arch::some_cell_tables()}) + " -o ";
  const Ended ended = perplexity(of + "a.h5");
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("recovered"), HasSubstr("(3 seeds)")));
  ASSERT_EQ(perplexity(of + "b.h5 --seed 2").status, 0);
  const auto table = [&](const char* file) {
    return flare::engine::read_table(flare::engine::open_result(folder_ / file), "/perplexity_recovery");
  };
  const flare::engine::Table a = table("a.h5"), b = table("b.h5");
  EXPECT_THAT(a.integers("seed"), testing::ElementsAre(1, 2, 3));
  for (const char* column : {"trained", "before", "adapted", "recovered"}) {
    const std::vector<double>&first = a.numbers(column), &second = b.numbers(column);
    EXPECT_EQ(first[1], second[0]) << column;
    EXPECT_NE(first[0], first[1]) << column;
  }
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(a.numbers("recovered")[i],
                (a.numbers("before")[i] - a.numbers("adapted")[i]) /
                    (a.numbers("before")[i] - a.numbers("trained")[i]),
                1e-12);
  EXPECT_EQ(rows("a.h5").rows(), 9U);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "perplexity_recovery.svg"));
}

TEST_F(Perplexity, BadInputIsOneLineWithTheRemedy) {
  const std::string file = cells({flare::arch::some_cell_tables()});
  GainCellTables bent = flare::arch::some_cell_tables("bent");
  bent.polynomial.g = {0, -2e-6, 0, 30e-6};
  const std::string text = (folder_ / "t.txt").string();
  std::ofstream(text) << "To be,\nor not to be \xc3\xa9\n";
  struct Case {
    std::string arguments, model, what;
  };
  const Case cases[] = {
      {"--attention cell --cells " + file + ":gain_cell_4t", "linear", "no gain cell 'gain_cell_4t'"},
      {"--attention cell --window 10000 --cells " + file, "linear", "a window of at most 6411 tokens"},
      {"--attention linear", "softmax", "was not trained for gain cells"},
      {"--adapt", "linear", "give --attention cell"},
      {"--attention cell --token-time 3", "linear", "--token-time"},
      {"--attention cell --sweep mismatch -o m.h5", "linear", "has no measured mismatch"},
      {"--attention cell --cells shape:bell", "linear", "unknown cell law 'bell'"},
      {"--attention linear --recovery 2", "linear", "give --attention cell"},
      {"--attention cell --recovery 2 --sweep laws -o m.h5", "linear", "one at a time"},
  };
  for (const Case& c : cases) {
    const Ended ended = perplexity(c.arguments + " --characters 200", c.model);
    EXPECT_EQ(ended.status, 2) << c.arguments;
    EXPECT_THAT(ended.out, HasSubstr(c.what));
    EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 1) << ended.out;
  }
  const Ended letters = run_line("perplexity --model " + model("softmax") + " --text " + text);
  EXPECT_EQ(letters.status, 2);
  EXPECT_THAT(letters.out, AllOf(HasSubstr("line 2"), HasSubstr("not one of the model's 65")));
  const Ended falls = perplexity("--attention cell --characters 200 --cells " + cells({bent}));
  EXPECT_EQ(falls.status, 2);
  EXPECT_THAT(falls.out, AllOf(HasSubstr("is not monotone"), HasSubstr("--transfer")));
  EXPECT_EQ(perplexity("--attention cell --characters 200 --transfer --cells " + cells({bent})).status, 0);
  const Ended none = perplexity("--attention cell --characters 200 --cells " + cells({}));
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.out, AllOf(HasSubstr("holds no gain cell"), HasSubstr("[gain_cell] is expected")));
  EXPECT_EQ(std::count(none.out.begin(), none.out.end(), '\n'), 1) << none.out;
}

}  // namespace
