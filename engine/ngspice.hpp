// ngspice inside this process, through its shared library. The library keeps one global circuit and is not
// re-entrant, so there is at most one NgspiceSimulator in a process; worker processes each have their own.
//
// Facts of ngspice 39 this class rests on (each is held by a test in tests/engine):
//  - `alter` and `set temp` take effect at the next analysis, which sets the circuit up afresh; nothing of an
//    earlier analysis enters a later one, so a result depends only on the circuit and the settings.
//  - ngGet_Vec_Info returns one static record that the next call overwrites: values are copied at once.
//  - Random numbers in parameters (agauss in a kit) are the same at every load: the generator is seeded
//  before it.
//    Sources of noise (trnoise) draw from a pool that seeding does not reset, so they are refused.
//  - No call reports failure by its return code. A circuit is loaded if its parameters can be read; an
//    analysis succeeded if its plot exists and reaches the end.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/deck.hpp"
#include "engine/measure.hpp"
#include "engine/testbench.hpp"

namespace flare::engine {

/// ngspice asked to end the process ("cannot recover"). Nothing more can be simulated in this process.
class SimulatorDied : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How hard ngspice tries: the rungs of the retry ladder. Rung 0 is the testbench as asked.
inline constexpr int rungs = 3;

/// The `.options` card and the analysis of one rung.
std::string option_card(const SimulatorOptions& options, int rung);
std::string analysis_command(const Analysis& analysis, int rung);

class NgspiceSimulator {
 public:
  /// Starts ngspice without reading anybody's .spiceinit. Throws std::logic_error where this process has a
  /// simulator already, or has had one.
  NgspiceSimulator();
  ~NgspiceSimulator();
  NgspiceSimulator(const NgspiceSimulator&) = delete;
  NgspiceSimulator& operator=(const NgspiceSimulator&) = delete;

  /// "39" and the like.
  static std::string version();

  /// Replaces the circuit. Analyses, output requests and the options we set ourselves are left out of the
  /// deck; `save` lists the vectors that are kept (empty: all node voltages and branch currents). Throws
  /// std::runtime_error with ngspice's own words where the circuit does not load.
  void load(const Deck& deck, const std::string& options, std::span<const std::string> save);

  /// Counts the calls of load(): whoever has loaded a circuit knows by it whether that circuit is still
  /// there.
  std::uint64_t loads() const { return loads_; }

  /// Changes settings in place. Throws std::runtime_error where a device or parameter does not exist.
  void set(std::span<const Knob> knobs, std::span<const double> settings);

  /// Runs one analysis command ("op", "tran 1p 1n") and fetches `vectors`; the plot is deleted. Of a small-signal
  /// analysis these are magnitudes "vm(o)", magnitudes in dB "vdb(o)" and phases in degrees "vp(o)", continuous over the
  /// frequency.
  /// `stop`: where a transient or a sweep must arrive for success. False where it did not converge; messages() says
  /// why.
  bool run(const std::string& command, double stop, std::span<const std::string> vectors,
           Waveforms* waveforms);

  /// Value of an instance parameter, e.g. ("m.x1.ma", "w"). Throws std::runtime_error where there is none.
  double parameter(const std::string& device, const std::string& name);

  /// Names of the node voltages ("bl") and branch currents ("vdd#branch") of the circuit, found by an
  /// operating point that need not converge. The circuit must have been loaded with an empty `save`.
  std::vector<std::string> vector_names();

  /// What ngspice said during the last call, without the noise of its stepping; bounded.
  std::string messages() const;

 private:
  void command(const char* text);
  void begin();
  void check_alive() const;
  static std::vector<std::string> plotted();  // the vectors of the current plot
  static int on_text(char* text, int id, void* self);
  static int on_exit(int status, bool unload, bool quit, int id, void* self);

  std::vector<std::string> said_;
  std::size_t errors_ = 0;  // lines that ngspice began with "Error" during this call
  bool died_ = false;
  bool loaded_ = false;
  std::uint64_t loads_ = 0;
};

}  // namespace flare::engine
