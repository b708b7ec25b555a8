// ngspice inside this process, through its shared library. The library keeps one global circuit and is not
// re-entrant, so there is at most one NgspiceSimulator in a process; worker processes each have their own.
//
// Facts of ngspice 39 this class rests on (each is held by a test in tests/engine):
//  - `alter` and `set temp` take effect at the next analysis, which sets the circuit up afresh; nothing of an
//    earlier analysis enters a later one, so a result depends only on the circuit and the settings. The exception
//    is a circuit with a singular matrix (a node without a DC path): such a node keeps what the last analysis left
//    there. TestbenchRunner::rehearse finds those.
//  - Some options of a netlist (cshunt, ngbehavior) stay set for the circuits after it: leaves_traces().
//  - ngGet_Vec_Info returns one static record that the next call overwrites: values are copied at once.
//  - Random numbers in parameters (agauss in a kit) are the same at every load: the generator is seeded before it.
//    Sources of noise (trnoise) draw from a pool that seeding does not reset, so they are refused.
//  - No call reports failure by its return code. A circuit is loaded if its parameters can be read; an
//    analysis succeeded if its plot exists and reaches the end.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/measures/measure.hpp"
#include "engine/netlist/deck.hpp"
#include "engine/simulate/spice_text.hpp"
#include "engine/simulate/testbench.hpp"

namespace flare::engine {

/// ngspice asked to end the process ("cannot recover"). Nothing more can be simulated in this process.
class SimulatorDied : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What ngspice has counted since a circuit was loaded, over all its analyses.
struct SimulatorCounts {
  double iterations = 0.0;    // of Newton's method: so often every device was evaluated
  double time_points = 0.0;   // that transients took
  double load_seconds = 0.0;  // wall time of evaluating devices and writing them into the matrix
};

class NgspiceSimulator {
 public:
  /// Starts ngspice with nothing of the user's or the machine's settings: no .spiceinit, no spinit but the code
  /// models it loads, no SPICE_* variables. Throws std::logic_error where this process has a
  /// simulator already, or has had one.
  NgspiceSimulator();
  ~NgspiceSimulator();
  NgspiceSimulator(const NgspiceSimulator&) = delete;
  NgspiceSimulator& operator=(const NgspiceSimulator&) = delete;

  /// "39" and the like.
  static std::string version();

  /// Replaces the circuit, with the options of one rung. Analyses, output requests and the options we set ourselves
  /// are left out of the deck; `save` lists the vectors that are kept (empty: all node voltages and branch currents).
  /// Throws std::runtime_error with ngspice's own words where the circuit does not load.
  void load(const Deck& deck, const SimulatorOptions& options, int rung, std::span<const std::string> save);

  /// Counts the calls of load(): whoever has loaded a circuit knows by it whether that circuit is still there.
  std::uint64_t loads() const { return loads_; }

  /// Changes settings in place, those of devices before those of models: a new width may move a device to another bin
  /// of its model, and ngspice makes bins anew and drops those that no device is in. A setting of a dropped bin does
  /// nothing. Throws std::runtime_error where a device or parameter does not exist, and std::invalid_argument for a
  /// .param of the netlist, which only a new load can change.
  void set(std::span<const Knob> knobs, std::span<const double> values);
  /// A device has changed to another bin since load(): its place in the matrix, and so the last bits of a result, are no
  /// longer those of a fresh load.
  bool rebinned() const { return !left_bins_.empty(); }

  /// Runs one analysis command ("op", "tran 1p 1n") and fetches `vectors`; the plot is deleted. Of a small-signal
  /// analysis these are magnitudes "vm(o)", magnitudes in dB "vdb(o)" and phases in degrees "vp(o)", continuous over the
  /// frequency.
  /// `stop`: where a transient or a sweep must arrive for success. False where it did not converge; messages() says
  /// why.
  bool run(const std::string& command, double stop, std::span<const std::string> vectors,
           Waveforms* waveforms);

  /// What the loaded circuit says of every knob; NaN where it has no such device or parameter. Runs an operating
  /// point (which need not converge), because the defaults of models are filled in by the set-up of an analysis.
  std::vector<double> values(std::span<const Knob> knobs);

  /// The loaded circuit as ngspice expanded it: subcircuits, parameters and conditions resolved, one statement a line.
  std::vector<std::string> listing();

  /// Throws std::runtime_error where ngspice does not say one of them.
  SimulatorCounts counts();

  /// Names of the node voltages ("bl") and branch currents ("vdd#branch") of the circuit, found by an
  /// operating point that need not converge. The circuit must have been loaded with an empty `save`.
  std::vector<std::string> vector_names();

  /// What ngspice said during the last call, without the noise of its stepping; bounded.
  std::string messages() const;
  /// The node of which ngspice said "singular matrix" during the last call; empty: it did not.
  std::string singular_node() const;

 private:
  void command(const char* text);
  std::vector<std::string> printed_by(const char* text);
  void set_one(const Knob& knob, double value);
  void set_up_bins();
  void begin();
  void check_alive() const;
  static std::vector<std::string> plotted();  // the vectors of the current plot
  static int on_text(char* text, int id, void* self);
  static int on_exit(int status, bool unload, bool quit, int id, void* self);

  std::vector<std::string> said_;
  std::vector<std::string> printed_;  // on ngspice's standard output, while printed_by() asks for it
  bool keep_printed_ = false;
  std::size_t errors_ = 0;           // lines that ngspice began with "Error" during this call
  std::set<std::string> left_bins_;  // of models, by devices that changed to another bin since load()
  bool died_ = false;
  bool loaded_ = false;
  std::uint64_t loads_ = 0;
};

}  // namespace flare::engine
