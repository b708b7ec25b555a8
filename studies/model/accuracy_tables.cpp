#include "studies/model/accuracy_tables.hpp"

#include <fmt/format.h>

#include "studies/run/table_file.hpp"

namespace flare::studies {

void print_accuracies(const std::vector<AccuracyEvaluation>& rows) {
  const std::string metric = rows.empty() ? std::string("top1") : rows.front().metric;
  fmt::print("{:<15} {:<6} {:>9} {:>20} {:>9} {:>20} {:>9} {:>9} {:>9} {:>8} {:>9}  {}\n", "quantiser",
             "errors", metric, "95 %", "drop", "95 %", "as float", "KL", "logit err", "repeats", "examples",
             "arrays of weights / of keys and values");
  for (const AccuracyEvaluation& row : rows) {
    const bool alike = row.weight_arrays.name == row.dynamic_arrays.name;
    const std::string arrays =
        alike ? row.weight_arrays.name : row.weight_arrays.name + " / " + row.dynamic_arrays.name;
    fmt::print("{:<15} {:<6} {:>9} {:>20} {:>9} {:>20} {:>8.2f}% {:>9.3g} {:>9.3g} {:>8} {:>9}  {}\n",
               row.quantizer, row.mode.empty() ? "-" : row.mode, analysis::accuracy_text(row, row.mean),
               analysis::accuracy_limits_text(row, row.low, row.high), analysis::accuracy_text(row, row.drop),
               analysis::accuracy_limits_text(row, row.drop_low, row.drop_high), 100.0 * row.agreement,
               row.divergence, row.logit_error, row.repeats, row.examples, arrays.empty() ? "-" : arrays);
  }
  fmt::print(
      "{} with 95 % limits; drop: how much worse than floating point on the same examples. as float: "
      "examples "
      "whose answer is that of floating point{}. KL: of the answers' distribution from floating point's, "
      "nats.\n",
      metric == "loss" ? "losses" : "accuracies",
      metric == "loss" ? " (of a text the token after its last); the loss is in nats a token" : "");
}

engine::Table answers_table(const std::vector<AccuracyEvaluation>& rows) {
  struct Line {
    const AccuracyEvaluation& row;
    std::int64_t repeat, example;
    arch::Answer answer;
  };
  std::vector<Line> lines;
  for (const AccuracyEvaluation& row : rows)
    for (std::size_t r = 0; r < row.answers.size(); ++r)
      for (std::size_t i = 0; i < row.answers[r].size(); ++i)
        lines.push_back({row, static_cast<std::int64_t>(r), row.numbers[i], row.answers[r][i]});
  engine::Table table;
  using L = const Line&;
  table.add("quantizer", "", engine::column_of(lines, [](L l) { return l.row.quantizer; }))
      .add("mode", "", engine::column_of(lines, [](L l) { return l.row.mode; }))
      .add("weight_arrays", "", engine::column_of(lines, [](L l) { return l.row.weight_arrays.name; }))
      .add("dynamic_arrays", "", engine::column_of(lines, [](L l) { return l.row.dynamic_arrays.name; }))
      .add("repeat", "", engine::column_of(lines, [](L l) { return l.repeat; }))
      .add("example", "", engine::column_of(lines, [](L l) { return l.example; }))
      .add("label", "",
           engine::column_of(lines, [](L l) { return static_cast<std::int64_t>(l.answer.label); }))
      .add("answer", "",
           engine::column_of(lines, [](L l) { return static_cast<std::int64_t>(l.answer.answer); }))
      .add("target", "", engine::column_of(lines, [](L l) { return l.answer.target; }))
      .add("divergence", "nat", engine::column_of(lines, [](L l) { return l.answer.deviation.divergence; }))
      .add("logit_error", "", engine::column_of(lines, [](L l) { return l.answer.deviation.logit_error; }))
      .add("score", "", engine::column_of(lines, [](L l) { return l.answer.score.sum; }))
      .add("weight", "", engine::column_of(lines, [](L l) { return l.answer.score.weight; }));
  return table;
}

std::vector<CounterLine> counter_lines(const std::vector<AccuracyEvaluation>& rows,
                                       const arch::IntegerAttentionOptions& options) {
  std::vector<CounterLine> lines;
  for (const AccuracyEvaluation& row : rows) {
    if (row.counters.stationary.cycles == 0) continue;
    const auto add = [&](const char* kind, const ArrayErrors& errors, const arch::SegmentationOptions& reads,
                         const arch::ArrayCounters& counters, std::int64_t words) {
      lines.push_back({row.quantizer, row.mode, kind, errors.name,
                       errors.model ? errors.sawl() : reads.rows_per_read, row.examples * row.repeats,
                       counters, words});
    };
    add("weights", row.weight_arrays, options.stationary, row.counters.stationary, row.counters.tensor_words);
    add("dynamic", row.dynamic_arrays, options.dynamic, row.counters.dynamic, 0);
  }
  return lines;
}

void print_counters(const std::vector<CounterLine>& lines) {
  fmt::print("\n{:<18} {:<16} {:>5} {:>10} {:>6} {:>13} {:>11} {:>11} {:>11} {:>9}\n", "Per example",
             "arrays of", "SAWL", "cycles", "boost", "conversions", "driven rows", "dummy rows",
             "wrong reads", "words");
  for (const CounterLine& line : lines) {
    const arch::ArrayCounters& c = line.counters;
    const bool weights = line.kind == "weights";
    const auto mean = [&](std::int64_t count) {
      return static_cast<double>(count) / static_cast<double>(line.images);
    };
    const double boost =
        c.cycles > 0 ? static_cast<double>(c.fixed_cycles) / static_cast<double>(c.cycles) : 0.0;
    fmt::print("{:<12} {:<5} {:<16} {:>5} {:>10.0f} {:>6.2f} {:>13.0f} {:>11.0f} {:>11.0f} {:>11} {:>9}\n",
               line.quantizer, line.mode.empty() ? "-" : line.mode, weights ? "weights" : "keys and values",
               line.sawl, mean(c.cycles), boost, mean(c.conversions), mean(c.driven_rows), mean(c.dummy_rows),
               line.mode == "read" ? fmt::format("{:.4g}", mean(c.wrong_reads)) : "-",
               weights ? fmt::format("{:.0f}", mean(line.tensor_words)) : "");
  }
  fmt::print(
      "boost: cycles with fixed groups over cycles. A conversion is one read of one bit line. words: tensor "
      "words that cross the device's border.\n");
}

engine::Table counters_table(const std::vector<CounterLine>& lines) {
  using Line = const CounterLine&;
  engine::Table table;
  table.add("quantizer", "", engine::column_of(lines, [](Line l) { return l.quantizer; }))
      .add("mode", "", engine::column_of(lines, [](Line l) { return l.mode; }))
      .add("arrays", "", engine::column_of(lines, [](Line l) { return l.kind; }))
      .add("errors", "", engine::column_of(lines, [](Line l) { return l.errors; }))
      .add("sawl", "", engine::column_of(lines, [](Line l) { return l.sawl; }))
      .add("images", "", engine::column_of(lines, [](Line l) { return l.images; }))
      .add("cycles", "", engine::column_of(lines, [](Line l) { return l.counters.cycles; }))
      .add("fixed_cycles", "", engine::column_of(lines, [](Line l) { return l.counters.fixed_cycles; }))
      .add("ideal_cycles", "", engine::column_of(lines, [](Line l) { return l.counters.ideal_cycles; }))
      .add("conversions", "", engine::column_of(lines, [](Line l) { return l.counters.conversions; }))
      .add("driven_rows", "", engine::column_of(lines, [](Line l) { return l.counters.driven_rows; }))
      .add("dummy_rows", "", engine::column_of(lines, [](Line l) { return l.counters.dummy_rows; }))
      .add("wrong_reads", "", engine::column_of(lines, [](Line l) { return l.counters.wrong_reads; }))
      .add("tensor_words", "", engine::column_of(lines, [](Line l) { return l.tensor_words; }));
  return table;
}

bool has_square_projections(const arch::ModelSpec& spec) {
  return spec.kv_heads == spec.heads && spec.head_width * spec.heads == spec.width;
}

arch::AttentionShape shape_of(const arch::ModelSpec& spec) {
  return {1, spec.tokens(), spec.width, spec.heads};
}

void print_sizes(const arch::ModelSpec& spec, const arch::IntegerAttentionOptions& options) {
  const arch::PlaneFormat weights{options.weight_bits, options.weight_encoding},
      cells{options.kv_bits, options.weight_encoding};
  const arch::ArraySizes s = arch::array_sizes(shape_of(spec), weights.planes(), cells.planes());
  fmt::print(
      "\nArrays of each of {} layers (dummy rows not counted): weights {} of {} x {} cells (word lines x bit "
      "lines), keys {} of {} x {}, values {} of {} x {}.\n",
      spec.layers, s.stationary_arrays, s.stationary_word_lines, s.stationary_bit_lines, s.dynamic_arrays,
      s.dynamic_word_lines, s.dynamic_bit_lines, s.dynamic_arrays, s.value_word_lines, s.value_bit_lines);
}

void print_storage(const std::vector<arch::TensorStorage>& tensors) {
  fmt::print("\nStorage of a layer  {:>8} {:>14} {:>15} {:>15}\n", "values", "payload (bit)",
             "metadata (bit)", "bits per value");
  for (const arch::TensorStorage& t : tensors)
    fmt::print("  {:<16} {:>10} {:>14} {:>15} {:>15.3f}\n", t.tensor, t.values, t.payload, t.metadata,
               static_cast<double>(t.payload + t.metadata) / static_cast<double>(t.values));
}

engine::Table storage_table(const std::vector<arch::TensorStorage>& tensors) {
  using Row = const arch::TensorStorage&;
  engine::Table table;
  table.add("tensor", "", engine::column_of(tensors, [](Row r) { return r.tensor; }))
      .add("values", "", engine::column_of(tensors, [](Row r) { return r.values; }))
      .add("payload", "bit", engine::column_of(tensors, [](Row r) { return r.payload; }))
      .add("metadata", "bit", engine::column_of(tensors, [](Row r) { return r.metadata; }));
  return table;
}

}  // namespace flare::studies
