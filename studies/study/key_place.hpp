// Where a key of a study stands, for what is found wrong once its circuit is loaded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "studies/study/study.hpp"

namespace flare::studies {

/// "file:line: measure[2].KEY" of the first key of a [[measure]] that asks for a vector as the engine writes it; the study's file
/// where none does.
std::string vector_place(const Study& study, const std::string& vector);

/// "file:line: variation[1].parameter" of a [[variation]].
std::string parameter_place(const Study& study, const DeviceVariation& variation);

}  // namespace flare::studies
