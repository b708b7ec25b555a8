#include "flare_arch/cost/architecture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace flare::arch {

std::string_view to_string(MemoryTechnology value) {
  return value == MemoryTechnology::mram ? "mram" : "sram";
}

std::string_view to_string(ConverterLaw value) {
  switch (value) {
    case ConverterLaw::flash:
      return "flash";
    case ConverterLaw::flash_untrimmed:
      return "flash_untrimmed";
    case ConverterLaw::sar:
      return "sar";
    case ConverterLaw::zigzag:
      return "zigzag";
    case ConverterLaw::survey:
      return "survey";
    default:
      return "enob";
  }
}

std::string_view to_string(Sharing value) {
  return value == Sharing::tokens ? "tokens" : value == Sharing::planes ? "planes" : "split";
}

std::string_view to_string(Clock value) { return value == Clock::paper ? "paper" : "spice"; }

std::string_view to_string(Residency value) { return value == Residency::one ? "one" : "resident"; }

std::string_view to_string(Scope value) { return value == Scope::attention ? "attention" : "encoder"; }

std::string_view to_string(Packing value) {
  switch (value) {
    case Packing::fixed:
      return "fixed";
    case Packing::next_fit:
      return "next_fit";
    case Packing::first_fit:
      return "first_fit";
    case Packing::best_fit:
      return "best_fit";
    default:
      return "ideal";
  }
}

namespace {

std::string trouble_of(const char* kind, const ArrayChoice& a) {
  const auto at = [&](const char* key, const std::string& what) {
    return fmt::format("{}.{}: {}", kind, key, what);
  };
  if (a.sawl < 1 || a.sawl > 64) return at("sawl", "must be 1 to 64");
  if (a.word_lines < 0 || a.word_lines > 65536) return at("word_lines", "must be 0 (as needed) to 65536");
  if (a.word_lines > 0 && a.word_lines < a.sawl)
    return at("word_lines",
              fmt::format("{} rows cannot hold a read of {}; give at least as many", a.word_lines, a.sawl));
  if (a.columns_per_converter < 1 || a.columns_per_converter > 256)
    return at("columns_per_converter", "must be 1 to 256");
  for (const auto& [key, shape] :
       {std::pair{"read_shape", &a.read_shape}, {"wordline_shape", &a.wordline_shape}}) {
    if (!shape->empty() && shape->size() != static_cast<std::size_t>(a.sawl) + 1)
      return at(key, fmt::format("has {} values, SAWL {} needs {}; give as many, or none for a line",
                                 shape->size(), a.sawl, a.sawl + 1));
    if (!std::all_of(shape->begin(), shape->end(), [](double e) { return e >= 0 && e <= 10; }))
      return at(key, "must be 0 to 10, relative to one energy");
  }
  const ConverterChoice& c = a.converter;
  if (!(c.enob >= 0 && c.enob <= 16)) return at("converter.enob", "must be 0 (what SAWL needs) to 16 bits");
  if (!(c.offset_sigma > 0 && c.swing > 0)) return at("converter", "offset_sigma and swing must be above 0");
  if (c.law != ConverterLaw::flash_untrimmed && c.trim_residue > c.offset_sigma)
    return at(
        "converter.trim_residue",
        fmt::format("the trim leaves {:.2g} mV where the error model allows {:.2g} mV; use a finer trim or "
                    "flash_untrimmed",
                    1e3 * c.trim_residue, 1e3 * c.offset_sigma));
  return {};
}

}  // namespace

bool Architecture::is_valid(std::string* error) const {
  std::string trouble = trouble_of("arrays.weights", weights);
  if (trouble.empty()) trouble = trouble_of("arrays.dynamic", dynamic);
  if (trouble.empty() && (copies < 1 || copies > 16)) trouble = "copies: must be 1 to 16 (DC1 ... DC16)";
  if (trouble.empty() && (batch < 1 || batch > 1'000'000)) trouble = "batch: must be 1 to 1000000 sequences";
  for (const int bits : {activation_bits, kv_bits, weight_bits, probability_bits})
    if (trouble.empty() && (bits < 2 || bits > 16)) trouble = "precision: 2 to 16 bits are supported";
  if (trouble.empty() && sharing == Sharing::planes && copies > activation_bits)
    trouble = fmt::format("copies: {} copies cannot share {} bit planes; give at most as many", copies,
                          activation_bits);
  if (trouble.empty() && float_lanes < 1) trouble = "float_lanes: must be at least 1";
  if (trouble.empty() && (softmax_cycles < 0 || softmax_cycles > 100'000))
    trouble = "softmax_cycles: must be 0 to 100000";
  if (trouble.empty() && !(supply > 0.3 && supply < 3)) trouble = "supply: must be 0.3 to 3 V";
  for (const Parameter& p : parameters.all()) {
    std::string what;
    if (trouble.empty() && !p.is_valid(&what)) trouble = fmt::format("parameters.{}: {}", p.name, what);
  }
  if (error != nullptr) *error = trouble;
  return trouble.empty();
}

Architecture conventional(Architecture a) {
  a.name += ", conventional";
  a.packing = Packing::fixed;
  a.fused = false;
  a.float_stages = true;
  return a;
}

}  // namespace flare::arch
