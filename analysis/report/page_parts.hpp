// What a report's page is put together from: tables, folds, style, and the library that sorts and shows values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/report/report_circuit.hpp"

namespace flare::analysis {

/// A cell of a table, as HTML.
struct Cell {
  std::string html;
  bool number = false;  // set to the right, sorted by size
  std::string css;
};
Cell text(const std::string& value);
Cell number(const std::string& value);

/// A table that scrolls by itself where it is wider than the page.
/// `ids`: of the rows, to link to; letters, digits, "_"; empty: none.
std::string table(const std::vector<Cell>& head, const std::vector<std::vector<Cell>>& rows,
                  const std::vector<std::string>& ids = {});
/// The same of texts; those that begin with a number are numbers. `last_column`: one more, its head first.
std::string table(const CircuitTable& of, const std::vector<std::string>& ids = {},
                  const std::vector<Cell>& last_column = {});

/// A part that opens on a click, without a script, and stands open in print. `id`: letters, digits, "_", one a page.
std::string fold(const std::string& id, const std::string& title, const std::string& body);

/// The page's style sheet: light and dark, for 400 px, for print.
std::string page_style();

/// The scripts of the page: D3 (Debian: libjs-d3), as it is installed, and what uses it; empty where it is not. The page
/// says the same without.
std::string page_script();

}  // namespace flare::analysis
