// Figures as SVG, drawn by gnuplot in a child process: no shell, data through files in a private folder,
// every text that comes from elsewhere made harmless first (gnuplot expands backquotes in some strings).
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace flare::analysis {

/// gnuplot is absent or failed. what() says which and what to do.
class FigureError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A text file beside the script, by a plain name such as "fit.dat".
struct DataFile {
  std::string name;
  std::string content;
};

struct FigureSize {
  int width = 920;  // px of the view box; the page scales it
  int height = 460;
};

/// Runs `script` (plot commands only: terminal, output and style are set) and returns the SVG element,
/// without XML prolog. `name` (letters, digits, "_") keeps the ids of several figures on one page apart.
/// Throws FigureError; gnuplot is killed after 60 s.
std::string draw_svg(const std::string& name, const std::string& script, const std::vector<DataFile>& data,
                     FigureSize size = {});

/// A figure of the report.
struct ReportFigure {
  std::string name;     // letters, digits, "_": "error_over_sawl"
  std::string heading;  // plain text, to be escaped
  std::string caption;  // plain text: how to read it
  std::string svg;
  std::vector<std::string> rows =
      {};                 // ids of the rows of the verdict that it is about; empty: of none alone
  std::string word = {};  // what those rows call it: "levels"
};

/// A single-quoted gnuplot string of `text`: printable ASCII only, at most 80 characters, quotes doubled.
std::string gnuplot_text(std::string_view text);

/// So many series have a colour each; a figure of more would not say which is which.
inline constexpr std::size_t most_series = 7;

/// Colour of series i (Okabe and Ito's set, told apart by colour-blind readers too), as "#rrggbb".
std::string series_colour(std::size_t i);

}  // namespace flare::analysis
