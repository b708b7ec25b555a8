#include "studies/gain_cell/gain_cell_study.hpp"

#include <fmt/format.h>

#include <cmath>

#include "studies/gain_cell/gain_cell_figures.hpp"
#include "studies/gain_cell/gain_cell_runs.hpp"

namespace flare::studies {

namespace {

using Results = std::vector<std::vector<engine::RunResult>>;

/// The study's corners, the nominal one first whether it is among them or not.
std::vector<Corner> all_corners(const Study& study) {
  std::vector<Corner> corners{study.nominal};
  for (const Corner& corner : study.corners) {
    if (corner.name() != study.nominal.name()) corners.push_back(corner);
  }
  return corners;
}

/// Measure `m(level)` of every run, one row a run.
template <class Place>
engine::Matrix by_level(const std::vector<engine::RunResult>& runs, int levels, const Place& place) {
  engine::Matrix values(static_cast<Eigen::Index>(runs.size()), levels);
  for (Eigen::Index r = 0; r < values.rows(); ++r) {
    for (int k = 0; k < levels; ++k)
      values(r, k) = measured(runs[static_cast<std::size_t>(r)], place(static_cast<std::size_t>(k)));
  }
  return values;
}

std::vector<double> column_of(const engine::Matrix& values, int c) {
  std::vector<double> column;
  column.reserve(static_cast<std::size_t>(values.rows()));
  for (Eigen::Index r = 0; r < values.rows(); ++r) column.push_back(values(r, c));
  return column;
}

/// A read testbench of `widths` widths has these measures a level: the charges, where the node stands, where the lines kick it.
std::size_t read_measure(std::size_t level, std::size_t widths, std::size_t which) {
  return level * (widths + 2) + which;
}

void add_transfer(const GainCellStudy& said, const std::vector<engine::RunResult>& reads,
                  const engine::RunResult& codes, engine::GainCellTables& tables,
                  const std::vector<double>& voltages) {
  const std::vector<double> widths = sample_widths(said);
  const auto charge = [&](std::size_t w) {
    return by_level(reads, said.levels, [&](std::size_t k) { return read_measure(k, widths.size(), w); });
  };
  const ReadCharges charges{widths.front(), widths.back(), charge(0), charge(1)};
  tables.transfer = transfer_rows(charges, voltages);
  tables.polynomial = cell_polynomial(currents_of(charges), voltages, tables.middle);
  const std::vector<double> every = code_widths(said);
  for (int k = 0; k < said.levels; ++k) {
    const auto at = [&](std::size_t which) {
      return measured(codes, read_measure(static_cast<std::size_t>(k), every.size(), which));
    };
    tables.transfer[static_cast<std::size_t>(k)].kick = at(every.size() + 1) - at(every.size());
    for (std::size_t w = 0; w < every.size(); ++w) tables.pulses.push_back({k, every[w], at(w)});
  }
}

/// Rows of what cells hold after their write; energy of a write, mean over levels.
void add_write(const GainCellStudy& said, const std::vector<engine::RunResult>& writes,
               engine::GainCellTables& tables, const std::vector<double>& voltages) {
  const engine::Matrix closed = by_level(writes, said.levels, [](std::size_t k) { return 2 * k + 1; });
  for (int k = 0; k < said.levels; ++k) {
    const Spread s = spread_of(column_of(closed, k));
    tables.write.push_back({k, voltages[static_cast<std::size_t>(k)], s.mean, s.sigma, s.runs, s.unknown});
  }
  std::vector<double> energies;
  energies.reserve(writes.size());
  const std::size_t first = 2 * static_cast<std::size_t>(said.levels);
  for (const engine::RunResult& run : writes) {
    energies.push_back((measured(run, first) + measured(run, first + 1) + measured(run, first + 2)) /
                       said.levels);
  }
  tables.energy.push_back({"write", spread_of(energies).mean});
}

void add_retention(const GainCellStudy& said, const std::vector<engine::RunResult>& holds,
                   engine::GainCellTables& tables) {
  const std::size_t times = said.retention.size();
  for (std::size_t t = 0; t < times; ++t) {
    const engine::Matrix held = by_level(holds, said.levels, [&](std::size_t k) { return k * times + t; });
    for (int k = 0; k < said.levels; ++k) {
      const Spread s = spread_of(column_of(held, k));
      tables.retention.push_back({k, said.retention[t], s.mean, s.sigma, s.runs, s.unknown});
    }
  }
}

/// Widths of every run, one row a run, one column a charge.
engine::Matrix widths_of(const PulseBench& bench, const std::vector<engine::RunResult>& runs) {
  engine::Matrix widths(static_cast<Eigen::Index>(runs.size()),
                        static_cast<Eigen::Index>(bench.charges.size()));
  for (Eigen::Index r = 0; r < widths.rows(); ++r) {
    const engine::RunResult& run = runs[static_cast<std::size_t>(r)];
    for (Eigen::Index k = 0; k < widths.cols(); ++k) {
      widths(r, k) = engine::simulated(run.outcome)
                         ? pulse_width(bench, run.measures, static_cast<std::size_t>(k))
                         : NAN;
    }
  }
  return widths;
}

void add_widths(const std::string& mode, const PulseBench& bench, const engine::Matrix& widths,
                engine::GainCellTables& tables) {
  for (std::size_t k = 0; k < bench.charges.size(); ++k) {
    const std::vector<double> column = column_of(widths, static_cast<int>(k));
    const Spread s = spread_of(column);
    const bool one = column.size() == 1;  // without mismatch
    tables.widths.push_back(
        {mode, bench.charges[k], one ? column.front() : s.mean, one ? 0.0 : s.sigma, s.runs, s.unknown});
  }
}

void add_converter(const Study& study, const Corner& corner, bool with_sign,
                   const std::vector<engine::RunResult>& samples, const engine::RunResult& curve,
                   const engine::RunResult& energy, engine::GainCellTables& tables) {
  const std::string mode = with_sign ? "signed" : "rectifier";
  const PulseBench whole = curve_pulse_bench(study, corner, with_sign);
  add_widths(mode, whole, widths_of(whole, {curve}), tables);
  const PulseBench bench = sample_pulse_bench(study, corner, with_sign);
  const engine::Matrix widths = widths_of(bench, samples);
  add_widths(mode, bench, widths, tables);
  tables.converters.push_back(converter_row(mode, widths, bench.charges, bench.current));
  tables.energy.push_back({mode, measured(energy, energy.measures.size() - 1)});
}

/// What the rows of a column draw by themselves: charges of `tables.pulses`.
double sum_of_cells(const Study& study, const engine::GainCellTables& tables, int pattern) {
  const ColumnPattern drawn = column_pattern(study, pattern);
  double sum = 0.0;
  for (std::size_t r = 0; r < drawn.codes.size(); ++r) {
    if (drawn.codes[r] == 0) continue;
    const int row = drawn.levels[r] * pulse_codes + drawn.codes[r] - 1;
    sum += tables.pulses.at(static_cast<std::size_t>(row)).charge;
  }
  return sum;
}

engine::GainCellTables head_of(const Study& study, const Corner& corner) {
  const GainCellStudy& said = *study.gain_cell;
  engine::GainCellTables tables;
  tables.cell = said.cell.name;
  tables.corner = corner.name();
  tables.supply = corner.supply.value();
  tables.temperature = corner.temperature.value();
  tables.middle = 0.5 * tables.supply;
  tables.read_pulse = said.read_pulse;
  tables.integration = said.integration;
  tables.full_scale = said.full_scale;
  return tables;
}

/// `results`: of sample_requests and nominal_requests.
engine::GainCellTables tables_of(const Study& study, const Corner& corner, const Results& results) {
  const GainCellStudy& said = *study.gain_cell;
  engine::GainCellTables tables = head_of(study, corner);
  const std::vector<double> voltages = level_voltages(said, corner);
  const auto sample = [&](CellSample s) -> const auto& { return results[static_cast<std::size_t>(s)]; };
  const auto nominal = [&](std::size_t i) -> const auto& { return results[cell_samples + i].front(); };
  add_transfer(said, sample(CellSample::read), nominal(0), tables, voltages);
  add_write(said, sample(CellSample::write), tables, voltages);
  tables.energy.push_back({"read", measured(nominal(1), 0) / said.levels});
  add_retention(said, sample(CellSample::hold), tables);
  add_converter(study, corner, false, sample(CellSample::rectifier), nominal(2), nominal(4), tables);
  add_converter(study, corner, true, sample(CellSample::with_sign), nominal(3), nominal(5), tables);
  tables.energy.push_back({"token", token_energy(tables.energy)});
  return tables;
}

std::vector<SampleSet> sample_sets(const std::vector<engine::RunRequest>& requests, const Results& results) {
  std::vector<SampleSet> sets;
  sets.reserve(cell_samples);
  for (std::size_t s = 0; s < cell_samples; ++s) {
    sets.push_back(
        {requests[s].stream, requests[s].first, requests[s].testbench, requests[s].points, results[s]});
  }
  return sets;
}

struct CornerRuns {
  Corner corner;
  std::vector<engine::RunRequest> requests;
};

/// Samples, runs without mismatch, and where `with_columns` columns.
std::vector<engine::RunRequest> corner_requests(const StudyRun& run, const Corner& corner,
                                                bool with_columns) {
  std::vector<engine::RunRequest> requests = sample_requests(run.study, run.evaluator, corner);
  for (auto& request : nominal_requests(run.study, corner)) requests.push_back(std::move(request));
  if (!with_columns) return requests;
  for (auto& request : column_requests(run.study, corner)) requests.push_back(std::move(request));
  return requests;
}

/// Makes the runs of one shard, a request an item, into the store. A column takes some twenty times as long as a cell.
void run_share(const StudyRun& run, const std::vector<CornerRuns>& corners) {
  constexpr double column_weight = 20.0;
  std::vector<double> weights;
  for (const CornerRuns& c : corners)
    for (std::size_t i = 0; i < c.requests.size(); ++i)
      weights.push_back(i < cell_samples + nominal_count ? static_cast<double>(c.requests[i].points.rows())
                                                         : column_weight);
  const std::vector<std::size_t> mine = items_of(weights, run.shard);
  std::size_t first = 0;
  for (const CornerRuns& c : corners) {
    std::vector<engine::RunRequest> requests;
    for (const std::size_t item : mine)
      if (item >= first && item < first + c.requests.size()) requests.push_back(c.requests[item - first]);
    first += c.requests.size();
    if (!requests.empty()) run.run(c.corner.name(), requests);
  }
}

}  // namespace

GainCellResult run_gain_cell_study(const StudyRun& run) {
  GainCellResult result;
  std::vector<CornerRuns> corners;
  for (const Corner& corner : all_corners(run.study))
    corners.push_back({corner, corner_requests(run, corner, corners.empty())});
  if (run.shard.count > 1) {
    run_share(run, corners);
    return result;
  }
  for (const CornerRuns& c : corners) {
    const Results results = run.run(c.corner.name(), c.requests);
    const bool first = result.corners.empty();
    GainCellCorner& made = result.corners.emplace_back();
    made.tables = tables_of(run.study, c.corner, results);
    made.samples = sample_sets(c.requests, results);
    for (int p = 0; first && p < column_patterns; ++p) {
      const auto& column = results[static_cast<std::size_t>(p) + cell_samples + nominal_count];
      made.tables.columns.push_back(
          {p, sum_of_cells(run.study, made.tables, p), measured(column.front(), 0)});
    }
  }
  return result;
}

std::size_t gain_cell_items(const Study& study) {
  return all_corners(study).size() * (cell_samples + nominal_count) + column_patterns;
}

std::vector<std::string> plan_gain_cell_study(const Study& study, engine::Evaluator& evaluator) {
  const GainCellStudy& said = *study.gain_cell;
  std::vector<std::string> lines{fmt::format("cell      {}, {} levels", said.cell.name, said.levels)};
  std::vector<std::size_t> variables;
  variables.reserve(cell_samples);
  for (int s = 0; s < cell_samples; ++s) {
    variables.push_back(
        sample_testbench(study, evaluator, study.nominal, static_cast<CellSample>(s))->dimension());
  }
  lines.push_back(fmt::format("varies    {} variables of a cell, {} of a rectifier, {} of a signed {}",
                              variables[0], variables[3], variables[4], said.converter.name));
  const std::size_t corners = all_corners(study).size();
  lines.push_back(
      fmt::format("runs      {}: {} of each of {} circuits and {} without mismatch at {} corners, {} columns",
                  corners * (static_cast<std::size_t>(study.estimator.runs) * cell_samples + nominal_count) +
                      column_patterns,
                  study.estimator.runs, cell_samples, nominal_count, corners, column_patterns));
  return lines;
}

void write_gain_cell_result(H5::H5File& file, const GainCellResult& result) {
  for (const GainCellCorner& corner : result.corners) {
    engine::write_gain_cell(file, corner.tables);
    for (std::size_t s = 0; s < corner.samples.size(); ++s) {
      write_samples(file,
                    fmt::format("{}/samples/{}", corner.tables.path(), to_string(static_cast<CellSample>(s))),
                    corner.samples[s]);
    }
  }
}

engine::Testbench gain_cell_replay_testbench(const Study& study, const std::string& group,
                                             engine::Evaluator& evaluator) {
  for (const Corner& corner : all_corners(study)) {
    for (int s = 0; s < cell_samples; ++s) {
      const auto sample = static_cast<CellSample>(s);
      const std::string path = fmt::format("/gain_cell/{}/{}/samples/{}", study.gain_cell->cell.name,
                                           corner.name(), to_string(sample));
      if (group == path) return *sample_testbench(study, evaluator, corner, sample);
    }
  }
  throw StudyError(group + ": is not a group of samples of a gain cell's study");
}

std::vector<engine::Deck> gain_cell_decks(const Study& study, const Corner& corner) {
  try {
    return {read_testbench(cell_bench(study, corner), {1e-9}).deck,
            pulse_testbench(energy_pulse_bench(study, corner, true)).deck};
  } catch (const engine::DeckError& e) {
    throw StudyError(fmt::format("{}: with process '{}': {}", study.process_place, corner.process, e.what()));
  }
}

}  // namespace flare::studies
