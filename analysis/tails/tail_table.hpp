// The columns of a tail in the result file, in one place for /verdict, /tails and /failures.
//
//     p (or p_error), p_low, p_high   NaN where refused; p is never 0, and 1e-300 stands for less than that
//     sigma, sigma_low, sigma_high    -Phi^-1 of p, of p_high and of p_low: right where p is too small to write
//     runs, unknown, method, status
#pragma once

#include <string>
#include <vector>

#include "analysis/tails/tail.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

/// `p_name`: "p" or "p_error"; `p_unit`: "1/read", or "" for a circuit's.
void add_tail_columns(engine::Table& table, const std::vector<TailProbability>& tails,
                      const std::string& p_name, const std::string& p_unit);
/// Row by row. Throws engine::FileError for a status that is none, a negative count. Files without the sigma
/// interval or counts read as well.
std::vector<TailProbability> read_tail_columns(const engine::Table& table, const std::string& p_name);

}  // namespace flare::analysis
