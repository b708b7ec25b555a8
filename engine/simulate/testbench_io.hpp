// Testbenches as JSON (in result files) and as CBOR (to workers). Doubles keep every bit in CBOR.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "engine/simulate/testbench.hpp"

namespace flare::engine {

nlohmann::json to_json(const Testbench& testbench);
/// For JSON from elsewhere: a deck in it is never trusted with commands, whatever it says. Throws
/// std::invalid_argument naming what is missing or out of bounds.
Testbench testbench_from_json(const nlohmann::json& json);

/// Between a pool and its own workers: the user's trust in the deck goes with it.
std::vector<std::uint8_t> to_cbor(const Testbench& testbench);
Testbench testbench_from_cbor(std::span<const std::uint8_t> bytes);

}  // namespace flare::engine
