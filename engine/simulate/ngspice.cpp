#include "engine/simulate/ngspice.hpp"

#include <fmt/format.h>
#include <ngspice/sharedspice.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>

#include "engine/simulate/small_signal.hpp"
#include "engine/simulate/start_folder.hpp"

namespace flare::engine {
namespace {

constexpr std::size_t max_messages = 200;

/// Commands of the system's initialisation file that load code models; nothing else in it may move a number.
std::vector<std::string> code_models() {
  std::ifstream in(FLARE_NGSPICE_SPINIT);
  std::vector<std::string> models;
  for (std::string line; std::getline(in, line);) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start != std::string::npos && line.compare(start, 10, "codemodel ") == 0)
      models.push_back(line.substr(start));
  }
  return models;
}

/// ngspice takes settings from the environment, among them where its scripts lie.
void forget_environment() {
  for (const char* name : {"SPICE_LIB_DIR", "SPICE_SCRIPTS", "SPICE_PATH", "SPICE_ASCIIRAWFILE",
                           "SPICE_HELP_DIR", "SPICE_NEWS", "NGSPICE_INPUT_DIR", "NGSPICE_MEAS_PRECISION"}) {
    unsetenv(name);
  }
}

/// Copies a vector of the current plot. False where there is none or it is not real.
bool copy_vector(const std::string& name, std::vector<double>* values) {
  std::string buffer = name;
  const vector_info* info = ngGet_Vec_Info(buffer.data());
  if (!info || !info->v_realdata || info->v_length <= 0) return false;
  values->assign(info->v_realdata, info->v_realdata + info->v_length);
  return true;
}

/// Copies a complex vector of the current plot. False where there is none.
bool copy_complex(std::string name, std::vector<std::complex<double>>* values) {
  const vector_info* info = ngGet_Vec_Info(name.data());
  if (!info || !info->v_compdata || info->v_length <= 0) return false;
  values->clear();
  for (int i = 0; i < info->v_length; ++i)
    values->emplace_back(info->v_compdata[i].cx_real, info->v_compdata[i].cx_imag);
  return true;
}

/// A vector, or the part of a complex one, that a measure asks for by `name`.
bool copy_measured(const std::string& name, std::vector<double>* values) {
  const std::string_view part = complex_part(name);
  std::vector<std::complex<double>> whole;
  if (part.empty() || !copy_complex(saved_vector(name), &whole)) return copy_vector(name, values);
  *values = part_of(whole, part);
  return true;
}

/// What the current plot is over: the time, the frequency or the swept value; {0} of an operating point.
bool copy_axis(std::string_view command, std::vector<double>* axis) {
  if (command.starts_with("tran")) return copy_vector("time", axis);
  if (command.starts_with("dc")) return copy_vector("v-sweep", axis) || copy_vector("i-sweep", axis);
  if (command.starts_with("noise")) return copy_vector("frequency", axis);
  axis->assign(1, 0.0);
  if (!command.starts_with("ac")) return true;
  std::vector<std::complex<double>> frequency;
  if (!copy_complex("frequency", &frequency)) return false;
  axis->clear();
  for (const std::complex<double>& f : frequency) axis->push_back(f.real());
  return true;
}

/// Whether a transient or a sweep reached its end, up to rounding.
bool arrived(std::string_view command, const std::vector<double>& axis, double stop) {
  if (command.starts_with("op")) return true;
  return axis.back() >= stop - 1e-9 * std::max(std::fabs(stop), axis.back() - axis.front());
}

constexpr const char* seed_command = "setseed 1";

bool is_noise(std::string_view line) {
  static constexpr std::array noise{"Trying gmin",      "No. of Data",      "Doing analysis", "Note:",
                                    "Warning: Further", "Supplies reduced", "Circuit:",       "Reducing"};
  return std::any_of(noise.begin(), noise.end(), [&](const char* n) { return line.rfind(n, 0) == 0; });
}

/// The bin of a model that a device has left, where ngspice says so; empty else.
std::string bin_left(std::string_view line) {
  constexpr std::string_view words = "Notice: model has changed from ";
  if (!line.starts_with(words)) return {};
  line.remove_prefix(words.size());
  return std::string(line.substr(0, line.find(' ')));
}

}  // namespace

NgspiceSimulator::NgspiceSimulator() {
  static std::atomic<bool> used{false};
  if (used.exchange(true)) throw std::logic_error("a process can hold one ngspice: use a worker for another");
  // The OpenMP loops over devices cost more than they give on circuits of this size, and cores have workers.
  setenv("OMP_NUM_THREADS", "1", 1);
  {
    // ngspice reads spinit from $SPICE_SCRIPTS and then ./.spiceinit or, failing that, the user's; neither the user's
    // settings nor the lack of a home may change a result.
    const std::filesystem::path start = start_folder();
    const WorkingFolder folder(start);
    forget_environment();
    setenv("SPICE_SCRIPTS", start.c_str(), 1);
    begin();
    if (ngSpice_Init(on_text, nullptr, on_exit, nullptr, nullptr, nullptr, this) != 0) {
      throw std::runtime_error("ngspice does not start: " + messages());
    }
    unsetenv("SPICE_SCRIPTS");
  }
  for (const std::string& model : code_models()) command(model.c_str());
  command("set num_threads=1");
  command("set nomoremode");
  check_alive();
}

NgspiceSimulator::~NgspiceSimulator() = default;

std::string NgspiceSimulator::version() { return NGSPICE_PACKAGE_VERSION; }

void NgspiceSimulator::begin() {
  said_.clear();
  errors_ = 0;
}

void NgspiceSimulator::command(const char* text) {
  if (died_) return;
  // The parameter is not const in the C interface; ngspice copies it.
  std::string buffer(text);
  ngSpice_Command(buffer.data());
}

void NgspiceSimulator::check_alive() const {
  if (died_) throw SimulatorDied("ngspice gave up: " + messages());
}

int NgspiceSimulator::on_text(char* text, int, void* self) {
  auto* simulator = static_cast<NgspiceSimulator*>(self);
  std::string_view line(text ? text : "");
  const bool is_error = line.rfind("stderr", 0) == 0;
  if (const auto blank = line.find(' '); blank != std::string_view::npos) line.remove_prefix(blank + 1);
  if (is_error && line.rfind("Error", 0) == 0) ++simulator->errors_;
  if (const std::string bin = bin_left(line); !bin.empty()) simulator->left_bins_.insert(bin);
  if (!is_error && simulator->keep_printed_) simulator->printed_.emplace_back(line);
  if (!is_error || is_noise(line) || simulator->said_.size() >= max_messages) return 0;
  simulator->said_.emplace_back(line.substr(0, 400));
  return 0;
}

int NgspiceSimulator::on_exit(int, bool, bool, int, void* self) {
  static_cast<NgspiceSimulator*>(self)->died_ = true;
  return 0;
}

std::string NgspiceSimulator::messages() const {
  std::string all;
  for (const std::string& line : said_) {
    if (!all.empty()) all += "; ";
    all += line;
  }
  return all;
}

void NgspiceSimulator::load(const Deck& deck, const SimulatorOptions& options, int rung,
                            std::span<const std::string> save) {
  refuse_commands(deck);
  begin();
  if (loaded_) command("remcirc");
  loaded_ = false;
  left_bins_.clear();
  ++loads_;
  command(seed_command);
  command(options.compatibility.empty() ? "unset ngbehavior"
                                        : ("set ngbehavior=" + options.compatibility).c_str());
  std::vector<std::string> lines = circuit_lines(deck, options, rung, save);
  std::vector<char*> pointers;
  pointers.reserve(lines.size() + 1);
  for (std::string& line : lines) pointers.push_back(line.data());
  pointers.push_back(nullptr);
  const int status = ngSpice_Circ(pointers.data());
  check_alive();
  // The status is 0 even for a circuit that ngspice could not parse.
  if (status != 0 || errors_ > 0) {
    const std::string said = messages();
    throw std::runtime_error(
        fmt::format("ngspice does not load the netlist: {}{}", said.empty() ? "no reason given" : said,
                    options.compatibility.empty()
                        ? "; a netlist written for another simulator may need a compatibility mode "
                          "([simulator] compatibility = \"psa\", \"hsa\", \"lta\", ...)"
                        : ""));
  }
  loaded_ = true;
}

void NgspiceSimulator::set_one(const Knob& knob, double value) {
  std::string text = knob_command(knob, value);
  if (!died_) ngSpice_Command(text.data());
}

/// altermod evaluates every model at once, and one that is made anew has its defaults only after the set-up of an
/// analysis: ngspice would end the process over a model full of zeros.
void NgspiceSimulator::set_up_bins() {
  const std::size_t errors = errors_;
  command("op");
  command("destroy all");
  errors_ = errors;  // it need not converge
}

void NgspiceSimulator::set(std::span<const Knob> knobs, std::span<const double> values) {
  if (knobs.size() != values.size()) throw std::invalid_argument("one value for every knob is needed");
  begin();
  for (std::size_t k = 0; k < knobs.size(); ++k) {
    if (knobs[k].kind != KnobKind::model) set_one(knobs[k], values[k]);
  }
  const auto is_model = [](const Knob& knob) { return knob.kind == KnobKind::model; };
  if (rebinned() && std::any_of(knobs.begin(), knobs.end(), is_model)) set_up_bins();
  for (std::size_t k = 0; k < knobs.size(); ++k) {
    if (!is_model(knobs[k])) continue;
    const std::size_t errors = errors_;
    set_one(knobs[k], values[k]);
    if (left_bins_.contains(knobs[k].device)) errors_ = errors;  // dropped: no device is in it
  }
  check_alive();
  if (errors_ > 0) throw std::runtime_error("ngspice does not take a setting: " + messages());
}

bool NgspiceSimulator::run(const std::string& text, double stop, std::span<const std::string> vectors,
                           Waveforms* waveforms) {
  begin();
  command(text.c_str());
  check_alive();
  const auto has_said = [&](const char* words) {
    return std::any_of(said_.begin(), said_.end(),
                       [&](const std::string& line) { return line.find(words) != std::string::npos; });
  };
  if (has_said("not parsed") || has_said("no circuit") || has_said("any circuits")) {
    throw std::runtime_error("there is no circuit to simulate: " + messages());
  }
  bool good = !has_said("aborted") && std::string_view(ngSpice_CurPlot()) != "const";
  // The totals are a plot of their own, behind that of the densities.
  if (good && text.starts_with("noise")) command("setplot previous");
  if (good) {
    waveforms->names.assign(vectors.begin(), vectors.end());
    if (waveforms->names.empty()) waveforms->names = plotted();
    waveforms->values.resize(waveforms->names.size());
    good = copy_axis(text, &waveforms->time) && arrived(text, waveforms->time, stop);
    for (std::size_t i = 0; good && i < waveforms->names.size(); ++i) {
      // The analysis went well, so this is not a matter of convergence: the testbench asks for what is not there.
      if (!copy_measured(waveforms->names[i], &waveforms->values[i]) ||
          waveforms->values[i].size() != waveforms->time.size()) {
        const std::string said = messages();
        command("destroy all");
        throw std::runtime_error("the circuit has no vector " + waveforms->names[i] +
                                 (said.empty() ? "" : ": " + said));
      }
    }
  }
  command("destroy all");
  check_alive();
  return good;
}

std::vector<double> NgspiceSimulator::values(std::span<const Knob> knobs) {
  begin();
  command("op");  // what it says stays: a singular matrix shows here first
  std::vector<double> all;
  all.reserve(knobs.size());
  for (const Knob& knob : knobs) {
    std::string name;
    switch (knob.kind) {
      case KnobKind::instance:
      case KnobKind::model:
        check_name(knob.device);
        check_name(knob.parameter);
        name = "@" + knob.device + "[" + knob.parameter + "]";
        break;
      case KnobKind::parameter:
        check_name(knob.parameter);
        name = parameter_vector(knob.parameter);
        break;
      case KnobKind::temperature:
        throw std::invalid_argument("the temperature is an option, not a value of the circuit");
    }
    std::vector<double> value;
    all.push_back(copy_vector(name, &value) ? value.front() : std::numeric_limits<double>::quiet_NaN());
  }
  command("destroy all");
  check_alive();
  return all;
}

std::vector<std::string> NgspiceSimulator::printed_by(const char* text) {
  begin();
  printed_.clear();
  keep_printed_ = true;
  command(text);
  keep_printed_ = false;
  check_alive();
  return std::move(printed_);
}

std::vector<std::string> NgspiceSimulator::listing() { return printed_by("listing expand"); }

SimulatorCounts NgspiceSimulator::counts() {
  const std::vector<std::string> lines = printed_by("rusage everything");
  const auto number = [&](std::string_view words) {
    for (const std::string& line : lines)
      if (line.starts_with(words)) return std::strtod(line.c_str() + words.size(), nullptr);
    throw std::runtime_error(fmt::format("ngspice does not say its '{}'", words));
  };
  return {number("Total iterations = "), number("Accepted timepoints = "), number("Matrix load time = ")};
}

std::string NgspiceSimulator::singular_node() const {
  constexpr std::string_view words = "singular matrix:  check node ";
  for (const std::string& line : said_) {
    const std::size_t at = line.find(words);
    if (at != std::string::npos) return line.substr(at + words.size());
  }
  return {};
}

std::vector<std::string> NgspiceSimulator::plotted() {
  std::vector<std::string> names;
  if (std::string_view(ngSpice_CurPlot()) == "const") return names;
  char** all = ngSpice_AllVecs(ngSpice_CurPlot());
  for (; all && *all; ++all) {
    const std::string_view name(*all);
    if (name != "time" && name != "v-sweep" && name != "i-sweep") names.emplace_back(name);
  }
  return names;
}

std::vector<std::string> NgspiceSimulator::vector_names() {
  begin();
  command("op");
  std::vector<std::string> names = plotted();
  command("destroy all");
  check_alive();
  return names;
}

}  // namespace flare::engine
