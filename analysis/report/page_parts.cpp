#include "analysis/report/page_parts.hpp"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <sstream>

#include "analysis/report/report_html.hpp"

namespace flare::analysis {
namespace {

constexpr const char* style = R"(
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2128; --soft: #57606a; --line: #d8dee4; --tint: #f6f8fa; --accent: #0072b2;
  --good: #00704f; --bad: #b00020; --care: #9a5b00; --warn: #fff5f5; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181d; --ink: #e6e9ed; --soft: #a3adb8; --line: #343b44; --tint: #1d232a; --accent: #6cb6e8;
    --good: #55c59a; --bad: #ff8a8a; --care: #e0a95a; --warn: #33191c; }
  figure svg { filter: invert(.91) hue-rotate(180deg); border-radius: 4px; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; }
a { color: var(--accent); }
.meta { color: var(--soft); font-size: .9rem; margin: 0 0 1.5rem; }
.answer { border-left: 4px solid var(--accent); background: var(--tint); padding: .8rem 1.1rem; margin: 1.2rem 0; }
.answer p { margin: .3rem 0; }
.warn { border-left: 4px solid var(--bad); background: var(--warn); padding: .7rem 1.1rem; margin: 1.2rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; width: 100%; overflow-wrap: normal; }
th, td { text-align: left; padding: .38rem .8rem .38rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; } th.sorts { cursor: pointer; }
th.up::after { content: " \2191"; } th.down::after { content: " \2193"; }
td.n, th.n { text-align: right; }
tr:target td, figure:target { outline: 2px solid var(--accent); }
.yes { color: var(--good); font-weight: 600; } .no { color: var(--bad); font-weight: 600; }
.status { color: var(--soft); } .status.extrapolated, .status.bound, .status.refused { color: var(--care); font-style: italic; }
figure { margin: 1rem 0 0; } figure svg { width: 100%; height: auto; display: block; } .links { white-space: normal; min-width: 11.5rem; }
figcaption, .note { color: var(--soft); font-size: .88rem; max-width: 52rem; }
.value { cursor: crosshair; }
#hover { position: fixed; pointer-events: none; background: var(--ink); color: var(--paper); padding: .2rem .55rem; border-radius: 4px;
  font-size: .85rem; display: none; z-index: 1; }
.fold { margin: .8rem 0; } .fold > input { position: absolute; opacity: 0; }
.fold > label { cursor: pointer; color: var(--accent); } .fold > label::before { content: "\25B8\00A0"; }
.fold > input:checked + label::before { content: "\25BE\00A0"; } .fold > input:focus-visible + label { outline: 2px solid; }
.fold > div { display: none; } .fold > input:checked ~ div { display: block; }
pre { background: var(--tint); padding: 1rem; overflow-x: auto; font-size: .82rem; line-height: 1.45; overflow-wrap: normal; }
@media (max-width: 600px) { body { padding: 1rem .8rem 3rem; } h1 { font-size: 1.35rem; } table { font-size: .82rem; }
  figure .wide svg { min-width: 660px; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #333; --line: #bbb; --tint: #fff; --accent: #000; }
  body { max-width: none; padding: 0; } .fold > div { display: block; } .fold > label::before { content: ""; }
  .wide { overflow: visible; } figure .wide svg { min-width: 0; } .links { display: none; } table { font-size: .68rem; } th, td { white-space: normal; padding-right: .4rem; }
  pre { white-space: pre-wrap; } figure { break-inside: avoid; } figure svg { filter: none; } }
)";

// Tables sort by a click on their head; values of figures show beside the pointer.
constexpr const char* behaviour = R"(
(function () {
  "use strict";
  function key(row, column) {
    var cell = row.cells[column];
    if (!cell) return "";
    var value = cell.getAttribute("data-sort");
    if (value !== null) return +value;
    var number = parseFloat(cell.textContent);
    return isNaN(number) ? cell.textContent : number;
  }
  function order(a, b) {
    var numbers = typeof a === "number" && typeof b === "number";
    return numbers ? d3.ascending(a, b) : d3.ascending(String(a), String(b));
  }
  d3.selectAll("table").each(function () {
    var table = d3.select(this), heads = table.selectAll("thead th");
    heads.classed("sorts", true).attr("tabindex", 0).each(function (unused, column) {
      d3.select(this).on("click", function () {
        var down = d3.select(this).classed("up");
        heads.classed("up", false).classed("down", false);
        d3.select(this).classed(down ? "down" : "up", true);
        var rows = table.select("tbody").selectAll("tr");
        rows.datum(function () { return key(this, column); });
        rows.sort(function (a, b) { return down ? order(b, a) : order(a, b); });
      });
    });
  });
  var hover = d3.select("body").append("div").attr("id", "hover");
  d3.selectAll(".value").on("mousemove", function () {
    var event = d3.event || window.event;
    hover.style("display", "block").text(this.getAttribute("data-value"));
    var width = hover.node().offsetWidth;
    hover.style("left", Math.max(0, Math.min(event.clientX + 14, window.innerWidth - width - 4)) + "px");
    hover.style("top", event.clientY + 16 + "px");
  }).on("mouseout", function () { hover.style("display", "none"); });
}());
)";

// Where Debian puts it, in the order they are tried.
constexpr std::array<const char*, 2> d3_places{"/usr/share/javascript/d3/d3.min.js",
                                               "/usr/share/nodejs/d3/dist/d3.min.js"};

std::string read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  return in ? content.str() : std::string();
}

/// Whether a text is a number, perhaps with more behind it.
bool begins_with_number(const std::string& value) {
  const std::size_t digit = value.find_first_of("0123456789");
  return digit != std::string::npos && value.find_first_not_of("+-<>. ") >= digit;
}

}  // namespace

Cell text(const std::string& value) { return {escape_html(value), false, ""}; }
Cell number(const std::string& value) { return {escape_html(value), true, ""}; }

std::string table(const std::vector<Cell>& head, const std::vector<std::vector<Cell>>& rows,
                  const std::vector<std::string>& ids) {
  const auto line = [](const std::vector<Cell>& cells, const char* tag, const std::string& id) {
    std::string html = id.empty() ? "<tr>" : "<tr id=\"" + id + "\">";
    for (const Cell& cell : cells) {
      std::string css = cell.number ? "n" : "";
      if (!cell.css.empty()) css += (css.empty() ? "" : " ") + cell.css;
      html += fmt::format("<{0}{1}>{2}</{0}>", tag, css.empty() ? "" : " class=\"" + css + "\"", cell.html);
    }
    return html + "</tr>\n";
  };
  std::string html = "<div class=\"wide\"><table>\n<thead>" + line(head, "th", "") + "</thead>\n<tbody>\n";
  for (std::size_t r = 0; r < rows.size(); ++r) html += line(rows[r], "td", r < ids.size() ? ids[r] : "");
  return html + "</tbody></table></div>\n";
}

std::string table(const CircuitTable& of, const std::vector<std::string>& ids,
                  const std::vector<Cell>& last_column) {
  std::vector<Cell> head;
  for (const std::string& name : of.head) head.push_back(text(name));
  std::vector<std::vector<Cell>> rows;
  for (const TextRow& given : of.rows) {
    std::vector<Cell>& row = rows.emplace_back();
    for (std::size_t c = 0; c < given.size(); ++c) {
      Cell cell = begins_with_number(given[c]) ? number(given[c]) : text(given[c]);
      if (of.head[c] == "passes") cell.css = given[c] == "yes" ? "yes" : "no";
      if (cell.number) head[c].number = true;
      row.push_back(std::move(cell));
    }
    if (rows.size() < last_column.size()) row.push_back(last_column[rows.size()]);
  }
  if (!last_column.empty()) head.push_back(last_column.front());
  return table(head, rows, ids);
}

std::string fold(const std::string& id, const std::string& title, const std::string& body) {
  return fmt::format(
      "<div class=\"fold\"><input type=\"checkbox\" id=\"fold_{0}\"><label "
      "for=\"fold_{0}\">{1}</label>\n<div>{2}</div></div>\n",
      id, escape_html(title), body);
}

std::string page_style() { return style; }

std::string page_script() {
  for (const char* place : d3_places) {
    const std::string library = read_file(place);
    if (library.empty() || library.find("</script") != std::string::npos) continue;
    return "<script>" + library + "</script>\n<script>" + behaviour + "</script>\n";
  }
  return {};
}

}  // namespace flare::analysis
