// /sweep of the result file: a study at several values of its keys.
//
//     /sweep/points          a row a point: its number, and a column a swept key: numbers in the unit of its attribute, or
//                            texts as written
//     /sweep/answers         a row a point and series (a cell, SAWL and converter, or a spec): the verdict's columns
//     /sweep/limits          likewise, limits that were asked for
//     /sweep/results/<n>/    all that a study writes, of point n
#pragma once

#include <string>
#include <vector>

#include "analysis/verdict/spec_verdict.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

struct SweepColumn {
  std::string key;
  std::string unit;                // as written; empty: none
  std::vector<double> numbers;     // by point; NaN: a word
  std::vector<std::string> texts;  // likewise, as written

  bool has_numbers() const;
};

struct SweepAnswer {
  std::size_t point = 0;
  std::string series;
  std::string corner;  // the worst
  TailProbability tail;
  double target = six_sigma_probability();
  bool passes = false;
};

struct SweepLimit {
  std::size_t point = 0;
  LimitRow row;  // of the worst corner
};

struct Sweep {
  std::vector<SweepColumn> columns;
  std::vector<SweepAnswer> answers;
  std::vector<SweepLimit> limits;

  std::size_t points() const { return columns.empty() ? 0 : columns.front().texts.size(); }
};

/// What one point's file says, under its number.
void take_point(const H5::H5File& file, std::size_t point, Sweep& sweep);

void write_sweep(H5::H5File& file, const Sweep& sweep);
/// Without columns where the file has none. Throws engine::FileError.
Sweep read_sweep_table(const H5::H5File& file);

}  // namespace flare::analysis
