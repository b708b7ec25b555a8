// The reference of keys against the readers: every key they ask for is described, every description is of such a key, and
// the example studies reach every key that the sources name.
#include "studies/study/key_reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "studies/study/study.hpp"

namespace {

using namespace flare::studies;
namespace fs = std::filesystem;
using ::testing::ElementsAre;

std::set<std::pair<std::string, std::string>> described() {
  std::set<std::pair<std::string, std::string>> keys;
  for (const KeyDescription& key : key_descriptions()) keys.emplace(key.table, key.key);
  return keys;
}

std::string content(const fs::path& file) {
  std::ifstream in(file);
  return {(std::istreambuf_iterator<char>(in)), {}};
}

/// Keys named where a section of a study is read, in any source of studies/.
std::set<std::string> keys_in_sources() {
  const std::regex reads(
      R"re((?:\.(?:text|texts|choice|text_or_number|flag|integer|integers|number|quantity|quantities|file)|tolerance|above_zero|not_negative)\((?:s, )?\s*"(\w+)")re");
  std::set<std::string> keys;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(FLARE_SOURCE_DIR) / "studies")) {
    // Manifests have keys of their own (netlists/README.md), architectures too (studies/cost/flare.toml has all of them).
    if (entry.path().extension() != ".cpp" || entry.path().parent_path().filename() == "parts") continue;
    if (entry.path().filename() == "architecture_file.cpp") continue;
    const std::string text = content(entry.path());
    if (text.find("Section") == std::string::npos) continue;
    for (std::sregex_iterator at(text.begin(), text.end(), reads), end; at != end; ++at)
      keys.insert((*at)[1]);
  }
  return keys;
}

TEST(KeyReference, EveryKeyThatIsReadIsDescribed) {
  const auto known = described();
  for (const auto& [place, facts] : keys_read()) {
    EXPECT_TRUE(known.contains(place)) << "[" << place.first << "] " << place.second
                                       << ": write a line of meaning in studies/study/key_reference.cpp";
  }
}

TEST(KeyReference, EveryDescriptionIsOfAKeyThatIsRead) {
  const KeyLog log = keys_read();
  for (const auto& place : described()) {
    EXPECT_TRUE(log.contains(place)) << "[" << place.first << "] " << place.second
                                     << ": no reader asks for it";
  }
  EXPECT_EQ(described().size(), key_descriptions().size());
}

TEST(KeyReference, TheExamplesReachEveryKeyOfTheSources) {
  std::set<std::string> reached;
  for (const auto& [place, facts] : keys_read()) reached.insert(place.second);
  const std::set<std::string> named = keys_in_sources();
  ASSERT_GT(named.size(), 50U);
  for (const std::string& key : named) {
    EXPECT_TRUE(reached.contains(key))
        << key << ": no example study in studies/study/key_reference.cpp has it";
  }
}

TEST(KeyReference, RecordsWhatWasAsked) {
  const KeyLog log = keys_read();
  const KeyFacts& sawl = log.at({"column", "sawl"});
  EXPECT_THAT(sawl.values, ElementsAre("list of whole numbers, 1 … 64"));
  EXPECT_TRUE(sawl.required);
  const KeyFacts& swing = log.at({"column", "swing"});
  EXPECT_THAT(swing.values, ElementsAre("quantity, 1", "quantity, V", "text"));
  EXPECT_THAT(swing.defaults, ElementsAre("\"0.4 V\""));
  EXPECT_FALSE(swing.required);
  EXPECT_THAT(log.at({"column", "timing"}).values, ElementsAre("\"tracking\", \"fixed\", \"replica\""));
  // Asked for only where it is there.
  EXPECT_FALSE(log.at({"simulator", "reltol"}).required);
  // One key, read in the unit of what is swept.
  EXPECT_THAT(log.at({"circuit", "stop"}).values, ElementsAre("quantity, Hz", "quantity, V", "quantity, s"));
}

TEST(KeyReference, StandsInThePage) {
  EXPECT_TRUE(key_reference() == content(fs::path(FLARE_SOURCE_DIR) / "studies" / "KEYS.md"))
      << "studies/KEYS.md is stale; run: flare keys > studies/KEYS.md";
}

}  // namespace
