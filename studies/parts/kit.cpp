#include "studies/parts/kit.hpp"

#include "studies/toml/compatibility.hpp"
#include "studies/toml/toml_file.hpp"

namespace flare::studies {

Kit read_kit(const PartPlace& place) {
  const toml::table table = read_toml(place.manifest, "a manifest");
  Section root(table, "", place.manifest);
  Kit kit;
  kit.manifest = place.manifest;
  root.text("title", place.name);
  kit.library = root.file("library");
  kit.compatibility = read_compatibility(root);
  root.finish();
  return kit;
}

}  // namespace flare::studies
