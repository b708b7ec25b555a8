#include "engine/testbench_runner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>

#include "engine/small_signal.hpp"

namespace flare::engine {
namespace {

/// "bl" -> "v(bl)", "vdd#branch" -> "i(vdd)", "@m.x1.m1[id]" as it is.
std::string vector_name(const std::string& name) {
  constexpr std::string_view branch = "#branch";
  if (name.empty() || name.front() == '@' || name.find('(') != std::string::npos) return name;
  if (name.size() > branch.size() && name.ends_with(branch)) {
    return "i(" + name.substr(0, name.size() - branch.size()) + ")";
  }
  return "v(" + name + ")";
}

/// In a transient, a source with a time function ignores its DC value: a knob on it would do nothing,
/// silently.
void check_sources(const Testbench& testbench) {
  const Analysis& analysis = testbench.analysis;
  if (analysis.kind == AnalysisKind::dc_sweep) {
    for (const Knob& knob : testbench.knobs) {
      if (knob.kind == KnobKind::temperature || knob.device != analysis.swept) continue;
      throw std::runtime_error(knob.device +
                               " is swept, so what varies in it does nothing; vary a source in series");
    }
  }
  std::set<std::string> knobs;
  for (const Knob& knob : testbench.knobs) {
    if (knob.kind == KnobKind::source_value) knobs.insert(knob.device);
  }
  if (knobs.empty() || testbench.analysis.kind != AnalysisKind::transient) return;
  for (const DeviceInstance& device : list_devices(testbench.deck)) {
    if (!device.waveform || !knobs.contains(device.name)) continue;
    throw std::runtime_error(
        device.name +
        " follows a time function, so its DC value does nothing in a transient; drive the node "
        "with a B source that scales the function by a DC source");
  }
}

/// When a transient that ends at `stop` has gone far enough for a measure. An expression waits for those it uses.
double decided_at(const Measure& measure, double stop) {
  switch (measure.kind) {
    case MeasureKind::value_at:
      return measure.at.value_or(stop);
    case MeasureKind::expression:
      return 0.0;
    case MeasureKind::crossing:
    case MeasureKind::period:
    case MeasureKind::minimum:
    case MeasureKind::maximum:
    case MeasureKind::average:
    case MeasureKind::integral:
      break;
  }
  return measure.to.value_or(stop);
}

}  // namespace

std::vector<std::string> measured_vectors(const Testbench& testbench) {
  std::vector<std::string> vectors;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::find(vectors.begin(), vectors.end(), name) == vectors.end())
      vectors.push_back(name);
  };
  for (const Measure& measure : testbench.measures) {
    add(measure.vector);
    add(measure.reference);
  }
  return vectors;
}

Analysis trimmed_analysis(const Testbench& testbench) {
  Analysis analysis = testbench.analysis;
  if (analysis.kind != AnalysisKind::transient || testbench.measures.empty()) return analysis;
  if (analysis.max_step <= 0.0) analysis.max_step = std::min(analysis.step, analysis.stop / 50.0);
  double needed = 0.0;
  for (const Measure& measure : testbench.measures) {
    needed = std::max(needed, decided_at(measure, analysis.stop));
  }
  if (needed > 0.0) analysis.stop = std::min(analysis.stop, needed);
  return analysis;
}

TestbenchRunner::TestbenchRunner(NgspiceSimulator& simulator, const Testbench& testbench)
    : simulator_(simulator),
      testbench_(testbench),
      vectors_(measured_vectors(testbench)),
      measures_(testbench.measures),
      analysis_(trimmed_analysis(testbench)) {
  check_sources(testbench);
}

void TestbenchRunner::load(int rung, bool keep_all) {
  if (loaded_rung_ == rung && loaded_all_ == keep_all && load_ == simulator_.loads()) return;
  loaded_rung_ = -1;
  std::vector<std::string> save = vectors_;
  if (keep_all) {
    // Device vectors are kept only by name.
    std::erase_if(save, [](const std::string& name) { return name.front() != '@'; });
    save.insert(save.begin(), "all");
  }
  simulator_.load(testbench_.deck, option_card(testbench_.options, rung), save);
  loaded_rung_ = rung;
  loaded_all_ = keep_all;
  load_ = simulator_.loads();
}

bool TestbenchRunner::simulate(const std::vector<double>& settings, bool keep_all, Waveforms* waveforms,
                               RunResult* result) {
  // Magnitudes and phases are made of complex vectors one by one: of a small-signal analysis what is measured is kept.
  const bool all = keep_all && analysis_.kind != AnalysisKind::ac_sweep;
  const std::vector<std::string> everything;
  for (int rung = 0; rung < rungs; ++rung) {
    load(rung, keep_all);
    simulator_.set(testbench_.knobs, settings);
    result->rung = static_cast<std::uint8_t>(rung);
    const bool good = simulator_.run(analysis_command(analysis_, rung), analysis_.stop,
                                     all ? everything : vectors_, waveforms);
    if (good) {
      if (rung > 0) loaded_rung_ = -1;
      return true;
    }
    // What a failed analysis leaves in the devices must not reach another run.
    loaded_rung_ = -1;
  }
  return false;
}

/// ngspice aborts an analysis that would keep nothing, in the same words as one that does not converge. So
/// the first failure of a testbench looks whether what it measures is there at all.
void TestbenchRunner::check_vectors() {
  if (vectors_checked_) return;
  loaded_rung_ = -1;
  simulator_.load(testbench_.deck, option_card(testbench_.options, 0), {});
  std::vector<std::string> present;
  for (const std::string& name : simulator_.vector_names()) present.push_back(vector_name(name));
  for (const std::string& name : vectors_) {
    // Parameters of devices (@m1[id]) are not among them; a difference v(a,b) is computed from two.
    if (name.front() == '@' || name.find(',') != std::string::npos || present.empty()) continue;
    if (std::find(present.begin(), present.end(), saved_vector(name)) == present.end()) {
      throw std::runtime_error("the circuit has no vector " + name);
    }
  }
  vectors_checked_ = true;
}

RunResult TestbenchRunner::run(const Eigen::Ref<const Eigen::RowVectorXd>& x) {
  const std::vector<double> settings = knob_settings(testbench_.knobs, testbench_.variables, x);
  RunResult result;
  result.measures.assign(testbench_.measures.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t k = 0; k < settings.size(); ++k) {
    if (std::isfinite(settings[k])) continue;
    result.message = "the setting of " + testbench_.knobs[k].device + " is not finite";
    return result;
  }
  const bool converged = simulate(settings, false, &scratch_, &result);
  if (!converged) {
    result.outcome = Outcome::unconverged;
    result.message = simulator_.messages();
    check_vectors();
    return result;
  }
  result.outcome = Outcome::ok;
  result.measures = measures_.evaluate(scratch_);
  return result;
}

Waveforms TestbenchRunner::waveforms(const Eigen::Ref<const Eigen::RowVectorXd>& x) {
  const std::vector<double> settings = knob_settings(testbench_.knobs, testbench_.variables, x);
  Waveforms kept;
  RunResult result;
  const bool converged = simulate(settings, true, &kept, &result);
  loaded_rung_ = -1;
  if (!converged) throw std::runtime_error("the run does not converge: " + simulator_.messages());
  for (std::string& name : kept.names) name = vector_name(name);
  return kept;
}

}  // namespace flare::engine
