// Files from elsewhere that are not what they should be.
#pragma once

#include <stdexcept>

namespace flare::engine {

/// A file that cannot be read or written, or holds something else than expected: the user's input is wrong. what()
/// reads "file: what is wrong; what to do".
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace flare::engine
