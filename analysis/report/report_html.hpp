// The report as one HTML page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/report/report_figures.hpp"

namespace flare::analysis {

/// Text made safe inside HTML elements and quoted attributes.
std::string escape_html(std::string_view text);

/// The whole page. `no_figures`: why there are none, "" where there are.
std::string report_page(const ReportData& data, const std::vector<ReportFigure>& figures,
                        const std::string& no_figures);

}  // namespace flare::analysis
