// What arrays draw from a measured confusion matrix.
#include <gtest/gtest.h>

#include <boost/math/distributions/chi_squared.hpp>
#include <string>
#include <vector>

#include "engine/base/measured_model.hpp"
#include "flare_arch/array/array.hpp"

namespace flare::arch {
namespace {

/// Columns of 8 rows with k = 0 .. 8 on-cells in weight plane 0 and none in plane 1, driven together: a column's
/// output is c + 2 d with c ~ P(. | k) and d ~ P(. | 0).
TEST(MeasuredRates, DrawnAreThoseOfTheMatrix) {
  constexpr int sawl = 8, tokens = 40'000;
  // Errors beyond neighbours, asymmetric, and of a different size at every level; sums are exact in binary.
  std::string text;
  for (int k = 0; k <= sawl; ++k)
    for (int c = 0; c <= sawl; ++c) {
      const double wrong = (k + 1) / 128.0;
      double p = c == k ? 1 - wrong : 0;
      if (c == (k + 1) % (sawl + 1)) p += wrong / 4;
      if (c == (k + 5) % (sawl + 1)) p += 3 * wrong / 4;
      text += std::to_string(p) + (c == sawl ? "\n" : ",");
    }
  const ErrorModel model = engine::parse_measured_model(text, "chip").model;
  const CodeSampler sampler(model);
  MatrixI weights = MatrixI::Zero(sawl, sawl + 1);
  for (int k = 0; k <= sawl; ++k) weights.col(k).head(k).setOnes();
  const PlaneFormat two_bits{2, Encoding::unsigned_binary};
  const Array array(weights, two_bits, {sawl});
  // One false alarm in a million runs of this test: 2 paths x 9 levels.
  constexpr double false_alarm = 1e-6 / 18;
  for (const ReadPath path : {ReadPath::dense, ReadPath::reference}) {
    ErrorInjection errors;
    errors.sampler = &sampler;
    errors.path = path;
    errors.seed = 11;
    const MatrixI out = array.multiply(MatrixI::Ones(tokens, sawl), two_bits, errors);
    for (int k = 0; k <= sawl; ++k) {
      std::vector<double> expected(3 * sawl + 1), seen(3 * sawl + 1);
      for (int c = 0; c <= sawl; ++c)
        for (int d = 0; d <= sawl; ++d)
          expected[c + 2 * d] += tokens * model.confusion(k, c) * model.confusion(0, d);
      for (int t = 0; t < tokens; ++t) ++seen.at(static_cast<std::size_t>(out(t, k)));
      double statistic = 0, rare_expected = 0, rare_seen = 0;
      int cells = 0;
      const auto add = [&](double n, double e) { statistic += (n - e) * (n - e) / e, ++cells; };
      for (std::size_t i = 0; i < seen.size(); ++i) {
        if (expected[i] == 0) {
          EXPECT_EQ(seen[i], 0);
        } else if (expected[i] < 10) {
          rare_expected += expected[i], rare_seen += seen[i];
        } else {
          add(seen[i], expected[i]);
        }
      }
      if (rare_expected >= 10) add(rare_seen, rare_expected);
      const boost::math::chi_squared law(cells - 1);
      EXPECT_LT(statistic, boost::math::quantile(boost::math::complement(law, false_alarm))) << "level " << k;
    }
  }
}

}  // namespace
}  // namespace flare::arch
