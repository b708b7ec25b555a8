#include "flare_arch/array/bitsift.hpp"

#include <algorithm>
#include <stdexcept>

namespace flare::arch {
namespace {

using Ones = std::span<const std::uint16_t>;

void append(ReadPlan& plan, Ones rows) {
  for (const std::uint16_t row : rows) plan.add_row(row);
}

/// Cuts `ones` where rows of another group of `length` rows begin.
template <class Visit>
void for_each_slice(Ones ones, int length, Visit visit) {
  std::size_t begin = 0;
  for (int top = length; begin < ones.size(); top += length) {
    std::size_t end = begin;
    while (end < ones.size() && ones[end] < top) ++end;
    if (end > begin) visit(ones.subspan(begin, end - begin));
    begin = end;
  }
}

void plan_fixed(Ones ones, int depth, int sawl, ReadPlan& plan) {
  std::size_t next = 0;
  for (int top = sawl; top - sawl < depth; top += sawl) {
    for (; next < ones.size() && ones[next] < top; ++next) plan.add_row(ones[next]);
    plan.close_read();
  }
}

void plan_ideal(Ones ones, int sawl, ReadPlan& plan) {
  for (std::size_t begin = 0; begin < ones.size(); begin += sawl) {
    append(plan, ones.subspan(begin, std::min<std::size_t>(sawl, ones.size() - begin)));
    plan.close_read();
  }
}

/// Remainders in order: close the read that runs when the next one does not fit.
void pack_in_order(const std::vector<Ones>& remainders, std::size_t capacity, ReadPlan& plan) {
  std::size_t held = 0;
  for (const Ones rest : remainders) {
    if (held > 0 && held + rest.size() > capacity) {
      plan.close_read();
      held = 0;
    }
    append(plan, rest);
    held += rest.size();
  }
  if (held > 0) plan.close_read();
}

/// By falling count, equal counts in order; counts are below SAWL.
std::vector<Ones> longest_first(const std::vector<Ones>& remainders, std::size_t sawl) {
  std::vector<Ones> sorted;
  for (std::size_t count = sawl; count > 0; --count)
    for (const Ones rest : remainders)
      if (rest.size() == count) sorted.push_back(rest);
  return sorted;
}

void pack_any(const std::vector<Ones>& remainders, std::size_t capacity, bool best, ReadPlan& plan) {
  std::vector<std::vector<Ones>> reads;
  std::vector<std::size_t> held;
  for (const Ones rest : remainders) {
    std::size_t chosen = reads.size();
    for (std::size_t i = 0; i < reads.size(); ++i) {
      if (held[i] + rest.size() > capacity) continue;
      if (chosen == reads.size() || held[i] > held[chosen]) chosen = i;
      if (!best) break;
    }
    if (chosen == reads.size()) {
      reads.emplace_back();
      held.push_back(0);
    }
    reads[chosen].push_back(rest);
    held[chosen] += rest.size();
  }
  for (const auto& read : reads) {
    for (const Ones rest : read) append(plan, rest);
    plan.close_read();
  }
}

}  // namespace

bool SegmentationOptions::is_valid(std::string* error) const {
  const auto fail = [&](const char* what) {
    if (error != nullptr) *error = what;
    return false;
  };
  if (rows_per_read < 1 || rows_per_read > 64) return fail("rows per read (SAWL) must be 1 to 64");
  if (slice_length < 1 || slice_length > 4096) return fail("the slice length must be 1 to 4096");
  if (strictly_below && rows_per_read < 2)
    return fail("packing strictly below SAWL needs a SAWL of 2 or more");
  return true;
}

std::int64_t ReadPlan::dummy_rows(const SegmentationOptions& options) const {
  if (!options.dummy_rows) return 0;
  return static_cast<std::int64_t>(reads()) * options.rows_per_read - static_cast<std::int64_t>(rows_.size());
}

void plan_reads(std::span<const std::uint16_t> ones, int depth, const SegmentationOptions& options,
                ReadPlan& plan) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument("BitSift: " + error);
  if (depth < 0 || depth > 65536) throw std::invalid_argument("BitSift: at most 65536 rows are supported");
  plan.clear();
  const int sawl = options.rows_per_read;
  if (options.packing == Packing::fixed) return plan_fixed(ones, depth, sawl, plan);
  if (options.packing == Packing::ideal) return plan_ideal(ones, sawl, plan);

  std::vector<Ones> remainders;
  for_each_slice(ones, options.slice_length, [&](Ones slice) {
    const std::size_t capacity = sawl;
    while (slice.size() >= capacity) {
      append(plan, slice.first(capacity));
      plan.close_read();
      slice = slice.subspan(capacity);
    }
    if (!slice.empty()) remainders.push_back(slice);
  });
  const std::size_t capacity = options.strictly_below ? sawl - 1 : sawl;
  if (options.packing == Packing::next_fit) return pack_in_order(remainders, capacity, plan);
  const bool best = options.packing == Packing::best_fit;
  pack_any(best ? longest_first(remainders, sawl) : remainders, capacity, best, plan);
}

ReadPlan plan_reads(std::span<const std::uint8_t> bits, const SegmentationOptions& options) {
  std::vector<std::uint16_t> ones;
  for (std::size_t row = 0; row < bits.size(); ++row)
    if (bits[row] != 0) ones.push_back(static_cast<std::uint16_t>(row));
  ReadPlan plan;
  plan_reads(ones, static_cast<int>(bits.size()), options, plan);
  return plan;
}

}  // namespace flare::arch
