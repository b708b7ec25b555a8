// Measures: numbers taken from the waveforms of one run.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace flare::engine {

/// The saved vectors of one analysis. For an operating point each vector has length 1 and `time` is {0}.
struct Waveforms {
  std::vector<double> time;                 // ascending; s, or what a sweep varies in V, A or Hz
  std::vector<std::string> names;           // as saved, lower case: "v(bl)", "i(vdd)", "@m.x1.m1[id]"
  std::vector<std::vector<double>> values;  // values[i][j]: vector i at time[j]

  /// The vector called `name`; nullptr where it was not saved.
  const std::vector<double>* find(const std::string& name) const;
};

enum class MeasureKind {
  value_at,  // value at time `at`, or where `when` crosses (linear between time points); with neither the last point
  crossing,  // the `occurrence`-th time after `from` at which the vector crosses `level` in direction `edge`, s
  minimum,  // over [from, to]
  maximum,
  average,           // time average over [from, to]
  integral,          // over [from, to], unit * s
  period,            // from that crossing to the next one in the same direction, s
  expression,        // arithmetic over other measures of the testbench (engine/measures/expression.hpp)
  integrated_noise,  // of a spectral density over the frequency: root of the integral of its square over [from, to]
  search,  // the value of `source` in [from, to] at which the vector at `at` crosses `level` (threshold_search.hpp)
};

enum class Edge { rise, fall, either };

/// +-(vector [minus reference]) -> one number. Times in s; over a sweep what is swept stands in place of the time.
struct Measure {
  std::string name;  // e.g. "level"
  MeasureKind kind = MeasureKind::value_at;
  std::string vector;     // e.g. "v(bl)"
  std::string reference;  // subtracted from the vector where it is not empty, e.g. "v(blb)"
  bool negated = false;   // the difference with its sign changed is measured: "-i(vdd)"
  std::string unit;       // of the result: "V", "A", "s", ...
  double scale = 1.0;     // the result, not the vector, is multiplied by this
  std::optional<double> at;
  // Of value_at: +-(when [minus when_reference]), whose crossing, as of kind crossing, says when the value is taken.
  std::string when;
  std::string when_reference;
  bool when_negated = false;
  double level = 0.0;
  Edge edge = Edge::either;
  double from = 0.0;
  std::optional<double> to;  // without it the end
  int occurrence = 1;        // of crossing and period: 1 is the first after `from`
  std::string expression;    // of kind expression alone, e.g. "t_c - t_b"
  // Of kind search: the independent source whose DC value is sought, and to what; from and to are in its unit.
  std::string source = {};
  double resolution = 0.0;
};

/// The value of a measure of waveforms, or nothing where it is not defined (a crossing that never happens, a value
/// that is not finite). Throws std::invalid_argument where the vector was not saved or the kind is expression, which
/// takes a MeasureSet (engine/measures/measure_set.hpp). Of a search the value of its vector.
std::optional<double> evaluate(const Measure& measure, const Waveforms& waveforms);

}  // namespace flare::engine
