#include "flare_arch/gain_cell/character_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <numeric>

#include "engine/base/file_error.hpp"

namespace flare::arch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::filesystem::path folder_with(const std::string& name, const std::string& content) {
  const auto folder = std::filesystem::temp_directory_path() /
                      (std::string("flare_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  std::filesystem::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << content;
  return folder;
}

TEST(CharacterText, CharactersAreCodePoints) {
  const auto folder = folder_with("vocab.json", R"({"a": 0, "\u00e9": 1, "\n": 2, "\ud83d\ude00": 3})");
  const Characters characters = Characters::load(folder, 4);
  EXPECT_THAT(characters.ids("a\xc3\xa9\n\xf0\x9f\x98\x80"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(characters.ids("aaaa", 2), ElementsAre(0, 0));
  EXPECT_THAT([&] { characters.ids("aa\naZ"); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("line 2"), HasSubstr("'Z'"))));
  EXPECT_THAT([&] { characters.ids("a\xff"); }, ThrowsMessage<std::invalid_argument>(HasSubstr("0xff")));
}

TEST(CharacterText, FilesThatAreNotWhatTheyShouldBe) {
  EXPECT_THAT([] { Characters::load("/nowhere", 3); },
              ThrowsMessage<engine::FileError>(HasSubstr("vocab.json: missing")));
  EXPECT_THAT([] { Characters::load(folder_with("vocab.json", R"({"the": 0})"), 3); },
              ThrowsMessage<engine::FileError>(HasSubstr("'the' is no single character")));
  EXPECT_THAT([] { Characters::load(folder_with("vocab.json", R"({"a": 3})"), 3); },
              ThrowsMessage<engine::FileError>(HasSubstr("must be 0 to 2")));
  const Characters characters({{"a", 0}});
  EXPECT_THAT([&] { read_text("/nowhere.txt", characters); },
              ThrowsMessage<engine::FileError>(HasSubstr("cannot be read")));
  EXPECT_THAT([&] { read_text(folder_with("t.txt", "a") / "t.txt", characters); },
              ThrowsMessage<engine::FileError>(HasSubstr("nothing to predict")));
}

TEST(CharacterText, EveryTokenButTheFirstIsATargetOnce) {
  for (const int tokens : {2, 4, 5, 8, 9}) {
    std::vector<std::int32_t> ids;
    for (int i = 0; i < tokens; ++i) ids.push_back(i);
    std::vector<std::int32_t> targets;
    for (const TextWindow& w : windows_of(ids, 4)) {
      ASSERT_EQ(w.inputs.size(), w.targets.size());
      ASSERT_LE(w.inputs.size(), 4u);
      for (std::size_t i = 0; i < w.inputs.size(); ++i) EXPECT_EQ(w.targets[i], w.inputs[i] + 1);
      targets.insert(targets.end(), w.targets.begin(), w.targets.end());
    }
    EXPECT_EQ(targets, std::vector<std::int32_t>(ids.begin() + 1, ids.end()));
  }
}

TEST(CharacterText, WindowsAreDrawnBySeedAndDraw) {
  std::vector<std::int32_t> ids(1000);
  std::iota(ids.begin(), ids.end(), 0);
  const auto first_of = [&](std::uint64_t seed, std::uint32_t draw) {
    std::vector<std::int32_t> first;
    for (const TextWindow& w : random_windows(ids, 100, 50, seed, draw)) {
      EXPECT_EQ(w.inputs.size(), 100U);
      for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(w.targets[i], w.inputs[0] + 1 + static_cast<int>(i));
      first.push_back(w.inputs[0]);
    }
    return first;
  };
  EXPECT_EQ(first_of(1, 0), first_of(1, 0));
  EXPECT_NE(first_of(1, 0), first_of(1, 1));
  EXPECT_NE(first_of(1, 0), first_of(2, 0));
  const std::vector<std::int32_t> all = first_of(3, 0);
  EXPECT_LT(*std::min_element(all.begin(), all.end()), 150);
  EXPECT_GT(*std::max_element(all.begin(), all.end()), 750);
  EXPECT_THROW(random_windows(ids, 1000, 1, 1, 0), std::invalid_argument);
}

}  // namespace
}  // namespace flare::arch
