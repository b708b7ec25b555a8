#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <utility>

#include "analysis/report/figure_file.hpp"
#include "analysis/report/report_cost.hpp"
#include "engine/base/text_output.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cost/architecture_file.hpp"
#include "studies/cost/study_figures.hpp"
#include "studies/paper/paper.hpp"

namespace flare::studies {
namespace {

std::vector<const PageMaker*> chosen_pages(const std::vector<std::string>& names) {
  std::vector<const PageMaker*> chosen;
  for (const std::string& name : names) {
    std::vector<std::string> known;
    const PageMaker* found = nullptr;
    for (const PageMaker& maker : page_makers()) {
      known.push_back(maker.name);
      if (maker.name == name) found = &maker;
    }
    if (found == nullptr) {
      const std::string close = nearest(name, known);
      throw StudyError(fmt::format("{}: no such page{}; there are {}", name,
                                   close.empty() ? "" : ", did you mean '" + close + "'?",
                                   fmt::join(known, ", ")));
    }
    chosen.push_back(found);
  }
  return chosen;
}

PaperInputs inputs_of(const PaperCommand& command, std::stop_token stop) {
  PaperInputs in;
  in.architecture = command.architecture.empty() ? paper_architecture()
                                                 : read_architecture(command.architecture, command.overrides);
  if (command.architecture.empty() && !command.overrides.empty())
    throw StudyError("paper: --set changes a file's keys; name it with --architecture");
  if (!arch::known_shape(command.shape))
    throw StudyError(fmt::format("--shape {}: is not one of {}", command.shape,
                                 fmt::join(arch::known_shape_names(), ", ")));
  in.shape = command.shape;
  for (const std::filesystem::path& input : {command.model, command.dataset, command.study})
    if (!input.empty() && !std::filesystem::exists(input))
      throw StudyError(input.string() + ": no such file");
  in.model = command.model;
  in.dataset = command.dataset;
  in.study = command.study;
  in.examples = command.examples;
  in.accuracy_drop = command.accuracy_drop / 100;
  in.stop = std::move(stop);
  return in;
}

/// A table as CSV; cells with commas in quotes.
std::string csv_of(const analysis::TextTable& table) {
  std::string text;
  const auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool quoted = cells[i].find(',') != std::string::npos;
      text += fmt::format("{}{}{}{}", i == 0 ? "" : ",", quoted ? "\"" : "", cells[i], quoted ? "\"" : "");
    }
    text += "\n";
  };
  line(table.head);
  for (const std::vector<std::string>& row : table.rows) line(row);
  return text;
}

/// NAME.csv, or NAME_1.csv, NAME_2.csv, ... where there are several; figures.
void write_page(const std::filesystem::path& folder, const PaperPage& page, const std::string& name) {
  std::vector<engine::TextOutput> files;
  for (std::size_t i = 0; i < page.tables.size(); ++i) {
    const std::string number = page.tables.size() > 1 ? fmt::format("_{}", i + 1) : "";
    const std::string text = csv_of(page.tables[i]);
    files.push_back({folder / (name + number + ".csv"), text, engine::first_line(text)});
  }
  for (const auto& [figure, svg] : page.figures)
    files.push_back(analysis::figure_output(folder / (figure + ".svg"), svg));
  engine::write_texts(files);
  for (const auto& [figure, svg] : page.figures)
    std::cout << "Figure: " << (folder / (figure + ".svg")).string() << '\n';
}

}  // namespace

int paper_command(const PaperCommand& command, std::stop_token stop) {
  const std::vector<const PageMaker*> pages = chosen_pages(command.pages);
  const PaperInputs in = inputs_of(command, std::move(stop));
  if (!command.folder.empty()) engine::make_output_folder(command.folder);
  for (const PageMaker* maker : pages) {
    if (in.stop.stop_requested()) throw engine::Stopped();
    PaperPage page;
    try {
      page = maker->make(in);
    } catch (const std::invalid_argument& e) {
      throw StudyError(maker->name + ": " + e.what());
    }
    std::cout << maker->title << "\n\n";
    for (const std::string& text : page.paper) std::cout << "The paper: " << text << ".\n";
    for (const std::string& text : page.ours) std::cout << "Ours: " << text << ".\n";
    std::cout << '\n';
    analysis::print_tables(page.tables, std::cout);
    if (command.folder.empty()) continue;
    write_page(command.folder, page, maker->name);
  }
  return exit_done;
}

}  // namespace flare::studies
