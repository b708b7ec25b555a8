#include "studies/run/result_file.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <system_error>

#include "engine/base/hdf5_memory.hpp"

namespace flare::studies {

namespace {

std::filesystem::path with_suffix(const std::filesystem::path& path, const char* suffix) {
  return std::filesystem::path(path.string() + suffix);
}

bool same_study(const H5::H5File& file, const Study& study) {
  return engine::has_attribute(file, "/", "study") && engine::read_text(file, "/", "study") == study.text &&
         engine::has_attribute(file, "/", "flare_version") &&
         engine::read_text(file, "/", "flare_version") == FLARE_VERSION &&
         engine::has_attribute(file, "/", "ngspice_version") &&
         engine::read_text(file, "/", "ngspice_version") == FLARE_NGSPICE_VERSION;
}

void save_image(const H5::H5File& file, const std::filesystem::path& path) {
  try {
    engine::save_whole(file, path);
  } catch (const std::system_error& e) {
    throw engine::StoreError(
        fmt::format("{}: cannot be written ({}); all runs are kept in the journal beside it: make room "
                    "and run the same command again",
                    path.string(), e.code().message()));
  }
}

}  // namespace

ResultFile::ResultFile(const Study& study, std::vector<engine::InputFile> inputs, std::filesystem::path out,
                       bool fresh)
    : study_(study), inputs_(std::move(inputs)), out_(std::move(out)) {
  const std::filesystem::path journal = with_suffix(out_, ".journal");
  const std::filesystem::path folder = out_.has_parent_path() ? out_.parent_path() : ".";
  if (!std::filesystem::is_directory(folder)) {
    throw StudyError(folder.string() + ": no such folder; make it, or choose another place with -o");
  }
  if (::access(folder.c_str(), W_OK) != 0) {
    throw StudyError(folder.string() + ": the folder cannot be written; choose another place with -o");
  }
  bool unfinished = false;
  if (std::filesystem::exists(out_) && !fresh) {
    const H5::H5File file = engine::open_result(out_);
    if (!same_study(file, study)) {
      throw StudyError(
          out_.string() +
          ": holds the result of another study or version; use --fresh to replace it, or choose another "
          "place with -o");
    }
    const std::string changed = changed_inputs(file, inputs_);
    if (!changed.empty()) {
      throw StudyError(
          fmt::format("{}: holds this study's result from other inputs: {}; use --fresh to run it again, or "
                      "choose another place with -o",
                      out_.string(), changed));
    }
    complete_ = engine::read_integer(file, "/", "complete") == 1;
    unfinished = !complete_;
  }
  if (complete_) return;
  if (fresh) std::filesystem::remove(journal);
  store_ = std::make_unique<engine::RunStore>(journal, study_identity(study, inputs_));
  if (unfinished) store_->read_runs(engine::open_result(out_));
}

void ResultFile::write_file(bool complete, const std::string& ngspice_version,
                            const std::function<void(H5::H5File&, const SavePart&)>& write) {
  const std::filesystem::path part = with_suffix(out_, ".part");
  H5::H5File file = engine::memory_file(part);
  engine::write_attribute(file, "/", "format", std::string("flare/1"));
  engine::write_attribute(file, "/", "complete", std::int64_t{complete ? 1 : 0});
  engine::write_attribute(file, "/", "study", study_.text);
  engine::write_attribute(file, "/", "study_file",
                          std::filesystem::absolute(study_.file).lexically_normal().string());
  engine::write_attribute(file, "/", "title", study_.title);
  engine::write_attribute(file, "/", "seed", static_cast<std::int64_t>(study_.seed));
  engine::write_attribute(file, "/", "flare_version", std::string(FLARE_VERSION));
  engine::write_attribute(file, "/", "ngspice_version", ngspice_version);
  const std::time_t now = std::time(nullptr);
  write_inputs(file, inputs_);
  engine::write_attribute(file, "/", "created", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now)));
  const SavePart save = [&] {
    save_image(file, part);
    return part;
  };
  try {
    write(file, save);
    save();
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    throw;
  }
  std::filesystem::rename(part, out_);
  if (store_) store_->discard_journal();
}

void ResultFile::finish(const std::function<void(H5::H5File&, const SavePart&)>& write,
                        const std::string& ngspice_version) {
  write_file(true, ngspice_version, write);
  complete_ = true;
}

void ResultFile::leave_unfinished(const Shard& shard, const std::string& ngspice_version) {
  write_file(false, ngspice_version, [&](H5::H5File& file, const SavePart&) {
    // A share of the screening is no shard: merging must not take it for one.
    engine::write_attribute(
        file, "/", "shard",
        fmt::format("{}{}/{}", shard.screening ? "screening " : "", shard.index + 1, shard.count));
    store_->write_runs(file);
  });
}

}  // namespace flare::studies
