// Files from elsewhere: netlists, studies and results that were made to do harm, or are damaged.
#include <random>

#include "tests/studies/hostile/hostile_fixture.hpp"

namespace {

namespace fs = std::filesystem;
using flare::studies::testing::cell;
using flare::studies::testing::Ended;
using flare::studies::testing::HostileFixture;
using flare::studies::testing::plain;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class Untrusted : public HostileFixture {};

TEST_F(Untrusted, NetlistsThatReachForFilesAreRefused) {
  write("secret", "0 0\n1 1\n");
  for (const char* line :
       {"a1 %vd(a 0) x m\n.model m table2d(file(\"secret\"))",
        "a1 [d] m\n.model m d_source input_file \"secret\"", "a1 %v([a]) m\n.model m filesource",
        "v1 a 0 pwl file \"secret\"", ".control\nshell touch owned\n.endc", "*#shell touch owned",
        ".model m d_process(process_file=\"/bin/sh\")"}) {
    SCOPED_TRACE(line);
    write("cell.cir", cell(std::string("i1 0 o 1m\nr1 o a 1k\nr2 a 0 1k\n") + line));
    const Ended ended = run_line("check s.toml");
    // A command in a comment is dropped, all else is an error.
    EXPECT_EQ(ended.status, line[0] == '*' ? 0 : 2) << ended.out;
    EXPECT_FALSE(fs::exists(folder_ / "owned"));
  }
}

TEST_F(Untrusted, DeepTomlIsAnError) {
  const auto repeated = [](const std::string& part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
  };
  for (const std::string& text :
       {"x = " + repeated("[", 30'000) + repeated("]", 30'000), repeated("a.", 500'000) + "a = 1",
        "[" + repeated("a.", 500'000) + "a]\nb = 1",
        "x = " + repeated("{a=", 30'000) + "1" + repeated("}", 30'000), repeated("\"a\".", 200'000) + "a = 1",
        repeated("'a' . ", 100'000) + "a = 1"}) {
    write("deep.toml", text);
    const Ended ended = run_line("check deep.toml");
    EXPECT_EQ(ended.status, 2) << text.substr(0, 20);
    EXPECT_LT(ended.out.size(), 500U);
  }
}

TEST_F(Untrusted, DamagedResultsAreErrorsAndNeverCrashes) {
  ASSERT_EQ(run_line("run s.toml -j 1 -o o.h5").status, 0);
  const std::string good = content("o.h5");
  const std::size_t heap = good.find("GCOL");
  ASSERT_NE(heap, std::string::npos);
  std::mt19937 random(1);
  for (int trial = 0; trial < 20; ++trial) {
    std::string bad = good;
    for (int i = 0; i < 3; ++i)
      bad[heap + 8 + random() % 600] = static_cast<char>(random() % 2 == 0 ? random() : 0xff);
    write("bad.h5", bad);
    for (const char* command : {"report bad.h5", "merge m.h5 bad.h5", "run s.toml -o bad.h5"}) {
      const Ended ended = run_line(command);
      EXPECT_THAT(ended.status, AnyOf(0, 1, 2)) << trial << " " << command << " " << ended.out;
    }
    EXPECT_EQ(content("bad.h5"), bad);
  }
}

TEST_F(Untrusted, LengthsThatClaimGigabytesAreNotBelieved) {
  const Ended ended = run_line("report " + source("tests/fuzz/corpus/hdf5/length.h5"));
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.out, HasSubstr("damaged: "));
}

TEST_F(Untrusted, ResultsThatReachIntoOtherFilesAreNotRead) {
  ASSERT_EQ(run_line("run s.toml -j 1 -o o.h5").status, 0);
  fs::copy_file(folder_ / "o.h5", folder_ / "linked.h5");
  {
    const H5::H5File file((folder_ / "linked.h5").string(), H5F_ACC_RDWR);
    H5Lcreate_external("o.h5", "/points", file.getId(), "/more", H5P_DEFAULT, H5P_DEFAULT);
  }
  const Ended ended = run_line("report linked.h5");
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.out, HasSubstr("reaches into other files"));
}

TEST_F(Untrusted, MalformedSamplesAreErrors) {
  ASSERT_EQ(run_line("run s.toml -j 1 -o o.h5").status, 0);
  const std::string group = "/points/cell/27C/samples";
  const auto replaced = [&](const std::string& dataset, Eigen::Index rows, Eigen::Index columns) {
    fs::copy_file(folder_ / "o.h5", folder_ / "bad.h5", fs::copy_options::overwrite_existing);
    H5::H5File file((folder_ / "bad.h5").string(), H5F_ACC_RDWR);
    const std::vector<std::string> names = flare::engine::read_texts(file, group + dataset, "names");
    flare::engine::write_matrix(file, group + dataset, flare::engine::Matrix::Ones(rows, columns));
    flare::engine::write_attribute(file, group + dataset, "names", names);
  };
  for (const auto& [dataset, rows, columns] : {std::tuple{"/measures", 0, 0},
                                               {"/measures", 60, 0},
                                               {"/measures", 3, 1},
                                               {"/parameters", 3, 2},
                                               {"/parameters", 60, 1},
                                               {"/parameters", 60, 0},
                                               {"/parameters", 60, 9}}) {
    replaced(dataset, rows, columns);
    SCOPED_TRACE(fmt::format("{} {} {}", dataset, rows, columns));
    EXPECT_THAT(run_line("replay bad.h5 " + group.substr(1) + " 30 -o w.csv").status, AnyOf(1, 2));
    EXPECT_THAT(run_line("report bad.h5").status, AnyOf(0, 2));
  }
}

TEST_F(Untrusted, CommandsOfAResultsNetlistRunOnlyIfAllowed) {
  write("cell.cir", cell("i1 0 o 1m\nr1 o a 1k\nr2 a 0 1k\n.control\nshell touch " +
                         (folder_ / "owned").string() + "\n.endc"));
  write("s.toml", "seed = 3\ncommands = \"run\"\n" +
                      flare::studies::testing::transient("10 ns", "vector = \"v(o)\"\nat = \"5 ns\"\n") +
                      flare::studies::testing::varies("r", "r*", "1 %") +
                      "[estimator]\nbudget = 2000\nruns = 50\n");
  const Ended made = run({"run", "s.toml", "-j", "1", "-o", "o.h5", "--set", "failing.below=\"1.94 V\""});
  ASSERT_EQ(made.status, 0) << made.out;
  for (const char* command : {"replay o.h5 points/cell/netlist/samples 3 -o w.csv",
                              "replay o.h5 --worst -o w.svg", "corner o.h5 -o c.cir"}) {
    SCOPED_TRACE(command);
    fs::remove(folder_ / "owned");
    const Ended refused = run_line(command);
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.out, HasSubstr("--allow-commands"));
    EXPECT_FALSE(fs::exists(folder_ / "owned"));
    EXPECT_EQ(run_line(std::string(command) + " --allow-commands").status, 0);
    EXPECT_TRUE(fs::exists(folder_ / "owned"));
  }
  H5::H5File file((folder_ / "o.h5").string(), H5F_ACC_RDWR);
  const std::string parameters = "/points/cell/netlist/tail_samples/parameters";
  flare::engine::write_matrix(file, parameters, flare::engine::Matrix::Ones(3, 1));
  file.close();
  EXPECT_THAT(run_line("replay o.h5 --worst -o w.svg --allow-commands").out,
              HasSubstr("do not belong together"));
}

TEST_F(Untrusted, QuotesInPathsReachNoCommand) {
  const fs::path odd = folder_ / "it's `touch owned` \"$(touch owned)\"";
  fs::create_directory(odd);
  ASSERT_EQ(run({"run", "s.toml", "-j", "1", "-o", (odd / "o'x.h5").string()}).status, 0);
  const Ended report = run_with([&] { ::setenv("TMPDIR", odd.c_str(), 1); },
                                {"report", (odd / "o'x.h5").string(), "-o", (odd / "r'x").string()});
  EXPECT_EQ(report.status, 0) << report.out;
  EXPECT_TRUE(fs::exists(odd / "r'x" / "index.html"));
  EXPECT_FALSE(fs::exists(folder_ / "owned"));
  EXPECT_FALSE(fs::exists(odd / "owned"));
}

TEST_F(Untrusted, WrongModelsDataAndNetlistsAreBadInput) {
  const std::string model = source("data/models/digits_vit");
  const std::string digits = source("data/digits/digits.csv");
  fs::copy(model, folder_ / "model", fs::copy_options::recursive);
  fs::resize_file(folder_ / "model" / "model.safetensors", 1000);
  write("digits.csv", "1,2,3\nx\n");
  const std::string end = " --weight-arrays none --dynamic-arrays none --examples 2";
  EXPECT_EQ(run_line("accuracy --model model --dataset " + digits + end).status, 2);
  EXPECT_EQ(run_line("accuracy --model " + model + " --dataset digits.csv" + end).status, 2);
  EXPECT_EQ(run_line("sparsity model " + digits).status, 2);
  EXPECT_EQ(run_line("sparsity " + model + " digits.csv").status, 2);
  for (const char* netlist : {"r1 a 0 {1/0", "m1 a b c d nowhere", "r1 o a", "x1 a b c"}) {
    write("cell.cir", cell(std::string("i1 0 o 1m\n") + netlist));
    EXPECT_EQ(run_line("check s.toml").status, 2) << netlist;
    EXPECT_EQ(run_line("run s.toml").status, 2) << netlist;
  }
}

TEST_F(Untrusted, WhatCheckCanKnowItSays) {
  EXPECT_EQ(run_line("check s.toml --set simulator.run_time_limit=\"0s\"").status, 2);
  EXPECT_EQ(run_line("check s.toml --set estimator.method=auto --set estimator.budget=150").status, 2);
  EXPECT_EQ(run_line("check s.toml --set estimator.method=auto --set estimator.budget=250").status, 0);
  write("column.toml",
        "[technology]\ncards = \"" + source("netlists/cards/cmos28.lib") +
            "\"\n[column]\ncell = \"sram8t\"\nsawl = [1]\nrows = 8\nswing = \"0.4 "
            "V\"\n[[variation]]\nparameter = "
            "\"vth\"\npelgrom = \"1.3 mV um\"\n[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 "
            "V\"]\ntemperature = "
            "[\"27 degC\"]\n[[converter]]\nname = \"flash\"\n[estimator]\nruns = 20\n[accuracy]\nmodel = "
            "\"model\"\ndataset = \"" +
            source("data/digits/digits.csv") + "\"\n");
  fs::copy(source("data/models/digits_vit"), folder_ / "model", fs::copy_options::recursive);
  EXPECT_EQ(run_line("check column.toml").status, 0) << run_line("check column.toml").out;
  EXPECT_EQ(run_line("check column.toml --set estimator.budget=100").status, 2);
  fs::resize_file(folder_ / "model" / "model.safetensors", 1000);
  EXPECT_EQ(run_line("check column.toml").status, 2);
}

TEST_F(Untrusted, ThousandsOfVariablesAreWritten) {
  std::string lines = "i1 0 n0 1m\n";
  constexpr int devices = 4100;  // names beyond what an attribute of the older format holds
  for (int i = 0; i < devices; ++i) lines += fmt::format("r{} n{} n{} 1\n", i, i, i + 1);
  lines += fmt::format("rend n{} 0 1k", devices);
  write("cell.cir", cell(lines));
  write("s.toml", "seed = 3\n" + flare::studies::testing::operating_point("v(n0)") +
                      flare::studies::testing::varies("r", "r*", "1 %") + plain(20));
  const Ended ended = run_line("run s.toml -j 1 -o o.h5");
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_EQ(samples().variables.size(), static_cast<std::size_t>(devices) + 1);
}

TEST_F(Untrusted, MoreVariablesThanARunCanSetAreRefusedAtTheStart) {
  write("s.toml", "seed = 3\n" + flare::studies::testing::operating_point("v(o)") +
                      flare::studies::testing::varies("r", "r*", "1 %") + plain(20));
  for (const int variables : {20'001, 100'000}) {
    std::string lines = "i1 0 o 1m\n";
    for (int i = 0; i < variables; ++i) lines += fmt::format("r{} o 0 100meg\n", i);
    write("cell.cir", cell(lines));
    const Ended ended = run_line("check s.toml");
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_THAT(ended.out, HasSubstr(fmt::format("{} variables; at most 20000", variables)));
  }
}

}  // namespace
