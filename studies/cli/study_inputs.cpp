#include "studies/cli/study_inputs.hpp"

#include <filesystem>
#include <set>
#include <string>

#include "flare_arch/models/transformer.hpp"
#include "studies/circuit/circuit_testbench.hpp"
#include "studies/column/column_testbench.hpp"
#include "studies/converter/comparator_bench.hpp"
#include "studies/converter/converter_places.hpp"
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

/// What one study, or one point of a sweep, reads.
void add_study(const Study& study, FileList& files) {
  if (study.kit) files.add(study.kit->manifest);
  if (study.column) add_column(study, files);
  for (const ConverterStudy& converter : study.converters) {
    if (converter.measured) files.add(converter.measured_file);
  }
  if (study.adc) add_converters(study, files);
  if (study.circuit) {
    for (const Corner& corner : study.corners) files.add(circuit_deck(study, corner));
  }
  if (study.accuracy) {
    for (const std::filesystem::path& file : arch::Transformer::files(study.accuracy->model)) files.add(file);
    files.add(study.accuracy->dataset);
  }
}

}  // namespace

std::vector<engine::InputFile> study_inputs(const Study& study) {
  FileList files;
  if (study.sweep.empty()) add_study(study, files);
  for (const SweepPoint& point : study.sweep.empty() ? std::vector<SweepPoint>{} : sweep_studies(study))
    add_study(point.study, files);
  return engine::input_files(files.files());
}

}  // namespace flare::studies
