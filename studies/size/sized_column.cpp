#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "studies/column/column_die.hpp"
#include "studies/column/column_questions.hpp"
#include "studies/column/column_screening.hpp"
#include "studies/column/column_study.hpp"
#include "studies/size/sized_design.hpp"

namespace flare::studies {

namespace {

/// The level, the direction and the converter that limit a column.
struct Limiting {
  ColumnPoint point;
  std::size_t converter = 0;  // of the study
  std::size_t level = 0;
  analysis::Direction direction = analysis::Direction::down;
};

const analysis::VerdictRow& worst_row(const std::vector<analysis::VerdictRow>& verdict) {
  return *std::max_element(verdict.begin(), verdict.end(),
                           [](const auto& a, const auto& b) { return analysis::worse(b.error, a.error); });
}

const ConvertedColumn& converted_of(const ColumnResult& result, const analysis::ModelKey& key) {
  return *std::find_if(result.converted.begin(), result.converted.end(), [&](const ConvertedColumn& c) {
    return c.key.sawl == key.sawl && c.key.adc == key.adc && c.key.corner == key.corner;
  });
}

engine::Vector nearest_of(const ConvertedColumn& column, const analysis::VerdictRow& row) {
  for (const EstimatedTail& tail : column.tails) {
    if (tail.tail.k == row.level && tail.tail.direction == row.direction) return tail.nearest;
  }
  return {};
}

std::string name_of(const analysis::VerdictRow& row) {
  return fmt::format("level {} of SAWL {} read as too {} by {} at {}", row.level, row.key.sawl,
                     row.direction == analysis::Direction::down ? "low" : "high", row.key.adc,
                     row.key.corner);
}

/// Timing and references are made anew at every set of sizes, as a designer would: a size moves the level and what it is
/// compared with.
class SizedColumn final : public SizedDesign {
 public:
  explicit SizedColumn(const StudyRun& run) : run_(run) {
    if (run.study.columns.size() > 1)
      throw StudyError(run.study.file.string() + ": flare size takes one column; this study has several");
  }

  SizedFailure estimate(const Study& study) override {
    const StudyRun at = at_sizes(study);
    const ColumnResult result = run_column_study(at);
    const analysis::VerdictRow& row = worst_row(result.verdict);
    const ConvertedColumn& column = converted_of(result, row.key);
    const Limiting limiting{result.design.points[column.point], column.converter, row.level, row.direction};
    return {name_of(row), row.error, nearest_of(column, row),
            [this, limiting](const Study& other, const engine::Vector& point) {
              return margin_of(at_sizes(other), limiting, point);
            }};
  }

  double gate_area(const Study& study) override {
    const LoadedCircuit circuit = column_circuit(study, study.column->sawl.front(), run_.evaluator);
    double sum = 0.0;
    for (const auto& [device, area] : circuit.areas) {
      if (device.find("x0.") != std::string::npos) sum += 1e12 * area;  // of the first active row
    }
    return sum;
  }

  std::size_t runs() const override { return run_.store.size(); }

 private:
  StudyRun at_sizes(const Study& study) const {
    return {study, run_.evaluator, run_.store, run_.progress, run_.stop, {}};
  }

  /// V. The last coordinate is the converter's own deviation.
  static double margin_of(const StudyRun& at, const Limiting& limiting, const engine::Vector& point) {
    std::vector<ColumnPoint> points{limiting.point};
    if (!(limiting.point.corner == at.study.nominal))
      points.push_back({limiting.point.sawl, at.study.nominal});
    ColumnDesign design = design_column(at, points);
    const ConverterStudy& converter = at.study.converters[limiting.converter];
    if (converter.reference) design.spread = level_spreads(at, design);
    const auto k = static_cast<int>(limiting.level);
    engine::RunRequest request = plain_samples(at.study, design, 0, k);
    request.stream = "size/" + request.stream;
    request.points = point.head(point.size() - 1).transpose();
    const std::vector<engine::RunResult> level = LevelRunner(at, design).make(0, k, request);
    return question_of(set_converter(at.study, design, 0, converter), limiting.level, limiting.direction)
        .margin(measured(level.front(), 0), point[point.size() - 1]);
  }

  const StudyRun& run_;
};

}  // namespace

std::unique_ptr<SizedDesign> sized_column(const StudyRun& run) { return std::make_unique<SizedColumn>(run); }

}  // namespace flare::studies
