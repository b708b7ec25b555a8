// Column and converter in one netlist against the two apart: what a composed model says must be what the chain does.
#include "studies/converter/chain_bench.hpp"

#include <memory>

#include "analysis/rare_event/rare_event.hpp"
#include "studies/column/column_testbench.hpp"
#include "studies/converter/flash_measurement.hpp"
#include "studies/run/study_testbench.hpp"
#include "tests/studies/converter/converter_fixture.hpp"

namespace flare::studies {
namespace {

using engine::Matrix;

/// A column that stores ones in every row that is read; its full-scale level against the threshold above.
struct Setting {
  const char* converter;
  int sawl;
  double wordline_off;  // s
};

struct Spread {
  double column = 0.0;      // V on the bitline, to first order
  double comparator = 0.0;  // V on the bitline: offset
  double total() const { return std::hypot(column, comparator); }
};

class WholeChain : public ConverterCircuits {
 protected:
  static constexpr double charge_step = 0.02;  // fC
  static constexpr double small = 0.01;        // sigma: the last look is linear in less than a millivolt

  ChainBench chain_;
  std::size_t last_ = 0;    // comparator of the full-scale level
  double level_ = 0.0;      // V, nominal, full scale
  double half_step_ = 0.0;  // V, from there to the threshold
  double load_ = 0.0;       // F, of the converter
  std::vector<double> looks_;
  std::vector<DecisionTimes> times_;
  double balance_ = 0.0;  // fC that bring the full-scale level to the threshold

  ColumnOptions column(const Setting& s, int k) const {
    ColumnOptions options;
    options.cell = shipped_cell("sram8t");
    options.card = netlists_folder() / "cards/cmos28.lib";
    options.sawl = s.sawl;
    options.on_cells = k;
    options.wordline_off = s.wordline_off;
    options.sense_capacitance = 0.0;
    return options;
  }

  FlashBench flash(const std::vector<double>& references) const {
    return {chain_.part, chain_.drive, references, 60e-15, false};
  }

  std::vector<double> run(const engine::Testbench& bench, const Matrix& points, const std::string& name,
                          std::size_t measure = 0) {
    const auto results = make_({{name, 0, std::make_shared<const engine::Testbench>(bench), points}})[0];
    std::vector<double> values;
    for (const engine::RunResult& result : results) values.push_back(result.measures.at(measure));
    return values;
  }

  double nominal_level(const Setting& s, int k) {
    ChainBench bench = chain_;
    bench.column = column(s, k);
    return run(chain_testbench(bench, 0, {1e-12}), Matrix::Zero(1, 1), fmt::format("level{}", k)).front();
  }

  engine::Testbench look() const { return chain_testbench(chain_, last_, looks_); }

  /// fC at which the last look says neither way.
  double balance_charge(double guess) {
    engine::Testbench bench = look();
    bench.measures.erase(bench.measures.begin(), bench.measures.end() - 1);
    const OffsetTask task{fmt::format("balance{}", chain_.sources[last_]),
                          std::make_shared<const engine::Testbench>(bench),
                          Matrix::Zero(1, 1),
                          {guess},
                          10.0};  // V/fC
    return find_offsets({task}, 1e-3, make_).front().offsets.front();
  }

  /// Sources such that the comparator's balance, in place and without mismatch, lies midway between its levels.
  void trim() {
    const double volt_of_charge = level_at(1.0) - level_at(0.0);  // V/fC
    const double wanted = half_step_ / volt_of_charge;
    for (int round = 0; round < 3; ++round) {
      balance_ = balance_charge(wanted);
      chain_.sources[last_] += (wanted - balance_) * volt_of_charge;
    }
    balance_ = balance_charge(wanted);
    EXPECT_NEAR(balance_, wanted, 0.1e-3 / volt_of_charge);
  }

  double level_at(double charge) {
    return run(look(), Matrix::Constant(1, 1, charge), fmt::format("at{}", charge)).front();
  }

  void set_up(const Setting& s) {
    chain_ = {column(s, s.sawl), shipped_converter(s.converter), drive_at(nominal_corner), {}};
    last_ = static_cast<std::size_t>(s.sawl) - 1;
    chain_.sources.assign(static_cast<std::size_t>(s.sawl), 0.9);
    level_ = nominal_level(s, s.sawl);
    half_step_ = 0.5 * (nominal_level(s, s.sawl - 1) - level_);
    std::vector<double> thresholds;
    for (int k = 1; k <= s.sawl; ++k) thresholds.push_back(0.9 - (k - 0.5) * (0.9 - level_) / s.sawl);
    thresholds.back() = level_ + half_step_;
    std::vector<ComparatorPlace> places;
    places.reserve(thresholds.size());
    for (const double t : thresholds)
      places.push_back({{chain_.part, chain_.drive, t}, fmt::format("{}/{}", s.converter, t), ""});
    times_ = decision_times(runs_, places);
    const std::vector<double> kicks = flash_kicks(runs_, flash(thresholds), "kicks", times_);
    for (std::size_t k = 0; k < kicks.size(); ++k) chain_.sources[k] = thresholds[k] - kicks[k];
    const double early = times_.back().early - clock_start;
    looks_ = {0.7 * early, early, times_.back().late - clock_start};
    trim();
    const Matrix once(1, 0);
    const auto loaded =
        make_({{"load", 0, std::make_shared<const engine::Testbench>(flash_load_testbench(flash(thresholds))),
                once}});
    load_ = loaded[0][0].measures[0] / (thresholds.front() - thresholds.back());
  }

  engine::Testbench varied(engine::Testbench bench, const std::vector<std::string>& elements) {
    add_variation(study_, load_circuit(*pool_, study_, bench.deck, bench.options, elements), elements, bench);
    return bench;
  }

  /// To first order, at balance.
  Spread of_chain() {
    const engine::Testbench bench = varied(look(), chain_elements(chain_, last_));
    const auto d = static_cast<Eigen::Index>(bench.dimension());
    Matrix points = Matrix::Zero(2 * d, d);
    points.col(0).setConstant(balance_);
    for (Eigen::Index v = 0; v < d; ++v) {
      const double step = v == 0 ? charge_step : small;
      points(2 * v, v) += step;
      points(2 * v + 1, v) -= step;
    }
    const std::vector<double> out = run(bench, points, "first order", looks_.size());
    const std::vector<double> levels = run(bench, points, "first order");
    const double gain = (out[0] - out[1]) / (levels[0] - levels[1]);
    Spread spread;
    for (std::size_t v = 1; v < static_cast<std::size_t>(d); ++v) {
      const double by = (out[2 * v] - out[2 * v + 1]) / (2.0 * small) / gain;
      const bool comparator = bench.variables[v].name.find("xk") != std::string::npos;
      double& sum = comparator ? spread.comparator : spread.column;
      sum = std::hypot(sum, by);
    }
    return spread;
  }

  engine::Testbench loaded_column() {
    ColumnOptions options = chain_.column;
    options.sense_capacitance = load_;
    return varied(column_testbench(options), varying_elements(options));
  }

  /// The same from the parts: a column whose converter is its load, a flash on a bitline of its own.
  Spread of_parts() {
    const engine::Testbench bench = loaded_column();
    const auto d = static_cast<Eigen::Index>(bench.dimension());
    Matrix points = Matrix::Zero(d + 1, d);
    points.bottomRows(d).diagonal().setConstant(0.1);
    const std::vector<double> levels = run(bench, points, "column");
    EXPECT_NEAR(levels[0], level_, 1.5e-3);
    Spread spread;
    for (std::size_t v = 1; v < levels.size(); ++v)
      spread.column = std::hypot(spread.column, (levels[v] - levels[0]) / 0.1);
    const FlashBench bench_flash = flash(chain_.sources);
    const std::vector<double> kicks = flash_kicks(runs_, bench_flash, "trimmed", times_);
    // The kick of a lumped wire, 18 mV at SAWL 8, is a tenth off; a reference set in place does not mind.
    EXPECT_NEAR(chain_.sources[last_] + kicks[last_], level_ + half_step_, 2.5e-3);
    spread.comparator = offsets_in_place(runs_, bench_flash, "trimmed", times_, kicks)[last_];
    return spread;
  }

  void report(const char* what, double value) {
    RecordProperty(what, fmt::format("{:.4g}", value));
    fmt::print("{}: {:.4g}\n", what, value);
  }

  void compare(const Setting& s) {
    set_up(s);
    const Spread chain = of_chain();
    const Spread parts = of_parts();
    report("half_step_mV", 1e3 * half_step_);
    report("chain_comparator_mV", 1e3 * chain.comparator);
    report("parts_comparator_mV", 1e3 * parts.comparator);
    report("chain_column_mV", 1e3 * chain.column);
    report("parts_column_mV", 1e3 * parts.column);
    EXPECT_NEAR(parts.comparator, chain.comparator, 0.02 * chain.comparator);
    EXPECT_NEAR(parts.column, chain.column, 0.03 * chain.column);
    EXPECT_NEAR(parts.total(), chain.total(), 0.015 * chain.total());
  }

  ChainLooks calibrated() {
    Matrix points = Matrix::Zero(2, 1);
    points << balance_ - charge_step, balance_ + charge_step;
    const std::vector<double> levels = run(look(), points, "gains");
    ChainLooks result;
    for (std::size_t i = 0; i < looks_.size(); ++i) {
      const std::vector<double> d = run(look(), points, "gains", i + 1);
      result.gains.push_back((d[1] - d[0]) / (levels[1] - levels[0]));
      result.biases.push_back(-0.5 * (d[0] + d[1]) / result.gains.back());
    }
    return result;
  }

  analysis::RareEventOptions options() const {
    analysis::RareEventOptions options;
    options.target_half_width = 0.05;
    options.max_runs = 4000;
    options.seed = 28;
    return options;
  }

  analysis::RareEventSummary estimate_chain() {
    const ChainLooks looks = calibrated();
    const auto bench =
        std::make_shared<const engine::Testbench>(varied(look(), chain_elements(chain_, last_)));
    std::uint64_t first = 0;
    const analysis::BatchEvaluator evaluate = [&](const Matrix& points) {
      Matrix all = Matrix::Zero(points.rows(), points.cols() + 1);
      all.rightCols(points.cols()) = points;
      const auto results = make_({{"chain", first, bench, all}})[0];
      first += results.size();
      std::vector<analysis::Response> responses;
      for (const engine::RunResult& result : results) {
        const std::vector<double> d(result.measures.begin() + 1, result.measures.end());
        responses.push_back(analysis::Response::margin(looks.margin(d)));
      }
      return responses;
    };
    return analysis::estimate_failure_probability(bench->dimension() - 1, evaluate, options());
  }

  analysis::RareEventSummary estimate_parts(const Spread& parts) {
    const auto bench = std::make_shared<const engine::Testbench>(loaded_column());
    const double nominal =
        run(*bench, Matrix::Zero(1, static_cast<Eigen::Index>(bench->dimension())), "n").front();
    std::uint64_t first = 0;
    const analysis::BatchEvaluator evaluate = [&](const Matrix& points) {
      const auto d = static_cast<Eigen::Index>(bench->dimension());
      const auto results = make_({{"parts", first, bench, points.leftCols(d)}})[0];
      first += results.size();
      std::vector<analysis::Response> responses;
      for (std::size_t i = 0; i < results.size(); ++i) {
        const double offset = parts.comparator * points(static_cast<Eigen::Index>(i), d);
        responses.push_back(
            analysis::Response::margin(nominal + half_step_ + offset - results[i].measures.front()));
      }
      return responses;
    };
    return analysis::estimate_failure_probability(bench->dimension() + 1, evaluate, options());
  }

  struct Both {
    analysis::RareEventSummary parts, chain;
  };
  Both estimate_both(const Setting& s) {
    compare(s);
    Both both{estimate_parts(of_parts()), estimate_chain()};
    fmt::print("{}\n{}\n", both.parts.brief_report(), both.chain.brief_report());
    EXPECT_EQ(both.parts.status, analysis::TailStatus::estimated) << both.parts.reason;
    EXPECT_EQ(both.chain.status, analysis::TailStatus::estimated) << both.chain.reason;
    return both;
  }

  void compare_probabilities(const Setting& s) {
    const auto [parts, chain] = estimate_both(s);
    EXPECT_LE(parts.sigma_low(), chain.sigma_high());
    EXPECT_LE(chain.sigma_low(), parts.sigma_high());
  }
};

#ifdef FLARE_LONG_CHAIN
TEST_F(WholeChain, FailsAsItsPartsDoAtSawl8) { compare_probabilities({"flash", 8, 188e-12}); }
TEST_F(WholeChain, FailsAsItsPartsDoAtSawl4) { compare_probabilities({"flash_slim", 4, 215e-12}); }
// The parts take the offset's spread at the threshold. A decision that fails far out is made lower, between level and threshold,
// where a comparator spreads less: the parts are a little too cautious there, never the other way.
TEST_F(WholeChain, FailsLittleLessThanItsPartsFurtherOut) {
  const auto [parts, chain] = estimate_both({"flash", 4, 235e-12});
  EXPECT_LE(parts.sigma_low(), chain.sigma_high());
  EXPECT_GT(parts.sigma_high(), 0.97 * chain.sigma_low());
}
#else
TEST_F(WholeChain, SpreadsAsItsPartsDo) { compare({"flash_slim", 4, 215e-12}); }

TEST_F(WholeChain, NeedsHeldReferencesAndABitlineOfItsOwn) {
  ChainBench bench{
      column({"", 4, 215e-12}, 4), shipped_converter("flash_ladder"), drive_at(nominal_corner), {}};
  EXPECT_THROW(chain_netlist(bench), std::invalid_argument);
  bench.part = shipped_converter("flash");
  bench.column.cell = shipped_cell("sram6t");
  EXPECT_THROW(chain_netlist(bench), std::invalid_argument);
}

// Looks of d = gain (x - bias) that saturate at 0.9 V tell x, whatever it is; the last one has the last word.
TEST_F(WholeChain, LooksTellHowFarTheBalanceIs) {
  const ChainLooks looks{{10.0, 100.0, 1000.0}, {-3e-3, 1e-3, 0.0}};
  const auto seen = [&](double x) {
    std::vector<double> d;
    for (std::size_t i = 0; i < 3; ++i)
      d.push_back(std::clamp(looks.gains[i] * (x - looks.biases[i]), -0.9, 0.9));
    return looks.margin(d);
  };
  for (const double x : {-30e-3, -5e-3, -0.2e-3, 0.1e-3, 2e-3, 20e-3}) EXPECT_NEAR(seen(x), -x, 1e-12) << x;
}
#endif

}  // namespace
}  // namespace flare::studies
