// oneDNN on the calling thread alone: numbers must not depend on how many threads there are.
#pragma once

#include <omp.h>

namespace flare::arch {

/// While this lives.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace flare::arch
