// Who is to blame: the most probable failing point of each answer, variable by variable, and what more gate area would do.
#pragma once

#include <H5Cpp.h>

#include <string>
#include <vector>

#include "analysis/report/figure.hpp"
#include "analysis/results/carrier_table.hpp"
#include "analysis/verdict/spec_verdict.hpp"

namespace flare::analysis {

struct ReportTornado {
  std::string subject;  // "snm at fs 0.81 V 125 degC"
  std::string name;     // of the figure: letters, digits, "_"
  std::string row;      // of the verdict, its id on the page
  double distance = 0.0;
  std::vector<CarrierRow> rows;  // largest share first
};

/// Of every spec at its worst corner, and of every row of a column's verdict where its worst level is decided.
std::vector<ReportTornado> read_tornados(const H5::H5File& file, const std::vector<SpecRow>& specs,
                                         const std::vector<VerdictRow>& verdict);

/// Signed bars of the largest; empty where there are none. Throws FigureError.
ReportFigure tornado_figure(const ReportTornado& tornado);

}  // namespace flare::analysis
