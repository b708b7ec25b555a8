#include "studies/run/result_file.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <system_error>

#include "engine/base/hdf5_memory.hpp"
#include "engine/base/mathematics.hpp"
#include "engine/base/output_file.hpp"

namespace flare::studies {

namespace {

std::filesystem::path journal_of(const std::filesystem::path& out) {
  return std::filesystem::path(out.string() + ".journal");
}

std::string text_or_empty(const H5::H5File& file, const std::string& name) {
  return engine::has_attribute(file, "/", name) ? engine::read_text(file, "/", name) : std::string();
}

std::string file_of(const Study& study) {
  return std::filesystem::absolute(study.file).lexically_normal().string();
}

bool same_versions(const H5::H5File& file) {
  return text_or_empty(file, "flare_version") == FLARE_VERSION &&
         text_or_empty(file, "ngspice_version") == FLARE_NGSPICE_VERSION;
}

/// A result of the same study or of an earlier state of its file, whatever it says now: --fresh may replace it.
bool of_this_study(const H5::H5File& file, const Study& study) {
  return text_or_empty(file, "format").starts_with("flare/") &&
         (text_or_empty(file, "study") == study.text || text_or_empty(file, "study_file") == file_of(study));
}

void refuse_foreign(const std::filesystem::path& out, const Study& study) {
  const H5::H5File file = engine::open_result(out);
  if (of_this_study(file, study)) return;
  const std::string other = text_or_empty(file, "study_file");
  throw StudyError(
      fmt::format("{}: holds {}, which --fresh does not replace; move it away, or choose another -o",
                  out.string(), other.empty() ? "no result of a study" : "the result of " + other));
}

/// Whoever wrote a result may have been killed before it could tidy up. What is somebody else's, or in use, stays.
void clear_leftovers(const std::filesystem::path& journal, const engine::JournalOwner& owner) {
  if (!std::filesystem::exists(journal) && !std::filesystem::exists(journal.string() + ".lock")) return;
  try {
    engine::RunStore(journal, owner).discard_journal();
  } catch (const std::exception&) {  // nothing that this result needs
  }
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

void write_study_attributes(H5::H5File& file, const Study& study) {
  engine::write_attribute(file, "/", "study", study.text);
  engine::write_attribute(file, "/", "study_file", file_of(study));
  engine::write_attribute(file, "/", "title", study.title);
  engine::write_attribute(file, "/", "seed", static_cast<std::int64_t>(study.seed));
}

ResultFile::ResultFile(const Study& study, std::vector<engine::InputFile> inputs, std::filesystem::path out,
                       bool fresh)
    : study_(study), inputs_(std::move(inputs)), out_(std::move(out)) {
  engine::check_output(out_);
  if (fresh && std::filesystem::exists(out_)) refuse_foreign(out_, study_);
  if (!fresh) look_at_earlier();
  const engine::JournalOwner owner{study_identity(study_, inputs_), engine::mathematics_hash(),
                                   file_of(study_)};
  if (complete_) {
    clear_leftovers(journal_of(out_), owner);
    return;
  }
  store_ = std::make_unique<engine::RunStore>(journal_of(out_), owner,
                                              fresh ? engine::Existing::drop : engine::Existing::go_on);
  // Whoever had the journal before may have finished meanwhile.
  if (!fresh) look_at_earlier();
  if (complete_) {
    store_->discard_journal();
    store_.reset();
  }
  if (!fresh && !complete_ && std::filesystem::exists(out_)) store_->read_runs(engine::open_result(out_));
}

void ResultFile::look_at_earlier() {
  if (!std::filesystem::exists(out_)) return;
  const H5::H5File file = engine::open_result(out_);
  if (text_or_empty(file, "study") != study_.text || !same_versions(file)) {
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
  if (!complete_ && text_or_empty(file, "mathematics") != engine::hash_text(engine::mathematics_hash())) {
    throw StudyError(
        out_.string() +
        ": was begun on a machine whose mathematics library gives other bits; go on there, or use --fresh "
        "to begin anew here");
  }
}

void ResultFile::write_file(bool complete, const std::string& ngspice_version,
                            const std::function<void(H5::H5File&, const SavePart&)>& write) {
  const std::filesystem::path part = engine::part_of_output(out_);
  H5::H5File file = engine::memory_file(part);
  engine::write_attribute(file, "/", "format", std::string("flare/1"));
  engine::write_attribute(file, "/", "complete", std::int64_t{complete ? 1 : 0});
  write_study_attributes(file, study_);
  engine::write_attribute(file, "/", "flare_version", std::string(FLARE_VERSION));
  engine::write_attribute(file, "/", "ngspice_version", ngspice_version);
  engine::write_attribute(file, "/", "mathematics", engine::hash_text(engine::mathematics_hash()));
  const std::time_t now = std::time(nullptr);
  write_inputs(file, inputs_);
  engine::write_attribute(file, "/", "created", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now)));
  const SavePart save = [&]() -> std::filesystem::path {
    save_image(file, part);
    return std::filesystem::path(part);
  };
  try {
    write(file, save);
    save();
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    throw;
  }
  engine::rename_into_place(part, out_);
  if (store_) store_->discard_journal();
}

void ResultFile::finish(const std::function<void(H5::H5File&, const SavePart&)>& write,
                        const std::string& ngspice_version) {
  write_file(true, ngspice_version, write);
  complete_ = true;
}

void ResultFile::leave_unfinished(const Shard& shard, const std::string& ngspice_version, bool stopped) {
  write_file(false, ngspice_version, [&](H5::H5File& file, const SavePart&) {
    // A share of the screening is no shard: merging must not take it for one.
    engine::write_attribute(file, "/", "shard",
                            fmt::format("{}{}/{}", prefix_of(shard.stage), shard.index + 1, shard.count));
    engine::write_attribute(file, "/", "stopped", std::int64_t{stopped ? 1 : 0});
    store_->write_runs(file);
  });
}

}  // namespace flare::studies
