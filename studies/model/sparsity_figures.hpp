// The figures of the sparsity study: shares of zeros by grain (FLARE, Fig. 7) and BitSift's boost (Fig. 16).
#pragma once

#include <string>
#include <vector>

#include "flare_arch/cost/sparsity.hpp"

namespace flare::studies {

/// Bars for every tensor, a panel per encoding. Returns an SVG element. Throws analysis::FigureError.
std::string draw_sparsity(const std::vector<arch::SparsityRow>& rows, const arch::SparsityOptions& options);

/// Boost over slice lengths for every tensor that is fed to arrays, a panel per encoding.
std::string draw_boost(const std::vector<arch::SparsityRow>& rows, const arch::SparsityOptions& options);

/// What a tensor of the table is called in figures: "input" -> "input", "query" -> "Q", ...
std::string tensor_title(const std::string& tensor);

}  // namespace flare::studies
