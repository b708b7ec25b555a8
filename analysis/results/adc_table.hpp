// /adc/<name> of the result file: what was measured of a converter's circuit. Tables `thresholds`, a row a corner and threshold,
// and `figures`, a row a corner.
#pragma once

#include <string>
#include <vector>

#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

/// One threshold at one corner. V, s. "Left": what a trim, set at the nominal corner, leaves; without one, all of it.
struct AdcThresholdRow {
  std::string corner;
  int k = 0;                  // from 1
  double threshold = 0.0;     // nominal, without kick and offset
  double common_mode = 0.0;   // at which its comparator decides
  double kick = 0.0;          // by which deciding moves it, all comparators present
  double offset_mean = 0.0;   // of the comparator over dies
  double offset_sigma = 0.0;  // of the comparator over dies, and its 95 % interval
  double offset_sigma_low = 0.0;
  double offset_sigma_high = 0.0;
  double first_order = 0.0;      // the sigma that the sensitivities at balance give
  double reference_sigma = 0.0;  // of the reference or the capacitors, over dies
  double drift_sigma = 0.0;      // of offset here less offset at the nominal corner
  double left_mean = 0.0;        // kick, offset and reference
  double left_sigma = 0.0;
  double noise = 0.0;          // rms, of one decision
  double decision_time = 0.0;  // from the clock, 1 mV beyond the offset to half the supply
  int dies = 0;
  int unknown = 0;  // dies without an offset
};

/// One corner of a converter.
struct AdcFigureRow {
  std::string corner;
  int codes = 0;
  double lsb = 0.0;  // V, signed
  double dnl = 0.0;  // LSB, the worst, without mismatch
  double inl = 0.0;
  double sinad = 0.0;    // dB, noise included
  double enob = 0.0;     // bits
  double die_dnl = 0.0;  // mean over dies of the worst
  double die_inl = 0.0;
  double die_enob = 0.0;    // mean over dies
  double worst_enob = 0.0;  // of the dies
  double energy = 0.0;      // J per conversion: comparators, array, clock
  double comparator_energy = 0.0;
  double array_energy = 0.0;  // of a flash: its references
  double clock_energy = 0.0;
  double time = 0.0;  // s per conversion
  double load = 0.0;  // F on the bitline
  double area = 0.0;  // m^2 of gates, the trim's included
};

struct AdcResult {
  std::string name;     // of the study
  std::string circuit;  // of the folder: flash, sar, comparator and its name
  std::string trim;     // in words; "no trim" where there is none
  std::string references;
  int trim_bits = 0;
  double trim_range = 0.0;  // V, to either side
  double trim_area = 0.0;   // m^2
  std::vector<AdcThresholdRow> thresholds;
  std::vector<AdcFigureRow> figures;
};

void write_adc(H5::H5File& file, const AdcResult& result);
/// In the order of their names; empty where the file has none. Throws engine::FileError.
std::vector<AdcResult> read_adcs(const H5::H5File& file);

}  // namespace flare::analysis
