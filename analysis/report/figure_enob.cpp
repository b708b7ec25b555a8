#include <fmt/format.h>

#include <algorithm>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"
#include "analysis/report/sigma_map.hpp"

namespace flare::analysis {

ReportFigure enob_figure(const ReportData& data, const std::string& cell) {
  std::vector<const VerdictRow*> rows;
  for (const VerdictRow& row : data.verdict) {
    if (row.key.cell == cell) rows.push_back(&row);
  }
  std::vector<int> sawl = distinct(rows, [](const VerdictRow* r) { return r->key.sawl; });
  std::vector<std::string> converters = distinct(rows, [](const VerdictRow* r) { return r->key.adc; });
  if (sawl.size() < 2 || converters.size() < 2) return {};
  std::sort(sawl.begin(), sawl.end());
  const auto enob = [&](const std::string& converter) {
    const auto at =
        std::find_if(rows.begin(), rows.end(), [&](const VerdictRow* r) { return r->key.adc == converter; });
    return (*at)->enob;
  };
  std::stable_sort(converters.begin(), converters.end(),
                   [&](const std::string& a, const std::string& b) { return enob(a) < enob(b); });
  SigmaMap map;
  map.target = sigma_of_probability(data.target);
  map.across_title = "SAWL (rows read at once)";
  map.up_title = "converter, ENOB (bit) at its smallest SAWL";
  for (const int n : sawl) map.across.push_back(std::to_string(n));
  for (const std::string& converter : converters)
    map.up.push_back(fmt::format("{}, {:.2f}", converter, enob(converter)));
  ReportFigure figure;
  for (const VerdictRow* row : rows) {
    map.cells.push_back(
        {index_of(sawl, row->key.sawl), index_of(converters, row->key.adc), row->error, row->passes});
    figure.rows.push_back(verdict_row_id(row->key));
  }
  figure.name = figure_name("sawl_enob_" + cell);
  figure.word = "map";
  figure.heading = fmt::format("Sigma over SAWL and ENOB ({})", cell);
  figure.caption = sigma_map_caption(map.target);
  figure.svg = sigma_map_svg(figure.name, map);
  return figure;
}

}  // namespace flare::analysis
