#include "studies/study/study_measures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::studies {
namespace {

using ::testing::HasSubstr;

engine::Analysis one_nanosecond() {
  engine::Analysis analysis;
  analysis.stop = 1e-9;
  return analysis;
}

engine::Analysis operating_point() {
  engine::Analysis analysis;
  analysis.kind = engine::AnalysisKind::operating_point;
  return analysis;
}

StudyMeasures read(const std::string& text, const engine::Analysis& analysis) {
  const toml::table table = toml::parse(text, std::string("s.toml"));
  Section root(table, "", "s.toml");
  return read_measures(root, analysis);
}

/// One measure "m" with these further lines, asked to stay above its limit.
StudyMeasures measure_with(const std::string& lines, const engine::Analysis& analysis = one_nanosecond(),
                           const std::string& limit = "1 V") {
  return read("[[measure]]\nname = \"m\"\n" + lines + "\n[failing]\nbelow = \"" + limit + "\"", analysis);
}

std::string error_of(const std::string& text, const engine::Analysis& analysis = one_nanosecond()) {
  try {
    read(text, analysis);
  } catch (const StudyError& error) {
    return error.what();
  }
  return "no error";
}

std::string measure_error(const std::string& lines, const engine::Analysis& analysis = one_nanosecond()) {
  return error_of("[[measure]]\nname = \"m\"\n" + lines + "\n[failing]\nbelow = \"1 V\"", analysis);
}

TEST(StudyMeasures, VectorsAndUnits) {
  engine::Measure m = measure_with("vector = \"V(A, b)\"").measures.front();
  EXPECT_EQ(m.vector, "v(a)");
  EXPECT_EQ(m.reference, "v(b)");
  EXPECT_EQ(m.unit, "V");
  m = measure_with("vector = \"-I(VD)\"", one_nanosecond(), "1 uA").measures.front();
  EXPECT_EQ(m.vector, "i(vd)");
  EXPECT_TRUE(m.negated);
  EXPECT_EQ(m.unit, "A");
  m = measure_with("vector = \"@m1[gm]\"\nvector_unit = \"A/V\"", one_nanosecond(), "1 mA/V")
          .measures.front();
  EXPECT_EQ(m.unit, "A/V");
  m = measure_with("kind = \"integral\"\nvector = \"i(vd)\"", one_nanosecond(), "1 fA s").measures.front();
  EXPECT_EQ(m.unit, "A s");
  m = measure_with("kind = \"period\"\nvector = \"v(a)\"\nlevel = \"0.4 V\"\noccurrence = 2",
                   one_nanosecond(), "1 ps")
          .measures.front();
  EXPECT_EQ(m.unit, "s");
  EXPECT_EQ(m.edge, engine::Edge::rise);
  EXPECT_EQ(m.occurrence, 2);
  EXPECT_THAT(measure_error("vector = \"@m1[gm]\""), HasSubstr("vector_unit"));
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nvector_unit = \"mV\""),
              HasSubstr("s.toml:4: measure[0].vector_unit"));
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nminus = \"i(vd)\""), HasSubstr("different units"));
  EXPECT_THAT(measure_error("vector = \"v(a,b)\"\nminus = \"v(c)\""), HasSubstr("measure[0].minus"));
  EXPECT_THAT(measure_error("vector = \"vdb(a)\""), HasSubstr("s.toml:3: measure[0].vector"));
  EXPECT_THAT(error_of("[[measure]]\nname = \"m\"\nvector = \"i(vd)\"\n[failing]\nbelow = \"1 V\""),
              HasSubstr("expected a quantity in A"));
}

TEST(StudyMeasures, TimesLieWithinTheRun) {
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nat = \"2 ns\""),
              HasSubstr("s.toml:4: measure[0].at: 2 ns is after"));
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nat = \"2 ns\""), HasSubstr("stop = 1 ns"));
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nat = \"-2 ps\""), HasSubstr("before the start"));
  for (const char* kind : {"minimum", "maximum", "average", "integral", "crossing", "period"}) {
    const std::string lines = "vector = \"v(a)\"\nkind = \"" + std::string(kind) + "\"" +
                              (kind[0] == 'c' || kind[0] == 'p' ? "\nlevel = \"0.5 V\"\n" : "\n");
    EXPECT_THAT(measure_error(lines + "from = \"1.1 ns\""), HasSubstr("measure[0].from")) << kind;
    EXPECT_THAT(measure_error(lines + "to = \"1.1 ns\""), HasSubstr("measure[0].to")) << kind;
    EXPECT_THAT(measure_error(lines + "to = \"-1 ps\""), HasSubstr("measure[0].to")) << kind;
    EXPECT_THAT(measure_error(lines + "from = \"0.6 ns\"\nto = \"0.5 ns\""), HasSubstr("must be before 'to'"))
        << kind;
  }
  EXPECT_EQ(measure_with("vector = \"v(a)\"\nat = \"1 ns\"").measures.front().at, 1e-9);
}

TEST(StudyMeasures, AnOperatingPointHasNoTime) {
  for (const char* key :
       {"at = \"0 s\"", "kind = \"minimum\"\nfrom = \"0 s\"", "kind = \"average\"\nto = \"1 ns\""})
    EXPECT_THAT(measure_error("vector = \"v(a)\"\n" + std::string(key), operating_point()),
                HasSubstr("has no time"))
        << key;
  for (const char* kind : {"crossing", "period", "integral"})
    EXPECT_THAT(measure_error("vector = \"v(a)\"\nkind = \"" + std::string(kind) + "\"", operating_point()),
                HasSubstr("needs a time"));
  EXPECT_NO_THROW(measure_with("vector = \"v(a)\"", operating_point()));
}

TEST(StudyMeasures, AKeyThatAKindDoesNotHaveIsAnError) {
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nkind = \"crossing\"\nlevel = \"1 V\"\nat = \"1 ps\""),
              HasSubstr("measure[0].at: has no meaning"));
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nfrom = \"1 ps\""),
              HasSubstr("measure[0].from: has no meaning"));
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nkind = \"minimum\"\noccurrence = 2"),
              HasSubstr("measure[0].occurrence"));
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nkind = \"period\"\nlevel = \"1 V\"\nedge = \"either\""),
              HasSubstr("rise, fall"));
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nkind = \"crossing\"\nlevel = \"1 V\"\noccurrence = 0"),
              HasSubstr("from 1"));
}

/// Two crossings and a level, then these lines.
std::string three_and(const std::string& lines) {
  return "[[measure]]\nname = \"t_b\"\nkind = \"crossing\"\nvector = \"v(b)\"\nlevel = \"1 V\"\n"
         "[[measure]]\nname = \"t_c\"\nkind = \"crossing\"\nvector = \"v(c)\"\nlevel = \"1 V\"\n"
         "[[measure]]\nname = \"v_end\"\nvector = \"v(c)\"\n" +
         lines;
}

TEST(StudyMeasures, ExpressionsAreMeasures) {
  const StudyMeasures own =
      read(three_and("[failing]\nmeasure = \"t_c - t_b\"\nabove = \"80 ps\""), one_nanosecond());
  ASSERT_EQ(own.measures.size(), 4u);
  EXPECT_EQ(own.specs.front().measure, 3u);
  EXPECT_EQ(own.measures[3].name, "t_c - t_b");
  EXPECT_EQ(own.measures[3].kind, engine::MeasureKind::expression);
  EXPECT_EQ(own.measures[3].unit, "s");
  EXPECT_EQ(own.specs.front().above, 80e-12);
  // In any order, and of one another.
  const StudyMeasures named = read("[[measure]]\nname = \"slope\"\nexpression = \"v_end / delay\"\n" +
                                       three_and("[[measure]]\nname = \"delay\"\nexpression = \"t_c - t_b\"\n"
                                                 "[failing]\nbelow = \"1 GV/s\""),
                                   one_nanosecond());
  EXPECT_EQ(named.specs.front().measure, 0u);
  EXPECT_EQ(named.measures[0].unit, "V/s");
  EXPECT_EQ(named.specs.front().below, 1e9);
  const StudyMeasures said =
      read(three_and("[[measure]]\nname = \"late\"\nexpression = \"t_c - 20e-12\"\nunit = \"s\"\n"
                     "[failing]\nmeasure = \"late\"\nabove = \"80 ps\""),
           one_nanosecond());
  EXPECT_EQ(said.measures[3].unit, "s");
}

TEST(StudyMeasures, ExpressionsThatDoNotHoldSayWhere) {
  const auto failing = [](const std::string& measure) {
    return error_of(three_and("[failing]\nmeasure = \"" + measure + "\"\nabove = \"80 ps\""));
  };
  EXPECT_THAT(failing("t_c - t_d"),
              HasSubstr("s.toml:15: failing.measure: there is no measure 't_d'; did you mean"));
  EXPECT_THAT(failing("v_edn"), HasSubstr("did you mean 'v_end'"));
  EXPECT_THAT(failing("t_c - v_end"), HasSubstr("t_c in s, v_end in V"));
  EXPECT_THAT(failing("t_c -"), HasSubstr("failing.measure"));
  EXPECT_THAT(failing("3 + 4"), HasSubstr("uses no measure"));
  EXPECT_THAT(failing("t_c / t_b"), HasSubstr("failing.above"));  // a ratio has no unit
  const std::string circle =
      error_of(three_and("[[measure]]\nname = \"x\"\nexpression = \"y + t_c\"\n[[measure]]\nname = "
                         "\"y\"\nexpression = \"x\"\n[failing]\nabove = \"1 "
                         "ps\""));
  EXPECT_THAT(circle, HasSubstr("measure[3].expression"));
  EXPECT_THAT(circle, HasSubstr("circle"));
  EXPECT_THAT(error_of(three_and("[[measure]]\nname = \"x\"\nexpression = \"t_c\"\nvector = \"v(a)\"\n")),
              HasSubstr("neither"));
  EXPECT_THAT(error_of(three_and("[[measure]]\nname = \"t_c\"\nvector = \"v(a)\"\n")),
              HasSubstr("two measures"));
}

TEST(StudyMeasures, LimitsMakeAWindow) {
  const auto with = [](const std::string& limits) {
    return "[[measure]]\nname = \"m\"\nvector = \"v(a)\"\n[failing]\n" + limits;
  };
  const Spec both = read(with("below = \"-35 mV\"\nabove = \"35 mV\""), operating_point()).specs.front();
  EXPECT_EQ(both.below, -35e-3);
  EXPECT_EQ(both.above, 35e-3);
  EXPECT_THAT(error_of(with("below = \"35 mV\"\nabove = \"-35 mV\"")), HasSubstr("failing.below"));
  EXPECT_THAT(error_of(with("below = \"35 mV\"\nabove = \"35 mV\"")), HasSubstr("must be less than 'above'"));
  EXPECT_THAT(error_of(with("")), HasSubstr("or both"));
}

TEST(StudyMeasures, WhatNoValueMeans) {
  EXPECT_EQ(measure_with("vector = \"v(a)\"").specs.front().unmeasured, Unmeasured::unsaid);
  EXPECT_EQ(measure_with("vector = \"v(a)\"\nunmeasured = \"fails\"").specs.front().unmeasured,
            Unmeasured::fails);
  EXPECT_EQ(measure_with("vector = \"v(a)\"\nunmeasured = \"passes\"").specs.front().unmeasured,
            Unmeasured::passes);
  EXPECT_EQ(measure_with("vector = \"v(a)\"\nunmeasured = \"unknown\"").specs.front().unmeasured,
            Unmeasured::unknown);
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nunmeasured = \"fail\""), HasSubstr("fails, passes, unknown"));
  const std::string text =
      three_and("[failing]\nmeasure = \"t_c - t_b\"\nabove = \"80 ps\"\nunmeasured = \"fails\"");
  EXPECT_EQ(read(text, one_nanosecond()).specs.front().unmeasured, Unmeasured::fails);
}

TEST(StudyMeasures, ManySpecsAndLimitsThatAreAsked) {
  const std::string two =
      "[[measure]]\nname = \"a\"\nvector = \"v(a)\"\n[[measure]]\nname = \"b\"\nvector = \"v(b)\"\n";
  const StudyMeasures m =
      read(two +
               "[[spec]]\nmeasure = \"a\"\nmin = \"0.1 V\"\nmax = \"0.2 V\"\n[[spec]]\nname = "
               "\"sum\"\nmeasure = \"a + b\"\nmax = \"1 V\"\n[[spec]]\nmeasure = \"b\"\nlimit = "
               "\"?\"\nside = \"min\"\n",
           operating_point());
  ASSERT_EQ(m.specs.size(), 3u);
  EXPECT_EQ(m.specs[0].name, "a");
  EXPECT_EQ(m.specs[0].below, 0.1);
  EXPECT_EQ(m.specs[0].above, 0.2);
  EXPECT_EQ(m.specs[1].name, "sum");
  EXPECT_EQ(m.specs[1].measure, 2u);
  EXPECT_EQ(m.specs[2].asked, analysis::Side::below);
  EXPECT_EQ(m.places.size(), 3u);
  const auto refused = [&](const std::string& specs) { return error_of(two + specs); };
  EXPECT_THAT(refused("[[spec]]\nmin = \"1 V\"\nmax = \"0 V\"\n"),
              HasSubstr("spec[0].min: 1 V must be less than 'max'"));
  EXPECT_THAT(refused("[[spec]]\nmin = \"1 V\"\n[failing]\nbelow = \"1 V\"\n"),
              HasSubstr("short form of one [[spec]]"));
  EXPECT_THAT(refused("[[spec]]\nmin = \"1 V\"\n[[spec]]\nmin = \"1 V\"\n"),
              HasSubstr("two specs are called 'a'"));
  EXPECT_THAT(refused("[[spec]]\nlimit = \"?\"\n"), HasSubstr("needs side"));
  EXPECT_THAT(refused("[[spec]]\nlimit = \"1 V\"\nside = \"min\"\n"),
              HasSubstr("a limit that is known is 'min'"));
  EXPECT_THAT(refused("[[spec]]\nlimit = \"?\"\nside = \"min\"\nmax = \"1 V\"\n"),
              HasSubstr("leave 'min' and 'max' out"));
  EXPECT_THAT(refused("[[spec]]\nmin = \"1 V\"\nside = \"min\"\n"), HasSubstr("goes with limit"));
  EXPECT_THAT(refused("[[spec]]\nmin = \"1 A\"\n"), HasSubstr("expected a quantity in V"));
}

TEST(StudyMeasures, ASearchHasARangeAndAResolution) {
  const std::string good =
      "kind = \"search\"\nvector = \"v(out)\"\nlevel = \"0.4 V\"\nsource = \"vin\"\nfrom = \"0 V\"\n";
  const engine::Measure m =
      measure_with(good + "to = \"1 V\"\nresolution = \"1 mV\"", operating_point()).measures.front();
  EXPECT_EQ(m.kind, engine::MeasureKind::search);
  EXPECT_EQ(m.source, "vin");
  EXPECT_EQ(m.unit, "V");
  EXPECT_EQ(m.resolution, 1e-3);
  EXPECT_THAT(measure_error(good + "to = \"-1 V\"\nresolution = \"1 mV\"", operating_point()),
              HasSubstr("below 'to'"));
  EXPECT_THAT(measure_error(good + "to = \"1 V\"\nresolution = \"2 V\"", operating_point()),
              HasSubstr("resolution"));
  EXPECT_THAT(measure_error(good + "to = \"1 V\"", operating_point()), HasSubstr("'resolution'"));
  EXPECT_THAT(measure_error("vector = \"v(a)\"\nresolution = \"1 V\"", operating_point()),
              HasSubstr("\"search\""));
}

}  // namespace
}  // namespace flare::studies
