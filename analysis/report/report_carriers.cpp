#include "analysis/report/report_carriers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "analysis/results/carrier_table.hpp"
#include "analysis/verdict/verdict.hpp"

namespace flare::analysis {
namespace {

constexpr std::size_t most_roles = 8;  // as many colours as there are

struct RawBar {
  std::string label;
  double distance = 0.0;
  std::map<std::string, double> shares;  // by role
};

/// "x3.ma.vth" -> "ma vth": the same device of another cell has the same role.
std::string role_of(const std::string& variable) {
  const std::size_t parameter = variable.rfind('.');
  if (parameter == std::string::npos || parameter == 0) return variable;
  const std::size_t device = variable.rfind('.', parameter - 1);
  const std::size_t from = device == std::string::npos ? 0 : device + 1;
  return variable.substr(from, parameter - from) + " " + variable.substr(parameter + 1);
}

/// Roles by what they carry in all bars; beyond the colours there are, the smallest become "others".
ReportCarriers collect(std::string subject, std::string name, const std::vector<RawBar>& raw) {
  std::map<std::string, double> total;
  for (const RawBar& bar : raw) {
    for (const auto& [role, share] : bar.shares) total[role] += share;
  }
  std::vector<std::pair<double, std::string>> order;
  order.reserve(total.size());
  for (const auto& [role, share] : total) order.emplace_back(-share, role);
  std::sort(order.begin(), order.end());
  ReportCarriers carriers;
  carriers.subject = std::move(subject);
  carriers.name = std::move(name);
  const bool many = order.size() > most_roles;
  const std::size_t named = many ? most_roles - 1 : order.size();
  for (std::size_t i = 0; i < named; ++i) carriers.roles.push_back(order[i].second);
  if (many) carriers.roles.emplace_back("others");
  for (const RawBar& bar : raw) {
    CarrierBar shown{bar.label, bar.distance, std::vector<double>(carriers.roles.size(), 0.0)};
    for (const auto& [role, share] : bar.shares) {
      const auto at = std::find(carriers.roles.begin(), carriers.roles.end(), role) - carriers.roles.begin();
      shown.shares[std::min(static_cast<std::size_t>(at), carriers.roles.size() - 1)] += share;
    }
    carriers.bars.push_back(std::move(shown));
  }
  return carriers;
}

std::string carriers_name(std::string text) {
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return "carriers_" + text;
}

}  // namespace

ReportCarriers column_carriers(const H5::H5File& file, const ModelKey& key) {
  std::map<std::pair<std::size_t, Direction>, RawBar> bars;  // by level, down before up
  for (const CarrierRow& row : read_column_carriers(file, key)) {
    RawBar& bar = bars[{row.k, row.direction}];
    bar.label = fmt::format("{} {}", row.k, to_string(row.direction));
    bar.distance = row.distance;
    bar.shares[role_of(row.variable)] += row.share;
  }
  if (bars.empty()) return {};
  std::vector<RawBar> raw;
  raw.reserve(bars.size());
  for (auto& [order, bar] : bars) raw.push_back(std::move(bar));
  return collect(fmt::format("{}, SAWL {}, {}, {}", key.cell, key.sawl, key.adc, corner_text(key.corner)),
                 carriers_name(fmt::format("{}_{}_{}", key.cell, key.sawl, key.adc)), raw);
}

ReportCarriers circuit_carriers(const H5::H5File& file, const std::string& circuit,
                                const std::vector<std::string>& corners) {
  std::vector<RawBar> raw;
  for (const std::string& corner : corners) {
    const std::vector<CarrierRow> rows = read_circuit_carriers(file, circuit, corner);
    if (rows.empty()) continue;
    RawBar bar{corner_text(corner), rows.front().distance, {}};
    for (const CarrierRow& row : rows) bar.shares[role_of(row.variable)] += row.share;
    raw.push_back(std::move(bar));
  }
  return raw.empty() ? ReportCarriers{} : collect(circuit, carriers_name(circuit), raw);
}

ReportFigure carriers_figure(const ReportCarriers& carriers) {
  if (carriers.bars.empty()) return {};
  std::string data;
  std::string labels;
  std::size_t longest = 0;
  for (std::size_t b = 0; b < carriers.bars.size(); ++b) {
    const CarrierBar& bar = carriers.bars[b];
    data += fmt::format("{} ", b);
    longest = std::max(longest, bar.label.size());
    for (const double share : bar.shares) data += fmt::format("{:.5g} ", 100.0 * share);
    data += "\n";
    labels += fmt::format("{}{} {}", b > 0 ? ", " : "", gnuplot_text(bar.label), b);
  }
  std::string script = "set style data histograms\nset style histogram rowstacked\nset boxwidth 0.75\n";
  script += "set style fill solid 0.9 border rgb '#ffffff'\nset yrange [0:100]\n";
  script += fmt::format("set xrange [-0.6:{}]\n", static_cast<double>(carriers.bars.size()) - 0.4);
  script += "set xtics (" + labels + ") noenhanced rotate by -45 left font ',12'\n";
  script += fmt::format("set bmargin {}\n", longest > 10 ? 6.5 : 3.5);
  script += "set key outside right top noenhanced invert\n";
  script += "set ylabel 'share of the squared distance (%)' textcolor rgb '#333333'\n";
  script += "plot ";
  for (std::size_t r = 0; r < carriers.roles.size(); ++r) {
    script += fmt::format("{}'carriers.dat' using {} lc rgb '{}' title {}", r > 0 ? ", " : "", r + 2,
                          series_colour(r), gnuplot_text(carriers.roles[r]));
  }
  script += "\n";
  ReportFigure figure;
  figure.name = carriers.name;
  figure.heading = "Who carries the failures (" + carriers.subject + ")";
  figure.caption =
      "Share of each kind of device in the squared distance of the nearest failing point: per level and the "
      "way it is misread (down: as a lower code), or per corner. Devices of the same role in different cells "
      "are summed; \u201cconverter\u201d is the converter's own deviation. The result file holds every "
      "device "
      "by itself.";
  figure.svg = draw_svg(figure.name, script, {{"carriers.dat", data}}, {920, 480});
  return figure;
}

}  // namespace flare::analysis
