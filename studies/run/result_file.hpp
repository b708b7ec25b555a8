// The result file of a run: what an earlier run left, and how a new one is put in its place.
//
// While a study runs its samples are in OUT.h5.journal. OUT.h5 itself appears whole: it is written as
// OUT.h5.part, put on the disk and renamed, so nothing half-written ever has the name of a result.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/hdf5_io.hpp"
#include "engine/store/run_store.hpp"
#include "studies/run/result_inputs.hpp"
#include "studies/run/study_run.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// Which study a file's results are of: its text, where it stands, title and seed.
void write_study_attributes(H5::H5File& file, const Study& study);

class ResultFile {
 public:
  /// `inputs`: the files the study depends on. Looks at what is there, with the journal in hand. Throws StudyError where
  /// OUT.h5 holds another study, or this one before one of its input files changed, and `fresh` is not asked for;
  /// nothing but a result of this study's file is ever replaced. Throws what engine::RunStore does.
  ResultFile(const Study& study, std::vector<engine::InputFile> inputs, std::filesystem::path out,
             bool fresh);

  /// The files the study depends on, as they were when it began.
  const std::vector<engine::InputFile>& inputs() const { return inputs_; }

  /// True where an earlier run of the same study has finished: nothing is to be done.
  bool complete() const { return complete_; }
  engine::RunStore& store() { return *store_; }
  const std::filesystem::path& path() const { return out_; }

  /// Saves what is written so far as the part file and returns its path: for a reader that wants a file.
  using SavePart = std::function<std::filesystem::path()>;

  /// Writes the file: root attributes, then `write`; renames it into place and drops the journal. Throws
  /// engine::StoreError where it cannot be written; the journal stays.
  void finish(const std::function<void(H5::H5File&, const SavePart&)>& write,
              const std::string& ngspice_version);
  /// The same for a run that `stopped` before its end, or for a whole shard: complete = 0, with all runs so that it can
  /// go on or be merged.
  void leave_unfinished(const Shard& shard, const std::string& ngspice_version, bool stopped);

 private:
  void look_at_earlier();
  void write_file(bool complete, const std::string& ngspice_version,
                  const std::function<void(H5::H5File&, const SavePart&)>& write);

  const Study& study_;
  std::vector<engine::InputFile> inputs_;
  std::filesystem::path out_;
  std::unique_ptr<engine::RunStore> store_;
  bool complete_ = false;
};

}  // namespace flare::studies
