#include "studies/cost/study_figures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "analysis/converters/error_model.hpp"
#include "analysis/results/adc_table.hpp"
#include "analysis/results/cost_table.hpp"
#include "analysis/results/point_tables.hpp"
#include "analysis/results/screening_table.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

namespace {

constexpr double assumed_bitline =
    70e-15;  // F: 128 rows of the shipped cell and a converter (netlists/README.md)

/// What a read of one point takes. J, V.
struct PointEnergy {
  double base = 0, on_cell = 0, driven = 0;  // without on-cells, an on-cell, a driven row's word line
  double swing = 0, supply = 0;
  bool simulated = true;
  std::vector<double>
      over_levels;  // by k, where it is known; word lines and all that does not go with k may be in it
  std::vector<double> wordline_shape;  // by k, over that of half of the rows
};

class ColumnFigures {
 public:
  ColumnFigures(const H5::H5File& file, const std::string& name, arch::Architecture& a)
      : file_(file),
        name_(name),
        a_(a),
        study_(
            parse_study(engine::read_text(file, "/", "study"), engine::read_text(file, "/", "study_file"))) {}

  std::vector<std::string> apply() {
    const bool mram = study_.column->setup.cell.read == ReadKind::clamp;
    const auto technology = mram ? arch::MemoryTechnology::mram : arch::MemoryTechnology::sram;
    bool used = false;
    for (arch::ArrayChoice* array : {&a_.weights, &a_.dynamic}) {
      if (array->technology != technology) continue;
      used = true;
      take(*array, mram);
    }
    if (!used)
      notes_.push_back(
          fmt::format("{}: its cell is of {}, of which the architecture has no arrays; nothing was taken",
                      name_, to_string(technology)));
    return std::move(notes_);
  }

 private:
  static PointEnergy simulated(const std::vector<analysis::ReadEnergyRow>& rows, int sawl, double supply) {
    const analysis::ReadEnergyRow &none = rows.front(), &half = rows[rows.size() / 2], &all = rows.back();
    PointEnergy e{none.bitline,
                  (all.bitline - none.bitline) / sawl,
                  half.word_lines / sawl,
                  all.swing,
                  supply,
                  true,
                  {},
                  {}};
    for (const analysis::ReadEnergyRow& row : rows) {
      e.over_levels.push_back(row.bitline);
      if (half.word_lines > 0) e.wordline_shape.push_back(std::max(0.0, row.word_lines / half.word_lines));
    }
    return e;
  }

  /// ArrayChoice::read_shape of a point; none where its energies are not over k, or do not rise with it.
  static std::vector<double> shape_of(const PointEnergy& e, int sawl, bool mram) {
    const double from = mram ? 0 : e.base, all = mram ? e.base + 0.5 * sawl * e.on_cell : sawl * e.on_cell;
    std::vector<double> shape;
    if (!(all > 0)) return shape;
    for (const double energy : e.over_levels) shape.push_back(std::max(0.0, energy - from) / all);
    return shape;
  }

  std::string point_path(int sawl, const std::string& corner) const {
    return analysis::ModelKey{study_.column->setup.cell.name, sawl, "", corner}.point_path();
  }

  void take(arch::ArrayChoice& array, bool mram) {
    const std::string folder = fmt::format("/points/{}/sawl{}", study_.column->setup.cell.name, array.sawl);
    if (!engine::exists(file_, folder))
      throw StudyError(fmt::format(
          "{}: holds no column of SAWL {}; it has SAWL {}: change arrays.*.sawl, or run the study "
          "with it",
          name_, array.sawl, fmt::join(study_.column->sawl, ", ")));
    std::vector<PointEnergy> corners;
    const PointEnergy nominal = energy_of(array.sawl, study_.nominal);
    for (const Corner& corner : study_.corners)
      if (engine::exists(file_, point_path(array.sawl, corner.name()) + "/levels"))
        corners.push_back(energy_of(array.sawl, corner));
    take_energies(nominal, corners, mram, array.sawl);
    take_pulse(array.sawl, mram);
    take_offset(array, nominal);
    array.converter.swing = nominal.swing;
    array.read_shape = shape_of(nominal, array.sawl, mram);
    array.wordline_shape = nominal.wordline_shape;
    if (!mram) take_cell_area();
  }

  /// Energies over k as a line: from simulated reads, or from levels and an assumed capacitance.
  PointEnergy energy_of(int sawl, const Corner& corner) {
    const std::string path = point_path(sawl, corner.name());
    const double supply = corner.supply.value();
    if (const auto rows = analysis::read_read_energy(file_, path); !rows.empty())
      return simulated(rows, sawl, supply);
    if (const std::optional<PointEnergy> beside = beside_error_model(sawl, corner)) return *beside;
    if (!engine::exists(file_, path + "/levels"))
      throw StudyError(fmt::format(
          "{}: {} holds neither energies of reads nor levels; run the study again with [cost], or "
          "leave --study away to use the defaults",
          name_, path));
    const auto levels =
        analysis::read_levels(file_, {study_.column->setup.cell.name, sawl, "", corner.name()});
    const double swing = std::abs(levels.front().mean - levels.back().mean);
    return {0, assumed_bitline * swing * supply / sawl, -1, swing, supply, false, {}, {}};
  }

  /// Where an error model of the point says what a read of its column takes (attribute `column_energy`, J over k, word
  /// lines included): they stay in the base then.
  std::optional<PointEnergy> beside_error_model(int sawl, const Corner& corner) const {
    for (const ConverterStudy& converter : study_.converters) {
      const analysis::ModelKey key{study_.column->setup.cell.name, sawl, converter.name, corner.name()};
      const std::string place = key.model_path() + "/confusion";
      if (!engine::exists(file_, place) || !engine::has_attribute(file_, place, "column_energy")) continue;
      const std::vector<double> energy = engine::read_numbers(file_, place, "column_energy");
      if (energy.size() != static_cast<std::size_t>(sawl) + 1)
        throw StudyError(
            fmt::format("{}: {}: column_energy has {} values, {} are needed; the file is damaged", name_,
                        place, energy.size(), sawl + 1));
      const auto levels = analysis::read_levels(file_, {key.cell, sawl, "", key.corner});
      return PointEnergy{energy.front(),
                         (energy.back() - energy.front()) / sawl,
                         0,
                         std::abs(levels.front().mean - levels.back().mean),
                         corner.supply.value(),
                         true,
                         energy,
                         {}};
    }
    return std::nullopt;
  }

  void replace(const char* name, double value, double low, double high, arch::ParameterKind kind,
               const std::string& source) {
    arch::Parameter p = a_.parameters.get(name);
    p.value = value;
    p.low = std::min(low, value);
    p.high = std::max(high, value);
    p.kind = kind;
    p.source = source;
    a_.parameters.replace(std::move(p));
  }

  /// A figure over the corners in the place of a parameter; energies brought to 0.9 V, as the parameters are.
  template <class Of>
  void take_range(const char* name, const PointEnergy& nominal, const std::vector<PointEnergy>& corners,
                  Of of, const std::string& source) {
    const auto at_supply = [&](const PointEnergy& e) { return std::max(0.0, of(e)); };
    double low = at_supply(nominal), high = low;
    for (const PointEnergy& e : corners) {
      low = std::min(low, at_supply(e));
      high = std::max(high, at_supply(e));
    }
    const double square = std::pow(a_.supply / 0.9, 2);
    replace(name, at_supply(nominal) / square, low / square, high / square,
            nominal.simulated ? arch::ParameterKind::spice : arch::ParameterKind::derived, source);
  }

  void take_energies(const PointEnergy& nominal, const std::vector<PointEnergy>& corners, bool mram,
                     int sawl) {
    a_.supply = nominal.supply;
    const std::string place = fmt::format("{}: {}", name_, point_path(sawl, study_.nominal.name()));
    const std::string source = nominal.simulated
                                   ? place + ", energies of reads over k and corners"
                                   : fmt::format("{}, C dV V of its levels with an assumed {:.0f} fF", place,
                                                 1e15 * assumed_bitline);
    if (mram) {
      // As many rows as ever conduct: their mean, per driven row.
      take_range(
          "mram_read", nominal, corners,
          [&](const PointEnergy& e) { return (e.base + 0.5 * sawl * e.on_cell) / sawl; }, source);
    } else {
      take_range(
          "sram_read_base", nominal, corners, [](const PointEnergy& e) { return e.base; }, source);
      take_range(
          "sram_bitline", nominal, corners, [](const PointEnergy& e) { return e.on_cell; }, source);
    }
    if (nominal.driven >= 0)
      take_range(
          mram ? "mram_wordline" : "sram_wordline", nominal, corners,
          [](const PointEnergy& e) { return e.driven; }, source);
    if (nominal.simulated)
      notes_.push_back(fmt::format("{}: energies of reads, simulated, SAWL {}", name_, sawl));
    else
      notes_.push_back(fmt::format(
          "{}: holds no energies of reads; the bitline's is C dV V of its levels with an assumed "
          "{:.0f} fF, word lines keep their default: run the study again with [cost] for simulated "
          "ones",
          name_, 1e15 * assumed_bitline));
  }

  void take_pulse(int sawl, bool mram) {
    double nominal = 0, low = 1, high = 0;
    for (const analysis::ScreeningRow& row : analysis::read_screening(file_)) {
      if (row.sawl != sawl) continue;
      if (row.corner == study_.nominal.name()) nominal = row.wordline_off;
      low = std::min(low, row.wordline_off);
      high = std::max(high, row.wordline_off);
    }
    if (nominal > 0)
      replace(mram ? "mram_pulse" : "sram_pulse", nominal, low, high, arch::ParameterKind::spice,
              fmt::format("{}: /screening, end of the word-line pulse, all corners", name_));
  }

  /// The comparator's offset that the error models allow, in steps, times the nominal step.
  void take_offset(arch::ArrayChoice& array, const PointEnergy& nominal) {
    for (const ConverterStudy& converter : study_.converters) {
      const analysis::ModelKey key{study_.column->setup.cell.name, array.sawl, converter.name,
                                   study_.nominal.name()};
      if (converter.kind != analysis::ConverterKind::ideal || !engine::exists(file_, key.model_path()))
        continue;
      const double steps = analysis::read_error_model(file_, key).frozen.threshold_offset_sigma;
      if (!(steps > 0)) continue;
      array.converter.offset_sigma = steps * nominal.swing / array.sawl;
      notes_.push_back(fmt::format(
          "{}: comparators are costed at an offset of {:.3g} mV, {:.3g} step of the error model of "
          "'{}'",
          name_, 1e3 * array.converter.offset_sigma, steps, converter.name));
      return;
    }
  }

  /// 6T of 0.125 um^2 and four times the gates of the read stack, where its sizes are told apart.
  void take_cell_area() {
    const Parameters& sizes = study_.column->setup.cell.sizes;
    if (!sizes.contains("wa") || !sizes.contains("la") || !sizes.contains("wd") || !sizes.contains("ld"))
      return;
    const double gates = sizes.at("wa") * sizes.at("la") + sizes.at("wd") * sizes.at("ld");
    const double area = 0.125e-12 + 4 * gates;
    replace("sram_cell_area", area, 0.125e-12 + 2.5 * gates, 0.125e-12 + 8 * gates,
            arch::ParameterKind::derived,
            fmt::format("{}: 6T of 160 F^2 and 4 (2.5 to 8) times the {:.3f} um^2 of its read gates", name_,
                        1e12 * gates));
  }

  const H5::H5File& file_;
  std::string name_;
  arch::Architecture& a_;
  Study study_;
  std::vector<std::string> notes_;
};

/// Exact but for the corners: low and high are theirs.
void replace_over(arch::ParameterSet& parameters, const char* name, const std::vector<double>& corners,
                  const std::string& source) {
  arch::Parameter p = parameters.get(name);
  p.value = corners.front();
  p.low = *std::min_element(corners.begin(), corners.end());
  p.high = *std::max_element(corners.begin(), corners.end());
  p.kind = arch::ParameterKind::spice;
  p.source = source;
  parameters.replace(std::move(p));
}

std::vector<std::string> apply_flash(arch::Architecture& a, const analysis::AdcResult& adc,
                                     const std::string& name) {
  const std::string source = fmt::format("{}: /adc/{}", name, adc.name);
  std::vector<double> energy, time, area;
  for (const analysis::AdcFigureRow& row : adc.figures) {
    const int comparators = std::max(1, row.codes - 1);
    energy.push_back((row.comparator_energy + row.clock_energy) / comparators);
    time.push_back(row.time);
    area.push_back(row.area / comparators - adc.trim_area);
  }
  const std::string& corner = adc.figures.front().corner;
  double offset = 0, left = 0;
  for (const analysis::AdcThresholdRow& row : adc.thresholds) {
    if (row.corner != corner) continue;
    offset = std::max(offset, row.offset_sigma);
    left = std::max(left, row.left_sigma);
  }
  replace_over(a.parameters, "comparator_energy", energy, source);
  replace_over(a.parameters, "comparator_time", time, source);
  replace_over(a.parameters, "comparator_area", area, source);
  replace_over(a.parameters, "comparator_offset", {offset}, source + ", worst threshold");
  if (adc.trim_bits > 0) {
    replace_over(a.parameters, "trim_area", {adc.trim_area}, source);
    for (arch::ArrayChoice* array : {&a.weights, &a.dynamic}) array->converter.trim_residue = left;
  }
  return {fmt::format("{}: converter '{}' ({}, {}): {:.3g} fJ a comparator, offset {:.3g} mV, {:.3g} mV left",
                      name, adc.name, adc.circuit, adc.trim, 1e15 * energy.front(), 1e3 * offset,
                      1e3 * left)};
}

std::vector<std::string> apply_sar(arch::Architecture& a, const analysis::AdcResult& adc,
                                   const std::string& name) {
  const std::string source = fmt::format("{}: /adc/{}", name, adc.name);
  std::vector<double> unit, energy;
  for (const analysis::AdcFigureRow& row : adc.figures) {
    const double bits = std::ceil(std::log2(std::max(2, row.codes)));
    unit.push_back(row.array_energy / (std::exp2(bits) * a.supply * a.supply));
    energy.push_back((row.comparator_energy + row.clock_energy) / bits);
  }
  replace_over(a.parameters, "sar_unit", unit, source + ", energy of the array over 2^b V^2");
  replace_over(a.parameters, "comparator_energy", energy, source);
  return {fmt::format("{}: converter '{}' ({}): {:.3g} fJ a decision", name, adc.name, adc.circuit,
                      1e15 * energy.front())};
}

/// The first converter whose kind an array of the architecture has.
std::vector<std::string> apply_converters(arch::Architecture& a, const std::vector<analysis::AdcResult>& adcs,
                                          const std::string& name) {
  const auto wanted = [&](arch::ConverterLaw law) {
    return a.weights.converter.law == law || a.dynamic.converter.law == law;
  };
  for (const analysis::AdcResult& adc : adcs) {
    if (adc.figures.empty()) continue;
    const bool sar = adc.circuit.find("sar") != std::string::npos;
    if (sar && wanted(arch::ConverterLaw::sar)) return apply_sar(a, adc, name);
    const bool trimmed = adc.trim_bits > 0;
    if (!sar && ((trimmed && wanted(arch::ConverterLaw::flash)) ||
                 (!trimmed && wanted(arch::ConverterLaw::flash_untrimmed))))
      return apply_flash(a, adc, name);
  }
  return {fmt::format("{}: none of its converters is of a kind that the architecture has; nothing was taken",
                      name)};
}

}  // namespace

std::vector<std::string> apply_study(arch::Architecture& architecture, const std::filesystem::path& result) {
  const H5::H5File file = engine::open_result(result);
  const std::string name = result.filename().string();
  if (engine::exists(file, "/adc")) return apply_converters(architecture, analysis::read_adcs(file), name);
  if (!engine::exists(file, "/points") || !engine::exists(file, "/screening"))
    throw StudyError(
        fmt::format("{}: holds no energies of a column or of converters; give the result of a [column] study "
                    "(with [cost] for simulated energies) or of an [adc] study, or leave --study away to use "
                    "the defaults",
                    result.string()));
  return ColumnFigures(file, name, architecture).apply();
}

}  // namespace flare::studies
