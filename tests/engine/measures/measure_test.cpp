#include "engine/measures/measure.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace flare::engine {
namespace {

Waveforms triangle() {
  Waveforms w;
  w.time = {0.0, 1.0, 2.0, 4.0};
  w.names = {"v(a)", "v(b)"};
  w.values = {{0.0, 2.0, 0.0, 4.0}, {1.0, 1.0, 1.0, 1.0}};
  return w;
}

Measure of(MeasureKind kind) {
  Measure m;
  m.kind = kind;
  m.vector = "v(a)";
  return m;
}

TEST(Measure, ValueAt) {
  Measure m = of(MeasureKind::value_at);
  EXPECT_EQ(evaluate(m, triangle()), 4.0);
  m.at = 0.25;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 0.5);
  m.at = 3.0;
  m.reference = "v(b)";
  m.scale = -2.0;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), -2.0);
  m.at = 4.0 * (1.0 + 1e-12);  // the simulator's end, up to rounding
  EXPECT_TRUE(evaluate(m, triangle()));
  m.at = 4.1;
  EXPECT_FALSE(evaluate(m, triangle()));
  m.at = 0.0;
  EXPECT_EQ(evaluate(m, triangle()), 2.0);
}

TEST(Measure, Crossing) {
  Measure m = of(MeasureKind::crossing);
  m.level = 1.0;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 0.5);
  m.edge = Edge::fall;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 1.5);
  m.edge = Edge::rise;
  m.from = 0.6;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 2.5);
  m.level = 5.0;
  EXPECT_FALSE(evaluate(m, triangle()));
}

TEST(Measure, CrossingAfterAStartWithinASegment) {
  Measure m = of(MeasureKind::crossing);
  m.level = 1.0;
  m.from = 0.5;  // at the level exactly: the crossing has been
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 1.5);
  m.from = 0.4;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 0.5);
}

TEST(Measure, TheNthCrossingUpToAnEnd) {
  Measure m = of(MeasureKind::crossing);
  m.level = 1.0;
  m.occurrence = 2;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 1.5);
  m.occurrence = 3;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 2.5);
  m.occurrence = 4;
  EXPECT_FALSE(evaluate(m, triangle()));
  m.edge = Edge::rise;
  m.occurrence = 2;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 2.5);
  m.to = 2.6;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 2.5);
  m.to = 2.4;
  EXPECT_FALSE(evaluate(m, triangle()));
}

TEST(Measure, ANegatedVectorIsMeasuredWithItsSignChanged) {
  Measure m = of(MeasureKind::maximum);
  m.negated = true;
  EXPECT_EQ(evaluate(m, triangle()), 0.0);  // not minus the maximum
  m.kind = MeasureKind::minimum;
  EXPECT_EQ(evaluate(m, triangle()), -4.0);
  m.reference = "v(b)";
  EXPECT_EQ(evaluate(m, triangle()), -3.0);
  m.reference = "";
  m.kind = MeasureKind::crossing;
  m.level = -1.0;
  m.edge = Edge::rise;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 1.5);
}

/// sin(2 pi t) at 1000 points a period.
Waveforms sine() {
  Waveforms w;
  w.names = {"v(a)"};
  w.values.resize(1);
  for (int i = 0; i <= 5000; ++i) {
    w.time.push_back(1e-3 * i);
    w.values[0].push_back(std::sin(2.0 * M_PI * w.time.back()));
  }
  return w;
}

TEST(Measure, PeriodIsBetweenTwoCrossingsOfOneDirection) {
  Measure m = of(MeasureKind::period);
  m.edge = Edge::rise;
  m.level = 0.5;
  EXPECT_NEAR(*evaluate(m, sine()), 1.0, 1e-9);
  m.edge = Edge::fall;
  m.from = 0.7;
  EXPECT_NEAR(*evaluate(m, sine()), 1.0, 1e-9);
  m.occurrence = 3;  // falls at 1.42, 2.42, 3.42, 4.42
  EXPECT_NEAR(*evaluate(m, sine()), 1.0, 1e-9);
  m.occurrence = 4;
  EXPECT_FALSE(evaluate(m, sine()));
  m.level = 1.5;
  EXPECT_FALSE(evaluate(m, sine()));
}

TEST(Measure, AValueWhereAnotherVectorCrosses) {
  Waveforms w{{0, 1, 2, 3}, {"v(a)", "v(b)"}, {{0, 10, 20, 30}, {1, -1, 1, -1}}};
  Measure m;
  m.vector = "v(a)";
  m.when = "v(b)";
  EXPECT_DOUBLE_EQ(evaluate(m, w).value(), 5.0);
  m.edge = Edge::rise;
  EXPECT_DOUBLE_EQ(evaluate(m, w).value(), 15.0);
  m.edge = Edge::fall;
  m.occurrence = 2;
  EXPECT_DOUBLE_EQ(evaluate(m, w).value(), 25.0);
  m.occurrence = 3;
  EXPECT_FALSE(evaluate(m, w).has_value());
  m.occurrence = 1;
  m.when_negated = true;
  m.level = 0.5;
  EXPECT_DOUBLE_EQ(evaluate(m, w).value(), 12.5);
  m.when = "v(c)";
  EXPECT_THROW(evaluate(m, w), std::invalid_argument);
}

TEST(Measure, AnExpressionIsNotOfWaveforms) {
  EXPECT_THROW(evaluate(of(MeasureKind::expression), triangle()), std::invalid_argument);
}

TEST(Measure, Windows) {
  Measure m = of(MeasureKind::minimum);
  EXPECT_EQ(evaluate(m, triangle()), 0.0);
  m.from = 0.5;
  m.to = 1.25;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 1.0);
  m.kind = MeasureKind::maximum;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 2.0);
  m.kind = MeasureKind::integral;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 0.75 + 0.25 * 1.75);
  m.kind = MeasureKind::average;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), (0.75 + 0.25 * 1.75) / 0.75);
  m.from = 1.25;
  EXPECT_DOUBLE_EQ(*evaluate(m, triangle()), 1.5);  // an empty window: the value there
  m.to = 9.0;
  EXPECT_FALSE(evaluate(m, triangle()));
  m.from = 3.0;
  m.to = 2.0;
  EXPECT_FALSE(evaluate(m, triangle()));
}

TEST(Measure, TrapezoidOfAnExponentialConverges) {
  Waveforms w;
  w.names = {"v(a)"};
  w.values.resize(1);
  for (int i = 0; i <= 1000; ++i) {
    w.time.push_back(1e-3 * i);
    w.values[0].push_back(std::exp(-1e-3 * i));
  }
  EXPECT_NEAR(*evaluate(of(MeasureKind::integral), w), 1.0 - std::exp(-1.0), 1e-7);
}

TEST(Measure, WhatIsNotFiniteIsUndefined) {
  Waveforms w = triangle();
  w.values[0][3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(evaluate(of(MeasureKind::value_at), w));
}

TEST(Measure, MissingVectorsThrow) {
  Measure m = of(MeasureKind::value_at);
  m.vector = "v(c)";
  EXPECT_THROW(evaluate(m, triangle()), std::invalid_argument);
  m.vector = "v(a)";
  m.reference = "v(c)";
  EXPECT_THROW(evaluate(m, triangle()), std::invalid_argument);
}

TEST(Measure, AnOperatingPointHasOneValue) {
  Waveforms w;
  w.time = {0.0};
  w.names = {"v(a)"};
  w.values = {{0.7}};
  EXPECT_EQ(evaluate(of(MeasureKind::value_at), w), 0.7);
  EXPECT_EQ(evaluate(of(MeasureKind::average), w), 0.7);
  EXPECT_FALSE(evaluate(of(MeasureKind::crossing), w));
}

}  // namespace
}  // namespace flare::engine
