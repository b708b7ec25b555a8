#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "analysis/report/figure_file.hpp"
#include "flare_arch/cost/sparsity.hpp"
#include "studies/cli/commands.hpp"
#include "studies/model/sparsity_figures.hpp"
#include "studies/run/table_file.hpp"

namespace flare::studies {
namespace {

constexpr const char* table_format = "flare-sparsity/1";

using arch::Packing;
using arch::SparsityRow;

arch::SparsityOptions options_of(const SparsityCommand& command) {
  arch::SparsityOptions options;
  options.images = command.images;
  options.group = command.group;
  options.rows_per_read = command.sawl;
  options.slice_lengths = command.slices;
  options.depth = command.depth;
  std::string error;
  if (!options.is_valid(&error)) throw StudyError("sparsity: " + error);
  return options;
}

/// Tensors of the first image, kept for whoever wants to count again.
struct KeptTensors {
  std::vector<std::pair<std::string, arch::MatrixI>> tensors;

  void add(int image, int layer, const std::string& tensor, const arch::MatrixI& m) {
    if (image > 0) return;
    int head = 0;
    const auto path = [&] { return fmt::format("/tensors/layer{}/{}/{}", layer, tensor, head); };
    while (std::any_of(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first == path(); }))
      ++head;
    tensors.emplace_back(path(), m);
  }
};

void print_zeros(const std::vector<SparsityRow>& rows, const arch::SparsityOptions& options) {
  fmt::print("Zeros (%) by the grain at which they could be skipped, N = {}\n", options.group);
  fmt::print("{:<10} {:<16} {:>4} {:>6} {:>7} {:>9} {:>13} {:>10}\n", "tensor", "encoding", "bits", "rows",
             "bits", "values", "N values", "N bits of");
  fmt::print("{:<10} {:<16} {:>4} {:>6} {:>7} {:>9} {:>13} {:>10}\n", "", "", "", "", "", "", "", "a plane");
  const auto line = [](const std::string& tensor, const std::string& encoding, const std::string& bits,
                       const std::string& longest, const arch::Sparsity& s) {
    fmt::print("{:<10} {:<16} {:>4} {:>6} {:>7.1f} {:>9.1f} {:>13.1f} {:>10.1f}\n", tensor, encoding, bits,
               longest, 100 * s.bits, 100 * s.values, 100 * s.value_groups, 100 * s.column_slices);
  };
  for (const SparsityRow& row : rows)
    if (row.tensor != "all")
      line(row.tensor, arch::encoding_name(row.encoding), std::to_string(row.bits),
           row.longest > 0 ? std::to_string(row.longest) : "-", row.sparsity);
  for (const arch::Encoding encoding : {arch::Encoding::twos_complement, arch::Encoding::sign_magnitude})
    line("average", arch::encoding_name(encoding), "", "", arch::average_sparsity(rows, encoding));
  fmt::print("average: of input, query, key, value and output, as in the paper's Fig. 7\n\n");
}

void print_boost(const std::vector<SparsityRow>& rows, const arch::SparsityOptions& options) {
  fmt::print(
      "BitSift boost: cycles with fixed groups of {} rows over cycles with BitSift, slices of L bits\n",
      options.rows_per_read);
  if (options.depth > 0)
    fmt::print("Vectors laid end to end to {} rows: what taller arrays would see in data like this\n",
               options.depth);
  std::string lengths;
  for (const int length : options.slice_lengths)
    lengths += fmt::format(" {:>6}", fmt::format("L {}", length));
  const std::size_t width = lengths.size();
  fmt::print("{:<10} {:<16} {:>6} {:>7} |{:<{}} |{:<{}}\n", "tensor", "encoding", "ideal", "1/(1-s)",
             " next fit", width, " first fit", width);
  fmt::print("{:<10} {:<16} {:>6} {:>7} |{} |{}\n", "", "", "", "", lengths, lengths);
  for (const SparsityRow& row : rows) {
    if (!row.is_fed()) continue;
    fmt::print("{:<10} {:<16} {:>6.2f} {:>7.2f}", row.tensor, arch::encoding_name(row.encoding),
               row.boost(Packing::ideal), row.expected_boost());
    for (const Packing packing : {Packing::next_fit, Packing::first_fit}) {
      fmt::print(" |");
      for (const int length : options.slice_lengths) fmt::print(" {:>6.2f}", row.boost(packing, length));
    }
    fmt::print("\n");
  }
  fmt::print(
      "ideal: ones / SAWL rounded up, the paper's formula; s: zeros among the bits fed. "
      "Sign-magnitude drives no sign\nbits but needs a positive and a negative pass. key and value are "
      "stored in arrays, not fed to any. all: every cycle of the "
      "layers.\n");
}

engine::Table zeros_table(const std::vector<SparsityRow>& all) {
  std::vector<SparsityRow> rows;
  std::copy_if(all.begin(), all.end(), std::back_inserter(rows),
               [](const SparsityRow& r) { return r.tensor != "all"; });
  using Row = const SparsityRow&;
  engine::Table table;
  table.add("tensor", "", engine::column_of(rows, [](Row r) { return r.tensor; }))
      .add("encoding", "", engine::column_of(rows, [](Row r) { return arch::encoding_name(r.encoding); }))
      .add("bits", "bit", engine::column_of(rows, [](Row r) { return r.bits; }))
      .add("values", "", engine::column_of(rows, [](Row r) { return r.values; }))
      .add("longest_vector", "", engine::column_of(rows, [](Row r) { return r.longest; }))
      .add("zero_bits", "", engine::column_of(rows, [](Row r) { return r.sparsity.bits; }))
      .add("zero_values", "", engine::column_of(rows, [](Row r) { return r.sparsity.values; }))
      .add("zero_value_groups", "", engine::column_of(rows, [](Row r) { return r.sparsity.value_groups; }))
      .add("zero_column_slices", "", engine::column_of(rows, [](Row r) { return r.sparsity.column_slices; }));
  return table;
}

const char* packing_name(Packing packing) {
  return packing == Packing::next_fit ? "next_fit" : packing == Packing::first_fit ? "first_fit" : "ideal";
}

/// One way of packing one tensor.
struct BoostLine {
  const SparsityRow& row;
  const arch::SiftedCycles& way;
};

engine::Table boost_table(const std::vector<SparsityRow>& rows) {
  std::vector<BoostLine> lines;
  for (const SparsityRow& row : rows)
    for (const arch::SiftedCycles& way : row.sifted) lines.push_back({row, way});
  using Line = const BoostLine&;
  engine::Table table;
  table.add("tensor", "", engine::column_of(lines, [](Line l) { return l.row.tensor; }))
      .add("encoding", "",
           engine::column_of(lines, [](Line l) { return arch::encoding_name(l.row.encoding); }))
      .add("packing", "", engine::column_of(lines, [](Line l) { return packing_name(l.way.packing); }))
      .add("slice_length", "bit", engine::column_of(lines, [](Line l) { return l.way.slice_length; }))
      .add("fixed_cycles", "", engine::column_of(lines, [](Line l) { return l.row.fixed_cycles; }))
      .add("cycles", "", engine::column_of(lines, [](Line l) { return l.way.cycles; }))
      .add("boost", "",
           engine::column_of(lines, [](Line l) { return l.row.boost(l.way.packing, l.way.slice_length); }));
  return table;
}

void write_result(const SparsityCommand& command, const std::vector<SparsityRow>& rows,
                  const arch::SparsityOptions& options, std::int64_t images, const KeptTensors& kept) {
  write_table_file(command.out, table_format, [&](H5::H5File& file) {
    engine::write_attribute(file, "/", "model", command.model.filename().string());
    engine::write_attribute(file, "/", "dataset", command.dataset.filename().string());
    engine::write_attribute(file, "/", "images", images);
    engine::write_attribute(file, "/", "sawl", std::int64_t{options.rows_per_read});
    engine::write_attribute(file, "/", "group", std::int64_t{options.group});
    engine::write_attribute(file, "/", "depth", std::int64_t{options.depth});
    engine::write_table(file, "/sparsity", zeros_table(rows));
    engine::write_table(file, "/boost", boost_table(rows));
    for (const auto& [path, m] : kept.tensors) engine::write_matrix(file, path, m.cast<double>());
  });
}

void check_inputs(const SparsityCommand& command) {
  for (const std::filesystem::path& input : {command.model, command.dataset})
    if (!std::filesystem::exists(input)) throw StudyError(input.string() + ": no such file");
  if (!command.out.empty()) check_place(command.out, table_format);
  if (command.tensors && command.out.empty())
    throw StudyError("--tensors: needs a file to write to, -o OUT.h5");
  if (command.figures.empty()) return;
  engine::make_output_folder(command.figures);
  for (const char* name : {"sparsity", "boost"}) analysis::check_figure_place(command.figures, name);
}

}  // namespace

namespace {

/// Examples that the model cannot take are the user's input.
std::vector<SparsityRow> study_of(const arch::Transformer& model, const arch::Dataset& dataset,
                                  const arch::SparsityOptions& options) {
  try {
    return arch::sparsity_study(model, dataset, options);
  } catch (const std::invalid_argument& e) {
    throw StudyError(e.what());
  }
}

}  // namespace

int sparsity_command(const SparsityCommand& command, std::stop_token stop) {
  arch::SparsityOptions options = options_of(command);
  check_inputs(command);
  const arch::Transformer model = arch::Transformer::load(command.model);
  const arch::Dataset dataset = arch::load_dataset(command.dataset, model.spec(), command.model);
  Progress progress(stderr);
  progress.stage("sparsity");
  std::int64_t images = 0;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    images = done;
    if (stop.stop_requested()) throw engine::Stopped();
    progress.update(static_cast<double>(done) / static_cast<double>(total),
                    fmt::format("{} of {} images", done, total));
  };
  KeptTensors kept;
  if (command.tensors)
    options.visit = [&](int image, int layer, const std::string& tensor, const arch::MatrixI& m) {
      kept.add(image, layer, tensor, m);
    };
  const std::vector<SparsityRow> rows = study_of(model, dataset, options);
  for (const SparsityRow& row : rows)
    if (!row.is_fed() && row.tensor != "key" && row.tensor != "value")
      throw StudyError(
          fmt::format("--depth {}: the images hold fewer values of '{}'; more --images are needed",
                      command.depth, row.tensor));
  progress.finish(fmt::format("{} images", images));
  print_zeros(rows, options);
  print_boost(rows, options);
  if (!command.out.empty()) {
    write_result(command, rows, options, images, kept);
    fmt::print("\nTables: {}\n", command.out.string());
  }
  if (!command.figures.empty()) {
    engine::write_texts(
        std::array{analysis::figure_output(command.figures / "sparsity.svg", draw_sparsity(rows, options)),
                   analysis::figure_output(command.figures / "boost.svg", draw_boost(rows, options))});
    fmt::print("Figures: {0}/sparsity.svg, {0}/boost.svg\n", command.figures.string());
  }
  return exit_done;
}

}  // namespace flare::studies
