// A deck: netlist text that stands on its own. Includes and library sections are read in, so that it depends
// on no file, can be sent to a worker, written out and run under plain ngspice.
//
// A netlist is a program: ngspice runs .control blocks, and `shell` inside them, while it loads. read_deck
// refuses them (and every other statement that touches files or runs commands) unless asked not to.
//
// A netlist may also throw dice: ngspice draws every agauss, gauss, aunif, unif and limit of an expression once,
// when it loads, and keeps it. A deck has none of them left, see random_calls.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
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

/// What becomes of .control blocks.
enum class Commands {
  refuse,     // an error that names the place and the remedy
  leave_out,  // dropped: the circuit alone
  run,        // kept, and code models may open files: only for a netlist the user trusts
};

struct DeckOptions {
  Commands commands = Commands::refuse;
  /// For relative .include/.lib, after the including file's folder.
  std::vector<std::filesystem::path> search_paths;
  /// Sections to take instead of the one a .lib line names: how a study moves a netlist from corner to corner.
  /// The key is the library's path (links are followed) or its bare file name. Only the netlist's own .lib
  /// lines are moved, not those by which such a library calls sections of its own.
  std::map<std::filesystem::path, std::string> library_sections;
  /// Values to give to parameters that a .param of the netlist's top level defines: numbers or expressions.
  std::map<std::string, std::string> parameters;
  /// Functions that the simulator itself defines in the compatibility mode that will be used (`limit` in
  /// PSPICE's): calls of them are no draws.
  std::set<std::string> defined_functions;
  DeckLimits limits;
};

/// Where a statement stood.
struct DeckPlace {
  std::uint32_t file = 0;  // into Deck::files
  std::uint32_t line = 0;  // from 1
  bool operator==(const DeckPlace&) const = default;
};

struct ElaboratedCircuit;

/// A call of a random function that the netlist makes.
struct RandomCall {
  std::string place;  // "file:line"
  std::string call;   // as it stood there: "agauss(0, 20m, 1)"
};

/// Self-contained netlist: one logical statement per line, continuation lines joined, first line the title.
struct Deck {
  std::vector<std::string> lines;
  bool allow_commands = false;  // the user vouches for what it runs; else the simulator refuses commands

  // What is known of the reading. Not part of what a deck is: not compared, not written to files.
  std::vector<std::string> files{};  // all that were read, the netlist first
  std::vector<DeckPlace> places{};   // of each line; empty for a deck that was not read by read_deck
  /// Draws that stood in the netlist. Each is now nominal + flare_draw * spread, with flare_draw = 0: the deck is
  /// the nominal circuit. Whether a draw matters (kits multiply theirs by a switch) shows where the loaded
  /// circuit changes with with_draw.
  std::vector<RandomCall> random_calls{};
  /// The lines that held draws, by their index, as they were read: what elaborate() makes variables of.
  std::map<std::size_t, std::string> drawn_lines{};
  /// Of a flat deck that was elaborated: its draws, and what follows them (elaborated_circuit.hpp).
  std::shared_ptr<const ElaboratedCircuit> elaborated{};
  /// DeckOptions::defined_functions.
  std::set<std::string> defined_functions{};
  std::vector<std::filesystem::path> sections_taken{};  // keys of library_sections that moved a .lib line

  std::string text() const;                    // lines joined, ends in .end
  std::string place(std::size_t index) const;  // "file:line" of lines[index]; "deck:line" where unknown
  bool operator==(const Deck& other) const {
    return lines == other.lines && allow_commands == other.allow_commands;
  }
};

/// Reads `file`, resolving .include and .lib FILE SECTION, and checks that every subcircuit and device model
/// used is defined, as far as that can be said without the simulator. Comments and unused library sections
/// are left out. Throws DeckError.
///
/// Takes what ngspice 39 takes, and a byte order mark before any file. The first line is the title, except that
/// .lib, .include and .title there are read, as ngspice does; other statements on it, which ngspice drops, are
/// errors. Lines after .end are read, as ngspice does.
Deck read_deck(const std::filesystem::path& file, const DeckOptions& options = {});
/// The same for text already in memory; `origin` names it in messages and its folder anchors relative includes.
Deck parse_deck(std::string_view text, const std::filesystem::path& origin, const DeckOptions& options = {});

/// The deck with every random call moved `draw` spreads away from its nominal value, each by a weight of its
/// own between 1 and 2, so that two draws cannot cancel. A copy where there is none. A draw that is rounded or compared shows only
/// where it moves far enough: try several, of both signs.
Deck with_draw(const Deck& deck, double draw);

/// Names of the parameters that .param statements of the top level define, lower case, sorted.
std::vector<std::string> parameter_names(const Deck& deck);

/// Throws DeckError where a deck from elsewhere (a result file) runs commands or touches files and its
/// `allow_commands` is not set.
void refuse_commands(const Deck& deck);

/// A device instance of the flattened circuit.
struct DeviceInstance {
  std::string name;       // flat ngspice name, lower case: "m.xrow3.ma"
  char type = 'm';        // first letter of the element: m, r, c, v, ...
  std::string model;      // of a MOSFET, diode or bipolar; empty else
  bool waveform = false;  // a source with a time function (pulse, pwl, ...)
  bool dc_value = true;   // false: a source with a time function and no DC value besides it
};

/// All device instances after expanding subcircuits, in netlist order (subcircuits expanded where they stand), as
/// far as they can be named without evaluating expressions: of the devices inside .if every name once. Throws
/// DeckError on a subcircuit or model that is not defined (naming where it is used) and past the limits.
std::vector<DeviceInstance> list_devices(const Deck& deck, const DeckLimits& limits = {});

/// Polarity of every .model card: "nmos"/"pmos"/... by model name (lower case).
std::map<std::string, std::string> list_models(const Deck& deck);

/// Shell-style pattern (* and ?) over lower-case flat names; the leading "m." may be left out of the pattern.
bool matches(std::string_view pattern, std::string_view device);

}  // namespace flare::engine
