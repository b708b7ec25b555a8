// The two arrays of one head of attention on gain cells: pulses in, pulses out, no converter of levels.
//
// Leroux et al., Nat. Comput. Sci. 5, 813 (2025), Methods. Per token t, over the window of tokens j it may see:
//
//   S_tj = sum_d q_td f(k_jd)                   charge on the column of keys of token j
//   P_tj = clamp(S_tj / key full scale, 0, 1)   pulse, of the longest: not quantised
//   A_td = sum_j P_tj f(v_jd) per 64 tokens     charge on a column of values
//   code = round(15 clamp(A / value full scale, -1, 1)), added up over the groups of 64
//
// A token lies in the slot (token mod window) until another overwrites it; 64 slots share a counter, whatever their tokens'
// age. f depends on the level stored and on the age of its token: any law, any leakage (cell_law.hpp). Nothing is divided
// by the number of tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flare_arch/gain_cell/cell_operands.hpp"

namespace flare::arch {

struct CellArrayOptions {
  int window = 128;                 // tokens a head keeps
  int tile = 64;                    // slots that share a counter, and lines of an array
  int input_steps = 15;             // q is a pulse of 0..15 steps
  int counter_steps = 15;           // a counter gives -15..15
  double key_full_scale = 80e-6;    // A: what makes the longest pulse
  double value_full_scale = 40e-6;  // A: what makes 15 counts
  double pulse_noise = 0;           // sigma of a pulse's width, of the longest, drawn for every (token, slot)

  /// False, with the reason in `error`, for options that make no sense.
  bool is_valid(std::string* error) const;
};

class CellArray {
 public:
  /// `currents`: ages x levels as of level_currents(), at least `window` ages. `errors`: of this head; null: none. `noise`:
  /// whose noise is drawn, where there is any. Throws std::invalid_argument for what does not fit.
  CellArray(const MatrixD& currents, const CellArrayOptions& options,
            std::shared_ptr<const HeadErrors> errors = nullptr, const DieHead& noise = {});

  /// Sums of the counters, tokens x width. `first_token`: number of the sequence's first token among all of a run, for
  /// noise. Thread safe. Throws std::invalid_argument for codes out of range or heads wider than an array.
  MatrixI forward(const HeadCodes& codes, std::uint32_t first_token = 0) const;
  /// Of the pulses in the window, in longest pulses: tokens x tokens, 0 outside. For tests and studies.
  MatrixF pulses(const HeadCodes& codes, std::uint32_t first_token = 0) const;

 private:
  CellOperands lay_out(const HeadCodes& codes) const;
  void check(const HeadCodes& codes) const;
  int block_pulses(const CellOperands& operands, int first, std::uint32_t first_token, float* pulses) const;
  void shape_pulses(const CellOperands& operands, int first, int ages, std::uint32_t first_token,
                    float* pulses) const;
  void add_noise(int first, int ages, std::uint32_t first_token, float* pulses) const;
  void add_tile(const CellOperands& operands, int first, int tile, const float* pulses, float* sums,
                MatrixI& counts) const;

  CellArrayOptions options_;
  int levels_;
  std::shared_ptr<const HeadErrors> errors_;
  DieHead noise_;
  CellTables tables_;
};

}  // namespace flare::arch
