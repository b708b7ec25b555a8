// A deck: netlist text that stands on its own. Includes and library sections are read in, so that it depends
// on no file, can be sent to a worker, written out and run under plain ngspice.
//
// A netlist is a program: ngspice runs .control blocks, and `shell` inside them, while it loads. read_deck
// refuses them (and every other statement that touches files or runs commands) unless asked not to.
#pragma once

#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace flare::engine {

/// A netlist that cannot be used. what() reads "file:line: what is wrong; what to do".
class DeckError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct DeckLimits {
  std::size_t max_bytes = 64u << 20;  // of all files together
  std::size_t max_lines = 2'000'000;
  std::size_t max_include_depth = 16;
  std::size_t max_devices = 1'000'000;  // after expansion of subcircuits
};

enum class Commands { refuse, leave_out, run };

struct DeckOptions {
  Commands commands = Commands::refuse;
  std::map<std::string, std::string> parameters;
  std::vector<std::filesystem::path>
      search_paths;  // for relative .include/.lib, after the including file's folder
  /// Sections to take instead of the one a .lib statement names, by the library's absolute path: how a study
  /// moves a netlist from corner to corner.
  std::map<std::filesystem::path, std::string> library_sections;
  DeckLimits limits;
};

/// Self-contained netlist: one logical statement per line, continuation lines joined, first line the title.
struct Deck {
  std::vector<std::string> lines;
  bool allow_commands = false;  // the user vouches for what it runs; else the simulator refuses commands

  std::vector<std::filesystem::path> sections_taken = {};
  std::string text() const;  // lines joined, ends in .end
  bool operator==(const Deck& o) const { return lines == o.lines && allow_commands == o.allow_commands; }
};

/// Reads `file`, resolving .include and .lib FILE SECTION, and checks that every subcircuit and device model
/// used is defined. Comments and unused library sections are left out. Throws DeckError.
Deck read_deck(const std::filesystem::path& file, const DeckOptions& options = {});
/// The same for text already in memory; `origin` names it in messages and its folder anchors relative
/// includes.
Deck parse_deck(std::string_view text, const std::filesystem::path& origin, const DeckOptions& options = {});

std::vector<std::string> parameter_names(const Deck& deck);
Deck with_parameters(const Deck& deck, const std::map<std::string, double>& values);

/// Throws DeckError where a deck from elsewhere (a result file) runs commands or touches files and its
/// `allow_commands` is not set.
void refuse_commands(const Deck& deck);

/// A device instance of the flattened circuit.
struct DeviceInstance {
  std::string name;       // flat ngspice name, lower case: "m.xrow3.ma"
  char type = 'm';        // first letter of the element: m, r, c, v, ...
  std::string model;      // of a MOSFET, diode or bipolar; empty else
  bool waveform = false;  // a source with a time function (pulse, pwl, ...)
};

/// All device instances after expanding subcircuits, in netlist order (subcircuits expanded where they
/// stand). Throws DeckError on a subcircuit or model that is not defined (naming where it is used) and past
/// the limits.
std::vector<DeviceInstance> list_devices(const Deck& deck, const DeckLimits& limits = {});

/// Polarity of every .model card: "nmos"/"pmos"/... by model name (lower case).
std::map<std::string, std::string> list_models(const Deck& deck);

/// Shell-style pattern (* and ?) over lower-case flat names; the leading "m." may be left out of the pattern.
bool matches(std::string_view pattern, std::string_view device);

}  // namespace flare::engine
