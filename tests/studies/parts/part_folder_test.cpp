// Names and paths of parts.
#include "studies/parts/part_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace flare::studies {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

class PartFolder : public ::testing::Test {
 protected:
  PartFolder() {
    std::string name = (fs::temp_directory_path() / "flare-parts-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~PartFolder() override { fs::remove_all(folder_); }

  void make(const fs::path& folder, const std::string& text = {}) const {
    fs::create_directories(folder_ / folder);
    std::ofstream(folder_ / folder / "cell.toml") << text;
  }
  PartPlace find(const std::string& text) const {
    const toml::table table;
    return find_part(Section(table, "column", folder_ / "study.toml"), "cell", text, "cell",
                     folder_ / "study.toml");
  }
  std::string error_of(const std::string& text) const {
    try {
      find(text);
    } catch (const StudyError& e) {
      return e.what();
    }
    return "no error";
  }

  fs::path folder_;
};

TEST_F(PartFolder, TheProjectsOwnAreFoundByName) {
  EXPECT_EQ(find("sram8t").manifest, netlists_folder() / "cells/sram8t/cell.toml");
  EXPECT_EQ(find("sram8t_min").variant, "sram8t_min");
  EXPECT_THAT(part_names("cell"), Contains("sram8t_min"));
}

TEST_F(PartFolder, AnybodysAreFoundByPath) {
  make("cells/mine", "[variants.small]\nw = 1\n");
  EXPECT_EQ(find("cells/mine").name, "mine");
  EXPECT_EQ(find("./cells/mine/").name, "mine");
  EXPECT_EQ(find((folder_ / "cells/mine").string()).name, "mine");
  EXPECT_EQ(find("cells/mine/small").variant, "small");
  EXPECT_EQ(find("cells/mine/small").name, "small");
}

TEST_F(PartFolder, AWordThatMeansTwoThingsIsRefused) {
  make("sram8t");
  EXPECT_THAT(error_of("sram8t"), HasSubstr("./sram8t"));
  EXPECT_EQ(find("./sram8t").manifest, folder_ / "sram8t/cell.toml");
}

TEST_F(PartFolder, WhatIsNotThereIsSaidWithWhatIs) {
  EXPECT_THAT(error_of("sram9t"), HasSubstr("sram8t, sram8t_min"));
  EXPECT_THAT(error_of("sram8tt"), HasSubstr("did you mean 'sram8t'"));
  make("a cell");
  EXPECT_THAT(error_of("a cell"), HasSubstr("letters, digits"));
}

}  // namespace
}  // namespace flare::studies
