#include "base/litter.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 16, PATH_BYTES = 4096 };

/* `held` is set last and cleared first, so that a signal between two instructions meets whole names only. */
static struct {
  volatile sig_atomic_t held;
  char path[PATH_BYTES];
} litter[FILES];

void litter_add(const char *path) {
  const size_t bytes = strlen(path) + 1;
  for (int i = 0; i < FILES && bytes <= PATH_BYTES; i++) {
    if (litter[i].held) continue;
    memcpy(litter[i].path, path, bytes);
    litter[i].held = 1;
    return;
  }
}

void litter_drop(const char *path) {
  for (int i = 0; i < FILES; i++) {
    if (!litter[i].held || strcmp(litter[i].path, path) != 0) continue;
    litter[i].held = 0;
    return;
  }
}

void litter_remove(void) {
  for (int i = 0; i < FILES; i++)
    if (litter[i].held) (void)unlink(litter[i].path);
}
