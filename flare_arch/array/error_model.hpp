// How arrays err: the error model that the engine's side shares (engine/base/error_model.hpp), by its names here.
#pragma once

#include "engine/base/error_model.hpp"
#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

using engine::ErrorModel;
using engine::FrozenVariation;
using engine::LevelLine;
using engine::ReadVariation;

}  // namespace flare::arch
