// What errors do to a model, by how many there are and by where they fall.
#pragma once

#include <string>
#include <vector>

#include "engine/base/hdf5_io.hpp"
#include "flare_arch/attention/attention.hpp"
#include "studies/model/accuracy_stage.hpp"

namespace flare::studies {

/// Errors in one layer's products of one operand alone; everywhere else reads are exact. Same random numbers in every
/// cell of a map.
struct MapCell {
  int layer = 0;
  arch::Operand operand = arch::Operand::query;
  AccuracyEvaluation row;
};

/// "query", "key", "value", "scores", "weighted", "output", "feed_forward".
std::string operand_name(arch::Operand operand);
/// Those of a model whose feed-forward products lie on arrays, or do not.
std::vector<arch::Operand> operands(bool feed_forward);

/// Every layer x operand, read mode.
std::vector<MapCell> sensitivity_map(AccuracyBench& bench, const std::string& quantizer,
                                     const ArrayErrors& weights, const ArrayErrors& dynamic);
engine::Table map_table(const std::vector<MapCell>& cells);
void print_map(const std::vector<MapCell>& cells);

/// Every read wrong by one code at one rate.
struct SweepPoint {
  double rate = 0;
  AccuracyEvaluation row;
};
/// Rates in the order given, at one SAWL; both kinds of arrays alike, read mode.
std::vector<SweepPoint> sweep_rates(AccuracyBench& bench, const std::string& quantizer,
                                    const std::vector<double>& rates, int sawl);
engine::Table sweep_table(const std::vector<SweepPoint>& points);
void print_sweep(const std::vector<SweepPoint>& points);

}  // namespace flare::studies
