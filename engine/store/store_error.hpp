// What can be wrong with the place where runs are kept, and is not the fault of what is asked for.
#pragma once

#include <stdexcept>

namespace flare::engine {

/// The disk is full or does not answer: what was kept stays, and the same command can go on. what() is one line.
class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Another process works on the same result. what() is one line that says which, as far as it is known.
class InUse : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace flare::engine
