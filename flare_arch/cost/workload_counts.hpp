// The workload of a model on data: the functional simulator runs its attention, free of errors, and every product is
// counted with BitSift as the arrays have it.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <stop_token>

#include "flare_arch/attention/integer_attention.hpp"
#include "flare_arch/cost/workload.hpp"
#include "flare_arch/models/dataset.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {

struct CountOptions {
  int examples = 50;  // test examples, those an accuracy run of the seed takes (sample_of); 0: all
  std::uint64_t seed = 1;
  int calibration_examples = 64;
  int threads = 0;  // 0: all; the counts do not depend on it
  std::function<void(std::int64_t done, std::int64_t total)> progress;  // one thread at a time
  std::stop_token stop;
};

/// Attention's arithmetic of an architecture, for the functional simulator.
IntegerAttentionOptions attention_options(const Architecture& architecture);

/// Means over the sequences. The simulator is watched while it runs; cycles, conversions and rows of every layer are held to its
/// own counters (std::logic_error where they differ). Throws std::invalid_argument for an empty data set, examples the model cannot take, and
/// arrays that cannot hold the model; CountStopped where `stop` ended it.
Workload count_workload(const Transformer& model, const Dataset& dataset, const Architecture& architecture,
                        const CountOptions& options = {});

struct CountStopped : std::runtime_error {
  CountStopped() : std::runtime_error("counting was stopped") {}
};

}  // namespace flare::arch
