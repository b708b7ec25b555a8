// Studies of several columns ([[columns]]): each as a study of its own, all screened before the first is estimated.
#pragma once

#include <vector>

#include "studies/column/column_study.hpp"

namespace flare::studies {

/// The study once for every column it has, with the variation that moves its cell and the converters that read it.
std::vector<Study> single_columns(const Study& study);

/// The column that a group of the result file, "/points/CELL/sawlN/...", belongs to. Throws StudyError where there is none.
Study column_of_group(const Study& study, const std::string& group);

/// Throws as run_column_study.
std::vector<StudiedColumn> run_columns(const StudyRun& run);

}  // namespace flare::studies
