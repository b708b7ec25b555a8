#include "studies/cli/study_inputs.hpp"

#include <filesystem>
#include <set>
#include <string>

#include "flare_arch/models/dataset.hpp"
#include "flare_arch/models/transformer.hpp"
#include "studies/circuit/circuit_testbench.hpp"
#include "studies/column/column_cells.hpp"
#include "studies/column/column_testbench.hpp"
#include "studies/converter/comparator_bench.hpp"
#include "studies/converter/converter_places.hpp"
#include "studies/gain_cell/gain_cell_study.hpp"
#include "studies/model/array_spec.hpp"
#include "studies/sweep/sweep_study.hpp"

namespace flare::studies {

namespace {

/// Files in the order they are met, each once.
class FileList {
 public:
  void add(const std::filesystem::path& file) {
    if (seen_.insert(std::filesystem::weakly_canonical(file)).second) files_.push_back(file);
  }
  void add(const engine::Deck& deck) {
    for (const std::string& file : deck.files) {
      if (std::filesystem::is_regular_file(file)) add(std::filesystem::path(file));
    }
  }
  const std::vector<std::filesystem::path>& files() const { return files_; }

 private:
  std::vector<std::filesystem::path> files_;
  std::set<std::filesystem::path> seen_;
};

void add_column(const Study& study, FileList& files) {
  files.add(study.column->setup.cell.manifest);
  std::set<std::string> processes;
  std::vector<Corner> corners = study.corners;
  corners.push_back(study.nominal);
  for (const Corner& corner : corners) {
    if (!processes.insert(corner.process).second) continue;
    files.add(column_deck(study, column_options(study, study.column->sawl.front(), 0, corner)));
  }
}

void add_converters(const Study& study, FileList& files) {
  for (const ConverterStudy& converter : study.converters) {
    files.add(converter.circuit->manifest);
    std::set<std::string> processes;
    for (const Corner& corner : nominal_first(study)) {
      if (!processes.insert(corner.process).second) continue;
      files.add(converter_deck(study, *converter.circuit, corner));
    }
  }
}

void add_gain_cell(const Study& study, FileList& files) {
  files.add(study.gain_cell->cell.manifest);
  files.add(study.gain_cell->converter.manifest);
  std::set<std::string> processes;
  for (const Corner& corner : nominal_first(study)) {
    if (!processes.insert(corner.process).second) continue;
    for (const engine::Deck& deck : gain_cell_decks(study, corner)) files.add(deck);
  }
}

/// What one study, or one point of a sweep, reads.
void add_study(const Study& study, FileList& files) {
  if (study.kit) files.add(study.kit->manifest);
  if (study.column) {
    for (const Study& column : single_columns(study)) add_column(column, files);
  }
  for (const ConverterStudy& converter : study.converters) {
    if (converter.measured) files.add(converter.measured_file);
    if (converter.reference) files.add(converter.reference->manifest);
  }
  if (study.adc) add_converters(study, files);
  if (study.gain_cell) add_gain_cell(study, files);
  if (study.circuit) {
    for (const Corner& corner : study.corners) files.add(circuit_deck(study, corner));
  }
  if (study.accuracy) {
    for (const std::filesystem::path& file : arch::Transformer::files(study.accuracy->model)) files.add(file);
    for (const std::filesystem::path& file :
         arch::dataset_files(study.accuracy->dataset, study.accuracy->model, study.accuracy->data))
      files.add(file);
    for (const std::string& errors : {study.accuracy->weight_arrays, study.accuracy->dynamic_arrays}) {
      const std::filesystem::path file = spec_file(anchored_spec(errors, study.file.parent_path()));
      if (!file.empty()) files.add(file);
    }
  }
  if (study.cost) {
    files.add(study.cost->architecture);
    for (const std::filesystem::path& file : arch::Transformer::files(study.cost->model)) files.add(file);
    for (const std::filesystem::path& file : arch::dataset_files(study.cost->dataset, study.cost->model))
      files.add(file);
  }
}

}  // namespace

std::vector<engine::InputFile> study_inputs(const Study& study) {
  FileList files;
  if (study.sweep.empty()) add_study(study, files);
  for (const SweptStudy& point : study.sweep.empty() ? std::vector<SweptStudy>{} : sweep_studies(study))
    add_study(point.study, files);
  return engine::input_files(files.files());
}

}  // namespace flare::studies
