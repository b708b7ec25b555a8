#include "engine/store/estimate_notes.hpp"

#include "engine/base/hdf5_io.hpp"
#include "engine/base/row_table.hpp"

namespace flare::engine {

namespace {

constexpr const char* table_path = "/runs/notes";

}  // namespace

void EstimateNotes::add(const std::string& stream, std::uint64_t asked, EstimateNote note) {
  const std::scoped_lock lock(mutex_);
  notes_[{stream, asked}] = note;
}

std::optional<EstimateNote> EstimateNotes::find(const std::string& stream, std::uint64_t asked) const {
  const std::scoped_lock lock(mutex_);
  const auto found = notes_.find({stream, asked});
  if (found == notes_.end()) return std::nullopt;
  return found->second;
}

void EstimateNotes::write(H5::H5File& file) const {
  if (notes_.empty()) return;
  TableRows<std::string, std::int64_t, std::int64_t, std::int64_t> rows(
      {{{"stream", ""}, {"asked", ""}, {"runs", ""}, {"refused", ""}}});
  for (const auto& [key, note] : notes_) {
    rows.add(key.first, static_cast<std::int64_t>(key.second), static_cast<std::int64_t>(note.runs),
             static_cast<std::int64_t>(note.refused ? 1 : 0));
  }
  write_table(file, table_path, std::move(rows).table());
}

void EstimateNotes::read(const H5::H5File& file) {
  if (!exists(file, table_path)) return;
  const Table table = read_table(file, table_path);
  for (std::size_t r = 0; r < table.rows(); ++r) {
    add(table.texts("stream")[r], static_cast<std::uint64_t>(table.integers("asked")[r]),
        {static_cast<std::uint64_t>(table.integers("runs")[r]), table.integers("refused")[r] != 0});
  }
}

}  // namespace flare::engine
