#include "studies/study/study_target.hpp"

#include "engine/base/units.hpp"

namespace flare::studies {

namespace {

constexpr std::string_view macros = "of macros";
constexpr double most = 1e15;

/// [macro]. A circuit fails on a die or it does not: how often it is read changes nothing.
analysis::Macro read_macro(Section s, int rows) {
  analysis::Macro macro;
  macro.columns = s.number("columns", 1.0, most);
  macro.spare_columns = s.number("spare_columns", 0.0, 0.0, most);
  macro.rows = s.number("rows", rows > 0 ? rows : 1.0, 1.0, most);
  if (rows > 0) {
    macro.reads = s.number("reads", 1.0, 1e30);
    if (s.has("patterns")) macro.patterns = s.number("patterns", 1.0, 1e30);
  }
  s.finish();
  return macro;
}

/// "99 %" of "99 % of macros".
double read_yield(Section& root, const std::string& text) {
  double yield = 0.0;
  try {
    yield = engine::quantity(text.substr(0, text.size() - macros.size()), "1");
  } catch (const std::invalid_argument& error) {
    root.fail("target", error.what());
  }
  if (!(yield > 0.0 && yield < 1.0)) root.fail("target", "a yield lies between 0 and 100 %, both excluded");
  return yield;
}

}  // namespace

analysis::Target read_target(Section& root, int rows) {
  const bool of_macro = root.has_text("target") && root.text("target").ends_with(macros);
  if (!of_macro) {
    const double sigma = root.quantity("target", "sigma", 6.0);
    if (!(sigma >= 0.5 && sigma <= 37.0)) root.fail("target", "must be between 0.5 and 37 sigma");
    if (root.has("macro")) {
      root.fail("macro", "is what a yield is of; say target = \"99 % of macros\", or leave the table out");
    }
    return sigma == 6.0 ? analysis::Target() : analysis::Target::of_sigma(sigma);
  }
  analysis::Target target;
  target.yield = read_yield(root, root.text("target"));
  if (!root.has("macro"))
    root.fail("target", "needs [macro] with columns, rows, reads and spare_columns: what the yield is of");
  target.macro = read_macro(root.section("macro"), rows);
  return target;
}

}  // namespace flare::studies
