#include "studies/study/vector_word.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::studies {
namespace {

using ::testing::HasSubstr;

TEST(VectorWord, OneFormForEveryWriting) {
  const VectorWord voltage{"v(bl)", "", false, "V"};
  for (const char* text : {"v(bl)", "V(BL)", " v( bl ) ", "bl", "BL", "v(bl,0)", "v(bl, gnd)"})
    EXPECT_EQ(parse_vector(text), voltage) << text;
  const VectorWord current{"i(vd)", "", false, "A"};
  for (const char* text : {"i(vd)", "I(VD)", "vd#branch", "VD#BRANCH", "i( vd )"})
    EXPECT_EQ(parse_vector(text), current) << text;
  EXPECT_EQ(parse_vector("-i(vd)"), (VectorWord{"i(vd)", "", true, "A"}));
  EXPECT_EQ(parse_vector("- vd#branch"), (VectorWord{"i(vd)", "", true, "A"}));
  EXPECT_EQ(parse_vector("v.x1.vd#branch"), (VectorWord{"i(v.x1.vd)", "", false, "A"}));
  EXPECT_EQ(parse_vector("v(a,b)"), (VectorWord{"v(a)", "v(b)", false, "V"}));
  EXPECT_EQ(parse_vector("V(A, X1.B)"), (VectorWord{"v(a)", "v(x1.b)", false, "V"}));
  EXPECT_EQ(parse_vector("-v(a,b)"), (VectorWord{"v(a)", "v(b)", true, "V"}));
  EXPECT_EQ(parse_vector("v(0,b)"), (VectorWord{"v(b)", "", true, "V"}));
}

TEST(VectorWord, NamesOfSchematicEditors) {
  for (const char* node : {"bl<0>", "vdd!", "a$b", "q[3]", "n-1", "net#2", "1"})
    EXPECT_EQ(parse_vector(std::string("v(") + node + ")").vector, std::string("v(") + node + ")");
}

TEST(VectorWord, UnitsOfDeviceParameters) {
  EXPECT_EQ(parse_vector("@M1[ID]"), (VectorWord{"@m1[id]", "", false, "A"}));
  EXPECT_EQ(parse_vector("-@r.x1.r1[i]"), (VectorWord{"@r.x1.r1[i]", "", true, "A"}));
  EXPECT_EQ(parse_vector("@q1[ic]").unit, "A");
  EXPECT_EQ(parse_vector("@c1[ic]").unit, "");  // the voltage it starts from
  EXPECT_EQ(parse_vector("@m1[gm]").unit, "");
  EXPECT_EQ(parse_vector("@m.xcell<3>.m1[id]").vector, "@m.xcell<3>.m1[id]");
}

TEST(VectorWord, OfASmallSignalAnalysis) {
  for (const char* text : {"v(o)", "vm(o)", "VM( O )", "o"})
    EXPECT_EQ(parse_small_signal(text), (VectorWord{"vm(o)", "", false, "V"})) << text;
  EXPECT_EQ(parse_small_signal("vdb(x1.o)"), (VectorWord{"vdb(x1.o)", "", false, "1"}));
  EXPECT_EQ(parse_small_signal("vp(o)"), (VectorWord{"vp(o)", "", false, "1"}));
  EXPECT_EQ(parse_small_signal("i(v1)"), (VectorWord{"im(v1)", "", false, "A"}));
  EXPECT_EQ(parse_small_signal("v1#branch"), (VectorWord{"im(v1)", "", false, "A"}));
  for (const char* bad : {"vr(o)", "v(a,b)", "vdb(a,b)", "-v(o)", "vdb()", "i(r1)", "@m1[gm]"})
    EXPECT_THROW(parse_small_signal(bad), VectorError) << bad;
}

std::string error_of(const std::string& text) {
  try {
    parse_vector(text);
  } catch (const VectorError& error) {
    return error.what();
  }
  return "no error";
}

TEST(VectorWord, WhatIsNoneSaysWhatWasMeant) {
  EXPECT_THAT(error_of("vdb(out)"), HasSubstr("small-signal"));
  EXPECT_THAT(error_of("VP(out)"), HasSubstr("analysis = \"ac\""));
  EXPECT_THAT(error_of("i(r1)"), HasSubstr("@r1[i]"));
  EXPECT_THAT(error_of("i(m.x1.m1)"), HasSubstr("@m.x1.m1[id]"));
  EXPECT_THAT(error_of("i(q1)"), HasSubstr("@q1[ic]"));
  EXPECT_THAT(error_of("i(x1.vd)"), HasSubstr("i(v.x1.vd)"));
  EXPECT_THAT(error_of("v(0)"), HasSubstr("ground"));
  EXPECT_THAT(error_of("v(0,gnd)"), HasSubstr("ground"));
  EXPECT_THAT(error_of("@m1"), HasSubstr("@m1[id]"));
  EXPECT_THAT(error_of("v(a)-v(b)"), HasSubstr("arithmetic"));
  for (const char* bad : {"", "-", "v()", "v(a", "v(a,)", "v(a,b,c)", "i()", "i(a,b)", "v(a;b)", "v(a|b)",
                          "v(a'b)", "#branch", "@[id]", "@m1[]", "@m1[id]x", "p(vd)"})
    EXPECT_THAT(error_of(bad), HasSubstr("'")) << bad;
}

}  // namespace
}  // namespace flare::studies
