#include "analysis/report/report_html.hpp"

#include <fmt/format.h>

#include <cmath>

#include "analysis/report/figure_file.hpp"
#include "analysis/report/figure_parts.hpp"
#include "analysis/report/page_parts.hpp"
#include "analysis/report/report.hpp"
#include "analysis/report/report_accuracy.hpp"
#include "analysis/report/report_adc.hpp"
#include "analysis/report/report_cost.hpp"
#include "analysis/report/report_figures.hpp"
#include "analysis/report/report_gain_cell.hpp"
#include "analysis/report/report_map.hpp"
#include "analysis/report/report_screening.hpp"
#include "analysis/tails/tail_text.hpp"
#include "engine/base/text_output.hpp"

namespace flare::analysis {
namespace {

// "1.23e-09" as 1.23 x 10^-9 with a raised exponent, "1.23e-02" as 0.0123.
std::string raised(std::string_view text) {
  const std::size_t e = text.find('e');
  if (e == std::string_view::npos) return std::string(text);
  const int exponent = std::stoi(std::string(text.substr(e + 1)));
  const std::string mantissa(text.substr(0, e));
  if (exponent >= -2) return fmt::format("{:.3g}", std::stod(std::string(text)));
  if (mantissa == "1") return fmt::format("10<sup>{}</sup>", exponent);
  return fmt::format("{}\u00d710<sup>{}</sup>", mantissa, exponent);
}

// A text of tail_text.hpp: numbers one by one, "< " and ".." between them.
Cell tail_number(const std::string& text) {
  std::string html;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t to = std::min(text.find(' ', from), text.size());
    const std::string_view word = std::string_view(text).substr(from, to - from);
    if (!html.empty()) html += ' ';
    html += word == ".." ? "\u2026" : word == "<" ? "&lt;" : word == ">" ? "&gt;" : raised(word);
    from = to + 1;
  }
  return {html, true, ""};
}

Cell status_cell(TailStatus status) {
  const std::string word(to_string(status));
  return {"<span class=\"status " + word + "\">" + word + "</span>", false, ""};
}

using Figures = std::vector<ReportFigure>;

/// Links of a verdict's row to the figures that are about it.
Cell figure_links(const Figures& figures, const std::string& row) {
  std::string html;
  for (const ReportFigure& figure : figures) {
    if (std::find(figure.rows.begin(), figure.rows.end(), row) == figure.rows.end()) continue;
    html += fmt::format("{}<a href=\"#{}\">{}</a>", html.empty() ? "" : " \u00b7 ", figure_name(figure.name),
                        escape_html(figure.word));
  }
  return {html, false, "links"};
}

std::string verdict_section(const ReportData& data, const Figures& figures) {
  std::vector<std::vector<Cell>> rows;
  std::vector<std::string> ids;
  for (const VerdictRow& row : data.verdict) {
    const TailProbability& e = row.error;
    rows.push_back({text(row.key.cell),
                    number(std::to_string(row.key.sawl)),
                    text(row.key.adc),
                    number(fmt::format("{:.2f}", row.enob)),
                    text(corner_text(row.key.corner)),
                    tail_number(probability_text(e)),
                    tail_number(probability_interval_text(e)),
                    tail_number(sigma_text(e)),
                    tail_number(sigma_interval_text(e)),
                    status_cell(e.status),
                    {row.passes ? "yes" : "no", false, row.passes ? "yes" : "no"},
                    figure_links(figures, verdict_row_id(row.key))});
    ids.push_back(verdict_row_id(row.key));
  }
  std::string html = "<h2 id=\"verdict\">Verdict</h2>\n";
  html += table({text("cell"),
                 number("SAWL"),
                 text("converter"),
                 number("ENOB (bit)"),
                 text("worst corner"),
                 number("error per read"),
                 number("95 % interval"),
                 number("sigma"),
                 number("95 % interval"),
                 text("status"),
                 text("passes"),
                 {"figures", false, "links"}},
                rows, ids);
  html += "<p class=\"note\">";
  if (!data.rule.empty()) html += "A SAWL " + escape_html(data.rule) + ". ";
  if (!data.composition.empty()) html += escape_html(data.composition) + ' ';
  if (!data.tracking.empty()) html += "Die-wide variables: " + escape_html(data.tracking) + ". ";
  html +=
      "The error per read is that of the worst level. \u201cestimated\u201d: the runs made reach the number; "
      "\u201cextrapolated\u201d: it is continued beyond them from the fitted laws; \u201cbound\u201d: no "
      "failure was seen, or a part of it alone is at least so much; "
      "\u201crefused\u201d: the runs support no number.</p>\n";
  return html;
}

/// Spec, limits, verdict of a circuit; limits that were asked for.
std::string specs_section(const ReportData& data, const Figures& figures) {
  std::string html;
  if (!data.specs.empty()) {
    std::vector<std::string> ids;
    std::vector<Cell> links = {{"figures", false, "links"}};
    for (const SpecRow& spec : data.specs) {
      ids.push_back("spec_" + figure_name(spec.spec));
      links.push_back(figure_links(figures, ids.back()));
    }
    html += "<h2 id=\"verdict\">Verdict</h2>\n" + table(spec_table(data), ids, links);
    html += "<p class=\"note\">A spec " + escape_html(data.spec_rule) + ".</p>\n";
  }
  if (!data.limits.empty()) html += "<h2>Limits that hold</h2>\n" + table(limit_table(data));
  return html;
}

/// Moments of every measure of a circuit at every corner.
std::string measures_section(const ReportData& data) {
  const CircuitTable moments = measure_table(data);
  if (moments.rows.empty()) return {};
  return "<h2 id=\"measures\">Measures</h2>\n" + table(moments) +
         "<p class=\"note\">Moments of the plain samples; the kurtosis of a normal law is 3. Unknown runs "
         "gave no "
         "value.</p>\n";
}

std::string sweep_section(const ReportData& data) {
  std::string html = "<h2 id=\"sweep_table\">Sweep</h2>\n";
  if (!data.sweep.answers.empty()) html += table(sweep_table(data));
  if (!data.sweep.limits.empty()) html += table(sweep_limit_table(data));
  return html;
}

std::string failures_section(const ReportData& data) {
  std::vector<std::vector<Cell>> rows;
  std::string reasons;
  for (const FailureRow& row : data.failures) {
    const TailProbability& t = row.tail;
    rows.push_back({text(corner_text(row.corner)), tail_number(probability_text(t)),
                    tail_number(probability_interval_text(t)), tail_number(sigma_text(t)),
                    tail_number(sigma_interval_text(t)), number(std::to_string(t.runs)),
                    number(std::to_string(t.unknown)), text(method_name(t)), status_cell(t.status)});
    if (!method_reason(t).empty()) {
      reasons += "<p class=\"note\">" + escape_html(corner_text(row.corner)) + ", " +
                 std::string(to_string(t.status)) + ": " + escape_html(method_reason(t)) + ".</p>\n";
    }
  }
  return "<h2>Failure probability</h2>\n" +
         table({text("corner"), number("P(fail)"), number("95 % interval"), number("sigma"),
                number("95 % interval"), number("runs"), number("unknown"), text("method"), text("status")},
               rows) +
         reasons;
}

std::string text_tables(const std::vector<TextTable>& tables) {
  std::string html;
  for (const TextTable& given : tables) {
    std::vector<Cell> head;
    for (const std::string& name : given.head) head.push_back(head.empty() ? text(name) : number(name));
    std::vector<std::vector<Cell>> rows;
    for (const std::vector<std::string>& line : given.rows) {
      std::vector<Cell>& row = rows.emplace_back();
      for (const std::string& cell : line) row.push_back(row.empty() ? text(cell) : number(cell));
    }
    html += "<h3>" + escape_html(given.title) + "</h3>\n" + table(head, rows);
  }
  return html;
}

std::string texts_section(const std::string& heading, const std::vector<TextTable>& tables) {
  return "<h2>" + heading + "</h2>\n" + text_tables(tables);
}

std::string map_section(const ReportData& data) {
  std::string html = "<h2>Map</h2>\n<p>";
  if (!data.map.claim.empty()) html += "Claimed elsewhere: " + escape_html(data.map.claim) + ' ';
  return html + escape_html(cheapest_text(data.map, data.target_text)) + "</p>\n" +
         text_tables(map_tables(data.map, data.target_text));
}

std::string cost_section(const ReportData& data) {
  std::string html = "<h2>Cost</h2>\n" + text_tables(cost_tables(data.cost));
  for (const std::string& note : cost_notes(data.cost))
    html += "<p class=\"note\">" + escape_html(note) + ".</p>\n";
  return html;
}

std::string accuracy_section(const ReportData& data) {
  std::vector<std::vector<Cell>> rows;
  for (const AccuracyRow& row : data.accuracy) {
    rows.push_back(
        {text(row.model), text(row.dataset), text(row.quantizer),
         number(row.sawl > 0 ? std::to_string(row.sawl) : "\u2013"),
         text(row.adc.empty() ? "\u2013" : row.adc),
         text(row.corner.empty() ? "\u2013" : corner_text(row.corner)), text(row.mode),
         number(accuracy_text(row, row.mean)), number(accuracy_limits_text(row, row.low, row.high)),
         number(accuracy_text(row, row.drop)), number(accuracy_limits_text(row, row.drop_low, row.drop_high)),
         number(std::to_string(row.repeats)), number(std::to_string(row.examples))});
  }
  std::string lines;
  for (const std::string& line : accuracy_differences(data.accuracy))
    lines += "<p>" + escape_html(line) + "</p>\n";
  for (const std::string& line : accuracy_notes(data.accuracy)) lines += "<p>" + escape_html(line) + "</p>\n";
  return "<h2>Model accuracy</h2>\n" + lines +
         table({text("model"), text("dataset"), text("quantiser"), number("SAWL"), text("converter"),
                text("corner"), text("errors"), number("accuracy"), number("95 %"), number("drop"),
                number("95 %"), number("repeats"), number("examples")},
               rows);
}

/// "verdict": back to the row, or the rows' table where a figure is about several.
std::string back_link(const ReportFigure& figure) {
  if (figure.rows.empty()) return {};
  return fmt::format(" <a class=\"back\" href=\"#{}\">verdict</a>",
                     figure.rows.size() == 1 ? figure.rows.front() : "verdict");
}

std::string figure_section(const ReportFigure& figure) {
  return fmt::format(
      "<h2>{0}</h2>\n<figure id=\"{3}\">\n<div class=\"wide\" role=\"img\" "
      "aria-label=\"{0}\">{1}</div>\n<figcaption>{2}{4}</figcaption></figure>\n",
      escape_html(figure.heading), figure.svg, escape_html(figure.caption), figure_name(figure.name),
      back_link(figure));
}

std::string carriers_section(const ReportData& data) {
  std::string html;
  for (const ReportCarriers& carriers : data.carriers) {
    std::vector<Cell> head = {text("level or corner"), number("distance (sigma)")};
    for (const std::string& role : carriers.roles) head.push_back(number(role));
    std::vector<std::vector<Cell>> rows;
    for (const CarrierBar& bar : carriers.bars) {
      rows.push_back({text(bar.label), number(fmt::format("{:.2f}", bar.distance))});
      for (const double share : bar.shares)
        rows.back().push_back(number(fmt::format("{:.1f} %", 100.0 * share)));
    }
    html += fold(figure_name(carriers.name), carriers.subject, table(head, rows));
  }
  if (html.empty()) return html;
  return "<h2>Carriers of the failures</h2>\n" + html;
}

/// Every corner of one converter: what the screening said, what the estimate.
std::string corners_section(const ReportData& data) {
  std::string html;
  for (const ConverterScreening& screening : data.screening_error) {
    std::vector<std::vector<Cell>> rows;
    for (const ScreeningRow& row : data.screening) {
      if (row.adc != screening.adc) continue;
      rows.push_back({text(row.cell), number(std::to_string(row.sawl)), text(corner_text(row.corner)),
                      number(std::isfinite(row.sigma) ? fmt::format("{:.2f}", row.sigma) : "\u2013"),
                      number(std::isfinite(row.estimated) ? fmt::format("{:.2f}", row.estimated) : "\u2013"),
                      text(row.full ? "run in full" : "screened only")});
    }
    html += fold(figure_name("screening_" + screening.adc), screening_text(screening),
                 table({text("cell"), number("SAWL"), text("corner"), number("screened (sigma)"),
                        number("estimated (sigma)"), text("")},
                       rows));
  }
  return html.empty() ? html : "<h2>Corners</h2>\n" + html;
}

std::string levels_section(const ReportData& data) {
  std::string html;
  for (const ReportPoint& point : data.points) {
    std::vector<std::vector<Cell>> rows;
    for (const ReportLevel& level : point.levels) {
      rows.push_back({number(std::to_string(level.k)), number(fmt::format("{:.2f}", 1e3 * level.mean)),
                      number(fmt::format("{:.3f}", 1e3 * level.sigma)),
                      number(fmt::format("{:.3f}", level.skewness)),
                      number(fmt::format("{:.3f}", level.kurtosis)), number(std::to_string(level.runs)),
                      number(std::to_string(level.unknown))});
    }
    const std::string name =
        fmt::format("{}, SAWL {}, {}", point.key.cell, point.key.sawl, corner_text(point.key.corner));
    html += fold(figure_name("levels_" + name), name,
                 table({number("k"), number("mean (mV)"), number("sigma (mV)"), number("skewness"),
                        number("kurtosis"), number("runs"), number("unknown")},
                       rows));
  }
  if (html.empty()) return html;
  return "<h2>Bitline levels</h2>\n<p class=\"note\">Moments of every level of every point that was run in "
         "full. The kurtosis of a normal law is 3. Unknown runs gave no answer; they widen the intervals "
         "above.</p>\n" +
         html;
}

std::string answer_section(const ReportData& data) {
  std::string answer = data.pick;
  for (const std::string& more : {data.spec_verdict, data.limit_verdict}) {
    if (!more.empty()) answer += (answer.empty() ? "" : "\n") + more;
  }
  if (answer.empty()) return "";
  std::string html = "<div class=\"answer\">";
  std::size_t from = 0;
  while (from <= answer.size()) {
    const std::size_t to = std::min(answer.find('\n', from), answer.size());
    html += "<p>" + escape_html(answer.substr(from, to - from)) + "</p>";
    from = to + 1;
  }
  for (const std::string& line : accuracy_picks(data.accuracy, data.verdict, data.target_text))
    html += "<p>" + escape_html(line) + "</p>";
  return html + "</div>\n";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return safe;
}

namespace {

/// What the pages of one study are known by.
std::string page_mark(const ReportData& data) {
  return "<meta name=\"generator\" content=\"flare report: " +
         escape_html(data.title.empty() ? data.file : data.title) + "\">\n";
}

}  // namespace

std::string report_page(const ReportData& data, const std::vector<ReportFigure>& figures,
                        const std::string& no_figures) {
  const std::string title = data.title.empty() ? "Variability report" : data.title;
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" + page_mark(data);
  html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  html += "<title>" + escape_html(title) + "</title>\n<style>" + page_style() + "</style>\n</head>\n<body>\n";
  html += "<h1>" + escape_html(title) + "</h1>\n";
  html += "<p class=\"meta\">" + escape_html(data.file) + " \u00b7 seed " + std::to_string(data.seed) +
          " \u00b7 FLARE " + escape_html(data.flare_version) + " \u00b7 ngspice " +
          escape_html(data.ngspice_version) +
          (data.created.empty() ? "" : " \u00b7 " + escape_html(data.created)) + "</p>\n";
  if (!data.complete)
    html += "<div class=\"warn\">This result is not complete: the run stopped before its end.</div>\n";
  html += answer_section(data);
  html += specs_section(data, figures);
  if (!data.verdict.empty()) html += verdict_section(data, figures);
  html += measures_section(data);
  if (!data.failures.empty()) html += failures_section(data);
  if (!data.map.rows.empty()) html += map_section(data);
  if (!data.sweep.columns.empty()) html += sweep_section(data);
  if (!data.adcs.empty()) html += texts_section("Converters as circuits", adc_tables(data.adcs));
  if (!data.gain_cells.empty()) html += texts_section("Gain cells", gain_cell_tables(data.gain_cells));
  if (!data.accuracy.empty()) html += accuracy_section(data);
  if (!data.cost.empty()) html += cost_section(data);
  if (!no_figures.empty()) html += "<div class=\"warn\">No figures: " + escape_html(no_figures) + "</div>\n";
  for (const ReportFigure& figure : figures) html += figure_section(figure);
  html += corners_section(data);
  html += carriers_section(data);
  html += levels_section(data);
  if (!data.study.empty()) {
    html += "<h2>Study</h2>\n" +
            fold("study", "The study as it was run", "<pre>" + escape_html(data.study) + "</pre>");
  }
  html += page_script();
  return html + "</body>\n</html>\n";
}

std::filesystem::path write_report(const std::filesystem::path& result, const std::filesystem::path& folder) {
  const ReportData data = read_report_data(result);
  engine::make_output_folder(folder);
  std::filesystem::path page = folder / "index.html";
  engine::check_text_place(page, page_mark(data));
  std::vector<ReportFigure> figures;
  std::string no_figures;
  try {
    figures = draw_report_figures(data);
  } catch (const FigureError& reason) {
    no_figures = reason.what();
  }
  std::vector<engine::TextOutput> outputs{{page, report_page(data, figures, no_figures), page_mark(data)}};
  for (const ReportFigure& figure : figures)
    outputs.push_back(figure_output(folder / (figure.name + ".svg"), figure.svg));
  engine::write_texts(outputs);
  return page;
}

}  // namespace flare::analysis
