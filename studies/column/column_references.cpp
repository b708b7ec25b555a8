#include "studies/column/column_references.hpp"

#include <fmt/format.h>

#include <cmath>
#include <sstream>
#include <stdexcept>

#include "studies/column/column_netlist.hpp"

namespace flare::studies {

namespace {

double variance_of(const LevelSpread& spread, int k, int sawl) {
  const double share = static_cast<double>(k) / sawl;
  return share * spread.full_scale * spread.full_scale + (1.0 - share) * spread.zero * spread.zero;
}

/// V: what a replica's spread of the pulse leaves between the threshold above level m and the levels beside it.
double timing_sigma(const Study& study, const LevelSpread& spread, int m, int sawl, bool replicas) {
  const int rows = study.column->timing_rows;
  if (rows == 0) return 0.0;
  const double step_moves = spread.timing / std::sqrt(static_cast<double>(sawl) * rows);
  return step_moves * (replicas ? 0.5 : m + 1.0);
}

constexpr double share_edge = 2e-12;      // s
constexpr double share_settles = 60e-12;  // s: some ten time constants of a switch and half a bitline

std::string replica_name(const char* which, int i) { return fmt::format("x{}{}", which, i); }

const char* const column_ports[] = {"rbl", "sense", "pre", "read", "en", "rwl", "vdd"};

/// Ports of a replica; nodes of `own` are the instance's.
std::string ports_of(const ColumnOptions& o, const std::string& own) {
  std::string text;
  for (const std::string port : column_ports) {
    const bool clamp_only = port == "sense" || port == "read" || port == "en";
    if (clamp_only && o.cell.read != ReadKind::clamp) continue;
    const bool mine = port == "rbl" || port == "sense";
    text += fmt::format(" {}{}", port, mine ? own : "");
  }
  return text;
}

/// The text of a column without its initial conditions, which are told apart: ngspice knows them at the top level alone.
struct Body {
  std::string text;
  std::vector<std::string> initial;  // "x0.q)=0.9"
};

Body body_of(const ColumnOptions& o) {
  Body body;
  std::istringstream lines(column_body(o));
  const std::string start = ".ic v(";
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(start)) {
      body.initial.push_back(line.substr(start.size()));
    } else {
      body.text += line + '\n';
    }
  }
  return body;
}

std::string replicas_of(const ColumnOptions& column, const ReferencePart& reference, int average, int k,
                        const char* which) {
  ColumnOptions o = column;
  o.stored.clear();
  o.on_cells = k;
  const Body body = body_of(o);
  std::string text =
      fmt::format(".subckt column_{}{}\n{}.ends column_{}\n", which, ports_of(o, ""), body.text, which);
  for (int i = 0; i < average; ++i) {
    const std::string name = replica_name(which, i);
    text += fmt::format("{}{} column_{}\n", name, ports_of(o, "_" + name), which);
    for (const std::string& state : body.initial) text += fmt::format(".ic v({}.{}\n", name, state);
    text += call_line(fmt::format("xshare_{}", name), reference.share,
                      {{"bitline", fmt::format("{}_{}", sense_node(o), name)},
                       {"reference", "reference"},
                       {"share", "share"}},
                      reference.sizes);
  }
  return text;
}

std::string replica_netlist(const ColumnOptions& o, const ReferencePart& reference, int average) {
  const double sense = sense_time(o);
  return column_drive(o) +
         fmt::format(".include \"{}\"\n", std::filesystem::absolute(reference.netlist).string()) +
         column_body(o) + replicas_of(o, reference, average, o.on_cells, "upper") +
         replicas_of(o, reference, average, o.on_cells - 1, "lower") +
         fmt::format("vshare share 0 pwl(0 0 {} 0 {} 1)\n.end\n", sense, sense + share_edge);
}

}  // namespace

bool has_replicas(const Study& study) {
  if (study.column->timing_rows > 0) return true;
  for (const ConverterStudy& c : study.converters) {
    if (c.reference) return true;
  }
  return false;
}

std::vector<double> reference_sigmas(const Study& study, const LevelSpread& spread, int sawl,
                                     const ConverterStudy& converter) {
  if (!converter.reference && study.column->timing_rows == 0) return {};
  std::vector<double> sigmas;
  for (int m = 0; m < sawl; ++m) {
    const double both = variance_of(spread, m, sawl) + variance_of(spread, m + 1, sawl);
    const double replicas = converter.reference ? std::sqrt(both / (4.0 * converter.average)) : 0.0;
    sigmas.push_back(
        std::hypot(replicas, timing_sigma(study, spread, m, sawl, converter.reference.has_value())));
  }
  return sigmas;
}

std::string references_text(const Study& study, const ConverterStudy& converter) {
  const std::string timing = study.column->timing_rows > 0
                                 ? fmt::format("timing from a replica of {} rows", study.column->timing_rows)
                             : study.column->tracking_timing
                                 ? std::string("ideal timing that tracks the corner")
                                 : std::string("fixed timing");
  if (converter.reference) {
    return fmt::format("references from {0} + {0} replica columns a threshold ({1}); {2}", converter.average,
                       converter.reference->name, timing);
  }
  return fmt::format("{}; {}",
                     converter.tracking_references ? "ideal references that track the corner"
                                                   : "fixed references, ideal at the nominal corner",
                     timing);
}

engine::Testbench replica_testbench(const ColumnOptions& o, const ReferencePart& reference, int average,
                                    const engine::DeckOptions& deck_options) {
  if (o.cell.has_complement()) throw std::invalid_argument("replica references of a cell with two bitlines");
  if (o.on_cells < 1 || !o.stored.empty())
    throw std::invalid_argument("a threshold lies below levels k >= 1");
  engine::Testbench bench = column_testbench(o, "column", deck_options);
  const std::string text = replica_netlist(o, reference, average);
  bench.name += " with replicas";
  bench.deck = engine::parse_deck(text, "column with replicas", deck_options);
  bench.analysis.stop = sense_time(o) + share_edge + share_settles;
  bench.measures.resize(1);
  engine::Measure& distance = bench.measures.front();
  distance.name = "distance";
  distance.reference = std::string("v(reference)");
  return bench;
}

std::vector<std::string> replica_elements(const ColumnOptions& o, int average) {
  const std::vector<std::string> own = varying_elements(o);
  std::vector<std::string> all = own;
  for (const char* which : {"upper", "lower"}) {
    for (int i = 0; i < average; ++i) {
      for (const std::string& element : own)
        all.push_back(fmt::format("{}.{}", replica_name(which, i), element));
    }
  }
  return all;
}

}  // namespace flare::studies
