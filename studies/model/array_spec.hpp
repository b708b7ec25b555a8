// Error models as the command line names them, one per kind of array.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "flare_arch/array/error_model.hpp"

namespace flare::studies {

/// How a kind of array errs, and what that is called in tables.
struct ArrayErrors {
  std::shared_ptr<const arch::ErrorModel> model;  // null: no errors
  std::string cell, adc, corner;                  // empty where there are none
  std::string name;                               // "sram8t/sawl8/flash/tt_0.90V_27C", "none", ...
  std::filesystem::path file;                     // it was read from; empty: from none

  int sawl() const { return model ? model->rows_per_read : 0; }
};

/// What `array_errors` takes, for help texts.
inline constexpr const char* array_spec_help =
    "none; [FILE:]CELL/sawlN/CONVERTER/CORNER of a result file; FILE.csv or FILE:/PATH, a measured matrix "
    "P(code | k) (studies/README.md); synthetic:sawl=8,rate=1e-4 (each read wrong by one code at that "
    "rate); or "
    "synthetic:sawl=8,codes=9,cells=3%,off_cells=1%,offsets=3%,noise=2%,shift=0.1,gain_error=-2% (normal "
    "deviations in steps, all but noise frozen per die; levels moved by shift steps and by their gain)";

/// Resolves one such text; `result` is the file of a name without FILE (empty: there is none). Throws StudyError
/// "OPTION TEXT: what is wrong"; what a file lacks is said by its reader, all of it.
ArrayErrors array_errors(const std::string& option, const std::string& text,
                         const std::filesystem::path& result);

/// The same text with its FILE, where it names one by a relative path, found beside `folder`.
std::string anchored_spec(const std::string& text, const std::filesystem::path& folder);
/// FILE of such a text; empty where it names none.
std::filesystem::path spec_file(const std::string& text);

/// What a reader of accuracies in mode "die" must know about these errors; empty where there is nothing.
std::string die_mode_note(const ArrayErrors& errors);

/// One of a result file, by its key.
ArrayErrors array_errors(const std::filesystem::path& result, const std::string& cell, int sawl,
                         const std::string& adc, const std::string& corner);

}  // namespace flare::studies
