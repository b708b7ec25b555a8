#include "engine/ngspice.hpp"

#include <fmt/format.h>
#include <ngspice/sharedspice.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "engine/small_signal.hpp"

namespace flare::engine {
namespace {

constexpr std::size_t max_messages = 200;

/// A folder of our own with an initialisation file of our own. ngspice reads ./.spiceinit or, failing that,
/// the user's; neither the user's settings nor the lack of a home may change a result.
class PrivateFolder {
 public:
  PrivateFolder() : before_(std::filesystem::current_path()) {
    std::string name = (std::filesystem::temp_directory_path() / "flare-ngspice-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot create a temporary folder " + name);
    folder_ = name;
    std::ofstream(folder_ / ".spiceinit") << "* nothing of the user's\nset nomoremode\n";
    std::filesystem::current_path(folder_);
  }
  ~PrivateFolder() {
    std::error_code ignored;
    std::filesystem::current_path(before_, ignored);
    std::filesystem::remove_all(folder_, ignored);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

 private:
  std::filesystem::path before_;
  std::filesystem::path folder_;
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

/// First word of a statement, lower case: ".tran".
std::string first_word(std::string_view line) { return lower(line.substr(0, line.find_first_of(" \t("))); }

/// Statements of a deck that ask for analyses or output: the testbench says what is simulated and kept.
bool asks_for_output(const std::string& word) {
  static constexpr std::array words{".tran", ".op",    ".dc",      ".ac",    ".noise", ".tf",    ".sens",
                                    ".pz",   ".disto", ".pss",     ".print", ".plot",  ".probe", ".save",
                                    ".four", ".meas",  ".measure", ".width", ".end",   ".temp"};
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Our options win over the deck's: an .options card keeps only what we do not set.
std::string without_our_options(const std::string& line) {
  static constexpr std::array ours{"method", "reltol",   "abstol", "vntol",  "chgtol",
                                   "trtol",  "bypass",   "temp",   "interp", "acct",
                                   "list",   "autostop", "node",   "opts",   "noinit"};
  std::string kept;
  std::size_t at = line.find_first_of(" \t");
  while (at != std::string::npos && at < line.size()) {
    at = line.find_first_not_of(" \t,", at);
    if (at == std::string::npos) break;
    std::size_t end = line.find_first_of(" \t,=", at);
    const std::string key = lower(line.substr(at, end == std::string::npos ? end : end - at));
    // "key = value" may have blanks around the sign.
    const std::size_t sign = end == std::string::npos ? end : line.find_first_not_of(" \t", end);
    if (sign != std::string::npos && line[sign] == '=') {
      const std::size_t value = line.find_first_not_of(" \t", sign + 1);
      end = value == std::string::npos ? value : line.find_first_of(" \t,", value);
    }
    const bool is_ours = std::find(ours.begin(), ours.end(), key) != ours.end();
    if (!is_ours) kept += " " + line.substr(at, end == std::string::npos ? end : end - at);
    at = end;
  }
  return kept.empty() ? std::string() : ".options" + kept;
}

bool consists_of(std::string_view name, std::string_view signs) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || signs.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// Names come from studies and result files and go into commands: nothing in them may end a command or begin
/// another.
void check_name(std::string_view name) {
  if (!consists_of(name, "_.#:@()[],+-/%"))
    throw std::invalid_argument("\"" + std::string(name) + "\" is not a name of ngspice's");
}

/// A vector stands on a .save card, which ends at the end of its line and knows neither redirections (< >) nor
/// variables ($) nor history (!), so buses and globals of schematic editors may stand there: v(bl<0>), v(vdd!).
void check_vector(std::string_view name) {
  if (!consists_of(name, "_.#:@()[],+-/%<>!$")) {
    throw std::invalid_argument(
        "\"" + std::string(name) +
        "\" is not a vector of ngspice's: letters, digits and _.#:@()[],+-/%<>!$ may stand in it");
  }
}

std::vector<std::string> circuit_lines(const Deck& deck, const std::string& options,
                                       std::span<const std::string> save) {
  std::vector<std::string> lines;
  lines.reserve(deck.lines.size() + 3);
  for (std::size_t i = 0; i < deck.lines.size(); ++i) {
    const std::string word = first_word(deck.lines[i]);
    if (i > 0 && asks_for_output(word)) continue;
    const bool is_options = i > 0 && (word.rfind(".option", 0) == 0 || word == ".opt");
    std::string line = is_options ? without_our_options(deck.lines[i]) : deck.lines[i];
    if (i == 0 && line.empty()) line = "untitled";
    if (!line.empty()) lines.push_back(std::move(line));
  }
  if (lines.empty()) lines.emplace_back("untitled");
  lines.push_back(options);
  if (!save.empty()) {
    std::string card = ".save";
    for (const std::string& vector : save) {
      check_vector(vector);
      card += " " + saved_vector(vector);
    }
    lines.push_back(std::move(card));
  }
  lines.emplace_back(".end");
  return lines;
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

/// ngspice leaves out a last step that would pass the end by rounding, or that is not whole: the sweep is given whole
/// steps up to `stop` or past it.
std::string dc_command(const Analysis& a) {
  check_name(a.swept);
  if (!(a.step > 0.0 && a.stop > a.start))
    throw std::invalid_argument("a sweep needs a step above 0 and start < stop");
  const double steps = std::ceil((a.stop - a.start) / a.step - 1e-6);
  return fmt::format("dc {} {} {} {}", a.swept, a.start, a.start + (steps + 1e-4) * a.step, a.step);
}

std::string ac_command(const Analysis& a) {
  if (!(a.points > 0 && a.start > 0.0 && a.stop > a.start)) {
    throw std::invalid_argument("a small-signal analysis needs points and 0 < start < stop");
  }
  const double steps = std::ceil(a.points * std::log10(a.stop / a.start) - 1e-6);
  return fmt::format("ac dec {} {} {}", a.points, a.start,
                     a.start * std::pow(10.0, (steps + 1e-4) / a.points));
}

constexpr const char* seed_command = "setseed 1";

bool has_random_source(const std::string& line) {
  const std::string text = lower(line);
  return text.find("trnoise") != std::string::npos || text.find("trrandom") != std::string::npos;
}

bool is_noise(std::string_view line) {
  static constexpr std::array noise{"Trying gmin",      "No. of Data",      "Doing analysis", "Note:",
                                    "Warning: Further", "Supplies reduced", "Circuit:",       "Reducing"};
  return std::any_of(noise.begin(), noise.end(), [&](const char* n) { return line.rfind(n, 0) == 0; });
}

}  // namespace

std::string option_card(const SimulatorOptions& o, int rung) {
  if (o.method != "trap" && o.method != "gear") throw std::invalid_argument("unknown method " + o.method);
  std::string card = fmt::format(".options temp={} reltol={} abstol={} vntol={} chgtol={} noinit",
                                 o.temperature, o.reltol, o.abstol, o.vntol, o.chgtol);
  // A higher rung first gives Newton's method more room, then exchanges speed for robustness altogether.
  switch (rung) {
    case 0:
      return card + fmt::format(" method={} trtol={} bypass={}", o.method, o.trtol, o.bypass ? 1 : 0);
    case 1:
      return card + fmt::format(
                        " method={} trtol={} bypass=0 itl1=1000 itl2=1000 itl4=200 gminsteps=20 "
                        "srcsteps=20",
                        o.method, o.trtol);
    default:
      return card + fmt::format(
                        " method=gear trtol={} bypass=0 itl1=5000 itl2=5000 itl4=200 gminsteps=50 "
                        "srcsteps=50",
                        std::min(o.trtol, 1.0));
  }
}

std::string analysis_command(const Analysis& analysis, int rung) {
  if (analysis.kind == AnalysisKind::operating_point) return "op";
  if (analysis.kind == AnalysisKind::dc_sweep) return dc_command(analysis);
  if (analysis.kind == AnalysisKind::ac_sweep) return ac_command(analysis);
  const double finer = rung >= 2 ? 0.1 : 1.0;
  // Without a limit of its own ngspice takes min(step, stop/50); said here so that a rung can refine it.
  const double habit = std::min(analysis.step, analysis.stop / 50.0);
  const double max_step = analysis.max_step > 0.0 ? analysis.max_step : habit;
  return fmt::format("tran {} {} 0 {}{}", analysis.step, analysis.stop, max_step * finer,
                     analysis.use_initial ? " uic" : "");
}

NgspiceSimulator::NgspiceSimulator() {
  static std::atomic<bool> used{false};
  if (used.exchange(true)) throw std::logic_error("a process can hold one ngspice: use a worker for another");
  // The OpenMP loops over devices cost more than they give on circuits of this size, and cores have workers.
  setenv("OMP_NUM_THREADS", "1", 1);
  {
    const PrivateFolder folder;
    begin();
    if (ngSpice_Init(on_text, nullptr, on_exit, nullptr, nullptr, nullptr, this) != 0) {
      throw std::runtime_error("ngspice does not start: " + messages());
    }
  }
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

void NgspiceSimulator::load(const Deck& deck, const std::string& options, std::span<const std::string> save) {
  refuse_commands(deck);
  begin();
  if (loaded_) command("remcirc");
  loaded_ = false;
  ++loads_;
  command(seed_command);
  std::vector<std::string> lines = circuit_lines(deck, options, save);
  if (std::any_of(lines.begin(), lines.end(), has_random_source)) {
    throw std::runtime_error(
        "the netlist has a random source (trnoise or trrandom), whose numbers depend on what was simulated "
        "before; make the noise a variable of the study");
  }
  std::vector<char*> pointers;
  pointers.reserve(lines.size() + 1);
  for (std::string& line : lines) pointers.push_back(line.data());
  pointers.push_back(nullptr);
  const int status = ngSpice_Circ(pointers.data());
  check_alive();
  // The status is 0 even for a circuit that ngspice could not parse.
  if (status != 0 || errors_ > 0) {
    const std::string said = messages();
    throw std::runtime_error("ngspice does not load the netlist: " +
                             (said.empty() ? "no reason given" : said));
  }
  loaded_ = true;
}

void NgspiceSimulator::set(std::span<const Knob> knobs, std::span<const double> settings) {
  if (knobs.size() != settings.size()) throw std::invalid_argument("one setting for every knob is needed");
  begin();
  std::array<char, 512> buffer{};
  const auto send = [&](const auto& format, const auto&... values) {
    const auto end = fmt::format_to_n(buffer.data(), buffer.size() - 1, fmt::runtime(format), values...);
    if (end.size >= buffer.size()) throw std::runtime_error("a device name is too long for ngspice");
    *end.out = '\0';
    if (!died_) ngSpice_Command(buffer.data());
  };
  for (std::size_t k = 0; k < knobs.size(); ++k) {
    if (knobs[k].kind != KnobKind::temperature) check_name(knobs[k].device);
    switch (knobs[k].kind) {
      case KnobKind::device_parameter:
        check_name(knobs[k].parameter);
        send("alter @{}[{}]={}", knobs[k].device, knobs[k].parameter, settings[k]);
        break;
      case KnobKind::source_value:
        send("alter @{}[dc]={}", knobs[k].device, settings[k]);
        break;
      case KnobKind::temperature:
        send("set temp={}", settings[k]);
        break;
    }
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
  if (good) {
    waveforms->names.assign(vectors.begin(), vectors.end());
    if (waveforms->names.empty()) waveforms->names = plotted();
    waveforms->values.resize(waveforms->names.size());
    good = copy_axis(text, &waveforms->time) && arrived(text, waveforms->time, stop);
    for (std::size_t i = 0; good && i < waveforms->names.size(); ++i) {
      // The analysis went well, so this is not a matter of convergence: the testbench asks for what is not
      // there.
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

double NgspiceSimulator::parameter(const std::string& device, const std::string& name) {
  check_name(device);
  check_name(name);
  begin();
  std::vector<double> value;
  const bool found = copy_vector("@" + device + "[" + name + "]", &value);
  check_alive();
  if (!found) throw std::runtime_error("no parameter " + name + " of " + device + ": " + messages());
  return value.front();
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
