// Which bits the functions of this machine's mathematics library give.
//
// glibc picks variants of exp, log, sin, pow and their kin by what the processor can do (fused multiply-add, AVX2); they
// differ in the last bit now and then. Runs made under one must not be mixed with runs made under another.
#pragma once

#include <cstdint>

namespace flare::engine {

/// A hash of values of the functions that circuits and estimates call, at arguments spread over their ranges: the same on
/// machines that give the same bits, and in practice different on others.
std::uint64_t mathematics_hash();

}  // namespace flare::engine
