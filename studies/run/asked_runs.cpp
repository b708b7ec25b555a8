#include "studies/run/asked_runs.hpp"

#include <string_view>

#include "engine/base/content_hash.hpp"

namespace flare::studies {

namespace {

template <typename Value>
std::string_view bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

std::uint64_t AskedRuns::add(const engine::RunRequest& request) {
  const std::uint64_t stream = engine::fnv1a(request.stream);
  std::uint64_t fresh = 0;
  for (Eigen::Index r = 0; r < request.points.rows(); ++r) {
    std::uint64_t run = engine::fnv1a(bytes_of(request.first + static_cast<std::uint64_t>(r)), stream);
    for (Eigen::Index v = 0; v < request.points.cols(); ++v)
      run = engine::fnv1a(bytes_of(request.points(r, v)), run);
    fresh += known_.insert(run).second ? 1 : 0;
  }
  return fresh;
}

}  // namespace flare::studies
