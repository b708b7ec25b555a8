#include "analysis/report/figure_file.hpp"

#include <fmt/format.h>

#include <string_view>

namespace flare::analysis {

namespace {

/// What an SVG of draw_svg with this name has near its beginning.
std::string figure_mark(std::string_view name) {
  return fmt::format("<title>{}</title>\n<desc>Produced by GNUPLOT", name);
}

}  // namespace

void check_figure_place(const std::filesystem::path& folder, const std::string& name) {
  engine::check_text_place(folder / (name + ".svg"), figure_mark(name));
}

engine::TextOutput figure_output(const std::filesystem::path& path, const std::string& svg) {
  constexpr std::string_view begin = "<title>";
  const std::size_t from = svg.find(begin);
  const std::size_t to = svg.find("</title>");
  const bool named = from < to && to != std::string::npos;
  return {path, svg + "\n",
          named ? figure_mark(svg.substr(from + begin.size(), to - from - begin.size())) : std::string()};
}

}  // namespace flare::analysis
