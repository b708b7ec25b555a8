// Converters acting on the levels of a bitline: from the law of each level to P(code | k).
//
// Everything here is in *steps*: the axis on which reference level k of the bitline lies near k, origin and
// unit taken from the first and the last reference level. Thresholds lie midway between neighbouring
// reference levels, wherever compression put those.
//
//   ideal       flash: one comparator per threshold, code = number of comparators that tripped. Each has an
//               offset N(0, offset_sigma^2) frozen per die and a noise N(0, read_noise_sigma^2) drawn per read,
//               both independent from comparator to comparator.
//   enob        behavioural, b bits, which may be fractional: noise and distortion of variance (FS/2^b)^2/12
//               (FS = SAWL + 1 steps: half a step beyond the first and the last level) added to the level, per read.
//               With 2^ceil(b) > SAWL it has a code for every level. With fewer, level k is read as code
//               floor(k 2^ceil(b) / (SAWL + 1)): neighbouring levels share a code by a fixed rule, a code
//               stands for the mean of its levels, and every threshold keeps half a step of distance to the
//               levels. A read is wrong when its code is not the one of its level; the rounding is not an
//               error of a read.
//
//   measured    a flash or a SAR whose circuit was measured (MeasuredThresholds): every threshold has an offset, an
//               offset's spread and a noise of its own. Of a SAR the thresholds are evenly spaced whatever the levels are,
//               and what moves one moves its neighbours alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/levels/level_fit.hpp"
#include "engine/base/matrix.hpp"

namespace flare::analysis {

enum class ConverterKind { ideal, enob, measured };
enum class ReferenceMode {
  fixed,     // levels of the nominal corner, set once
  tracking,  // levels of the same corner (a replica column)
};
std::string to_string(ReferenceMode mode);

/// What was measured of a converter's circuit at one corner, by threshold, in the order of the levels. V.
struct MeasuredThresholds {
  bool one_comparator = false;    // a SAR: thresholds evenly spaced by `lsb`, deviations common to all
  double lsb = 0.0;               // signed, as the levels go
  std::vector<double> threshold;  // where each was measured
  std::vector<double> shift;      // mean over dies, trimmed where it is
  std::vector<double> sigma;      // over dies, frozen
  std::vector<double> noise;      // per read

  /// A value of `column` at a threshold of `volt`, linear in between. Throws std::invalid_argument more than half an lsb
  /// outside of what was measured.
  double at(double volt, const std::vector<double>& column) const;
};

/// What a study says of a converter.
struct ConverterOptions {
  std::string name = "ideal";
  ConverterKind kind = ConverterKind::ideal;
  ReferenceMode reference = ReferenceMode::tracking;
  double enob = 0.0;                           // of kind enob only, bits, in [1, 16]
  double offset_sigma_volt = 0.0;              // ideal only, V
  double offset_sigma_step = 0.0;              // ideal only, steps; added in squares to the one in V
  double read_noise_sigma_step = 0.0;          // ideal only, steps
  std::vector<double> reference_sigma_volt;    // of the reference between levels m and m + 1, V; empty: none
  std::optional<MeasuredThresholds> measured;  // of kind measured only

  bool is_valid(std::string* error) const;
};

/// Mean levels that set the thresholds, V, index k = 0 ... SAWL; strictly rising or strictly falling.
class ReferenceLevels {
 public:
  /// Throws std::invalid_argument for fewer than two levels or levels out of order.
  explicit ReferenceLevels(std::vector<double> volts);

  std::size_t sawl() const { return volts_.size() - 1; }
  /// Mean step, V, signed: negative where the bitline falls with k.
  double step() const { return (volts_.back() - volts_.front()) / static_cast<double>(sawl()); }
  double to_steps(double volt) const { return (volt - volts_.front()) / step(); }
  double to_volts(double steps) const { return volts_.front() + steps * step(); }
  LevelFit to_steps(const LevelFit& volts) const {
    return volts.affine(-volts_.front() / step(), 1.0 / step());
  }
  const std::vector<double>& volts() const { return volts_; }

 private:
  std::vector<double> volts_;
};

/// A converter set to a column. Steps throughout.
struct Converter {
  std::string name;
  ConverterKind kind = ConverterKind::ideal;
  double enob = 0.0;                       // of kind enob; else log2 of the number of codes
  std::vector<double> thresholds;          // ascending; code = number of thresholds below the level
  std::vector<double> reconstruct;         // value a code stands for, per code
  std::vector<std::size_t> code_of_level;  // the right code of level k
  double offset_sigma = 0.0;               // frozen per die, per comparator
  double read_noise_sigma = 0.0;           // drawn per read
  bool common = false;                     // offset and noise move all thresholds alike
  // Of each threshold where they differ (measured); the two sigmas above are then their root mean squares.
  std::vector<double> offset_sigmas;
  std::vector<double> read_noise_sigmas;

  std::size_t codes() const { return thresholds.size() + 1; }
  std::size_t sawl() const { return code_of_level.size() - 1; }
  /// Noise between the level and threshold `t`, whatever its origin.
  double threshold_sigma(std::size_t t) const;
};

/// Throws std::invalid_argument where the options are not valid.
Converter make_converter(const ConverterOptions& options, const ReferenceLevels& reference);

/// P(code | k) for one level in steps, length codes(), sums to 1 to rounding. Quadrature over +-14 sigma of
/// the level of terms that are all positive, so an entry keeps its relative accuracy down to about 1e-40.
std::vector<double> code_probabilities(const LevelShape& level, const Converter& converter);

enum class Direction {
  down,  // read as a lower code than the right one
  up,    // read as a higher code
};
std::string to_string(Direction direction);
/// Throws engine::FileError for a word that is neither.
void read_word(const std::string& word, Direction& direction);

/// Error of one level in one direction: P(the comparator next to the level's code decides wrongly).
struct LevelTail {
  std::size_t k = 0;
  Direction direction = Direction::down;
  TailProbability probability;
};

/// One converter on one column at one corner.
struct ConvertedPoint {
  Converter converter;
  engine::Matrix confusion;             // (SAWL + 1) x codes, P(code | k), rows sum to 1
  std::vector<LevelTail> tails;         // by k, down then up, where the level's code has a neighbour there
  std::vector<TailProbability> errors;  // per k: P(wrong code | k), interval joined from its two tails
  std::vector<double> level_mean;       // steps
  std::size_t worst_level = 0;  // a refused k before any other, then the largest p, then the largest high
  Direction worst_direction = Direction::down;  // the larger tail of that level

  const TailProbability& worst() const { return errors.at(worst_level); }
};

/// `levels`: the fits of levels 0 ... SAWL in V. A level whose fit was refused gets a confusion row from its
/// samples alone (share of samples per code), and its error is refused: not a number. Throws std::invalid_argument where
/// the numbers of levels differ.
ConvertedPoint convert(const std::vector<LevelFit>& levels, const ReferenceLevels& reference,
                       const ConverterOptions& options);

/// Puts tails that were estimated otherwise (by rare-event simulation) in the place of the fit's: errors,
/// worst level and the confusion matrix follow. On either side of a level the fit's split over the codes is
/// kept and scaled to the estimate; a refused tail leaves the fit's entries, and its level's error is refused.
void replace_tails(ConvertedPoint& point, const std::vector<LevelTail>& tails);

}  // namespace flare::analysis
