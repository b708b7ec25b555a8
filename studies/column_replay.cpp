#include "studies/column_replay.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "studies/column_testbench.hpp"

namespace flare::studies {

engine::Testbench column_replay_testbench(const Study& study, const H5::H5File& file,
                                          const std::string& group, engine::Evaluator& evaluator) {
  const engine::Table screening = engine::read_table(file, "/screening");
  for (const ColumnPoint& point : column_points(study)) {
    const std::string prefix = "/points/" + point_name(study, point) + "/";
    const std::size_t name = group.rfind("/k");
    if (!group.starts_with(prefix) || name == std::string::npos) continue;
    for (std::size_t r = 0; r < screening.rows(); ++r) {
      if (screening.integers("sawl")[r] != point.sawl || screening.texts("corner")[r] != point.corner.name())
        continue;
      const int k = std::atoi(group.c_str() + name + 2);  // "k5" or "k5_down"
      const LoadedCircuit loaded = column_circuit(study, point.sawl, evaluator);
      return *level_testbench(study, point, screening.numbers("wordline_off")[r], k, &loaded);
    }
  }
  throw StudyError(fmt::format("{}: {} is not a group of samples of a level", file.getFileName(), group));
}

}  // namespace flare::studies
