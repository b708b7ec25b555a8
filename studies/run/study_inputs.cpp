#include "studies/run/study_inputs.hpp"

#include <fmt/format.h>

#include <set>

#include "flare_arch/models/vit.hpp"
#include "studies/circuit/circuit_testbench.hpp"
#include "studies/column/column_testbench.hpp"

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

std::map<std::string, std::string> by_name(const std::vector<std::string>& files,
                                           const std::vector<std::string>& hashes) {
  std::map<std::string, std::string> named;
  for (std::size_t i = 0; i < files.size(); ++i) {
    named[std::filesystem::path(files[i]).filename().string()] += hashes[i] + " ";
  }
  return named;
}

}  // namespace

std::vector<engine::InputFile> study_inputs(const Study& study) {
  FileList files;
  if (study.kit) files.add(study.kit->manifest);
  if (study.column) add_column(study, files);
  if (study.circuit) {
    for (const Corner& corner : study.corners) files.add(circuit_deck(study, corner));
  }
  if (study.accuracy) {
    for (const std::filesystem::path& file : arch::VitModel::files(study.accuracy->model)) files.add(file);
    files.add(study.accuracy->dataset);
  }
  return engine::input_files(files.files());
}

std::uint64_t study_identity(const Study& study, const std::vector<engine::InputFile>& inputs) {
  const std::uint64_t text =
      engine::fnv1a(fmt::format("{}\n{}\n{}\n", study.text, FLARE_VERSION, FLARE_NGSPICE_VERSION));
  return engine::fnv1a(engine::hash_text(engine::content_hash(inputs)), text);
}

void write_inputs(H5::H5File& file, const std::vector<engine::InputFile>& inputs) {
  engine::TableRows<std::string, std::string> rows({{{"file", ""}, {"hash", ""}}});
  for (const engine::InputFile& input : inputs) rows.add(input.path.string(), engine::hash_text(input.hash));
  engine::write_table(file, "/inputs", std::move(rows).table());
}

std::string changed_inputs(const H5::H5File& file, const std::vector<engine::InputFile>& inputs) {
  if (!engine::exists(file, "/inputs")) return "it does not say what it was made from";
  const engine::Table table = engine::read_table(file, "/inputs");
  const auto before = by_name(table.texts("file"), table.texts("hash"));
  std::vector<std::string> files;
  std::vector<std::string> hashes;
  for (const engine::InputFile& input : inputs) {
    files.push_back(input.path.string());
    hashes.push_back(engine::hash_text(input.hash));
  }
  const auto now = by_name(files, hashes);
  for (const auto& [name, hash] : before) {
    const auto place = now.find(name);
    if (place == now.end()) return name + " is no longer read";
    if (place->second != hash) return name + " has changed";
  }
  for (const auto& [name, hash] : now) {
    if (!before.contains(name)) return name + " is read as well";
  }
  return {};
}

}  // namespace flare::studies
