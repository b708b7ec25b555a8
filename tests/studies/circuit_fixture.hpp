// Small circuit studies, written by a test, run by the built program and read back.
#pragma once

#include <gmock/gmock.h>

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "engine/base/hdf5_io.hpp"
#include "tests/studies/program_fixture.hpp"

namespace flare::studies::testing {

/// Distribution function of the standard normal law.
inline double phi(double z) { return cdf(boost::math::normal(), z); }

/// A netlist for cell.cir: a title line, these lines, .end.
inline std::string cell(const std::string& lines) { return "a circuit\n" + lines + "\n.end\n"; }

/// An operating point of cell.cir with one measure and a limit that nothing reaches.
inline std::string operating_point(const std::string& vector, const std::string& limit = "\"-1000 V\"") {
  return "[circuit]\nnetlist = \"cell.cir\"\nanalysis = \"operating_point\"\n[[measure]]\nname = "
         "\"m\"\nvector = \"" +
         vector + "\"\n[failing]\nmeasure = \"m\"\nbelow = " + limit + "\n";
}

/// A transient of cell.cir over `stop`, the same way; `more` are keys of [circuit].
inline std::string transient(const std::string& stop, const std::string& measure,
                             const std::string& more = "") {
  return "[circuit]\nnetlist = \"cell.cir\"\nstop = \"" + stop + "\"\n" + more +
         "[[measure]]\nname = \"m\"\n" + measure + "[failing]\nmeasure = \"m\"\nbelow = \"-1000 V\"\n";
}

/// [[variation]] of an instance parameter.
inline std::string varies(const std::string& parameter, const std::string& devices,
                          const std::string& sigma) {
  return "[[variation]]\nparameter = \"" + parameter + "\"\ndevices = \"" + devices + "\"\nsigma = \"" +
         sigma + "\"\n";
}

inline std::string plain(int runs) {
  return fmt::format("[estimator]\nmethod = \"monte_carlo\"\nruns = {}\n", runs);
}

/// What one corner's plain samples hold.
struct Samples {
  engine::Matrix z;         // coordinates in standard-normal space: a row a sample, a column a variable
  engine::Matrix measures;  // a row a sample, a column a measure
  std::vector<std::string> variables;
};

class CircuitFixture : public ProgramFixture {
 protected:
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  /// Runs `text` as s.toml into o.h5, which is made afresh.
  Ended run_study(const std::string& text, const std::string& arguments = "") const {
    write("s.toml", text);
    return run_line("run s.toml -o o.h5 --fresh -j 1 " + arguments);
  }
  /// The same, which must end well.
  void study_runs(const std::string& text, const std::string& arguments = "") const {
    const Ended ended = run_study(text, arguments);
    ASSERT_EQ(ended.status, 0) << ended.out;
  }
  /// What `flare check` says of `text`, which must be refused as bad input in one line.
  std::string refusal(const std::string& text) const {
    write("s.toml", text);
    const Ended ended = run({"check", "s.toml"});
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 1) << ended.out;
    return ended.out;
  }

  engine::Table failures(const std::string& file = "o.h5") const {
    return engine::read_table(engine::open_result(folder_ / file), "/failures");
  }
  std::vector<std::string> corners(const std::string& file = "o.h5") const {
    return failures(file).texts("corner");
  }
  /// Plain samples of one corner; of the first where none is named.
  Samples samples(std::string corner = "", const std::string& file = "o.h5") const {
    if (corner.empty()) corner = corners(file).front();
    const H5::H5File h5 = engine::open_result(folder_ / file);
    const std::string path = "/points/cell/" + corner + "/samples";
    return {engine::read_matrix(h5, path + "/parameters"), engine::read_matrix(h5, path + "/measures"),
            engine::read_texts(h5, path + "/parameters", "names")};
  }
  /// The one value that all samples of the first measure have, up to what a vanishing variation does.
  double value(const std::string& corner = "") const {
    const Samples s = samples(corner);
    EXPECT_LT(s.measures.col(0).maxCoeff() - s.measures.col(0).minCoeff(),
              1e-4 * std::abs(s.measures.col(0).mean()));
    return s.measures.col(0).mean();
  }
  /// A corner's P(fail) is `exact` within its interval, widened from 95 % to 99.8 %: a right answer must not fail here one
  /// time in twenty.
  void expect_probability(double exact, std::size_t row = 0) const {
    const engine::Table table = failures();
    EXPECT_EQ(table.texts("status")[row], "estimated");
    const double p = table.numbers("p")[row];
    constexpr double wider = 3.09 / 1.96;
    EXPECT_LT(p * std::pow(table.numbers("p_low")[row] / p, wider), exact);
    EXPECT_GT(p * std::pow(table.numbers("p_high")[row] / p, wider), exact);
  }
};

}  // namespace flare::studies::testing
