#include "analysis/verdict/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

namespace flare::analysis {

double column_allowance(const Macro& macro, double yield) {
  return boost::math::ibeta_inv(macro.spare_columns + 1.0, macro.columns, 1.0 - yield);
}

double chances_of_column(const Macro& macro, const Chances& chances) {
  if (chances.sawl == 0) return chances.per_read ? macro.rows * macro.reads : macro.rows;
  if (chances.per_read) return macro.reads;
  const double groups = std::ceil(macro.rows / chances.sawl);
  return std::min(macro.reads, macro.patterns.value_or(groups * std::exp2(chances.sawl)));
}

Target Target::of_sigma(double sigma) {
  Target target;
  target.p = normal_tail(sigma);
  return target;
}

double Target::largest(const Chances& chances) const {
  if (!macro) return p;
  const double q = column_allowance(*macro, yield);
  return -std::expm1(std::log1p(-q) / chances_of_column(*macro, chances));
}

std::string Target::text() const {
  return macro ? fmt::format("{:.10g} % of macros", 100.0 * yield)
               : fmt::format("{:.3g} sigma", sigma_of_probability(p));
}

std::string Target::arithmetic(const Chances& chances) const {
  if (!macro) return {};
  const char* what = chances.per_read && chances.sawl > 0 ? "reads"
                     : chances.per_read                   ? "reads of all rows"
                     : chances.sawl > 0                   ? "distinct patterns"
                                                          : "rows";
  const double allowed = largest(chances);
  return fmt::format(
      "{:.10g} % of macros of {:g} columns with {:g} spare: a column may be bad with {:.3g}; it has {:.4g} "
      "{} "
      "to fail in, so at most {:.3g} each ({:.3g} sigma)",
      100.0 * yield, macro->columns, macro->spare_columns, column_allowance(*macro, yield),
      chances_of_column(*macro, chances), what, allowed, sigma_of_probability(allowed));
}

}  // namespace flare::analysis
