// Who has started this program together with others, and how a launcher that does not fit is told.
#include "studies/cli/launcher.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "studies/cli/batch_script.hpp"
#include "studies/run/shares.hpp"
#include "studies/run/work_estimate.hpp"

namespace flare::studies {
namespace {

Launch launch(const std::map<std::string, std::string>& environment) {
  return launch_of([&](const char* name) {
    const auto place = environment.find(name);
    return place == environment.end() ? nullptr : place->second.c_str();
  });
}

TEST(Launcher, NobodyIsOneProcess) {
  EXPECT_EQ(launch({}).processes, 1);
  // A batch script is no step of srun, whatever it has asked for.
  EXPECT_EQ(launch({{"SLURM_NTASKS", "8"}, {"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_PROCID", "0"}}).processes,
            1);
}

TEST(Launcher, KnowsMpirunAndSrun) {
  EXPECT_EQ(launch({{"OMPI_COMM_WORLD_SIZE", "64"}}).processes, 64);
  EXPECT_EQ(launch({{"PMI_SIZE", "3"}}).processes, 3);
  const std::map<std::string, std::string> step = {
      {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "4"}};
  EXPECT_EQ(launch(step).processes, 4);
  EXPECT_FALSE(launch(step).joins);
  auto with_pmix = step;
  with_pmix["PMIX_NAMESPACE"] = std::string("x");
  EXPECT_TRUE(launch(with_pmix).joins);
}

TEST(Launcher, MisfitNamesNumbersAndRemedy) {
  EXPECT_EQ(misfit({4, "mpirun", true}, 4, "Open MPI"), "");
  EXPECT_NE(misfit({4, "srun", true}, 1, "Open MPI").find("srun --mpi=pmix"), std::string::npos);
}

TEST(Shares, EveryItemIsOneShardsAndLoadsAreEven) {
  std::vector<double> weights;
  for (int i = 0; i < 102; ++i) weights.push_back(i < 51 ? 11.1 : i < 78 ? 6.3 : 2.7);
  double total = 0.0;
  for (const double w : weights) total += w;
  for (const int count : {1, 2, 4, 8, 16}) {
    std::vector<int> seen(weights.size(), 0);
    double most = 0.0;
    for (int i = 0; i < count; ++i) {
      double load = 0.0;
      for (const std::size_t item : items_of(weights, {i, count})) {
        ++seen[item];
        load += weights[item];
      }
      most = std::max(most, load);
    }
    for (const int times : seen) EXPECT_EQ(times, 1);
    EXPECT_LE(most, total / count + 11.1) << count;
  }
}

TEST(WorkEstimate, ShardsAreSensibleWhileTheLongestItemIsNotAll) {
  WorkEstimate work;
  work.likely_seconds = 100.0;
  work.items = 100;
  work.longest_item = 1.0;
  EXPECT_EQ(work.sensible_shards(), 100);
  work.longest_item = 10.0;
  EXPECT_EQ(work.sensible_shards(), 14);  // 100 / (14 * 10) is above 0.7
  work.chain_before = 10.0;
  EXPECT_LT(work.sensible_shards(), 14);
  EXPECT_NEAR(work.efficiency(1), 1.0, 1e-12);
}

TEST(BatchScript, QuotesWhatBashWouldTake) {
  EXPECT_EQ(shell_quoted("it's $x"), "'it'\\''s $x'");
  BatchJob job;
  job.program = "/opt/flare";
  job.study = "/data/my study.toml";
  job.options = {"--set=estimator.runs=50"};
  job.out = "/data/out.h5";
  job.tasks = 4;
  job.screens = 3;
  const std::string script = batch_script(BatchSystem::slurm, job);
  EXPECT_NE(script.find("'/data/my study.toml' '--set=estimator.runs=50' --stage screening"),
            std::string::npos);
  EXPECT_NE(script.find("screen --array=1-$screens"), std::string::npos);
  EXPECT_NE(script.find("\nscreens=3\n"), std::string::npos);
  EXPECT_NE(script.find("\nmerge_cores=${SLURM_CPUS_PER_TASK:-$( (echo $((tasks * cores)); sinfo"),
            std::string::npos);
  job.merge_cores = 16;
  EXPECT_NE(batch_script(BatchSystem::slurm, job).find("\nmerge_cores=16\n"), std::string::npos);
  job.rests = 4;
  const std::string rest = batch_script(BatchSystem::slurm, job);
  EXPECT_NE(rest.find("\nrests=4\n"), std::string::npos);
  EXPECT_NE(rest.find("submit rest --array=1-$rests --dependency=afterok:$second"), std::string::npos);
  EXPECT_NE(rest.find("all+=(\"$parts/rest_$i.h5\")"), std::string::npos);
  job.rests = 0;
  job.screens = 0;
  EXPECT_EQ(batch_script(BatchSystem::slurm, job).find("--stage"), std::string::npos);
}

}  // namespace
}  // namespace flare::studies
