#include "analysis/report/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include "analysis/report/report_carriers.hpp"
#include "analysis/report/report_figures.hpp"
#include "analysis/report/report_html.hpp"
#include "analysis/results/carrier_table.hpp"
#include "engine/base/hdf5_io.hpp"
#include "tests/analysis/report/synthetic_result.hpp"

namespace flare::analysis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::SyntheticOptions;
using testing::write_synthetic_result;

std::string read_all(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// A page as a reader sees it: its own scripts, which are no text of a file, left out.
std::string without_scripts(std::string html) {
  for (std::size_t from = html.find("<script>"); from != std::string::npos; from = html.find("<script>")) {
    const std::size_t end = html.find("</script>", from);
    if (end == std::string::npos) return html;
    html.erase(from, end + 9 - from);
  }
  return html;
}

class ReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = std::filesystem::temp_directory_path() / ("flare_report_test_" + test);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    if (std::getenv("FLARE_KEEP_REPORT") == nullptr) std::filesystem::remove_all(folder_);
  }
  std::filesystem::path result(const SyntheticOptions& options = {}) {
    write_synthetic_result(folder_ / "result.h5", options);
    return folder_ / "result.h5";
  }

  std::filesystem::path folder_;
};

TEST_F(ReportTest, TerminalTablesNameEverySawlAndThePick) {
  std::ostringstream out;
  print_report(result(), out);
  const std::string text = out.str();
  EXPECT_THAT(text, HasSubstr("A synthetic column"));
  for (const char* row : {"sram8t  2 ", "sram8t  4 ", "sram8t  8 ", "sram8t  16 "})
    EXPECT_THAT(text, HasSubstr(row));
  EXPECT_THAT(text, HasSubstr("ss 0.81 V -40 degC"));
  EXPECT_THAT(text, HasSubstr("extrapolated"));
  EXPECT_THAT(text, HasSubstr("sram8t with flash:"));
  EXPECT_THAT(text, HasSubstr("sram8t with enob5:"));
  EXPECT_THAT(text, HasSubstr("beyond the runs made"));
  EXPECT_THAT(text, HasSubstr("accuracy allows SAWL 8 (drop 0.33 %, at most 0.73 % with 95 % confidence"));
  EXPECT_THAT(text, HasSubstr("SAWL 16 is not shown to"));
  EXPECT_THAT(text, HasSubstr("no difference seen"));
  // Tables, not walls: no line longer than a wide terminal, sentences apart.
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("  ", 0) == 0 && line.find('.') == std::string::npos) {
      EXPECT_LE(line.size(), 150U) << line;
    }
  }
}

TEST_F(ReportTest, PageHoldsTablesFiguresAndNeedsNoNetwork) {
  const std::filesystem::path page = write_report(result(), folder_ / "out" / "report");
  EXPECT_EQ(page.filename(), "index.html");
  const std::string html = read_all(page);
  EXPECT_EQ(html.rfind("<!DOCTYPE html>", 0), 0U);
  EXPECT_THAT(html, HasSubstr("</html>"));
  EXPECT_THAT(html, HasSubstr("Error per read over SAWL"));
  EXPECT_THAT(html, HasSubstr("Sigma over the corners (sram8t, flash)"));
  EXPECT_THAT(html, HasSubstr("Model accuracy over SAWL"));
  for (const char* levels : {"Levels of SAWL 2 ", "Levels of SAWL 16 "}) EXPECT_THAT(html, HasSubstr(levels));
  EXPECT_THAT(html, HasSubstr("screened only"));
  EXPECT_THAT(html, HasSubstr("extrapolated"));
  // Nothing is loaded: no src, no link, no url(), no href but within the page; xmlns names are not addresses.
  EXPECT_THAT(html, Not(HasSubstr("<script src")));
  const std::string shown = without_scripts(html);
  EXPECT_THAT(shown, Not(HasSubstr("src=")));
  EXPECT_THAT(shown, Not(HasSubstr("<link")));
  EXPECT_THAT(shown, Not(HasSubstr("@import")));
  EXPECT_FALSE(std::regex_search(shown, std::regex("href=['\"][^#]")));
  EXPECT_FALSE(std::regex_search(shown, std::regex("url\\((?!['\"]?#)")));
  for (const char* figure : {"error_over_sawl.svg", "accuracy_over_sawl.svg", "levels_sram8t_sawl8.svg"}) {
    EXPECT_TRUE(std::filesystem::exists(page.parent_path() / figure)) << figure;
  }
}

TEST_F(ReportTest, EveryConverterShowsItsOwnScreening) {
  const std::filesystem::path path = result();
  const ReportData data = read_report_data(path);
  ASSERT_EQ(data.screening.size(), 2u * 4u * 9u);
  for (const ScreeningRow& row : data.screening) {
    EXPECT_EQ(std::isfinite(row.estimated), row.full);
    for (const ScreeningRow& other : data.screening) {
      const bool same = other.sawl == row.sawl && other.corner == row.corner;
      if (!same || row.adc != "flash" || other.adc != "enob5") continue;
      EXPECT_NEAR(row.sigma - other.sigma, 2.0, 1e-12);
    }
  }
  std::ostringstream out;
  print_report(data, out);
  EXPECT_THAT(out.str(), HasSubstr("Screening of flash: the estimate is 0.990 to 1.020 of it at 12 corners"));
  EXPECT_THAT(out.str(), HasSubstr("Screening of enob5: the estimate is 0.980 to 1.010"));
  const std::string html = report_page(data, {}, "none asked for");
  EXPECT_THAT(html, HasSubstr("scatter of 0.4 % about the mean of each SAWL"));
  // The figure of a converter does not change with the rows of another one.
  const auto figure_of_flash = [](const ReportData& shown) {
    for (const ReportFigure& drawn : draw_report_figures(shown)) {
      if (drawn.heading == "Sigma over the corners (sram8t, flash)") return drawn.svg;
    }
    return std::string();
  };
  ReportData without = data;
  std::erase_if(without.screening, [](const ScreeningRow& row) { return row.adc != "flash"; });
  const std::string figure = figure_of_flash(data);
  const std::string alone = figure_of_flash(without);
  EXPECT_FALSE(figure.empty());
  EXPECT_EQ(figure, alone);
}

TEST_F(ReportTest, TextFromTheFileIsEscaped) {
  SyntheticOptions options;
  options.title = "<script>alert('x')</script> & \"co\"\x1b[31m";
  options.study = "title = \"</pre><img src=x onerror=y>\"\n";
  options.cell = "cell'`touch pwned`<b>";
  options.runs = 60;
  const std::filesystem::path file = result(options);
  const std::string html = read_all(write_report(file, folder_ / "out"));
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(without_scripts(html), Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("`<b>")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(html, HasSubstr("<svg")) << "the figures survive the odd name";
  EXPECT_FALSE(std::filesystem::exists("pwned"));
  std::ostringstream out;
  print_report(file, out);
  EXPECT_EQ(out.str().find('\x1b'), std::string::npos);
}

TEST_F(ReportTest, CarriersAreSummedByRoleWhereTheConverterDecides) {
  const std::filesystem::path path = result();
  const std::vector<VerdictRow> verdict = read_report_data(path).verdict;
  // Every SAWL and corner, so that the ones that decide are among them.
  {
    H5::H5File file(path.string(), H5F_ACC_RDWR);
    for (const VerdictRow& row : verdict) {
      if (row.key.adc != "flash") continue;
      write_column_carriers(file, row.key,
                            {{1, Direction::up, 6.25, "x0.ma.vth", 0.3},
                             {1, Direction::up, 6.25, "x1.ma.vth", 0.2},
                             {1, Direction::up, 6.25, "x0.md<b>.beta", 0.1},
                             {1, Direction::up, 6.25, "converter", 0.4}});
    }
  }
  const ReportData data = read_report_data(path);
  ASSERT_EQ(data.carriers.size(), 1u);  // one converter has any
  const ReportCarriers& carriers = data.carriers.front();
  EXPECT_EQ(carriers.roles, (std::vector<std::string>{"ma vth", "converter", "md<b> beta"}));
  ASSERT_EQ(carriers.bars.size(), 1u);
  EXPECT_EQ(carriers.bars[0].label, "1 up");
  EXPECT_DOUBLE_EQ(carriers.bars[0].distance, 6.25);
  EXPECT_DOUBLE_EQ(carriers.bars[0].shares[0], 0.5);
  const ReportFigure figure = carriers_figure(carriers);
  EXPECT_THAT(figure.svg, HasSubstr("ma vth"));
  EXPECT_THAT(figure.svg, Not(HasSubstr("<b>")));
}

TEST_F(ReportTest, WithoutGnuplotThePageSaysSo) {
  SyntheticOptions options;
  options.runs = 60;
  const std::filesystem::path file = result(options);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder_.c_str(), 1);
  const std::filesystem::path page = write_report(file, folder_ / "out");
  ::setenv("PATH", path.c_str(), 1);
  const std::string html = read_all(page);
  EXPECT_THAT(html, HasSubstr("gnuplot is not installed"));
  EXPECT_THAT(html, HasSubstr("Verdict"));
  EXPECT_THAT(html, Not(HasSubstr("<svg")));
}

TEST_F(ReportTest, AFileThatIsNoResultIsRefused) {
  EXPECT_THROW(read_report_data(folder_ / "absent.h5"), engine::FileError);
  std::ofstream(folder_ / "text.h5") << "not a result";
  EXPECT_THROW(read_report_data(folder_ / "text.h5"), engine::FileError);
  { const H5::H5File foreign((folder_ / "foreign.h5").string(), H5F_ACC_TRUNC); }
  EXPECT_THROW(read_report_data(folder_ / "foreign.h5"), engine::FileError);
}

TEST_F(ReportTest, AnUnfinishedResultSaysSo) {
  SyntheticOptions options;
  options.runs = 60;
  options.complete = false;
  options.accuracy = false;
  options.screening = false;
  std::ostringstream out;
  const std::filesystem::path file = result(options);
  print_report(file, out);
  EXPECT_THAT(out.str(), HasSubstr("not complete"));
  EXPECT_THAT(out.str(), Not(HasSubstr("Accuracy")));
  EXPECT_THAT(report_page(read_report_data(file), {}, "none asked for"), HasSubstr("not complete"));
}

TEST_F(ReportTest, AFolderThatCannotBeWrittenIsOneError) {
  SyntheticOptions options;
  options.runs = 60;
  const std::filesystem::path file = result(options);
  EXPECT_THROW(write_report(file, file / "below_a_file"), std::runtime_error);
}

VerdictRow row_of(int sawl, TailProbability error) {
  VerdictRow row;
  row.key = {"sram8t", sawl, "flash", "tt_0.90V_27C"};
  row.error = std::move(error);
  return row;
}

ReportData data_of(std::vector<VerdictRow> rows) {
  ReportData data;
  data.complete = true;
  data.verdict = std::move(rows);
  return data;
}

TailProbability tail(Probability p, Probability low, Probability high, TailStatus status) {
  TailProbability t;
  t.p = p;
  t.low = low;
  t.high = high;
  t.status = status;
  return t;
}

TailProbability estimated(double sigma) {
  return tail(Probability::of_sigma(sigma), Probability::of_sigma(sigma + 0.1),
              Probability::of_sigma(sigma - 0.1), TailStatus::estimated);
}

TEST(Refused, IsADashWithReasonAndNeverDrawn) {
  TailProbability none;
  none.method = "automatic: the budget is spent; raise [estimator] budget to at least 20000";
  ReportData data = data_of({row_of(2, estimated(8.0)), row_of(4, none)});
  EXPECT_FALSE(data.all_refused());
  std::ostringstream out;
  print_report(data, out);
  EXPECT_THAT(out.str(), HasSubstr("\u2013"));
  EXPECT_THAT(out.str(), Not(HasSubstr("nan")));
  const std::vector<ReportFigure> figures = draw_report_figures(data);
  ASSERT_FALSE(figures.empty());
  EXPECT_THAT(figures.front().caption, HasSubstr("Not drawn, because refused: sram8t, flash, SAWL 4"));
  EXPECT_THAT(without_scripts(report_page(data, figures, "")), Not(HasSubstr("nan")));
  data.verdict.erase(data.verdict.begin());
  EXPECT_TRUE(data.all_refused());
  EXPECT_FALSE(ReportData{}.all_refused()) << "nothing was asked";
}

TEST(Refused, ACircuitsRowSaysWhatToDo) {
  ReportData data;
  data.complete = true;
  FailureRow row;
  row.corner = "tt_0.90V_27C";
  row.tail.method = "automatic: the budget is spent; raise [estimator] budget to at least 20000";
  data.failures = {row};
  std::ostringstream out;
  print_report(data, out);
  EXPECT_THAT(out.str(),
              HasSubstr("tt 0.90 V 27 degC, refused: the budget is spent; raise [estimator] budget"));
  EXPECT_THAT(report_page(data, {}, ""), HasSubstr("raise [estimator] budget"));
  EXPECT_TRUE(data.all_refused());
}

// 1e-31 lies inside the axis; what no axis can hold stands at the edge with its value.
TEST(ErrorFigure, MarksWhatItClips) {
  const auto svg_of = [](double sigma) {
    return draw_report_figures(data_of({row_of(2, estimated(sigma)), row_of(4, estimated(6.0))})).front().svg;
  };
  EXPECT_THAT(svg_of(11.7), Not(HasSubstr("outside the axis")));
  EXPECT_THAT(svg_of(25.0), HasSubstr("outside the axis"));
  EXPECT_THAT(svg_of(25.0), HasSubstr("3.1e-138"));
  EXPECT_THAT(svg_of(60.0), HasSubstr("1e-300"));
}

TEST(ErrorFigure, DrawsABoundAsALimit) {
  const TailProbability bound =
      tail(Probability(1e-3), Probability(0.0), Probability(1e-3), TailStatus::bound);
  const std::string svg = draw_report_figures(data_of({row_of(2, bound)})).front().svg;
  EXPECT_THAT(svg, HasSubstr("bound: this or less"));
}

TEST(Figure, TextCannotLeaveItsString) {
  EXPECT_EQ(gnuplot_text("it's"), "'it''s'");
  EXPECT_EQ(gnuplot_text("`ls`\n\\"), "'?ls??\\'");
  EXPECT_LE(gnuplot_text(std::string(500, 'x')).size(), 82U);
  EXPECT_EQ(escape_html("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
}

TEST(Figure, AFailingScriptIsAnError) {
  EXPECT_THROW(draw_svg("broken", "plot nothing here\n", {}), FigureError);
  EXPECT_THAT(draw_svg("fine", "plot 'a.dat' using 1:2 with lines\n", {{"a.dat", "1 2\n3 4\n"}}),
              HasSubstr("<svg"));
}

}  // namespace
}  // namespace flare::analysis
