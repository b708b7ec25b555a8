#include "analysis/tails/tail_table.hpp"

#include <cstdint>
#include <stdexcept>

namespace flare::analysis {
namespace {

using engine::column_of;
using Tail = TailProbability;

TailStatus status_of(const std::string& word) {
  try {
    return tail_status(word);
  } catch (const std::invalid_argument& error) {
    throw engine::FileError(std::string(error.what()) + "; the file is damaged");
  }
}

std::size_t count_of(std::int64_t value) {
  if (value < 0) throw engine::FileError("a count is negative; the file is damaged");
  return static_cast<std::size_t>(value);
}

// p as written, or by its sigma where p is too small to write.
Probability probability_of(const engine::Table& table, const std::string& p, const std::string& sigma,
                           std::size_t row) {
  const double value = table.numbers(p)[row];
  const bool by_sigma = value > 0.0 && value <= least_shown_probability && table.has(sigma);
  return by_sigma ? Probability::of_sigma(table.numbers(sigma)[row]) : Probability(value);
}

}  // namespace

void add_tail_columns(engine::Table& table, const std::vector<Tail>& tails, const std::string& p_name,
                      const std::string& p_unit) {
  table.add(p_name, p_unit, column_of(tails, [](const Tail& t) { return t.p.value(); }))
      .add("p_low", p_unit, column_of(tails, [](const Tail& t) { return t.low.value(); }))
      .add("p_high", p_unit, column_of(tails, [](const Tail& t) { return t.high.value(); }))
      .add("sigma", "sigma", column_of(tails, [](const Tail& t) { return t.sigma(); }))
      .add("sigma_low", "sigma", column_of(tails, [](const Tail& t) { return t.sigma_low(); }))
      .add("sigma_high", "sigma", column_of(tails, [](const Tail& t) { return t.sigma_high(); }))
      .add("runs", "", column_of(tails, [](const Tail& t) { return static_cast<std::int64_t>(t.runs); }))
      .add("unknown", "",
           column_of(tails, [](const Tail& t) { return static_cast<std::int64_t>(t.unknown); }))
      .add("met_half_space", "", column_of(tails, [](const Tail& t) { return t.met_half_space; }))
      .add("met_corner", "", column_of(tails, [](const Tail& t) { return t.met_corner; }))
      .add("method", "", column_of(tails, [](const Tail& t) { return t.method; }))
      .add("status", "", column_of(tails, [](const Tail& t) { return std::string(to_string(t.status)); }));
}

std::vector<Tail> read_tail_columns(const engine::Table& table, const std::string& p_name) {
  std::vector<Tail> tails(table.rows());
  for (std::size_t i = 0; i < tails.size(); ++i) {
    Tail& tail = tails[i];
    tail.status = status_of(table.texts("status")[i]);
    if (table.has("runs")) tail.runs = count_of(table.integers("runs")[i]);
    if (table.has("unknown")) tail.unknown = count_of(table.integers("unknown")[i]);
    if (table.has("met_half_space")) tail.met_half_space = table.numbers("met_half_space")[i];
    if (table.has("met_corner")) tail.met_corner = table.numbers("met_corner")[i];
    if (table.has("method")) tail.method = table.texts("method")[i];
    if (tail.status == TailStatus::refused) continue;  // whatever stands there is no number
    tail.p = probability_of(table, p_name, "sigma", i);
    tail.low = probability_of(table, "p_low", "sigma_high", i);
    tail.high = probability_of(table, "p_high", "sigma_low", i);
  }
  return tails;
}

}  // namespace flare::analysis
