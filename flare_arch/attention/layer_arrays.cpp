#include "flare_arch/attention/layer_arrays.hpp"

namespace flare::arch {
namespace {

std::uint32_t stream_of(int layer, int array) {
  return static_cast<std::uint32_t>(layer * arrays_per_layer + array);
}

/// Null where the array does not err.
const CodeSampler* sampler_of(const AttentionErrors& errors, int layer, int array, bool stationary) {
  if (!errors.place.holds(layer, operand_of(array))) return nullptr;
  return stationary ? errors.stationary : errors.dynamic;
}

}  // namespace

Operand operand_of(int array) {
  if (array == query_array) return Operand::query;
  if (array == key_array) return Operand::key;
  if (array == value_array) return Operand::value;
  if (array < output_arrays) return Operand::feed_forward;
  if (array < key_heads) return Operand::output;
  return array < value_heads ? Operand::scores : Operand::weighted;
}

ErrorInjection array_injection(const AttentionErrors& errors, int layer, int array, bool stationary) {
  ErrorInjection e;
  e.sampler = sampler_of(errors, layer, array, stationary);
  e.mode = mode_of(e.sampler, errors.mode);
  e.seed = errors.seed;
  e.array = stream_of(layer, array);
  e.first_token = errors.first_token;
  e.path = errors.path;
  e.observer = errors.observer;
  if (errors.die != nullptr) e.die = errors.die->arrays[array].get();
  return e;
}

ErrorInjection shared_injection(const AttentionErrors& errors, int layer, int reader, int array) {
  ErrorInjection e = array_injection(errors, layer, reader, false);
  if (errors.die != nullptr) e.die = errors.die->arrays[array].get();
  return e;
}

LayerDieMaker::LayerDieMaker(const AttentionErrors& errors, int layer) : errors_(errors), layer_(layer) {
  die_.arrays.resize(arrays_per_layer);
}

void LayerDieMaker::add(int array, bool stationary, Eigen::Index rows, Eigen::Index bitlines) {
  const CodeSampler* sampler = sampler_of(errors_, layer_, array, stationary);
  if (sampler == nullptr || sampler->model().freezes_nothing()) return;
  die_.arrays[array] = std::make_unique<ArrayDie>(sampler->model(), errors_.seed, stream_of(layer_, array),
                                                  static_cast<int>(rows), static_cast<int>(bitlines));
}

}  // namespace flare::arch
