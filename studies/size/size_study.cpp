#include "studies/size/size_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <optional>

#include "engine/measures/expression.hpp"
#include "studies/size/sized_design.hpp"

namespace flare::studies {

namespace {

constexpr double small_change = 0.02;  // of ln size, for a slope of the cost
// Of ln size, to both sides, for a sensitivity: a simulator's steps in time leave some 1e-4 of a level, which is a hundredth of a
// sigma and must stay small beside what a size moves.
constexpr double seen_change = 0.08;
constexpr double first_reach = 0.5;  // of ln size, in one step
constexpr double least_reach = 0.02;
constexpr double most_noise = 0.1;  // sigma, of an estimate
constexpr int most_steps = 14;

/// The study at sizes, estimated: what limits it, and where that fails.
struct Estimate {
  SizeStep step;
  SizedFailure failure;
};

class Sizer {
 public:
  Sizer(const StudyRun& run, const SizeOptions& options)
      : run_(run), options_(options), design_(sized_design(run)) {}

  /// Steps within a trust region (Conn, Gould, Toint, Trust-region methods, 2000): where sigma was not what the linear model
  /// said, the next one is shorter, and a step that leads nowhere better is taken back.
  SizeResult run() {
    SizeResult result;
    std::vector<double> sizes;
    for (const SizeKey& key : options_.keys) sizes.push_back(std::sqrt(key.low * key.high));
    std::optional<Estimate> from;
    for (int i = 0; i < most_steps && reach_ > least_reach; ++i) {
      Estimate here = estimate(sizes, run_.study.seed);
      if (from && !here.failure.is_answered()) {
        run_.progress.note(no_number(here) + "; a shorter step is taken");
        result.unanswered_runs += here.step.runs;
        reach_ *= 0.5;
        sizes = cheapest(from->step);
        continue;
      }
      require_number(here);
      find_sensitivities(here);
      result.steps.push_back(here.step);
      tell(here.step);
      if (here.step.sigma_low >= target() && (!result.found || here.step.cost < result.best.cost)) {
        result.best = here.step;
        result.found = true;
      }
      if (from) adapt_reach(from->step, here.step);
      if (!from || better(here.step, from->step)) {
        from = std::move(here);
      } else if (settled(from->step.sizes, sizes)) {
        break;
      } else {
        correct(from->step, here.step);
        reach_ *= 0.5;
      }
      const std::vector<double> next = cheapest(from->step);
      if (settled(from->step.sizes, next)) break;
      sizes = next;
    }
    if (result.found) {
      const Estimate again = estimate(result.best.sizes, run_.study.seed + 1);
      require_number(again);
      result.confirmed = again.step;
    }
    return result;
  }

 private:
  double target() const { return analysis::sigma_of_probability(run_.study.target.largest()); }

  /// Shorter steps where the linear model missed a good part of the change it promised, longer ones where it did not.
  void adapt_reach(const SizeStep& from, const SizeStep& to) {
    const double promised = expected(from, to.sizes);
    const double miss = std::fabs(to.model_sigma - promised);
    const bool right = miss <= 0.3 * std::fabs(promised - from.model_sigma) + most_noise;
    reach_ = right ? std::min(first_reach, 1.6 * reach_) : 0.5 * reach_;
  }

  /// The sensitivities of a step say then what was seen on the way from it (Broyden, Mathematics of Computation 19, 1965): without
  /// it, a step that led nowhere would be tried again and again, shorter each time.
  static void correct(SizeStep& from, const SizeStep& seen) {
    const double missed = seen.model_sigma - expected(from, seen.sizes);
    if (std::fabs(missed) <= most_noise) return;
    std::vector<double> way;
    for (std::size_t k = 0; k < from.sizes.size(); ++k)
      way.push_back(std::log(seen.sizes[k] / from.sizes[k]));
    const double length = std::inner_product(way.begin(), way.end(), way.begin(), 0.0);
    for (std::size_t k = 0; k < way.size() && length > 0.0; ++k)
      from.sensitivity[k] += missed * way[k] / length;
  }

  /// Sigma at sizes, from the sensitivities of a step.
  static double expected(const SizeStep& step, const std::vector<double>& sizes) {
    double sigma = step.model_sigma;
    for (std::size_t k = 0; k < sizes.size(); ++k)
      sigma += step.sensitivity[k] * std::log(sizes[k] / step.sizes[k]);
    return sigma;
  }

  /// Whoever holds the target, and then costs less; of two that do not, the one that lacks less.
  bool better(const SizeStep& a, const SizeStep& b) const {
    const double a_least = a.model_sigma - a.half_width;
    const double b_least = b.model_sigma - b.half_width;
    if ((a_least >= target()) != (b_least >= target())) return a_least >= target();
    return a_least >= target() ? a.cost < b.cost : a_least > b_least;
  }

  std::vector<std::string> assignments(const std::vector<double>& sizes) const {
    std::vector<std::string> texts;
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      const SizeKey& key = options_.keys[k];
      texts.push_back(key.unit.empty() ? fmt::format("{}={:.10g}", key.key, sizes[k])
                                       : fmt::format("{}=\"{:.10g} {}\"", key.key, sizes[k], key.unit));
    }
    return texts;
  }

  Study study_at(const std::vector<double>& sizes, std::uint64_t seed) const {
    std::vector<std::string> texts = assignments(sizes);
    texts.push_back(fmt::format("seed={}", seed));
    return sweep_point(run_.study, texts);
  }

  Estimate estimate(const std::vector<double>& sizes, std::uint64_t seed) {
    const std::size_t before = design_->runs();
    const Study study = study_at(sizes, seed);
    Estimate made{{}, design_->estimate(study)};
    const analysis::TailProbability& tail = made.failure.tail;
    SizeStep& step = made.step;
    step.sizes = sizes;
    step.limiting = made.failure.limiting;
    step.runs = design_->runs() - before;
    if (!made.failure.is_answered()) return made;
    step.sigma = tail.sigma();
    step.sigma_low = tail.sigma_low();
    step.sigma_high = tail.sigma_high();
    // Far beyond the target an interval tells little, or no failure is seen; the distance of the nearest one says where.
    const engine::Vector& nearest = made.failure.nearest;
    const bool estimated =
        tail.status == analysis::TailStatus::estimated && step.sigma_high - step.sigma_low < 1.0;
    step.model_sigma = estimated || nearest.size() == 0 ? step.sigma : nearest.norm();
    step.half_width = estimated ? step.sigma - step.sigma_low : 0.0;
    step.cost = cost(study, sizes);
    return made;
  }

  std::string no_number(const Estimate& at) const {
    return fmt::format("{}: no number at {}: {}", at.step.limiting, sizes_text(at.step.sizes),
                       at.failure.tail.method);
  }

  void require_number(const Estimate& at) const {
    if (!at.failure.is_answered()) throw StudyError(no_number(at));
  }

  std::string sizes_text(const std::vector<double>& sizes) const {
    std::string text;
    for (std::size_t k = 0; k < sizes.size(); ++k)
      text += fmt::format("{}{} = {:.4g} {}", k > 0 ? ", " : "", options_.keys[k].name, sizes[k],
                          options_.keys[k].unit);
    return text;
  }

  /// Margin of what limits, at a point of the design with other sizes.
  double margin_at(const Estimate& here, const std::vector<double>& sizes, const engine::Vector& point) {
    const double value = here.failure.margin(study_at(sizes, run_.study.seed), point);
    if (std::isnan(value))
      throw StudyError(fmt::format("{}: has no value at {}", here.step.limiting, sizes_text(sizes)));
    return value;
  }

  void find_sensitivities(Estimate& here) {
    const engine::Vector& nearest = here.failure.nearest;
    if (nearest.size() == 0) {
      throw StudyError(fmt::format("{}: no failing point is known at {}: take [estimator] method = \"auto\"",
                                   here.step.limiting, sizes_text(here.step.sizes)));
    }
    const std::size_t before = design_->runs();
    const double at = margin_at(here, here.step.sizes, nearest);
    const double inside = margin_at(here, here.step.sizes, 0.9 * nearest);
    const double slope = std::fabs(at - inside) / (0.1 * nearest.norm());
    for (std::size_t k = 0; k < options_.keys.size(); ++k) {
      const SizeKey& key = options_.keys[k];
      std::vector<double> larger = here.step.sizes, smaller = here.step.sizes;
      larger[k] = std::min(key.high, larger[k] * std::exp(seen_change));
      smaller[k] = std::max(key.low, smaller[k] * std::exp(-seen_change));
      here.step.sensitivity.push_back((margin_at(here, larger, nearest) - margin_at(here, smaller, nearest)) /
                                      (std::log(larger[k] / smaller[k]) * slope));
    }
    here.step.runs += design_->runs() - before;
  }

  /// Gate area in um^2, or the cost that is stated.
  double cost(const Study& study, const std::vector<double>& sizes) {
    if (!options_.cost.empty()) {
      engine::Expression expression(options_.cost);
      std::vector<double> values;
      for (const std::string& name : expression.names()) {
        const auto at = std::find_if(options_.keys.begin(), options_.keys.end(),
                                     [&](const SizeKey& key) { return key.name == name; });
        if (at == options_.keys.end())
          throw StudyError(fmt::format("--cost: '{}' is no size that is varied", name));
        values.push_back(sizes[static_cast<std::size_t>(at - options_.keys.begin())]);
      }
      return expression.value(values);
    }
    const double area = design_->gate_area(study);
    if (!(area > 0.0))
      throw StudyError("no [[variation]] follows Pelgrom's law, so there is no gate area: say --cost");
    return area;
  }

  double cost_slope(const SizeStep& step, std::size_t k) {
    std::vector<double> larger = step.sizes;
    larger[k] *= std::exp(small_change);
    return (cost(study_at(larger, run_.study.seed), larger) - step.cost) / small_change;  // per ln size
  }

  /// The least cost at which the linear model of sigma holds the target, with the half-width that estimates have.
  std::vector<double> cheapest(const SizeStep& step) {
    const double wanted = target() + step.half_width + 0.01 - step.model_sigma;
    std::vector<double> slopes;
    for (std::size_t k = 0; k < step.sizes.size(); ++k) slopes.push_back(cost_slope(step, k));
    const auto moves = [&](double log_lambda) {
      std::vector<double> u;
      for (std::size_t k = 0; k < step.sizes.size(); ++k) {
        const SizeKey& key = options_.keys[k];
        const double least = std::max(-reach_, std::log(key.low / step.sizes[k]));
        const double most = std::min(reach_, std::log(key.high / step.sizes[k]));
        const double g = step.sensitivity[k];
        const double free = slopes[k] <= 0.0 ? (g > 0.0 ? most : least)
                            : g <= 0.0       ? least
                                             : log_lambda + std::log(g / slopes[k]);
        u.push_back(std::clamp(free, std::min(least, most), most));
      }
      return u;
    };
    const auto gained = [&](const std::vector<double>& u) {
      return std::inner_product(u.begin(), u.end(), step.sensitivity.begin(), 0.0);
    };
    double low = -80.0;
    double high = 80.0;
    for (int i = 0; i < 100; ++i) {
      const double middle = 0.5 * (low + high);
      (gained(moves(middle)) < wanted ? low : high) = middle;
    }
    std::vector<double> next = step.sizes;
    const std::vector<double> u = moves(high);
    for (std::size_t k = 0; k < next.size(); ++k) next[k] *= std::exp(u[k]);
    return next;
  }

  static bool settled(const std::vector<double>& a, const std::vector<double>& b) {
    for (std::size_t k = 0; k < a.size(); ++k) {
      if (std::fabs(std::log(b[k] / a[k])) > 0.01) return false;
    }
    return true;
  }

  void tell(const SizeStep& step) const {
    run_.progress.note(fmt::format("{}: cost {:.4g}, {:.2f} sigma [{:.2f} ..], {}", sizes_text(step.sizes),
                                   step.cost, step.sigma, step.sigma_low, step.limiting));
  }

  const StudyRun& run_;
  const SizeOptions& options_;
  std::unique_ptr<SizedDesign> design_;
  double reach_ = first_reach;
};

/// "80 nm" -> 80 and "nm".
std::pair<double, std::string> written(const std::string& text, const std::string& whole) {
  char* rest = nullptr;
  const double number = std::strtod(text.c_str(), &rest);
  if (rest == text.c_str() || !(number > 0.0))
    throw StudyError(fmt::format(
        "--vary {}: expected KEY=FROM..TO, both above 0, e.g. technology.parameters.wn=80 nm..400 nm",
        whole));
  while (*rest == ' ') ++rest;
  return {number, rest};
}

}  // namespace

SizeKey parse_size_key(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::size_t dots = text.find("..", equals == std::string::npos ? 0 : equals);
  if (equals == std::string::npos || equals == 0 || dots == std::string::npos) written("", text);
  SizeKey key;
  key.key = text.substr(0, equals);
  key.name = key.key.substr(key.key.find_last_of(".]") + 1);
  const auto [low, low_unit] = written(text.substr(equals + 1, dots - equals - 1), text);
  const auto [high, unit] = written(text.substr(dots + 2), text);
  if (!low_unit.empty() && low_unit != unit) written("", text);
  key.low = low;
  key.high = high;
  key.unit = unit;
  if (!(low < high)) throw StudyError(fmt::format("--vary {}: the first end must be below the second", text));
  return key;
}

SizeResult find_sizes(const StudyRun& run, const SizeOptions& options) { return Sizer(run, options).run(); }

}  // namespace flare::studies
