// The circuit that the simulator has loaded, in its own words: subcircuits, parameters, conditions, model bins and
// nested library sections are resolved, so that nobody has to guess what a netlist amounts to.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flare::engine {

struct CircuitDevice {
  std::string name;  // flat, lower case: "m.xrow3.ma"; top level: "m1"
  char type = 'm';   // first letter of the element: m, r, c, v, ...
  std::vector<std::string> nodes;
  std::string model;      // of a MOSFET, diode, bipolar, JFET or switch; empty else
  bool waveform = false;  // an independent source with a time function (pulse, pwl, ...)
  bool initial = false;   // has an ic= of its own
  /// Of an independent source: the numbers its statement gives, DC value and waveform.
  std::vector<double> levels;
};

struct CircuitModel {
  std::string type;   // "nmos", "npn", ...
  std::string level;  // as written; empty: not given
};

class Circuit {
 public:
  Circuit() = default;
  /// `listing`: what `listing expand` prints, one statement a line ("17 : m.x1.m1 d g 0 0 nch w=1e-6"). `vectors`:
  /// names of node voltages and branch currents as plotted ("bl", "vdd#branch"). Lines that are no element and no
  /// model are passed over.
  Circuit(std::span<const std::string> listing, std::vector<std::string> vectors);

  const std::vector<CircuitDevice>& devices() const { return devices_; }
  const CircuitDevice* find(std::string_view device) const;
  /// By name, lower case. One of a subcircuit's own is called "x1:nch"; bins keep their number ("nch.3").
  const std::map<std::string, CircuitModel>& models() const { return models_; }
  /// Card of a device; that of its first bin where the model is binned; nullptr where it has none.
  const CircuitModel* model_of(const CircuitDevice& device) const;
  const std::vector<std::string>& vectors() const { return vectors_; }
  /// True where the statement of `listing` sets the node's voltage at the start (.ic).
  bool has_initial(std::string_view node) const;

  /// Nodes without a path of conductors to ground: the simulator finds no operating point for them, or any. Elements
  /// that may conduct count as conductors, so that no good node is named.
  std::vector<std::string> floating_nodes() const;

 private:
  void add_device(std::string_view text);
  void add_model(std::string_view text);
  void add_initial(std::string_view text);

  std::vector<CircuitDevice> devices_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
  std::map<std::string, CircuitModel> models_;
  std::vector<std::string> vectors_;
  std::vector<std::string> initial_;
};

}  // namespace flare::engine
