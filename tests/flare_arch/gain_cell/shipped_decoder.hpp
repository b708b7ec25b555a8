// The decoders shipped in data/models/char_decoder, and the text they are scored on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "flare_arch/gain_cell/adaptation.hpp"

namespace flare::arch {

inline std::filesystem::path decoder_folder(const std::string& name) {
  return std::filesystem::path(FLARE_SOURCE_DIR) / "data/models/char_decoder" / name;
}

/// A shipped model with its scalers and a text in windows.
struct ShippedDecoder {
  Transformer model;
  std::vector<LayerScalers> scalers;
  Characters characters;

  explicit ShippedDecoder(const std::string& name)
      : model(Transformer::load(decoder_folder(name))),
        scalers(load_scalers(decoder_folder(name), model.spec().layers, model.spec().heads)),
        characters(Characters::load(decoder_folder(name), model.spec().vocabulary)) {}

  std::vector<TextWindow> text(const std::string& name, int windows) const {
    const auto file =
        std::filesystem::path(FLARE_SOURCE_DIR) / "data/text" / ("shakespeare_" + name + ".txt");
    return windows_of(read_text(file, characters, windows * 128 + 1), 128);
  }
};

inline CellSystem decoder_cells(const CellLaw& law, int window = 128, double decay = 1.6e-4) {
  CellSystem system;
  system.array.window = window;
  system.currents = level_currents(law, system.stored, exponential_retention(system.stored, decay), window);
  return system;
}

}  // namespace flare::arch
