#include "analysis/converters/converter.hpp"
#include "analysis/converters/measured_thresholds.hpp"
#include "engine/base/averages.hpp"
#include "engine/base/file_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace flare::analysis {
namespace {

constexpr double z_reach = 14.0;  // Phi(-14) = 8e-45

// Midway between neighbouring reference levels, in steps.
std::vector<double> midpoints(const ReferenceLevels& reference) {
  std::vector<double> result;
  for (std::size_t k = 1; k <= reference.sawl(); ++k) {
    result.push_back(reference.to_steps(0.5 * (reference.volts()[k - 1] + reference.volts()[k])));
  }
  return result;
}

// Code probabilities given the level: every comparator decides on its own, so the code is Poisson-binomial.
// Sums of products of positive terms only: nothing cancels.
void comparator_codes(double level, const Converter& converter, const std::vector<double>& sigma,
                      std::vector<double>& codes) {
  std::fill(codes.begin(), codes.end(), 0.0);
  codes[0] = 1.0;
  for (std::size_t j = 0; j < converter.thresholds.size(); ++j) {
    const double distance = (converter.thresholds[j] - level) / sigma[j];
    const double tripped = normal_tail(distance);
    const double not_tripped = normal_tail(-distance);
    for (std::size_t c = j + 1; c > 0; --c) codes[c] = codes[c] * not_tripped + codes[c - 1] * tripped;
    codes[0] *= not_tripped;
  }
}

// P(a < Z < b) from whichever tail keeps the digits.
double normal_between(double a, double b) {
  return a > 0.0 ? normal_tail(a) - normal_tail(b) : normal_tail(-b) - normal_tail(-a);
}

// Code probabilities given the level: one noise before all comparators.
void common_noise_codes(double level, const Converter& converter, const std::vector<double>& sigma,
                        std::vector<double>& codes) {
  const std::vector<double>& t = converter.thresholds;
  codes.front() = normal_tail(-(t.front() - level) / sigma.front());
  codes.back() = normal_tail((t.back() - level) / sigma.back());
  for (std::size_t c = 1; c + 1 < codes.size(); ++c) {
    // Not below zero where the spreads of two thresholds differ.
    codes[c] = std::max(0.0, normal_between((t[c - 1] - level) / sigma[c - 1], (t[c] - level) / sigma[c]));
  }
}

std::vector<double> noiseless_codes(const LevelShape& level, const std::vector<double>& thresholds) {
  std::vector<double> result;
  double below = -40.0;
  for (const double t : thresholds) {
    const double z = level.z(t);
    result.push_back(normal_between(below, z));
    below = z;
  }
  result.push_back(normal_tail(below));
  return result;
}

// Shares of the samples per code, for a level without a law; offsets and noise left out.
std::vector<double> sample_codes(const std::vector<double>& samples, const Converter& converter) {
  std::vector<double> result(converter.codes(), 0.0);
  for (const double x : samples) {
    const auto code = std::lower_bound(converter.thresholds.begin(), converter.thresholds.end(), x) -
                      converter.thresholds.begin();
    result[static_cast<std::size_t>(code)] += 1.0 / static_cast<double>(samples.size());
  }
  return result;
}

void set_code_per_level(Converter& converter, const std::vector<double>& middle) {
  converter.thresholds = middle;
  converter.code_of_level.resize(middle.size() + 1);
  std::iota(converter.code_of_level.begin(), converter.code_of_level.end(), std::size_t{0});
  converter.reconstruct.resize(middle.size() + 1);
  std::iota(converter.reconstruct.begin(), converter.reconstruct.end(), 0.0);
}

void set_shared_codes(Converter& converter, const std::vector<double>& middle, std::size_t codes) {
  const std::size_t levels = middle.size() + 1;
  std::vector<double> sum(codes, 0.0);
  std::vector<double> count(codes, 0.0);
  for (std::size_t k = 0; k < levels; ++k) {
    const std::size_t code = k * codes / levels;
    if (k > 0 && code != converter.code_of_level.back()) converter.thresholds.push_back(middle[k - 1]);
    converter.code_of_level.push_back(code);
    sum[code] += static_cast<double>(k);
    count[code] += 1.0;
  }
  for (std::size_t c = 0; c < codes; ++c) converter.reconstruct.push_back(sum[c] / count[c]);
}

}  // namespace

std::string to_string(ReferenceMode mode) { return mode == ReferenceMode::fixed ? "fixed" : "tracking"; }
std::string to_string(Direction direction) { return direction == Direction::down ? "down" : "up"; }

void read_word(const std::string& word, Direction& direction) {
  if (word != "down" && word != "up") {
    throw engine::FileError("direction \"" + word + "\" is neither down nor up; the file is damaged");
  }
  direction = word == "up" ? Direction::up : Direction::down;
}

bool ConverterOptions::is_valid(std::string* error) const {
  const auto fail = [&](const char* what) {
    if (error != nullptr) *error = "converter " + name + ": " + what;
    return false;
  };
  const auto sigma_ok = [](double sigma) { return std::isfinite(sigma) && sigma >= 0.0; };
  if (name.empty() || name.find('/') != std::string::npos) return fail("needs a name without \"/\"");
  if (!sigma_ok(offset_sigma_volt) || !sigma_ok(offset_sigma_step) || !sigma_ok(read_noise_sigma_step)) {
    return fail("a sigma must be finite and not negative");
  }
  for (const double sigma : reference_sigma_volt) {
    if (!sigma_ok(sigma))
      return fail("the spread of a replica reference is unknown: a sensitivity of the levels has no answer");
  }
  if ((kind == ConverterKind::measured) != measured.has_value())
    return fail("measured thresholds go with kind measured");
  if (kind == ConverterKind::enob) {
    if (!(enob >= 1.0 && enob <= 16.0)) return fail("enob must lie in 1 ... 16 bits");
    if (offset_sigma_volt > 0.0 || offset_sigma_step > 0.0 || read_noise_sigma_step > 0.0) {
      return fail("an enob converter has no offset or noise of its own: enob holds them");
    }
  }
  return true;
}

ReferenceLevels::ReferenceLevels(std::vector<double> volts) : volts_(std::move(volts)) {
  if (volts_.size() < 2) throw std::invalid_argument("reference levels: at least two are needed");
  const double direction = volts_.back() - volts_.front();
  for (std::size_t k = 1; k < volts_.size(); ++k) {
    if (!((volts_[k] - volts_[k - 1]) * direction > 0.0)) {
      throw std::invalid_argument(
          "reference levels " + std::to_string(k - 1) + " and " + std::to_string(k) +
          " are out of order: the column's level must rise or fall with every on-cell");
    }
  }
}

double Converter::threshold_sigma(std::size_t t) const {
  if (offset_sigmas.empty()) return std::hypot(offset_sigma, read_noise_sigma);
  return std::hypot(offset_sigmas.at(t), read_noise_sigmas.at(t));
}

namespace {

Converter converter_alone(const ConverterOptions& options, const ReferenceLevels& reference) {
  Converter converter;
  converter.name = options.name;
  converter.kind = options.kind;
  const std::vector<double> middle = midpoints(reference);
  const std::size_t levels = middle.size() + 1;
  if (options.kind == ConverterKind::measured) {
    set_code_per_level(converter, middle);
    set_measured(converter, *options.measured, reference);
    return converter;
  }
  converter.common = options.kind == ConverterKind::enob;
  if (options.kind == ConverterKind::ideal) {
    set_code_per_level(converter, middle);
    converter.enob = std::log2(static_cast<double>(levels));
    converter.offset_sigma =
        std::hypot(options.offset_sigma_step, options.offset_sigma_volt / std::fabs(reference.step()));
    converter.read_noise_sigma = options.read_noise_sigma_step;
    return converter;
  }
  const auto codes = static_cast<std::size_t>(std::exp2(std::ceil(options.enob)));
  converter.enob = options.enob;
  converter.read_noise_sigma = static_cast<double>(levels) / std::exp2(options.enob) / std::sqrt(12.0);
  if (codes >= levels) {
    set_code_per_level(converter, middle);
  } else {
    set_shared_codes(converter, middle, codes);
  }
  return converter;
}

/// Deviations of the references, frozen per die, on top of what each threshold has of its own.
void add_references(Converter& converter, const std::vector<double>& sigma_volt, double step) {
  const std::size_t n = converter.thresholds.size();
  if (converter.offset_sigmas.empty()) {
    converter.offset_sigmas.assign(n, converter.offset_sigma);
    converter.read_noise_sigmas.assign(n, converter.read_noise_sigma);
  }
  std::size_t t = 0;
  for (std::size_t k = 1; k < converter.code_of_level.size(); ++k) {
    if (converter.code_of_level[k] == converter.code_of_level[k - 1]) continue;  // no threshold between them
    double& own = converter.offset_sigmas[t++];
    own = std::hypot(own, sigma_volt[k - 1] / std::fabs(step));
  }
  converter.offset_sigma = engine::root_mean_square(converter.offset_sigmas);
}

}  // namespace

Converter make_converter(const ConverterOptions& options, const ReferenceLevels& reference) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument(error);
  Converter converter = converter_alone(options, reference);
  if (options.reference_sigma_volt.empty()) return converter;
  if (options.reference_sigma_volt.size() != reference.sawl()) {
    throw std::invalid_argument(fmt::format("{} references for {} thresholds",
                                            options.reference_sigma_volt.size(), reference.sawl()));
  }
  add_references(converter, options.reference_sigma_volt, reference.step());
  return converter;
}

std::vector<double> code_probabilities(const LevelShape& level, const Converter& converter) {
  std::vector<double> sigma;
  for (std::size_t t = 0; t < converter.thresholds.size(); ++t) sigma.push_back(converter.threshold_sigma(t));
  const double least = *std::min_element(sigma.begin(), sigma.end());
  if (least < 1e-9 * level.sigma()) return noiseless_codes(level, converter.thresholds);
  std::vector<double> result(converter.codes(), 0.0);
  std::vector<double> at(converter.codes(), 0.0);
  const double slope = (level.level(0.1) - level.level(-0.1)) / 0.2;
  const double panel = std::clamp(least / slope, 0.01, 1.0);
  const auto panels = static_cast<int>(std::ceil(2.0 * z_reach / panel));
  const double half = z_reach / panels;
  using Rule = boost::math::quadrature::gauss<double, 10>;
  const auto add = [&](double z, double weight) {
    if (!converter.common) {
      comparator_codes(level.level(z), converter, sigma, at);
    } else {
      common_noise_codes(level.level(z), converter, sigma, at);
    }
    for (std::size_t c = 0; c < at.size(); ++c) result[c] += weight * normal_density(z) * at[c];
  };
  for (int i = 0; i < panels; ++i) {
    const double centre = -z_reach + (2 * i + 1) * half;
    for (std::size_t node = 0; node < Rule::abscissa().size(); ++node) {
      add(centre - half * Rule::abscissa()[node], half * Rule::weights()[node]);
      add(centre + half * Rule::abscissa()[node], half * Rule::weights()[node]);
    }
  }
  return result;
}

namespace {

// Below this the confusion row, in plain numbers, does not hold what its two tails say.
constexpr double least_row_sum = 1e-290;

// What one refused tail leaves of a level: no number, and in words what is known of the other.
TailProbability refused_level(const LevelTail& refused, const std::vector<LevelTail>& tails) {
  TailProbability error = refused.probability;
  error.method = fmt::format("level {} {}: {}", refused.k, to_string(refused.direction), error.method);
  for (const LevelTail& other : tails) {
    if (other.direction == refused.direction || other.probability.status == TailStatus::refused) continue;
    error.method += fmt::format(" ({} alone: {:.2f} sigma, {})", to_string(other.direction),
                                other.probability.sigma(), to_string(other.probability.status));
  }
  return error;
}

// P(wrong | k) and its interval: the value from the confusion row, the interval's shape from the two tails.
TailProbability join_tails(const std::vector<double>& row, std::size_t right,
                           const std::vector<LevelTail>& tails) {
  for (const LevelTail& tail : tails)
    if (tail.probability.status == TailStatus::refused) return refused_level(tail, tails);
  TailProbability error;
  double wrong = 0.0;
  for (std::size_t c = 0; c < row.size(); ++c) wrong += c == right ? 0.0 : row[c];
  double p = 0.0;
  double low = 0.0;
  double high = 0.0;
  constexpr double nothing = -std::numeric_limits<double>::infinity();
  double log_p = nothing;
  double log_low = nothing;
  double log_high = nothing;
  error.status = TailStatus::estimated;
  const TailProbability* largest = nullptr;
  for (const LevelTail& tail : tails) {
    const TailProbability& t = tail.probability;
    p += t.p;
    low += t.low;
    high += t.high;
    log_p = log_sum(log_p, t.p.log());
    log_low = log_sum(log_low, t.low.log());
    log_high = log_sum(log_high, t.high.log());
    error.runs = t.runs;
    error.unknown = t.unknown;
    // The status of the tail that decides; a bound always shows.
    const bool decides = largest == nullptr || t.p > largest->p;
    if (decides) error.method = t.method;
    if (t.status == TailStatus::bound || (decides && error.status != TailStatus::bound))
      error.status = t.status == TailStatus::bound ? weaker(error.status, t.status) : t.status;
    if (decides) largest = &t;
  }
  if (wrong < least_row_sum || p < least_row_sum) {
    error.p = Probability::of_log(log_p);
    error.low = Probability::of_log(log_low);
    error.high = Probability::of_log(log_high);
  } else {
    const double scale = wrong / p;
    error.p = Probability(wrong);
    error.low = Probability(std::min(low * scale, wrong));
    error.high = Probability(std::clamp(high * scale, wrong, 1.0));
  }
  // Of a bound nobody knows by how much the truth is less: the sum is one, too.
  if (largest != nullptr && largest->is_upper_bound()) error.p = error.high;
  return error;
}

std::vector<LevelTail> tails_of(const LevelFit& level, std::size_t k, const Converter& converter) {
  const std::size_t code = converter.code_of_level[k];
  std::vector<LevelTail> tails;
  if (code > 0) {
    tails.push_back(
        {k, Direction::down,
         level.noisy_tail(converter.thresholds[code - 1], Side::below, converter.threshold_sigma(code - 1))});
  }
  if (code < converter.thresholds.size()) {
    tails.push_back(
        {k, Direction::up,
         level.noisy_tail(converter.thresholds[code], Side::above, converter.threshold_sigma(code))});
  }
  return tails;
}

void find_worst(ConvertedPoint& point) {
  for (std::size_t k = 1; k < point.errors.size(); ++k)
    if (worse(point.errors[k], point.errors[point.worst_level])) point.worst_level = k;
  const TailProbability* largest = nullptr;
  for (const LevelTail& tail : point.tails) {
    if (tail.k != point.worst_level || (largest != nullptr && !worse(tail.probability, *largest))) continue;
    largest = &tail.probability;
    point.worst_direction = tail.direction;
  }
}

}  // namespace

ConvertedPoint convert(const std::vector<LevelFit>& levels, const ReferenceLevels& reference,
                       const ConverterOptions& options) {
  if (levels.size() != reference.sawl() + 1) {
    throw std::invalid_argument("a column of " + std::to_string(levels.size()) + " levels, but " +
                                std::to_string(reference.sawl() + 1) + " reference levels");
  }
  ConvertedPoint point;
  point.converter = make_converter(options, reference);
  const Converter& converter = point.converter;
  point.confusion.resize(static_cast<Eigen::Index>(levels.size()),
                         static_cast<Eigen::Index>(converter.codes()));
  for (std::size_t k = 0; k < levels.size(); ++k) {
    const LevelFit level = reference.to_steps(levels[k]);
    point.level_mean.push_back(level.moments().mean);
    const std::vector<double> row = level.refused() ? sample_codes(level.samples(), converter)
                                                    : code_probabilities(level.shape(), converter);
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    for (std::size_t c = 0; c < row.size(); ++c) {
      point.confusion(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(c)) = row[c] / sum;
    }
    const std::vector<LevelTail> tails = tails_of(level, k, converter);
    point.errors.push_back(join_tails(row, converter.code_of_level[k], tails));
    point.tails.insert(point.tails.end(), tails.begin(), tails.end());
  }
  find_worst(point);
  return point;
}

void replace_tails(ConvertedPoint& point, const std::vector<LevelTail>& tails) {
  for (const LevelTail& tail : tails) {
    for (LevelTail& own : point.tails) {
      if (own.k == tail.k && own.direction == tail.direction) own.probability = tail.probability;
    }
  }
  for (std::size_t k = 0; k < point.errors.size(); ++k) {
    const std::size_t right = point.converter.code_of_level[k];
    auto row = point.confusion.row(static_cast<Eigen::Index>(k));
    std::vector<LevelTail> own;
    for (const LevelTail& tail : point.tails) {
      if (tail.k != k) continue;
      own.push_back(tail);
      if (tail.probability.status == TailStatus::refused) continue;  // nothing better than the fit
      const auto first = static_cast<Eigen::Index>(tail.direction == Direction::down ? 0 : right + 1);
      const auto last =
          static_cast<Eigen::Index>(tail.direction == Direction::down ? right : point.converter.codes());
      const double sum = row.segment(first, last - first).sum();
      if (sum > 0.0) {
        row.segment(first, last - first) *= tail.probability.p / sum;
      } else {
        row[tail.direction == Direction::down ? last - 1 : first] = tail.probability.p;
      }
    }
    row[static_cast<Eigen::Index>(right)] = 0.0;
    row[static_cast<Eigen::Index>(right)] = std::max(0.0, 1.0 - row.sum());
    point.errors[k] = join_tails(std::vector<double>(row.begin(), row.end()), right, own);
  }
  point.worst_level = 0;
  find_worst(point);
}

}  // namespace flare::analysis
