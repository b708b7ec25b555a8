// One model on one architecture: its workload, counted or in closed form, its costs at the three ends of the parameters,
// what they are compared with, and what can be concluded.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "analysis/results/cost_table.hpp"
#include "flare_arch/cost/cost_model.hpp"
#include "flare_arch/cost/workload_counts.hpp"
#include "studies/cost/published.hpp"

namespace flare::studies {

/// A model as the command line names it, and where its reads are counted.
struct CostModel {
  arch::ModelShape shape;
  std::shared_ptr<const arch::Transformer> model;  // null: a shape alone, or nothing to count on
  std::shared_ptr<const arch::Dataset> data;
  std::optional<analysis::CostResult> counts;  // read back from an earlier result
  arch::CountOptions options;

  /// "bert_base", "bert_base:512" (tokens) or a folder. `dataset`, `counts` may be empty. Throws StudyError.
  static CostModel load(const std::string& model, const std::filesystem::path& dataset,
                        const std::filesystem::path& counts);
};

/// A cost at the three ends.
struct CostRun {
  arch::Architecture architecture;
  std::array<arch::Workload, 3> workloads;  // by arch::Bound
  std::array<arch::CostReport, 3> reports;

  const arch::Workload& workload(arch::Bound bound = arch::Bound::nominal) const {
    return workloads[static_cast<std::size_t>(bound)];
  }
  const arch::CostReport& report(arch::Bound bound = arch::Bound::nominal) const {
    return reports[static_cast<std::size_t>(bound)];
  }
  /// A number of the report at the three ends.
  analysis::CostRange range(const std::function<double(const arch::CostReport&)>& of) const;
};

/// What counts depend on: two architectures of the same text have the same counts.
std::string counting_key(const arch::Architecture& architecture);

/// Throws StudyError for an architecture that cannot hold the model, and for counts made for other arrays.
CostRun run_cost(const CostModel& model, const arch::Architecture& architecture);
/// The same for arrays whose reads do not depend on the data but on the counts of `like`: fixed groups.
CostRun run_conventional(const CostRun& like);

/// All tables of /cost but the sweep. `gpus` may be empty.
analysis::CostResult cost_result(const CostRun& run, const std::vector<GpuFigure>& gpus,
                                 const DigitalFigure& digital, const std::vector<std::string>& notes);

}  // namespace flare::studies
