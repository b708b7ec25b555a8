#include "flare_arch/gain_cell/character_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

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

}  // namespace
}  // namespace flare::arch
