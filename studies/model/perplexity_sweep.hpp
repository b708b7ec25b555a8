// The questions about attention on gain cells that one number does not answer: loss over leakage and window, over mismatch,
// over temperature, over the cell's law; each with and without adaptation.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "studies/model/perplexity_bench.hpp"

namespace flare::studies {

std::vector<std::string> perplexity_sweeps();

struct SweepOptions {
  std::string cells = "paper";  // as for named_cell()
  CellChoice choice;
  int dies = 5;  // of the mismatch sweep
  std::function<void(int done, int total, const std::string& point)> progress = {};
};

/// Rows of one sweep. Throws StudyError for an unknown name, and for cells that lack what it needs (mismatch, several
/// temperatures).
std::vector<PerplexityRow> sweep_perplexity(const std::string& sweep, PerplexityBench& bench,
                                            const NamedCell& trained_on, const SweepOptions& options);

/// Figure of a sweep's rows, as an SVG element. Throws analysis::FigureError.
std::string draw_sweep(const std::string& sweep, const std::vector<PerplexityRow>& rows);
/// Loss of the batch over the passes of an adaptation.
std::string draw_trace(const std::vector<double>& losses);

}  // namespace flare::studies
