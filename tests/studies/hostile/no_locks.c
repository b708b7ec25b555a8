/* Preloaded: flock as a file system without locks answers (FLARE_FLOCK=none), or one that does not share them (=own). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int flock(int file, int operation) {
  const char* how = getenv("FLARE_FLOCK");
  (void)file;
  (void)operation;
  if (how != NULL && strcmp(how, "none") == 0) {
    errno = ENOLCK;
    return -1;
  }
  return 0;
}
