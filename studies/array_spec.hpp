// Error models as the command line names them, one per kind of array.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "flare_arch/error_model.hpp"

namespace flare::studies {

/// How a kind of array errs, and what that is called in tables.
struct ArrayErrors {
  std::shared_ptr<const arch::ErrorModel> model;  // null: no errors
  std::string cell, adc, corner;                  // empty where there are none
  std::string name;                               // "sram8t/sawl8/flash/tt_0.90V_27C", "none", ...

  int sawl() const { return model ? model->rows_per_read : 0; }
};

/// What `array_errors` takes, for help texts.
inline constexpr const char* array_spec_help =
    "none, [FILE:]CELL/sawlN/CONVERTER/CORNER of a result file, or synthetic:sawl=8,rate=1e-4 (each read "
    "wrong "
    "by one code "
    "at that rate) or synthetic:sawl=8,codes=9,cells=0.03,off_cells=0.01,offsets=0.03,noise=0.02 (normal "
    "deviations in steps; all but noise frozen per die)";

/// Resolves one such text; `result` is the file of a name without FILE (empty: there is none). Throws StudyError
/// "OPTION TEXT: what is wrong"; what a file lacks is said by arch::load_error_model.
ArrayErrors array_errors(const std::string& option, const std::string& text,
                         const std::filesystem::path& result);

/// One of a result file, by its key.
ArrayErrors array_errors(const std::filesystem::path& result, const std::string& cell, int sawl,
                         const std::string& adc, const std::string& corner);

}  // namespace flare::studies
