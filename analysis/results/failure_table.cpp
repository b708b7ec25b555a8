#include "analysis/results/failure_table.hpp"

#include "analysis/tails/tail_table.hpp"

namespace flare::analysis {

namespace {

engine::RowTable<FailureRow> failure_columns() {
  engine::RowTable<FailureRow> table;
  table.column(
      "corner", "", [](auto& r) -> auto& { return r.corner; });
  return tail_columns(
      table, "p", "", [](auto& r) -> auto& { return r.tail; });
}

}  // namespace

void write_failures(H5::H5File& file, const std::vector<FailureRow>& rows) {
  engine::write_table(file, "/failures", failure_columns().table(rows));
}

std::vector<FailureRow> read_failures(const H5::H5File& file) {
  if (!engine::exists(file, "/failures")) return {};
  return failure_columns().rows(engine::read_table(file, "/failures"));
}

}  // namespace flare::analysis
