#include "studies/parts/kit.hpp"

#include "engine/netlist/deck_lexer.hpp"
#include "studies/toml/compatibility.hpp"
#include "studies/toml/toml_file.hpp"

namespace flare::studies {

std::map<std::string, double> read_parameters(Section& section) {
  std::map<std::string, double> values;
  Section parameters = section.section("parameters");
  for (const std::string& name : parameters.keys()) values[engine::lower(name)] = parameters.parameter(name);
  parameters.finish();
  return values;
}

Kit read_kit(const PartPlace& place) {
  const toml::table table = read_toml(place.manifest, "a manifest");
  Section root(table, "", place.manifest);
  Kit kit;
  kit.manifest = place.manifest;
  root.text("title", place.name);
  kit.library = root.file("library");
  kit.compatibility = read_compatibility(root);
  kit.parameters = read_parameters(root);
  root.finish();
  return kit;
}

}  // namespace flare::studies
