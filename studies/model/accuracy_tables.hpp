// What `flare accuracy` tells, on the terminal and as tables: accuracies, what the arrays did, their sizes, storage.
#pragma once

#include <string>
#include <vector>

#include "engine/base/content_hash.hpp"
#include "flare_arch/cost/storage.hpp"
#include "flare_arch/cost/traffic.hpp"
#include "studies/model/accuracy_stage.hpp"

namespace flare::studies {

void print_accuracies(const std::vector<AccuracyEvaluation>& rows);

/// Every example of every evaluation: label, answer, and what it adds to the metric.
engine::Table answers_table(const std::vector<AccuracyEvaluation>& rows);

/// One kind of array in one evaluation.
struct CounterLine {
  std::string quantizer, mode, kind, errors;  // kind: "weights", or "dynamic" (keys and values)
  int sawl = 0;                               // the error model's, or what error-free arrays are given
  std::int64_t images = 0;                    // over all repeats
  arch::ArrayCounters counters;
  std::int64_t tensor_words = 0;  // over the device's border; told once, with the weights
};
/// Of the evaluations that ran on arrays.
std::vector<CounterLine> counter_lines(const std::vector<AccuracyEvaluation>& rows,
                                       const arch::IntegerAttentionOptions& options);
/// Means per image.
void print_counters(const std::vector<CounterLine>& lines);
/// Sums over all images.
engine::Table counters_table(const std::vector<CounterLine>& lines);

/// Whether queries, keys and values are projections of the model's width on itself, which the counted sizes assume.
bool has_square_projections(const arch::ModelSpec& spec);

arch::AttentionShape shape_of(const arch::ModelSpec& spec);
void print_sizes(const arch::ModelSpec& spec, const arch::IntegerAttentionOptions& options);

void print_storage(const std::vector<arch::TensorStorage>& tensors);
engine::Table storage_table(const std::vector<arch::TensorStorage>& tensors);

}  // namespace flare::studies
