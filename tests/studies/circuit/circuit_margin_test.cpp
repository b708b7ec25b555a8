#include "studies/circuit/circuit_margin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/math/distributions/normal.hpp>
#include <cmath>

namespace flare::studies {
namespace {

using analysis::ResponseKind;
using engine::Outcome;
using ::testing::HasSubstr;

/// "t" crosses in time or not at all; "v" is looked at besides.
Study two_measures(Unmeasured unmeasured) {
  Study study;
  CircuitStudy circuit;
  circuit.netlist = "cell.cir";
  engine::Measure t;
  t.name = "t";
  t.kind = engine::MeasureKind::crossing;
  t.vector = "v(q)";
  t.level = 0.1;
  t.edge = engine::Edge::fall;
  t.unit = "s";
  engine::Measure v;
  v.name = "v";
  v.unit = "V";
  circuit.measures = {v, t};
  circuit.specs = {{1, "s.toml:3: measure[1]", std::nullopt, 4e-10, unmeasured, "t"}};
  study.circuit = circuit;
  return study;
}

SampleSet samples_of(std::vector<engine::RunResult> runs) {
  SampleSet samples;
  samples.stream = "samples";
  samples.points = engine::Matrix::Zero(static_cast<Eigen::Index>(runs.size()), 1);
  samples.runs = std::move(runs);
  return samples;
}

engine::RunResult ran(double v, double t) { return {Outcome::ok, 0, {v, t}, ""}; }
engine::RunResult did_not(const std::string& message) {
  return {Outcome::unconverged, 2, {NAN, NAN}, message};
}

std::vector<engine::RunResult> mixed() {
  return {ran(1.0, 3e-10), ran(NAN, 5e-10), ran(1.0, NAN), did_not("singular matrix"), ran(NAN, 2e-10)};
}

std::vector<analysis::Response> responses_of(const Study& study) {
  return responses(*study.circuit, study.circuit->specs.front(), mixed(), "at tt");
}

analysis::TailProbability counted(const Study& study, const SampleSet& samples) {
  return counted_failure(*study.circuit, study.circuit->specs.front(), samples);
}

analysis::TailProbability fitted(const Study& study, const SampleSet& samples) {
  return fitted_failure(*study.circuit, study.circuit->specs.front(), samples);
}

std::vector<ResponseKind> kinds_of(Unmeasured unmeasured) {
  std::vector<ResponseKind> kinds;
  for (const auto& r : responses_of(two_measures(unmeasured))) kinds.push_back(r.kind);
  return kinds;
}

TEST(CircuitMargin, OnlyTheAskedMeasureDecides) {
  using enum ResponseKind;
  EXPECT_THAT(kinds_of(Unmeasured::fails), ::testing::ElementsAre(margin, margin, fail, unknown, margin));
  EXPECT_THAT(kinds_of(Unmeasured::passes), ::testing::ElementsAre(margin, margin, pass, unknown, margin));
  EXPECT_THAT(kinds_of(Unmeasured::unknown),
              ::testing::ElementsAre(margin, margin, unknown, unknown, margin));
  const SampleSet samples = samples_of(mixed());
  EXPECT_THAT(samples.values(1), ::testing::ElementsAre(3e-10, 5e-10, 2e-10));
  EXPECT_EQ(samples.unknown(1), 2u);
  EXPECT_EQ(samples.unknown(0), 3u);
  EXPECT_EQ(samples.known_points(1).rows(), 3);
}

TEST(CircuitMargin, AWindowFailsOnBothSides) {
  const Spec window{0, "", -2.0, 3.0, Unmeasured::unsaid, "w"};
  EXPECT_DOUBLE_EQ(margin(window, 0.0), 2.0);
  EXPECT_DOUBLE_EQ(margin(window, 2.5), 0.5);
  EXPECT_DOUBLE_EQ(margin(window, 4.0), -1.0);
  EXPECT_DOUBLE_EQ(margin(window, -2.25), -0.25);
  EXPECT_TRUE(std::isnan(margin(window, NAN)));
  EXPECT_DOUBLE_EQ(margin({0, "", 1.0, std::nullopt, Unmeasured::unsaid}, 4.0), 3.0);
}

/// What check_samples says of these samples where every run far out is `far`.
std::string check_error(const Study& study, std::vector<engine::RunResult> runs,
                        const engine::RunResult& far = ran(1.0, 3e-10)) {
  try {
    check_samples(study, samples_of(std::move(runs)), "at tt", [&](const engine::Matrix& points) {
      return std::vector<engine::RunResult>(static_cast<std::size_t>(points.rows()), far);
    });
  } catch (const StudyError& error) {
    return error.what();
  }
  return "no error";
}

// A run without a value that fails, fails a window once: on its lower side.
TEST(CircuitMargin, AFailureWithoutAValueIsCountedOnOneSide) {
  Study study = two_measures(Unmeasured::fails);
  Spec& spec = study.circuit->specs.front();
  spec.below = 1e-10;
  const std::vector<engine::RunResult> runs{ran(1.0, NAN)};
  EXPECT_EQ(outputs(*study.circuit, spec, analysis::Side::below, runs, "")[0], -INFINITY);
  EXPECT_EQ(outputs(*study.circuit, spec, analysis::Side::above, runs, "")[0], -INFINITY);
  spec.below.reset();
  EXPECT_EQ(outputs(*study.circuit, spec, analysis::Side::above, runs, "")[0], INFINITY);
  spec.unmeasured = Unmeasured::passes;
  EXPECT_EQ(outputs(*study.circuit, spec, analysis::Side::above, runs, "")[0], -INFINITY);
  spec.unmeasured = Unmeasured::unknown;
  EXPECT_TRUE(std::isnan(outputs(*study.circuit, spec, analysis::Side::above, runs, "")[0]));
}

TEST(CircuitMargin, WithoutAWordAboutItNoNumberIsGiven) {
  const std::string error = check_error(two_measures(Unmeasured::unsaid), mixed());
  EXPECT_THAT(error, HasSubstr("s.toml:3: measure[1]: 't' has no value in 1 of 5 runs at tt"));
  EXPECT_THAT(error, HasSubstr("\"fails\", \"passes\" or \"unknown\""));
  EXPECT_THAT(error,
              HasSubstr("kind = \"value\", vector = \"v(q)\", at = \"400 ps\", and above = \"0.1 V\""));
  EXPECT_EQ(check_error(two_measures(Unmeasured::fails), mixed()), "no error");
  Study early = two_measures(Unmeasured::unsaid);
  Spec& spec = early.circuit->specs.front();
  std::swap(spec.below, spec.above);
  EXPECT_THAT(check_error(early, mixed()), HasSubstr("below = \"0.1 V\""));
}

TEST(CircuitMargin, TheLevelIsSuggestedOnlyOfACrossingInTime) {
  Study study = two_measures(Unmeasured::unsaid);
  study.circuit->measures[1].unit = "Hz";
  study.circuit->measures[1].vector = "vdb(o)";
  EXPECT_THAT(check_error(study, mixed()), ::testing::EndsWith("\"unknown\""));
}

TEST(CircuitMargin, NoAnswerAtAllIsInTheSimulatorsWords) {
  const std::string words = "Warning: singular matrix; gmin step failed; Warning: singular matrix";
  const std::string error = check_error(two_measures(Unmeasured::fails), {did_not(words), did_not("other")});
  EXPECT_THAT(error, HasSubstr("cell.cir: the circuit gives no answer at tt: of 2 runs 2 unconverged"));
  EXPECT_THAT(error, ::testing::EndsWith("says: Warning: singular matrix; gmin step failed"));
}

TEST(CircuitMargin, AMeasureThatNothingMovesIsAnError) {
  const Study study = two_measures(Unmeasured::fails);
  EXPECT_THAT(check_error(study, {ran(1.0, 3e-10), ran(2.0, 3e-10), did_not("")}),
              HasSubstr("'t' is 300 ps in each of 2"));
  EXPECT_EQ(check_error(study, {ran(1.0, 3e-10), ran(1.0, std::nextafter(3e-10, 1.0))}), "no error");
  EXPECT_EQ(check_error(study, {ran(1.0, 3e-10), ran(1.0, 3e-10), ran(1.0, NAN)}), "no error");
  // What is decided may be the same in all samples and another far out; what does not simulate there shows nothing.
  const std::vector<engine::RunResult> same{ran(1.0, 3e-10), ran(2.0, 3e-10)};
  EXPECT_EQ(check_error(study, same, ran(1.0, 4e-10)), "no error");
  EXPECT_EQ(check_error(study, same, ran(1.0, NAN)), "no error");
  EXPECT_THAT(check_error(study, same, did_not("")), HasSubstr("6 sigma away"));
}

TEST(CircuitMargin, CountingTakesInFailsAndPassesWithoutAValue) {
  std::vector<engine::RunResult> runs;
  for (int i = 0; i < 100; ++i) runs.push_back(ran(0.0, i < 5 ? 5e-10 : i < 15 ? NAN : 3e-10));
  const SampleSet samples = samples_of(runs);
  const auto fails = counted(two_measures(Unmeasured::fails), samples);
  EXPECT_DOUBLE_EQ(fails.p, 0.15);
  EXPECT_EQ(fails.runs, 100u);
  EXPECT_EQ(fails.unknown, 0u);
  EXPECT_DOUBLE_EQ(counted(two_measures(Unmeasured::passes), samples).p, 0.05);
  const auto unknown = counted(two_measures(Unmeasured::unknown), samples);
  EXPECT_DOUBLE_EQ(unknown.p, 5.0 / 90.0);
  EXPECT_EQ(unknown.unknown, 10u);
  EXPECT_GT(unknown.high, fails.p);
  // A law of the 90 with a value is not the law of the 100.
  const auto refused = fitted(two_measures(Unmeasured::fails), samples);
  EXPECT_EQ(refused.status, analysis::TailStatus::refused);
  EXPECT_THAT(refused.method, HasSubstr("10 runs"));
}

TEST(CircuitMargin, AFitOfAWindowHasBothTails) {
  // Quantiles of a normal law with a slight bend, so that the fit's family is well inside its limits.
  std::vector<engine::RunResult> runs;
  const boost::math::normal standard;
  for (int i = 0; i < 2000; ++i) {
    const double z = quantile(standard, (i + 0.5) / 2000.0);
    runs.push_back(ran(std::exp(0.1 * z), 0.0));
  }
  Study study = two_measures(Unmeasured::unsaid);
  study.circuit->specs = {{0, "", std::exp(-0.25), std::exp(0.3), Unmeasured::unsaid, "w"}};
  const auto window = fitted(study, samples_of(runs));
  const double exact = cdf(standard, -2.5) + cdf(standard, -3.0);
  EXPECT_NEAR(window.p, exact, 0.05 * exact);
  EXPECT_LT(window.low, exact);
  EXPECT_GT(window.high, exact);
}

}  // namespace
}  // namespace flare::studies
