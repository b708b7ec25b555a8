// GPUs beside a costed model: what was measured, what that makes of attention alone, and what the device's peaks allow.
#pragma once

#include <vector>

#include "analysis/results/cost_table.hpp"
#include "flare_arch/cost/architecture.hpp"
#include "flare_arch/cost/model_shape.hpp"
#include "studies/cost/published.hpp"

namespace flare::studies {

/// Rows of the scope of the cost, and of no other:
///   measured   of the whole encoder, where that is costed
///   estimate   where attention alone is costed: the measured figure over attention's share of the multiplications
///   peak       the roofline, in the precision of the peak: token/s = tokens / max(2 MAC / peak, bytes / bandwidth) with the
///              least traffic possible (weights once for a batch of 128, the layer's input and output), at the TDP
std::vector<analysis::CostBaselineRow> gpu_baselines(const std::vector<GpuFigure>& gpus,
                                                     const arch::ModelShape& shape, arch::Scope scope);

/// Roofline of a peak, s a sequence.
double roofline_time(const GpuFigure& peak, const arch::ModelShape& shape, arch::Scope scope);

}  // namespace flare::studies
