#include "engine/simulate/variation.hpp"

#include <algorithm>
#include <array>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <stdexcept>

namespace flare::engine {

double Law::value(double x) const {
  // Beyond 38 sigma the normal distribution function leaves the range of a double.
  const double z = std::fmin(std::fmax(x, -38.0), 38.0);
  const boost::math::normal standard;
  switch (kind) {
    case LawKind::normal:  // without an end: searches move inputs by it, further than any draw would
      return location + scale * x;
    case LawKind::lognormal:
      return location * std::exp(scale * z);
    case LawKind::uniform:
      return location + scale * (2.0 * boost::math::cdf(standard, z) - 1.0);
    case LawKind::gumbel: {
      // F^-1(p) = mode - scale ln(-ln p); ln p from the tail that keeps its digits.
      const double log_p = z > 0.0 ? std::log1p(-boost::math::cdf(boost::math::complement(standard, z)))
                                   : std::log(boost::math::cdf(standard, z));
      const double tail = boost::math::cdf(boost::math::complement(standard, z));
      const double minus_log_p = z > 6.0 ? tail : -log_p;  // -ln(1 - t) = t to the last digit there
      return location - scale * std::log(minus_log_p);
    }
  }
  throw std::invalid_argument("unknown law");
}

std::string to_string(const Knob& knob) {
  switch (knob.kind) {
    case KnobKind::instance:
    case KnobKind::model:
      return knob.device + "[" + knob.parameter + "]";
    case KnobKind::parameter:
      return ".param " + knob.parameter;
    case KnobKind::temperature:
      return "temperature";
  }
  throw std::invalid_argument("unknown kind of knob");
}

bool must_be_positive(const Knob& knob) {
  static constexpr std::array positive{"w",           "l",     "m",         "nf",         "area",
                                       "areab",       "areac", "mulu0",     "resistance", "r",
                                       "capacitance", "c",     "inductance"};
  return knob.kind == KnobKind::instance &&
         std::find(positive.begin(), positive.end(), knob.parameter) != positive.end();
}

std::vector<Move> knob_moves(const std::vector<Knob>& knobs, const std::vector<Variable>& variables,
                             const Eigen::Ref<const Eigen::RowVectorXd>& x) {
  if (static_cast<std::size_t>(x.size()) != variables.size()) {
    throw std::invalid_argument("a point has " + std::to_string(x.size()) + " coordinates, the testbench " +
                                std::to_string(variables.size()) + " variables");
  }
  std::vector<Move> moves(knobs.size());
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const double value = variables[i].law.value(x[static_cast<Eigen::Index>(i)]);
    for (const Effect& effect : variables[i].effects) {
      if (effect.knob >= knobs.size()) {
        throw std::invalid_argument("variable " + variables[i].name + " moves a knob that does not exist");
      }
      Move& move = moves[effect.knob];
      switch (effect.action) {
        case Action::shift:
          move.shift += value;
          break;
        case Action::scale:
          move.factor *= value;
          break;
        case Action::replace:
          if (move.replacement) {
            throw std::invalid_argument("two variables replace " + to_string(knobs[effect.knob]));
          }
          move.replacement = value;
          break;
      }
    }
  }
  return moves;
}

std::vector<double> knob_settings(const std::vector<Knob>& knobs, const std::vector<Variable>& variables,
                                  const std::vector<double>& nominals,
                                  const Eigen::Ref<const Eigen::RowVectorXd>& x) {
  const std::vector<Move> moves = knob_moves(knobs, variables, x);
  if (nominals.size() != knobs.size()) throw std::invalid_argument("one nominal for every knob is needed");
  std::vector<double> settings(knobs.size());
  for (std::size_t k = 0; k < knobs.size(); ++k) settings[k] = moves[k].of(nominals[k]);
  return settings;
}

}  // namespace flare::engine
