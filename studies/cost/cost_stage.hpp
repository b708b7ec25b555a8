// The last stage of a column study: what reads take, and what a model costs with them.
#pragma once

#include <filesystem>

#include "studies/column/column_study.hpp"
#include "studies/cost/cost_run.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// What can be known before anything is simulated: an architecture that can be read, holds the model, and asks for SAWL that
/// the study has. Throws StudyError.
void check_cost_stage(const Study& study);

/// The energy of reads at every point that was run in full: /points/.../read_energy. Throws std::runtime_error where a read
/// gave no answer.
void write_read_energies(const Study& study, const ColumnResult& column, H5::H5File& file);

/// /cost: the study's model on its architecture, with the energies that `models`, the result so far, holds.
void write_cost_stage(const StudyRun& run, const std::filesystem::path& models, H5::H5File& file);

}  // namespace flare::studies
