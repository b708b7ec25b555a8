#include "studies/study/study_swing.hpp"

#include <string>

namespace flare::studies {

double Swing::at(const Corner& corner) const { return of_supply ? value * corner.supply.value() : value; }

Swing read_swing(Section& section) {
  Swing swing;
  const bool of_supply = section.has_text("swing") && section.text("swing").find('%') != std::string::npos;
  if (of_supply) {
    swing = {section.quantity("swing", "1"), true};
    if (swing.value >= 1.0) section.fail("swing", "must be below 100 % of the supply");
  } else {
    swing.value = section.quantity("swing", "V", swing.value);
  }
  if (!(swing.value > 0.0)) section.fail("swing", "must be above 0");
  return swing;
}

}  // namespace flare::studies
