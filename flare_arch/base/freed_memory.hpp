// Where the memory of freed matrices goes.
#pragma once

#include <cstdlib>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace flare::arch {

/// Keeps up to 256 MiB of freed memory in the process: a model frees and asks for matrices of a megabyte thousands of times a
/// second, and the system would clear their pages every time (an eighth of the time of a DeiT-Tiny). For programs to call.
inline void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

}  // namespace flare::arch
