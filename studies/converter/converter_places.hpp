// Where the converters of a study are measured: corners with the nominal one first, thresholds, drives.
#pragma once

#include <string>
#include <vector>

#include "studies/converter/comparator_study.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// The study's corners, the nominal one first whether it is among them or not.
std::vector<Corner> nominal_first(const Study& study);

ConverterDrive drive_of(const Study& study, const Corner& corner);

/// The comparator's circuit at a corner, for the files it is made of. Throws StudyError where the cards have no such process.
engine::Deck converter_deck(const Study& study, const ConverterPart& part, const Corner& corner);

/// Thresholds 1 ... n of a bitline that falls by the swing: supply - (k - 1/2) swing/n, V.
std::vector<double> bitline_thresholds(const AdcStudy& adc, const Corner& corner);

/// A comparator at each of `common_modes`; the dies of one threshold are the same at all corners.
std::vector<ComparatorPlace> comparator_places(const Study& study, const ConverterStudy& converter,
                                               const Corner& corner, const std::vector<double>& common_modes);

}  // namespace flare::studies
