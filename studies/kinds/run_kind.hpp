// A study of any kind: one place that knows which kinds there are, what each runs and which tables it writes. The program
// and every point of a sweep go through it, so that none leaves out a stage.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "studies/model/shared_answers.hpp"
#include "studies/run/result_file.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// Writes a study's tables into a result file. The array simulator and the costs read error models from a file, as any
/// other user of them does: they ask for it.
using WriteTables = std::function<void(H5::H5File&, const ResultFile::SavePart&)>;

/// The processes that answer besides this one; null: there are none.
using MakeAnswers = std::function<std::unique_ptr<SharedAnswers>()>;

/// Runs what the study asks for at one point (its [[sweep]] is not looked at) and says how its tables are written; empty
/// where the run is one share of many, which has runs alone. `answers`: the journal of the accuracy stage; none: "".
/// `others`: asked where that stage begins.
/// Throws engine::Stopped, engine::MachineFault, StudyError.
WriteTables run_kind(const StudyRun& run, const std::filesystem::path& answers,
                     const MakeAnswers& others = {});

}  // namespace flare::studies
