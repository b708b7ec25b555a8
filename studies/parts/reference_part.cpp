#include "studies/parts/reference_part.hpp"

namespace flare::studies {

ReferencePart read_reference_part(const PartPlace& place) {
  Manifest manifest(place.manifest);
  Section& root = manifest.root();
  ReferencePart part;
  static_cast<Part&>(part) = manifest.part(place.name, place.variant);
  Section share = root.section("share");
  const std::vector<std::string> roles = {"bitline", "reference", "share"};
  part.share = manifest.call(share, roles, roles, part.sizes);
  share.finish();
  manifest.check_sizes({&part.share});
  root.finish();
  return part;
}

ReferencePart shipped_reference(const std::string& name) {
  return read_reference_part(own_part("reference", name));
}

}  // namespace flare::studies
