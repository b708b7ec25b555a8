// The circuit behind the statements: subcircuits expanded, devices and models named.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/netlist/deck.hpp"
#include "engine/netlist/deck_lexer.hpp"

namespace flare::engine {

/// All devices of the flattened circuit. Throws DeckError where something used is not defined.
std::vector<DeviceInstance> devices_of(const std::vector<Statement>& statements, std::size_t max_devices);

}  // namespace flare::engine
