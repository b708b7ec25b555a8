#include "studies/run/result_inputs.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <map>

namespace flare::studies {

namespace {

std::map<std::string, std::string> by_name(const std::vector<std::string>& files,
                                           const std::vector<std::string>& hashes) {
  std::map<std::string, std::string> named;
  for (std::size_t i = 0; i < files.size(); ++i) {
    named[std::filesystem::path(files[i]).filename().string()] += hashes[i] + " ";
  }
  return named;
}

}  // namespace

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
