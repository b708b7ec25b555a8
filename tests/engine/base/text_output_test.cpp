#include "engine/base/text_output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "tests/engine/base/file_fixture.hpp"

namespace flare::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TextOutputs : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::scratch(::testing::UnitTest::GetInstance()->current_test_info()->name());
    make_output_folder(folder_ / "below");
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string content(const std::string& name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string why(const std::string& name, const std::string& mark) const {
    return testing::message_of([&] { check_text_place(folder_ / name, mark); });
  }

  fs::path folder_;
};

TEST_F(TextOutputs, AnEarlierOneIsReplacedAndNothingElse) {
  write_text({folder_ / "a", "a,b\n1,2\n", "a,b\n"});
  write_text({folder_ / "a", "a,b\n3,4\n", "a,b\n"});
  EXPECT_EQ(content("a"), "a,b\n3,4\n");
  EXPECT_THAT(why("a", "a,c\n"), HasSubstr("was not written by this command"));
  EXPECT_THAT(why("a", ""), HasSubstr("was not written by this command"));
  EXPECT_THAT(why("nothing", ""), HasSubstr("(nothing thrown)"));
  std::ofstream(folder_ / "empty").close();
  EXPECT_THAT(why("empty", "a,b\n"), HasSubstr("was not written by this command"));
  std::ofstream(folder_ / "late") << std::string(5000, ' ') << "a,b\n";
  EXPECT_THAT(why("late", "a,b\n"), HasSubstr("was not written by this command"));
}

TEST_F(TextOutputs, AllOrNone) {
  std::ofstream(folder_ / "b") << "mine";
  const std::array texts{TextOutput{folder_ / "a", "# x\n", "# x\n"},
                         TextOutput{folder_ / "b", "# x\n", "# x\n"}};
  EXPECT_THAT(testing::message_of([&] { write_texts(texts); }), HasSubstr("b: is there already"));
  EXPECT_FALSE(fs::exists(folder_ / "a"));
  EXPECT_EQ(content("b"), "mine");
}

TEST_F(TextOutputs, FoldersThatCannotBeMadeAreSaid) {
  std::ofstream(folder_ / "file") << "x";
  EXPECT_THAT(testing::message_of([&] { make_output_folder(folder_ / "file"); }),
              HasSubstr("cannot be made a folder"));
  EXPECT_THAT(testing::message_of([&] { make_output_folder(folder_ / "file" / "below"); }),
              HasSubstr("cannot be made a folder"));
}

TEST(FirstLine, HoldsItsEnd) {
  EXPECT_EQ(first_line("a\nb\n"), "a\n");
  EXPECT_EQ(first_line("a"), "a");
  EXPECT_EQ(first_line(""), "");
}

}  // namespace
}  // namespace flare::engine
