// The columns of a tail in the result file, in one place for /verdict, /tails and /failures.
//
//     p (or p_error), p_low, p_high   NaN where refused; p is never 0, and 1e-300 stands for less than that
//     sigma, sigma_low, sigma_high    -Phi^-1 of p, of p_high and of p_low: right where p is too small to write
//     runs, unknown
//     met_half_space, met_corner      chance that an unknown region as likely as p would have been met; NaN where nothing
//                                     was searched
//     method, status
#pragma once

#include <string>
#include <vector>

#include "analysis/tails/tail.hpp"
#include "engine/base/row_table.hpp"

namespace flare::analysis {

/// `p_name`: "p" or "p_error"; `p_unit`: "1/read", or "" for a circuit's.
void add_tail_columns(engine::Table& table, const std::vector<TailProbability>& tails,
                      const std::string& p_name, const std::string& p_unit);
/// Row by row. Throws engine::FileError for a status that is none, a negative count. Files without the sigma
/// interval or counts read as well.
std::vector<TailProbability> read_tail_columns(const engine::Table& table, const std::string& p_name);

/// The same as columns of a table whose rows hold a tail: `tail` gives a reference to it, of a row const or not.
template <class Row, class Tail>
engine::RowTable<Row>& tail_columns(engine::RowTable<Row>& table, const std::string& p_name,
                                    const std::string& p_unit, Tail tail) {
  return table.part(
      [=](const std::vector<Row>& rows, engine::Table& columns) {
        std::vector<TailProbability> tails;
        tails.reserve(rows.size());
        for (const Row& row : rows) tails.push_back(tail(row));
        add_tail_columns(columns, tails, p_name, p_unit);
      },
      [=](const engine::Table& columns, std::vector<Row>& rows) {
        const std::vector<TailProbability> tails = read_tail_columns(columns, p_name);
        for (std::size_t i = 0; i < rows.size(); ++i) tail(rows[i]) = tails[i];
      });
}

}  // namespace flare::analysis
