// Studies of gain cells in a folder of their own.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/studies/program_fixture.hpp"

namespace flare::studies {

class GainCellProgram : public testing::ProgramFixture {
 protected:
  std::filesystem::path write(const std::string& text) const {
    std::ofstream(folder_ / "study.toml") << text;
    return folder_ / "study.toml";
  }
  static std::string study(const std::string& gain_cell, const std::string& more = "") {
    return "seed = 5\n[technology]\ncards = \"" + source("netlists/cards/cmos28.lib") +
           "\"\n[[variation]]\nparameter = \"vth\"\npelgrom = \"1.3 mV um\"\n"
           "[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\n"
           "[estimator]\nruns = 20\n[gain_cell]\n" +
           gain_cell + more;
  }
  std::string refused(const std::string& text) const {
    const testing::Ended ended = run({"check", write(text).string()});
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 1) << ended.out;
    return ended.out;
  }
};

}  // namespace flare::studies
