#include "studies/cost/published.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <initializer_list>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

namespace fs = std::filesystem;

/// Lines of a table with a header and plain commas.
class Lines {
 public:
  Lines(const fs::path& file, std::size_t columns) : file_(file), columns_(columns), in_(file) {
    std::string header;
    if (!std::getline(in_, header))
      throw StudyError(file.string() + ": cannot be read; the published figures belong there");
  }

  /// False at the end.
  bool next() {
    std::string line;
    if (!std::getline(in_, line)) return false;
    ++number_;
    cells_.clear();
    std::size_t from = 0;
    while (true) {
      const std::size_t to = line.find(',', from);
      cells_.push_back(line.substr(from, to == std::string::npos ? to : to - from));
      if (to == std::string::npos) break;
      from = to + 1;
    }
    if (cells_.size() != columns_)
      fail(fmt::format("has {} columns, {} are expected", cells_.size(), columns_));
    at_ = 0;
    return true;
  }

  std::string text() { return cells_[at_++]; }
  double number() {
    const std::string& cell = cells_[at_++];
    double value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc() || end != cell.data() + cell.size()) fail("'" + cell + "' is no number");
    return value;
  }
  int whole() { return static_cast<int>(number()); }
  std::string word(std::initializer_list<std::string_view> words) {
    std::string cell = text();
    if (std::find(words.begin(), words.end(), cell) == words.end())
      fail(fmt::format("'{}' is not one of {}", cell, fmt::join(words, ", ")));
    return cell;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw StudyError(fmt::format("{}:{}: {}", file_.string(), number_, what));
  }

  fs::path file_;
  std::size_t columns_, at_ = 0;
  std::ifstream in_;
  int number_ = 1;
  std::vector<std::string> cells_;
};

}  // namespace

double GpuFigure::tokens_per_second() const {
  if (quantity == "token/s") return value;
  return quantity == "image/s" ? value * tokens : 0;
}

std::string GpuFigure::label(const std::string& how) const {
  if (!is_measured()) return fmt::format("{} {}, {}", device, precision, how);
  if (batch == 0) return fmt::format("{} {}, {}", device, precision, how);  // MLPerf does not say
  return fmt::format("{} {}, batch {}, length {}, {}", device, precision, batch, tokens, how);
}

fs::path published_folder() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path installed = program.parent_path().parent_path() / "share/flare/data/cost";
  return fs::is_directory(installed, ignored) ? installed : fs::path(FLARE_SOURCE_DATA) / "cost";
}

std::vector<GpuFigure> read_gpus(const fs::path& folder) {
  std::vector<GpuFigure> figures;
  for (Lines in(folder / "gpus.csv", 14); in.next();) {
    GpuFigure f;
    f.device = in.text();
    f.node = in.whole();
    f.model = in.text();
    f.scope = in.text();
    f.tokens = in.whole();
    f.batch = in.whole();
    f.precision = in.text();
    f.kind = in.text();
    f.quantity = in.text();
    f.value = in.number();
    f.watt = in.number();
    f.watt_kind = in.text();
    f.bandwidth = 1e9 * in.number();
    f.source = in.text();
    figures.push_back(std::move(f));
  }
  return figures;
}

DigitalFigure read_digital(const fs::path& folder) {
  Lines in(folder / "digital.csv", 5);
  if (!in.next()) throw StudyError((folder / "digital.csv").string() + ": holds no figure");
  DigitalFigure f;
  f.name = in.text();
  f.node = in.whole();
  f.low = 1e-15 * in.number();
  f.high = 1e-15 * in.number();
  f.source = in.text();
  return f;
}

std::vector<MacroFigure> read_macros(const fs::path& folder) {
  std::vector<MacroFigure> figures;
  for (Lines in(folder / "macros.csv", 19); in.next();) {
    MacroFigure f;
    arch::MacroDesign& d = f.design;
    f.number = in.whole();
    f.name = in.text();
    d.technology = in.word({"sram", "reram", "mram"});
    d.node = in.number();
    d.rows = in.whole();
    d.columns = in.whole();
    d.adc_bits = in.whole();
    d.fed_bits = in.whole();
    d.input_bits = in.whole();
    d.weight_bits = in.whole();
    d.volt = in.number();
    d.cycle = 1e-9 * in.number();
    d.draws_current = in.word({"charge", "current"}) == "current";
    arch::read_readout(in.word({"sar", "sense", "time"}), d.readout);
    f.energy = 1e-15 * in.number();
    f.source = in.text();
    f.own_energy = 1e-15 * in.number();
    f.own_source = in.text();
    f.reason = in.text();
    figures.push_back(std::move(f));
  }
  return figures;
}

}  // namespace flare::studies
