#include "studies/study/study_gain_cell.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flare::studies {

namespace {

double above_zero(Section& section, std::string_view key, std::string_view unit, double otherwise) {
  const double value = section.quantity(key, unit, otherwise);
  if (!(value > 0.0)) section.fail(key, fmt::format("must be above 0 {}", unit));
  return value;
}

std::vector<double> read_times(Section& section) {
  std::vector<double> times{0.8e-3, 5e-3};
  if (section.has("retention")) times = section.quantities("retention", "s");
  std::sort(times.begin(), times.end());
  if (times.empty() || !(times.front() > 0.0)) section.fail("retention", "needs times above 0 s");
  if (std::adjacent_find(times.begin(), times.end()) != times.end())
    section.fail("retention", "has the same time twice");
  return times;
}

}  // namespace

GainCellStudy read_gain_cell(Section s, const std::filesystem::path& file) {
  GainCellStudy study;
  study.cell = read_gain_cell_part(find_part(s, "cell", s.text("cell", "gain_cell_6t"), "cell", file));
  study.converter = read_pulse_converter(
      find_part(s, "converter", s.text("converter", "charge_to_pulse"), "converter", file));
  study.levels = static_cast<int>(s.integer("levels", study.levels, 4, 32));
  study.read_pulse = above_zero(s, "read_pulse", "s", study.read_pulse);
  study.write_pulse = above_zero(s, "write_pulse", "s", study.write_pulse);
  study.integration = above_zero(s, "integration", "F", study.integration);
  study.full_scale = above_zero(s, "full_scale", "A", study.full_scale);
  study.retention = read_times(s);
  study.park = s.quantity("park", "V", study.park);
  if (!(study.park >= 0.0)) s.fail("park", "must not be negative");
  s.finish();
  return study;
}

}  // namespace flare::studies
