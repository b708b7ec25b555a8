// Parts of a column's netlist, for circuits that hold more than one column.
#pragma once

#include <string>

#include "studies/column/column.hpp"

namespace flare::studies {

/// Title, cards, the cell's netlist, and the sources: supply `vdd`, `pre`, `rwl`, of a clamp `read` and `en` too.
std::string column_drive(const ColumnOptions& options);

/// Sense end, wire and rows, from node `rbl`.
std::string column_body(const ColumnOptions& options);

}  // namespace flare::studies
