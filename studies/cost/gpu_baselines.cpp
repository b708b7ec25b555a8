#include "studies/cost/gpu_baselines.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flare::studies {

namespace {

using analysis::CostBaselineRow;
using arch::ModelShape;
using arch::Scope;

constexpr double roofline_batch = 128;  // the largest that the measured figures have

CostBaselineRow row_of(const GpuFigure& g, Scope scope, const std::string& kind, double speed) {
  CostBaselineRow row;
  row.name = g.label(kind);
  row.scope = std::string(to_string(scope));
  row.kind = kind;
  row.tokens_per_second = {speed, speed, speed};
  const double joule = g.watt > 0 ? g.watt / speed : 0;
  row.token_energy = {joule, joule, joule};
  row.detail = fmt::format("{} nm, {} W {}", g.node, g.watt, g.watt_kind);
  row.source = g.source;
  return row;
}

CostBaselineRow measured_row(const GpuFigure& g, ModelShape shape, Scope scope) {
  if (scope == Scope::encoder) return row_of(g, scope, "measured", g.tokens_per_second());
  shape.tokens = g.tokens;
  const double share = shape.macs(false) / shape.macs(true);
  CostBaselineRow row = row_of(g, scope, "estimate", g.tokens_per_second() / share);
  row.detail += fmt::format("; measured / {:.3f}, attention's share of the multiplications", share);
  return row;
}

}  // namespace

double roofline_time(const GpuFigure& peak, const ModelShape& shape, Scope scope) {
  const bool encoder = scope == Scope::encoder;
  const double n = shape.tokens, d = shape.width, bytes_a_word = peak.precision == "INT8" ? 1 : 2;
  const double all = shape.macs(encoder),
               dynamic =
                   shape.macs(false) - n * d * (2.0 * shape.heads + 2.0 * shape.kv_heads()) * shape.head();
  const double weights = (all - dynamic) / n;  // each meets every token
  const double bytes = bytes_a_word * (weights / roofline_batch + 2 * n * d);
  return shape.layers * std::max(2 * all / peak.value, bytes / peak.bandwidth);
}

std::vector<CostBaselineRow> gpu_baselines(const std::vector<GpuFigure>& gpus, const ModelShape& shape,
                                           Scope scope) {
  std::vector<CostBaselineRow> rows;
  for (const GpuFigure& g : gpus)
    if (g.is_measured() && g.model == shape.name && g.scope == "encoder" && g.tokens_per_second() > 0)
      rows.push_back(measured_row(g, shape, scope));
  for (const GpuFigure& g : gpus) {
    if (g.is_measured() || (scope == Scope::encoder && shape.mlp_width == 0)) continue;
    const double time = roofline_time(g, shape, scope);
    rows.push_back(row_of(g, scope, "peak", shape.tokens / time));
    rows.back().detail +=
        fmt::format("; roofline at {:g} TOPS and {:g} GB/s, weights once for {:g} sequences", 1e-12 * g.value,
                    1e-9 * g.bandwidth, roofline_batch);
  }
  return rows;
}

}  // namespace flare::studies
