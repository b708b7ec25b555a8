#include "analysis/output_tails/output_tails.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "analysis/rare_event/core/linear_model.hpp"
#include "analysis/rare_event/core/normal_stream.hpp"
#include "analysis/tails/interval.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr std::uint64_t audit_runs = 40;
constexpr double negative_infinity = -std::numeric_limits<double>::infinity();

/// Points with a value, in the order seen.
struct Known {
  Matrix points;
  std::vector<double> values;

  Eigen::Index count() const { return points.rows(); }
  Vector y() const { return Eigen::Map<const Vector>(values.data(), count()); }
  void add(const Matrix& more, const std::vector<double>& y) {
    const Eigen::Index before = points.rows();
    Matrix grown(before + more.rows(), more.cols());
    if (before > 0) grown.topRows(before) = points;
    Eigen::Index next = before;
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (!std::isfinite(y[i])) continue;
      grown.row(next++) = more.row(static_cast<Eigen::Index>(i));
      values.push_back(y[i]);
    }
    points = grown.topRows(next);
  }
};

/// The frozen law of the fresh runs: a mixture along the axis; across it N(0, I), moved where M tilts.
class AxisProposal {
 public:
  AxisProposal(Vector axis, const std::vector<TailSurrogate::Place>& places) : axis_(std::move(axis)) {
    components_.push_back({0.0, 1.0, defense, Vector::Zero(axis_.size())});
    // Half to everyone alike, half where more runs are needed. A component is not narrower than what M may be
    // wrong by without its error showing.
    const auto width = [](const TailSurrogate::Place& place) { return std::max(0.05, 1.3 * place.sd); };
    const auto need = [&](const TailSurrogate::Place& place) {
      return place.variance * width(place) / place.sd;
    };
    double total = 0.0;
    for (const TailSurrogate::Place& place : places) total += need(place);
    for (const TailSurrogate::Place& place : places) {
      const double share =
          (1.0 - defense) * (0.5 * need(place) / total + 0.5 / static_cast<double>(places.size()));
      components_.push_back({place.mean, width(place), 0.65 * share, place.across});
      components_.push_back({place.mean, std::max(1.0, 2.5 * place.sd), 0.35 * share, place.across});
    }
  }

  /// The shares of the components are met as evenly as they can be.
  Matrix draw(Eigen::Index count, NormalStream& random) const {
    Matrix points(count, axis_.size());
    for (Eigen::Index i = 0; i < count; ++i) {
      // A uniform in stratum i of count picks the component.
      double u = (static_cast<double>(i) + random.uniform()) / static_cast<double>(count);
      std::size_t j = 0;
      while (j + 1 < components_.size() && u >= components_[j].share) u -= components_[j++].share;
      const double c = components_[j].mean + components_[j].sd * random.normal();
      const Vector x = random.normal_vector(axis_.size());
      points.row(i) = x + components_[j].across + (c - axis_.dot(x)) * axis_;
    }
    return points;
  }

  /// ln phi - ln q.
  double log_weight(const Vector& x) const {
    const double c = axis_.dot(x);
    double log_q = negative_infinity;
    for (const Component& component : components_) {
      const double z = (c - component.mean) / component.sd;
      log_q = log_sum(log_q, std::log(component.share / component.sd) - 0.5 * z * z +
                                 component.across.dot(x) - 0.5 * component.across.squaredNorm());
    }
    return -0.5 * c * c - log_q;
  }

 private:
  static constexpr double defense = 0.1;
  struct Component {
    double mean;
    double sd;
    double share;
    Vector across;  // orthogonal to the axis
  };
  Vector axis_;
  std::vector<Component> components_;
};

class OutputTailsEstimator {
 public:
  OutputTailsEstimator(std::size_t dimension, const OutputEvaluator& evaluator,
                       const std::vector<TailQuestion>& questions, const OutputTailsOptions& options,
                       std::stop_token stop)
      : dimension_(static_cast<Eigen::Index>(dimension)),
        evaluator_(evaluator),
        questions_(questions),
        options_(options),
        stop_(std::move(stop)),
        random_(options.seed, "output tails", 0) {}

  OutputTailsSummary run() {
    summary_.tails.resize(questions_.size());
    try {
      const std::string objection = explore();
      if (!objection.empty()) return refuse_all(objection);
      pilot();
      estimate();
      audit();
    } catch (const Ended& end) {
      return refuse_all(end.why);
    }
    return std::move(summary_);
  }

 private:
  struct Ended {
    std::string why;
  };

  std::uint64_t remaining() const {
    return options_.max_runs - std::min(options_.max_runs, summary_.runs.total());
  }

  std::vector<double> evaluate(const Matrix& points, std::uint64_t RunCounts::*purpose) {
    if (stop_.stop_requested()) throw Ended{"stopped"};
    if (static_cast<std::uint64_t>(points.rows()) > remaining()) throw Ended{"the budget is spent"};
    std::vector<double> values = evaluator_(points);
    if (values.size() != static_cast<std::size_t>(points.rows())) {
      throw std::invalid_argument(
          fmt::format("the evaluator answered {} of {} runs", values.size(), points.rows()));
    }
    summary_.runs.*purpose += values.size();
    for (const double y : values) summary_.runs.unknown += std::isfinite(y) ? 0 : 1;
    return values;
  }

  // At least `count` draws of scale * N(0, I): known ones of about that scale, else new ones.
  OutputDraws draws(double scale, Eigen::Index count) {
    for (const OutputDraws& known : options_.known) {
      if (known.points.rows() < count || std::abs(std::log(known.scale / scale)) > std::log(1.2)) continue;
      note(fmt::format("{} known draws at {:.1f} sigma", known.points.rows(), known.scale));
      return known;
    }
    OutputDraws made{scale, scale * random_.normal_matrix(count, dimension_), {}};
    made.values = evaluate(made.points, &RunCounts::explore);
    summary_.draws.push_back(made);
    note(fmt::format("{} draws at {:.1f} sigma", count, scale));
    return made;
  }

  // --- explore: why one plane does not explain y; empty where it does ---------------------------------------
  std::string explore() {
    const OutputDraws plain = draws(1.0, std::max<Eigen::Index>(60, (14 * dimension_) / 10 + 30));
    near_.add(plain.points, plain.values);
    if (2 * near_.count() < plain.points.rows()) return "most runs give no answer";
    std::optional<LinearModel> plane = fit_linear(near_.points, near_.y());
    if (!plane || !(plane->r2 > 0.85)) return "the output is not close to one plane at 1 sigma";
    plane_ = std::move(*plane);
    double nearest = std::numeric_limits<double>::infinity();
    for (const TailQuestion& question : questions_) {
      const double spread = std::hypot(plane_.slope.norm(), question.noise);
      const double distance = -question.excess(plane_.at_origin) / spread;
      nearest = std::min(nearest, distance);
      farthest_ = std::max(farthest_, distance);
    }
    if (!(nearest > 0.0)) return "the output is beyond a limit without any variation";
    const OutputDraws far = draws(std::clamp(farthest_ / 1.5, 1.5, 3.0), 60);
    far_.add(far.points, far.values);
    if (2 * far_.count() < far.points.rows()) return "most runs at an inflated sigma give no answer";
    const double r2 = fit_bend(plane_, far_.points, far_.y());
    note(fmt::format("a plane explains {:.3f} of the variance at 1 sigma, with a bend {:.3f} at {:.1f} sigma",
                     plane_.r2, r2, far.scale));
    if (r2 < 0.9) return "the output is not close to one plane at an inflated sigma";
    far_scale_ = far.scale;
    return surprise(far_, far.scale);
  }

  // A failure where the plane is sure that there is none; empty: none seen. What a plane leaves out grows as the
  // square of the scale.
  std::string surprise(const Known& seen, double scale) const {
    const double error = plane_.error * std::pow(std::max(1.0, scale / far_scale_), 2);
    for (const TailQuestion& question : questions_) {
      const double certain = 3.0 * error + 0.05 * std::abs(question.excess(plane_.at_origin));
      for (Eigen::Index i = 0; i < seen.count(); ++i) {
        if (question.excess(seen.values[static_cast<std::size_t>(i)]) < 0.0) continue;
        if (question.excess(plane_.predict(seen.points.row(i))) < -certain) {
          return "a failure was met where the output's plane predicts none";
        }
      }
    }
    return {};
  }

  // --- pilot: a stand-in for every group of questions that are decided near one another --------------------
  struct Tail {
    Side side = Side::below;
    std::vector<std::size_t> questions;
    TailSurrogate surrogate;
  };

  void pilot() {
    const Vector axis = plane_.slope.normalized();
    Known rough = near_;
    rough.add(far_.points, far_.values);
    const auto first = TailSurrogate::fit(rough.points, rough.values, axis, 0.0, {2, false, nullptr});
    if (!first) throw Ended{"too few runs gave an answer to start from"};
    std::vector<double> place(questions_.size());
    std::vector<std::size_t> order;
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      place[q] = first->boundary(questions_[q]).mean;
      order.push_back(q);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return place[a] < place[b]; });
    for (const std::size_t q : order) {
      const bool joins = !tails_.empty() && tails_.back().side == questions_[q].side &&
                         place[q] - place[tails_.back().questions.front()] < 2.0;
      if (!joins) tails_.push_back({questions_[q].side, {}, *first});
      tails_.back().questions.push_back(q);
    }
    for (Tail& tail : tails_) {
      shape(axis, tail);
      summary_.surrogates.push_back(tail.surrogate);
    }
  }

  std::vector<TailSurrogate::Place> places(const Tail& tail) const {
    std::vector<TailSurrogate::Place> places;
    for (const std::size_t q : tail.questions) places.push_back(tail.surrogate.boundary(questions_[q]));
    return places;
  }

  // Runs near the boundaries until the stand-in is good there, or has had its share.
  void shape(const Vector& axis, Tail& tail) {
    double noise = std::numeric_limits<double>::infinity();
    for (const std::size_t q : tail.questions) noise = std::min(noise, questions_[q].noise);
    // A neighbour has told half of it.
    const Eigen::Index batch_size = options_.warm_starts.empty() ? 12 : 6;
    for (int batch = 0; batch < 4; ++batch) {
      const std::vector<TailSurrogate::Place> targets = places(tail);
      const Matrix points = AxisProposal(axis, targets).draw(batch_size, random_);
      near_.add(points, evaluate(points, &RunCounts::pilot));
      double centre = 0.0;
      for (const TailSurrogate::Place& place : targets)
        centre += place.mean / static_cast<double>(targets.size());
      tail.surrogate = best_fit(axis, centre);
      const double gain = std::abs(tail.surrogate.slope(centre));
      const bool good = tail.surrogate.error() < std::max(0.05 * gain, 0.3 * noise);
      const double moved =
          std::abs(tail.surrogate.boundary(questions_[tail.questions.front()]).mean - targets.front().mean);
      if (good && moved < 0.5) break;
    }
    note(fmt::format("at {:.1f}: a stand-in with an error of {:.3f} sigma",
                     tail.surrogate.boundary(questions_[tail.questions.front()]).mean,
                     tail.surrogate.error() / std::abs(tail.surrogate.slope(0.0))));
  }

  TailSurrogate best_fit(const Vector& axis, double centre) const {
    std::optional<TailSurrogate> best;
    const auto consider = [&](const TailSurrogate::Shape& shape) {
      auto fit = TailSurrogate::fit(near_.points, near_.values, axis, centre, shape);
      if (fit && fit->monotonic() && (!best || fit->error() < best->error())) best = std::move(fit);
    };
    consider({1, false, nullptr});
    consider({2, false, nullptr});
    consider({3, true, nullptr});
    for (const TailSurrogate& neighbour : options_.warm_starts) {
      consider({1, true, &neighbour});
    }
    if (!best) throw Ended{"too few runs near the boundary gave an answer"};
    return std::move(*best);
  }

  // --- estimate ----------------------------------------------------------------------------------------------
  // Fresh values of one question in units of what M says, unknown runs read either way.
  struct Values {
    double log_model = 0.0;
    Stratum unknown_pass;
    Stratum unknown_fail;
    TailSurrogate::Place place;
    std::size_t informative = 0;  // runs where an error of M matters
    std::size_t unknown = 0;
  };

  void estimate() {
    std::vector<TailSurrogate::Place> all;
    std::vector<Values> values(questions_.size());
    for (Tail& tail : tails_) {
      for (const std::size_t q : tail.questions) {
        if (too_bent(tail, questions_[q]))
          refuse(summary_.tails[q], "the output bends too much near the limit");
      }
      std::erase_if(tail.questions, [&](std::size_t q) { return !summary_.tails[q].reason.empty(); });
      for (const std::size_t q : tail.questions) {
        values[q].place = tail.surrogate.boundary(questions_[q]);
        values[q].log_model = tail.surrogate.log_probability(questions_[q]);
        all.push_back(values[q].place);
      }
    }
    if (all.empty()) return;
    const AxisProposal proposal(plane_.slope.normalized(), all);
    std::uint64_t made = 0;
    std::uint64_t wanted = 40 + 10 * all.size();
    while (remaining() >= audit_runs + 20) {
      wanted = std::min(wanted, remaining() - audit_runs);
      const Matrix points = proposal.draw(static_cast<Eigen::Index>(wanted), random_);
      const std::vector<double> y = evaluate(points, &RunCounts::estimate);
      for (const Tail& tail : tails_) {
        for (const std::size_t q : tail.questions)
          take_in(tail, proposal, points, y, questions_[q], values[q]);
      }
      made += wanted;
      const double more = answer(values);
      if (more <= 1.0) break;
      wanted =
          static_cast<std::uint64_t>(std::max(20.0, static_cast<double>(made) * std::min(more - 1.0, 2.0)));
    }
    if (made == 0) throw Ended{"the budget does not cover an estimate"};
    for (const Tail& tail : tails_) {
      for (const std::size_t q : tail.questions) {
        summary_.tails[q].nearest = tail.surrogate.nearest_failure(questions_[q]);
      }
    }
  }

  // Where M errs by more than the noise hides, most of P would have to come from the correction. Where the boundary
  // bends across the axis, failures spread there by another law than N(0, I), and the rare ones that matter most are
  // the ones not seen.
  bool too_bent(const Tail& tail, const TailQuestion& question) const {
    const double c = tail.surrogate.boundary(question).mean;
    const double gain = std::abs(tail.surrogate.slope(c));
    const double across = 2.0 * std::abs(plane_.bend * c) / gain;  // 1 - 1/variance of the failures across
    return tail.surrogate.error() > std::hypot(0.15 * gain, question.noise) || across > 0.2;
  }

  static void take_in(const Tail& tail, const AxisProposal& proposal, const Matrix& points,
                      const std::vector<double>& y, const TailQuestion& question, Values& values) {
    for (Eigen::Index i = 0; i < points.rows(); ++i) {
      const Vector x = points.row(i);
      const double weight = proposal.log_weight(x) - values.log_model;
      const double expected = std::exp(weight + tail.surrogate.log_failing(question, x));
      const double value = y[static_cast<std::size_t>(i)];
      const bool known = std::isfinite(value);
      const double seen = known ? std::exp(weight + question.log_failing(value)) : 0.0;
      values.unknown_pass.values.push_back(1.0 + seen - expected);
      values.unknown_fail.values.push_back(1.0 + (known ? seen : std::exp(weight)) - expected);
      values.unknown += known ? 0 : 1;
      if (std::abs(tail.surrogate.axis().dot(x) - values.place.mean) < 2.0 * values.place.sd)
        ++values.informative;
    }
  }

  // Answers from all fresh runs so far; by what factor the runs would have to grow for the worst of them.
  double answer(const std::vector<Values>& values) {
    double worst = 0.0;
    for (std::size_t q = 0; q < values.size(); ++q) {
      if (values[q].unknown_pass.values.empty()) continue;
      const WeightedEstimate high = summarize({values[q].unknown_fail}, values[q].log_model);
      const WeightedEstimate low =
          values[q].unknown == 0 ? high : summarize({values[q].unknown_pass}, values[q].log_model);
      OutputTail& tail = summary_.tails[q];
      tail = OutputTail{};
      tail.effective_samples = std::min(low.effective_samples, high.effective_samples);
      tail.bracketed = values[q].unknown > 0;
      tail.reason = high.objection().empty() ? low.objection() : high.objection();
      if (tail.reason.empty() && values[q].informative < 12) {
        tail.reason = fmt::format("only {} runs came near the boundary", values[q].informative);
      }
      double growth = 2.0;
      if (tail.reason.empty()) {
        tail.status = TailStatus::estimated;
        tail.log_p = high.log_p;
        tail.log_p_high = high.log_high;
        tail.log_p_low = low.log_low;
        tail.target_met = tail.half_width() <= options_.target_half_width;
        growth = tail.target_met || tail.bracketed
                     ? 1.0
                     : std::pow(tail.half_width() / (0.92 * options_.target_half_width), 2);
      }
      worst = std::max(worst, std::isfinite(growth) ? growth : 3.0);
    }
    return worst;
  }

  // --- audit -------------------------------------------------------------------------------------------------
  void audit() {
    const auto answered = [](const OutputTail& tail) { return tail.status == TailStatus::estimated; };
    if (std::none_of(summary_.tails.begin(), summary_.tails.end(), answered)) return;
    const double scale = std::clamp(farthest_ / 1.2, 2.0, 4.5);
    const auto count = static_cast<Eigen::Index>(std::min<std::uint64_t>(remaining(), audit_runs));
    if (count == 0) return;
    const Matrix points = scale * random_.normal_matrix(count, dimension_);
    Known seen;
    seen.add(points, evaluate(points, &RunCounts::audit));
    note(fmt::format("audit: {} draws at {:.1f} sigma", count, scale));
    const std::string objection = surprise(seen, scale);
    if (objection.empty()) return;
    for (OutputTail& tail : summary_.tails) refuse(tail, "audit: " + objection);
  }

  static void refuse(OutputTail& tail, const std::string& reason) {
    tail = OutputTail{};
    tail.reason = reason;
  }

  OutputTailsSummary refuse_all(const std::string& reason) {
    for (OutputTail& tail : summary_.tails) refuse(tail, reason);
    note(reason);
    return std::move(summary_);
  }

  void note(std::string line) { summary_.search.push_back(std::move(line)); }

  Eigen::Index dimension_;
  const OutputEvaluator& evaluator_;
  const std::vector<TailQuestion>& questions_;
  const OutputTailsOptions& options_;
  std::stop_token stop_;
  NormalStream random_;
  OutputTailsSummary summary_;
  Known near_;  // at 1 sigma, and the pilots
  Known far_;
  LinearModel plane_;
  double far_scale_ = 1.0;
  double farthest_ = 0.0;  // sigma of the last limit on the way, by the plane
  std::vector<Tail> tails_;
};

void check(std::size_t dimension, const OutputEvaluator& evaluator,
           const std::vector<TailQuestion>& questions, const OutputTailsOptions& options) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(std::string("output tails: ") + what);
  };
  require(dimension > 0, "dimension 0");
  require(static_cast<bool>(evaluator), "no evaluator");
  require(!questions.empty(), "no question");
  require(options.target_half_width > 0.0, "the target half-width must be positive");
  for (const TailQuestion& question : questions) {
    require(std::isfinite(question.limit), "a limit is not a number");
    require(std::isfinite(question.noise) && question.noise >= 0.0,
            "a noise must be finite and not negative");
  }
  for (const OutputDraws& known : options.known) {
    require(known.points.cols() == static_cast<Eigen::Index>(dimension), "known draws of another dimension");
    require(known.values.size() == static_cast<std::size_t>(known.points.rows()),
            "known draws without values");
    require(known.scale > 0.0, "known draws at a scale that is not positive");
  }
}

}  // namespace

double OutputTail::half_width() const {
  return 0.5 * (upper_tail_quantile(log_p_low) - upper_tail_quantile(log_p_high));
}

OutputTailsSummary estimate_output_tails(std::size_t dimension, const OutputEvaluator& evaluator,
                                         const std::vector<TailQuestion>& questions,
                                         const OutputTailsOptions& options, std::stop_token stop) {
  check(dimension, evaluator, questions, options);
  return OutputTailsEstimator(dimension, evaluator, questions, options, std::move(stop)).run();
}

}  // namespace flare::analysis
