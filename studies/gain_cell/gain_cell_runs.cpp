#include "studies/gain_cell/gain_cell_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/sampling.hpp"
#include "studies/run/study_testbench.hpp"

namespace flare::studies {

namespace {

// Parts of the full-scale charge. A line needs two; the third shows what bends.
constexpr std::array sample_parts{0.1, 0.5, 0.95};
constexpr std::array signed_sample_parts{-0.95, -0.1, 0.1, 0.95};
constexpr std::array curve_parts{-0.25, -0.03, 0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95};
constexpr std::array signed_curve_parts{-0.95, -0.65, -0.35, -0.1, 0.1, 0.35, 0.65, 0.95};

CellDrive drive_of(const Study& study, const Corner& corner) {
  return {std::filesystem::absolute(study.cards), corner.process, corner.supply.value(),
          corner.temperature.value()};
}

template <class Parts>
PulseBench pulse_bench(const Study& study, const Corner& corner, bool with_sign, const Parts& parts) {
  const GainCellStudy& said = *study.gain_cell;
  PulseBench bench{said.converter,  with_sign, drive_of(study, corner), said.integration, said.full_scale,
                   said.read_pulse, {}};
  for (const double part : parts) bench.charges.push_back(part * bench.full_charge());
  return bench;
}

std::string stream_of(const Study& study, const Corner& corner, const std::string& what) {
  return fmt::format("gain_cell/{}/{}/{}", study.gain_cell->cell.name, corner.name(), what);
}

/// The testbench without variation, the elements that vary, and how many copies of them there are.
struct PlainSample {
  engine::Testbench testbench;
  std::vector<std::string> elements;
  std::size_t copies = 0;
};

PlainSample pulse_sample(const PulseBench& bench) {
  return {pulse_testbench(bench), pulse_elements(bench), bench.charges.size()};
}

PlainSample plain_sample(const Study& study, const Corner& corner, CellSample sample) {
  const CellBench bench = cell_bench(study, corner);
  const std::vector<std::string> elements = cell_elements(bench.cell);
  switch (sample) {
    case CellSample::read:
      return {read_testbench(bench, sample_widths(*study.gain_cell)), elements, bench.levels.size()};
    case CellSample::write:
      return {write_testbench(bench, study.gain_cell->write_pulse), elements, bench.levels.size()};
    case CellSample::hold:
      return {hold_testbench(bench, study.gain_cell->retention), elements, bench.levels.size()};
    case CellSample::rectifier:
      return pulse_sample(sample_pulse_bench(study, corner, false));
    case CellSample::with_sign:
      break;
  }
  return pulse_sample(sample_pulse_bench(study, corner, true));
}

bool of_converter(CellSample sample) {
  return sample == CellSample::rectifier || sample == CellSample::with_sign;
}

engine::RunRequest once(const Study& study, const Corner& corner, const std::string& what,
                        engine::Testbench bench) {
  return {stream_of(study, corner, what), 0, std::make_shared<const engine::Testbench>(std::move(bench)),
          engine::Matrix(1, 0)};
}

}  // namespace

std::string to_string(CellSample sample) {
  static constexpr std::array<const char*, cell_samples> names{"read", "write", "hold", "rectifier",
                                                               "signed"};
  return names.at(static_cast<std::size_t>(sample));
}

std::vector<double> level_voltages(const GainCellStudy& study, const Corner& corner) {
  std::vector<double> voltages;
  voltages.reserve(static_cast<std::size_t>(study.levels));
  for (int k = 0; k < study.levels; ++k) voltages.push_back(corner.supply.value() * k / (study.levels - 1));
  return voltages;
}

std::vector<double> sample_widths(const GainCellStudy& study) {
  return {study.read_pulse / pulse_codes, study.read_pulse};
}

std::vector<double> code_widths(const GainCellStudy& study) {
  std::vector<double> widths;
  widths.reserve(pulse_codes);
  for (int code = 1; code <= pulse_codes; ++code) widths.push_back(study.read_pulse * code / pulse_codes);
  return widths;
}

CellBench cell_bench(const Study& study, const Corner& corner) {
  const GainCellStudy& said = *study.gain_cell;
  return {said.cell, drive_of(study, corner), level_voltages(said, corner), said.park};
}

PulseBench sample_pulse_bench(const Study& study, const Corner& corner, bool with_sign) {
  return with_sign ? pulse_bench(study, corner, true, signed_sample_parts)
                   : pulse_bench(study, corner, false, sample_parts);
}

PulseBench curve_pulse_bench(const Study& study, const Corner& corner, bool with_sign) {
  return with_sign ? pulse_bench(study, corner, true, signed_curve_parts)
                   : pulse_bench(study, corner, false, curve_parts);
}

PulseBench energy_pulse_bench(const Study& study, const Corner& corner, bool with_sign) {
  return pulse_bench(study, corner, with_sign, std::array{0.5});
}

ColumnPattern column_pattern(const Study& study, int pattern) {
  constexpr double spread = 1.6;  // levels
  constexpr double shift = 0.4;   // levels, from one pattern to the next
  const int top = study.gain_cell->levels - 1;
  const engine::SampleSource source{study.seed, "gain_cell/columns", engine::Design::random, 0};
  const engine::Matrix z =
      engine::draw(source, static_cast<std::uint64_t>(pattern), 1, std::size_t{2} * column_rows);
  const double middle = 0.5 * top + shift * (pattern - 0.5 * (column_patterns - 1));
  ColumnPattern drawn;
  for (Eigen::Index r = 0; r < column_rows; ++r) {
    const double part = 0.5 * std::erfc(-z(0, r) / std::sqrt(2.0));
    drawn.codes.push_back(static_cast<int>(part * (pulse_codes + 1)) % (pulse_codes + 1));
    const long level = std::lround(middle + spread * z(0, column_rows + r));
    drawn.levels.push_back(static_cast<int>(std::clamp<long>(level, 0, top)));
  }
  return drawn;
}

CellColumnBench column_bench(const Study& study, const Corner& corner, int pattern) {
  const GainCellStudy& said = *study.gain_cell;
  const std::vector<double> voltages = level_voltages(said, corner);
  const ColumnPattern drawn = column_pattern(study, pattern);
  CellColumnBench bench{said.cell, drive_of(study, corner), said.park, said.integration, {}, {}};
  for (std::size_t r = 0; r < drawn.codes.size(); ++r) {
    bench.levels.push_back(voltages[static_cast<std::size_t>(drawn.levels[r])]);
    bench.widths.push_back(said.read_pulse * drawn.codes[r] / pulse_codes);
  }
  return bench;
}

std::shared_ptr<const engine::Testbench> sample_testbench(const Study& study, engine::Evaluator& evaluator,
                                                          const Corner& corner, CellSample sample) {
  PlainSample plain = plain_sample(study, corner, sample);
  engine::Testbench bench = std::move(plain.testbench);
  const LoadedCircuit loaded = load_circuit(evaluator, study, bench.deck, bench.options, plain.elements);
  add_variation(study, loaded, plain.elements, bench);
  refuse_no_variation(study, bench);
  mirror_variation(bench, plain.copies);
  check_nominals(evaluator, study, loaded, bench);
  if (corner.name() == study.nominal.name()) rehearse(evaluator, loaded.circuit, bench);
  return std::make_shared<const engine::Testbench>(std::move(bench));
}

std::vector<engine::RunRequest> sample_requests(const Study& study, engine::Evaluator& evaluator,
                                                const Corner& corner) {
  const auto runs = static_cast<std::size_t>(study.estimator.runs);
  std::vector<engine::RunRequest> requests;
  for (int s = 0; s < cell_samples; ++s) {
    const auto sample = static_cast<CellSample>(s);
    const auto testbench = sample_testbench(study, evaluator, corner, sample);
    const std::string dies =
        of_converter(sample)
            ? fmt::format("gain_cell/{}/{}", study.gain_cell->converter.name, to_string(sample))
            : fmt::format("gain_cell/{}/cells", study.gain_cell->cell.name);
    const engine::SampleSource source{study.seed, dies, study.estimator.design, runs};
    requests.push_back({stream_of(study, corner, to_string(sample)), 0, testbench,
                        engine::draw(source, 0, runs, testbench->dimension())});
  }
  return requests;
}

std::vector<engine::RunRequest> nominal_requests(const Study& study, const Corner& corner) {
  const CellBench bench = cell_bench(study, corner);
  return {
      once(study, corner, "codes", read_testbench(bench, code_widths(*study.gain_cell))),
      once(study, corner, "read_energy", read_energy_testbench(bench, study.gain_cell->read_pulse)),
      once(study, corner, "rectifier_curve", pulse_testbench(curve_pulse_bench(study, corner, false))),
      once(study, corner, "signed_curve", pulse_testbench(curve_pulse_bench(study, corner, true))),
      once(study, corner, "rectifier_energy", pulse_testbench(energy_pulse_bench(study, corner, false))),
      once(study, corner, "signed_energy", pulse_testbench(energy_pulse_bench(study, corner, true))),
  };
}

std::vector<engine::RunRequest> column_requests(const Study& study, const Corner& corner) {
  std::vector<engine::RunRequest> requests;
  requests.reserve(column_patterns);
  for (int p = 0; p < column_patterns; ++p) {
    requests.push_back(once(study, corner, fmt::format("column{}", p),
                            cell_column_testbench(column_bench(study, corner, p))));
  }
  return requests;
}

}  // namespace flare::studies
