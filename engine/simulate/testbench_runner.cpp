#include "engine/simulate/testbench_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>

#include "engine/measures/threshold_search.hpp"
#include "engine/netlist/deck_options.hpp"
#include "engine/netlist/deck_parameters.hpp"
#include "engine/simulate/small_signal.hpp"
#include "engine/simulate/spice_text.hpp"

namespace flare::engine {
namespace {

/// Sources with a knob on their DC value; `from_nominal`: only where no variable replaces that value.
std::set<std::string> moved_sources(const Testbench& testbench, bool from_nominal) {
  std::vector<bool> replaced(testbench.knobs.size(), false);
  for (const Variable& variable : testbench.variables) {
    for (const Effect& effect : variable.effects) {
      if (effect.knob < replaced.size() && effect.action == Action::replace) replaced[effect.knob] = true;
    }
  }
  std::set<std::string> sources;
  for (std::size_t k = 0; k < testbench.knobs.size(); ++k) {
    const Knob& knob = testbench.knobs[k];
    if (knob.kind != KnobKind::instance || knob.parameter != "dc") continue;
    if (!from_nominal || !replaced[k]) sources.insert(knob.device);
  }
  return sources;
}

/// In a transient, a source with a time function ignores its DC value: a knob on it would do nothing, silently. In
/// every other analysis such a source without a DC value has that of its function at time 0, and ngspice says 0.
void check_sources(const Testbench& testbench) {
  for (const Knob& knob : testbench.knobs) {
    if (testbench.analysis.kind != AnalysisKind::dc_sweep || knob.device != testbench.analysis.swept)
      continue;
    throw std::runtime_error(knob.device +
                             " is swept, so what varies in it does nothing; vary a source in series");
  }
  const bool transient = testbench.analysis.kind == AnalysisKind::transient;
  std::set<std::string> searched;
  for (const Measure& measure : testbench.measures) {
    if (measure.kind == MeasureKind::search) searched.insert(measure.source);
  }
  const std::set<std::string> moved = moved_sources(testbench, !transient);
  std::set<std::string> held;
  for (const Setting& setting : testbench.settings) {
    if (setting.knob.parameter == "dc") held.insert(setting.knob.device);
  }
  for (const std::string& source : searched) {
    if (held.contains(source) || moved_sources(testbench, false).contains(source)) {
      throw std::runtime_error(source +
                               " is searched over, so what moves it does nothing; move a source in series");
    }
    held.insert(source);
  }
  if (moved.empty() && held.empty()) return;
  for (const DeviceInstance& device : list_devices(testbench.deck)) {
    if (transient && device.waveform && (moved.contains(device.name) || held.contains(device.name))) {
      throw std::runtime_error(
          device.name +
          " follows a time function, so its DC value does nothing in a transient; drive the node "
          "with a B source that scales the function by a DC source");
    }
    if (!transient && !device.dc_value && moved.contains(device.name) && !held.contains(device.name)) {
      throw std::runtime_error(device.name +
                               " has a time function and no DC value that could vary; write one before the "
                               "function, as in dc 0.9 pulse(...)");
    }
  }
}

/// What ngspice multiplies a setting by where the netlist has an option scale; it reads the value back in m or m^2.
double unit_of(const Knob& knob, double length) {
  if (knob.kind != KnobKind::instance) return 1.0;
  for (const char* parameter : {"w", "l", "ps", "pd", "sa", "sb", "sd"}) {
    if (knob.parameter == parameter) return length;
  }
  return knob.parameter == "as" || knob.parameter == "ad" ? length * length : 1.0;
}

/// The deck with a way to read each varied .param.
Deck with_parameter_lines(const Testbench& testbench) {
  Deck deck = testbench.deck;
  for (const Knob& knob : testbench.knobs) {
    if (knob.kind == KnobKind::parameter) deck.lines.push_back(parameter_line(knob.parameter));
  }
  return deck;
}

}  // namespace

TestbenchRunner::TestbenchRunner(NgspiceSimulator& simulator, const Testbench& testbench)
    : simulator_(simulator),
      testbench_(testbench),
      vectors_(measured_vectors(testbench)),
      measures_(testbench.measures),
      analysis_(trimmed_analysis(testbench)),
      has_parameters_(std::any_of(testbench.knobs.begin(), testbench.knobs.end(),
                                  [](const Knob& knob) { return knob.kind == KnobKind::parameter; })) {
  const double length = length_unit(statements_of(testbench.deck));
  for (const Knob& knob : testbench.knobs) units_.push_back(unit_of(knob, length));
  for (const Measure& measure : testbench.measures) {
    const Knob source{KnobKind::instance, measure.source, "dc"};
    if (measure.kind != MeasureKind::search) continue;
    if (std::find(search_sources_.begin(), search_sources_.end(), source) == search_sources_.end())
      search_sources_.push_back(source);
  }
}

void TestbenchRunner::load(int rung, bool keep_all) {
  if (loaded_rung_ == rung && loaded_all_ == keep_all && load_ == simulator_.loads()) return;
  load_deck(testbench_.deck, rung, keep_all);
}

void TestbenchRunner::load_deck(const Deck& deck, int rung, bool keep_all) {
  loaded_rung_ = -1;
  std::vector<std::string> save = vectors_;
  if (analysis_.kind == AnalysisKind::noise) save.clear();  // densities are kept where nothing is asked for
  if (keep_all && !save.empty()) {
    // Device vectors are kept only by name.
    std::erase_if(save, [](const std::string& name) { return name.front() != '@'; });
    save.insert(save.begin(), "all");
  }
  simulator_.load(deck, testbench_.options, rung, save);
  std::vector<Knob> knobs;
  std::vector<double> values;
  for (const Setting& setting : testbench_.settings) {
    knobs.push_back(setting.knob);
    values.push_back(setting.value);
  }
  simulator_.set(knobs, values);
  loaded_rung_ = rung;
  loaded_all_ = keep_all;
  load_ = simulator_.loads();
  has_loaded_ = true;
}

void TestbenchRunner::remember_singular() {
  if (singular_node_.empty()) singular_node_ = simulator_.singular_node();
}

/// Asks the loaded circuit for the knobs that are (or are not) .params; the temperature is an option of ours.
void TestbenchRunner::read_nominals(bool parameters) {
  std::vector<Knob> asked;
  std::vector<std::size_t> places;
  for (std::size_t k = 0; k < testbench_.knobs.size(); ++k) {
    const Knob& knob = testbench_.knobs[k];
    if (knob.kind == KnobKind::temperature) {
      nominals_[k] = testbench_.options.temperature;
    } else if ((knob.kind == KnobKind::parameter) == parameters) {
      asked.push_back(knob);
      places.push_back(k);
    }
  }
  if (asked.empty()) return;
  const std::vector<double> values = simulator_.values(asked);
  remember_singular();
  for (std::size_t i = 0; i < places.size(); ++i) nominals_[places[i]] = values[i];
}

const std::vector<double>& TestbenchRunner::nominals() {
  if (!nominals_.empty() || (testbench_.knobs.empty() && search_sources_.empty())) return nominals_;
  nominals_.assign(testbench_.knobs.size(), std::numeric_limits<double>::quiet_NaN());
  if (has_parameters_) {
    load_deck(with_parameter_lines(testbench_), 0, false);
    read_nominals(true);
    loaded_rung_ = -1;
  }
  load(0, false);
  read_nominals(false);
  if (!search_sources_.empty()) search_nominals_ = simulator_.values(search_sources_);
  // The operating point behind it stays in the nodes that float.
  if (!simulator_.singular_node().empty()) loaded_rung_ = -1;
  return nominals_;
}

/// The settings at x; `trouble` says why there are none to simulate.
std::vector<double> TestbenchRunner::settings_at(const Point& x, std::string* trouble) {
  std::vector<double> starts = nominals_;
  for (const NetlistFormula& f : testbench_.formulas) {
    if (!std::isnan(starts[f.knob]))
      starts[f.knob] = units_[f.knob] * f.formula({x.data(), static_cast<std::size_t>(x.size())});
  }
  std::vector<double> settings = knob_settings(testbench_.knobs, testbench_.variables, starts, x);
  for (std::size_t k = 0; k < settings.size(); ++k) {
    const Knob& knob = testbench_.knobs[k];
    if (std::isnan(nominals_[k])) throw std::runtime_error("the circuit has no " + to_string(knob));
    if (!std::isfinite(settings[k])) *trouble = "the setting of " + to_string(knob) + " is not finite";
    if (must_be_positive(knob) && nominals_[k] > 0.0 && settings[k] <= 0.0) {
      *trouble = fmt::format("{} would be {:.3g}: a law such as lognormal keeps it above zero",
                             to_string(knob), settings[k]);
    }
  }
  for (std::size_t k = 0; k < settings.size(); ++k) settings[k] /= units_[k];
  return settings;
}

/// All knobs but the .params. What the testbench holds of models is said again, because a knob may move a device to a
/// bin that ngspice then reads from the netlist.
void TestbenchRunner::set_in_place(const std::vector<double>& settings) {
  std::vector<Knob> knobs;
  std::vector<double> values;
  for (const Setting& held : testbench_.settings) {
    if (held.knob.kind != KnobKind::model) continue;
    knobs.push_back(held.knob);
    values.push_back(held.value);
  }
  for (std::size_t k = 0; k < settings.size(); ++k) {
    if (testbench_.knobs[k].kind == KnobKind::parameter) continue;
    knobs.push_back(testbench_.knobs[k]);
    values.push_back(settings[k]);
  }
  simulator_.set(knobs, values);
}

bool TestbenchRunner::simulate(const Point& x, bool keep_all, Waveforms* waveforms, RunResult* result) {
  const std::vector<std::string> everything;
  // Magnitudes and phases are made of complex vectors one by one: of a small-signal analysis what is measured is kept.
  const bool all =
      keep_all && analysis_.kind != AnalysisKind::ac_sweep && analysis_.kind != AnalysisKind::noise;
  if (!sources_checked_) check_sources(testbench_);
  sources_checked_ = true;
  nominals();
  std::vector<double> settings = settings_at(x, &result->message);
  if (!result->message.empty()) return false;
  std::map<std::string, Move> parameters;
  if (has_parameters_) {
    const std::vector<Move> moves = knob_moves(testbench_.knobs, testbench_.variables, x);
    for (std::size_t k = 0; k < moves.size(); ++k) {
      if (testbench_.knobs[k].kind == KnobKind::parameter)
        parameters[testbench_.knobs[k].parameter] = moves[k];
    }
  }
  for (int rung = 0; rung < rungs; ++rung) {
    if (has_parameters_) {
      const Deck moved = with_moved_parameters(testbench_.deck, parameters);
      load_deck(moved, rung, keep_all);
      // What hangs on a .param has moved with it: the other knobs start from there.
      read_nominals(false);
      if (!simulator_.singular_node().empty()) load_deck(moved, rung, keep_all);
      settings = settings_at(x, &result->message);
      if (!result->message.empty()) return false;
    } else {
      load(rung, keep_all);
    }
    set_in_place(settings);
    if (forced_) simulator_.set({&forced_->knob, 1}, {&forced_->value, 1});
    result->rung = static_cast<std::uint8_t>(rung);
    const bool good = simulator_.run(analysis_command(analysis_, rung), analysis_.stop,
                                     all ? everything : vectors_, waveforms);
    remember_singular();
    // What a failed or singular analysis leaves behind, or a higher rung, must not reach another run.
    if (!good || rung > 0 || simulator_.rebinned() || !simulator_.singular_node().empty()) loaded_rung_ = -1;
    if (good) return true;
  }
  result->message = simulator_.messages();
  return false;
}

Rehearsal TestbenchRunner::rehearse() {
  const auto d = static_cast<Eigen::Index>(testbench_.dimension());
  Rehearsal rehearsal;
  nominals_.clear();
  loaded_rung_ = -1;
  singular_node_.clear();
  rehearsal.nominal = run(Eigen::RowVectorXd::Zero(d));
  rehearsal.singular_node = singular_node_;
  run(Eigen::RowVectorXd::Constant(d, 2.0));
  rehearsal.again = run(Eigen::RowVectorXd::Zero(d));
  return rehearsal;
}

/// ngspice aborts an analysis that would keep nothing, in the same words as one that does not converge. So
/// the first failure of a testbench looks whether what it measures is there at all.
void TestbenchRunner::check_vectors() {
  if (vectors_checked_ || analysis_.kind == AnalysisKind::noise) return;
  loaded_rung_ = -1;
  simulator_.load(testbench_.deck, testbench_.options, 0, {});
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

bool TestbenchRunner::works_without_variation() {
  if (works_) return *works_;
  RunResult ignored;
  try {
    simulate(Eigen::RowVectorXd::Zero(static_cast<Eigen::Index>(testbench_.dimension())), false, &scratch_,
             &ignored);
    works_ = true;
  } catch (const SimulatorDied&) {
    throw;
  } catch (const std::runtime_error&) {
    works_ = false;
  }
  loaded_rung_ = -1;
  return *works_;
}

RunResult TestbenchRunner::run(const Eigen::Ref<const Eigen::RowVectorXd>& x) {
  RunResult result;
  result.measures.assign(testbench_.measures.size(), std::numeric_limits<double>::quiet_NaN());
  bool converged = false;
  try {
    converged = simulate(x, false, &scratch_, &result);
  } catch (const SimulatorDied&) {
    throw;
  } catch (const std::runtime_error& error) {
    // What the simulator takes without variation and refuses here is a run that fails, not a circuit that does.
    loaded_rung_ = -1;
    if (x.isZero(0.0) || !works_without_variation()) throw;
    result.message = error.what();
  }
  if (!converged) {
    result.outcome = Outcome::unconverged;
    check_vectors();
    return result;
  }
  std::vector<double> found;
  if (!search_sources_.empty() && !search(x, &found, &result)) {
    result.outcome = Outcome::unconverged;
    return result;
  }
  result.outcome = Outcome::ok;
  result.measures = measures_.evaluate(scratch_, found);
  return result;
}

/// Every search of the testbench at x, each from runs of its own; afterwards the sources are as they were. False where a run
/// does not converge.
bool TestbenchRunner::search(const Point& x, std::vector<double>* found, RunResult* result) {
  found->assign(testbench_.measures.size(), std::numeric_limits<double>::quiet_NaN());
  bool good = true;
  for (std::size_t m = 0; good && m < testbench_.measures.size(); ++m) {
    const Measure& measure = testbench_.measures[m];
    if (measure.kind != MeasureKind::search) continue;
    const std::optional<double> at = search_threshold(measure, [&](double input) -> std::optional<double> {
      forced_ = Setting{{KnobKind::instance, measure.source, "dc"}, input};
      good = good && simulate(x, false, &searched_, result);
      return good ? evaluate(measure, searched_) : std::nullopt;
    });
    forced_.reset();
    if (at) (*found)[m] = *at;
  }
  if (loaded_rung_ >= 0) simulator_.set(search_sources_, search_nominals_);
  return good;
}

Waveforms TestbenchRunner::waveforms(const Eigen::Ref<const Eigen::RowVectorXd>& x) {
  Waveforms kept;
  RunResult result;
  const bool converged = simulate(x, true, &kept, &result);
  loaded_rung_ = -1;
  if (!converged) throw std::runtime_error("the run does not converge: " + result.message);
  for (std::string& name : kept.names) name = vector_name(name);
  return kept;
}

}  // namespace flare::engine
