// From a study to testbenches: which knobs there are and which variables move them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/evaluator.hpp"
#include "engine/testbench.hpp"
#include "studies/column.hpp"
#include "studies/study.hpp"

namespace flare::studies {

/// Gate area W L m (m^2) of every device that Pelgrom's law asks for, by flat name.
using DeviceAreas = std::map<std::string, double>;

/// The devices that vary, of those of `deck`: instance-wide laws move only `matched` ones (all MOSFETs where
/// it is empty), die-wide laws all that fit the pattern.
struct VaryingDevice {
  std::string name;
  bool matched = false;
};
/// Devices that fit a variation's pattern and polarity, MOSFETs only for vth and beta. Throws StudyError
/// where no device fits.
std::vector<VaryingDevice> varying_devices(const DeviceVariation& variation, const engine::Deck& deck,
                                           const std::vector<std::string>& matched);

/// Names of the devices whose size a Pelgrom law needs.
std::vector<std::string> sized_devices(const Study& study, const engine::Deck& deck,
                                       const std::vector<std::string>& matched);
/// Reads those sizes from the loaded circuit.
DeviceAreas read_areas(engine::Evaluator& evaluator, const engine::Deck& deck,
                       const std::vector<std::string>& devices);

/// Adds the study's knobs and variables to a testbench whose deck is set. `areas` may be null where only
/// their number and names matter (flare check): every area is then 1.
void add_variation(const Study& study, const Corner& corner, const std::vector<std::string>& matched,
                   const std::string& supply_source, const DeviceAreas* areas, engine::Testbench& testbench);

/// Sets the DC value of the supply source through a knob of its own (it may vary from die to die as well).
void set_supply(double supply, const std::string& supply_source, engine::Testbench& testbench);

/// Options of the column of `study` at one corner.
ColumnOptions column_options(const Study& study, int sawl, int on_cells, const Corner& corner);

/// The deck of a column; relative paths start at the study's folder. Throws engine::DeckError.
engine::Deck column_deck(const Study& study, const ColumnOptions& options);

}  // namespace flare::studies
