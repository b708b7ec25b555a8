#include "studies/model/perplexity_cells.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {
namespace {

constexpr std::string_view shape_prefix = "shape:";

arch::CellSystem system_of(const arch::CellLaw& law, const arch::Retention& retention,
                           const arch::StoredLevels& stored, const CellChoice& choice) {
  arch::CellSystem system;
  system.stored = stored;
  system.array.window = choice.window;
  system.array.pulse_noise = choice.noise;
  system.seed = choice.seed;
  system.currents = arch::level_currents(law, stored, retention, choice.window);
  return system;
}

NamedCell lawful_cell(const std::string& name, const arch::CellLaw& law, const CellChoice& choice) {
  const arch::StoredLevels stored;
  const double decay = choice.decay >= 0 ? choice.decay : paper_decay;
  return {name, "", 27, system_of(law, arch::exponential_retention(stored, decay), stored, choice)};
}

arch::CellLaw law_of(const std::string& spec) {
  if (spec == "paper") return arch::paper_law();
  if (spec == "linear") return arch::linear_law();
  return arch::shaped_law(spec.substr(shape_prefix.size()));
}

bool names_a_law(const std::string& spec) {
  return spec == "paper" || spec == "linear" || spec.starts_with(shape_prefix);
}

/// Where FILE ends: at a colon after its ".h5"; whole text without.
std::size_t file_end(const std::string& spec) {
  const std::size_t at = spec.rfind(".h5:");
  return at == std::string::npos ? spec.size() : at + 3;
}

}  // namespace

std::filesystem::path cell_spec_file(const std::string& spec) {
  return names_a_law(spec) ? "" : spec.substr(0, file_end(spec));
}

std::string cell_spec_place(const std::string& spec) {
  const std::size_t end = file_end(spec);
  return names_a_law(spec) || end == spec.size() ? "" : spec.substr(end + 1);
}

NamedCell measured_system(const arch::MeasuredCell& cell, const CellChoice& choice) {
  const arch::Retention retention = choice.decay >= 0 ? arch::exponential_retention(cell.stored, choice.decay)
                                                      : cell.retention(choice.window, choice.token_time);
  NamedCell named{cell.cell, cell.corner, cell.temperature,
                  system_of(choice.transfer ? cell.transfer_law() : cell.polynomial_law(), retention,
                            cell.stored, choice)};
  named.system.array.key_full_scale = cell.full_scale;
  named.system.array.value_full_scale = cell.full_scale / 2;  // as in the paper: 80 and 40 uA
  named.token_energy = cell.token_energy;
  named.head_time = cell.head_time;
  named.system.spread = cell.spread;
  named.system.spread.scale = choice.mismatch;
  return named;
}

NamedCell named_cell(const std::string& spec, const CellChoice& choice) {
  try {
    if (names_a_law(spec)) return lawful_cell(spec, law_of(spec), choice);
    return measured_system(arch::load_cell(cell_spec_file(spec), cell_spec_place(spec)), choice);
  } catch (const std::invalid_argument& e) {
    throw StudyError(fmt::format("--cells {}: {}", spec, e.what()));
  }
}

}  // namespace flare::studies
