// The paper's table and figures, each with what its text says and what this program finds; and the figures a designer asks for.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "analysis/report/report_adc.hpp"
#include "flare_arch/cost/architecture.hpp"
#include "studies/cost/cost_run.hpp"

namespace flare::studies {

/// What the pages are made of. Pages that need what is not there say so (StudyError).
struct PaperInputs {
  arch::Architecture architecture;
  std::string shape = "bert_base";       // of the designer's figures
  std::filesystem::path model, dataset;  // of what is counted or classified
  std::filesystem::path study;           // result of a column study
  int examples = 500;                    // 0: all
  double accuracy_drop = 0.01;           // that a stated accuracy may lie below floating point
  std::stop_token stop;
};

struct PaperPage {
  std::string name, title;
  std::vector<std::string> paper;  // what its text says
  std::vector<std::string> ours;   // what we find, in sentences
  std::vector<analysis::TextTable> tables;
  std::vector<std::pair<std::string, std::string>> figures;  // name, SVG
};

/// The paper's numbers on these parts: 8 bits everywhere.
arch::Architecture paper_architecture();

struct PageMaker {
  std::string name, title;
  PaperPage (*make)(const PaperInputs&);
};
/// All pages, in order.
const std::vector<PageMaker>& page_makers();

// The paper's, in files by subject: paper_design (table 1, Figs. 9, 14, the slip), paper_model (Figs. 7, 15, 16),
// paper_gpus (Figs. 17, 18), silicon_page.
PaperPage table1_page(const PaperInputs& in);
PaperPage slip_page(const PaperInputs& in);
PaperPage fig7_page(const PaperInputs& in);
PaperPage fig9_page(const PaperInputs& in);
PaperPage fig14_page(const PaperInputs& in);
PaperPage fig15_page(const PaperInputs& in);
PaperPage fig16_page(const PaperInputs& in);
PaperPage fig17_page(const PaperInputs& in);
PaperPage fig18_page(const PaperInputs& in);
PaperPage silicon_page(const PaperInputs& in);

// The designer's: design_pages, pareto_page.
PaperPage sawl_page(const PaperInputs& in);
PaperPage latency_page(const PaperInputs& in);
PaperPage pareto_page(const PaperInputs& in);
PaperPage tokens_page(const PaperInputs& in);
PaperPage width_page(const PaperInputs& in);
PaperPage tornado_page(const PaperInputs& in);

/// SAWL that designs are compared over.
const std::vector<int>& designed_sawl();
/// "needs --model and --dataset", thrown where they are missing.
void require_data(const PaperInputs& in, const std::string& page);
/// A known shape; throws StudyError.
CostModel shape_model(const std::string& name);

}  // namespace flare::studies
