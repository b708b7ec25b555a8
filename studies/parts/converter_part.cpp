#include "studies/parts/converter_part.hpp"

namespace flare::studies {

ConverterPart read_converter_part(const PartPlace& place) {
  Manifest manifest(place.manifest);
  Section& root = manifest.root();
  ConverterPart part;
  static_cast<Part&>(part) = manifest.part(place.name, place.variant);
  Section comparator = root.section("comparator");
  part.comparator =
      manifest.call(comparator, {"input", "reference", "clock", "output", "output_bar", "supply", "ground"},
                    {"input", "reference", "clock", "output"}, part.sizes);
  comparator.finish();
  manifest.check_sizes({&part.comparator});
  root.finish();
  return part;
}

ConverterPart shipped_converter(const std::string& name) {
  return read_converter_part(own_part("converter", name));
}

}  // namespace flare::studies
