/* The files of a run beside RUN.h5: their names, which there are, and which are deleted. */
#include "base/log.h"
#include "store/output.h"
#include "train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum status checkpoint_name(const char *run, int64_t step, char path[STORE_PATH_MAX]) {
  int length =
      step < 0 ? snprintf(path, STORE_PATH_MAX, "%.*s.best.h5", (int)output_stem(run), run)
               : snprintf(path, STORE_PATH_MAX, "%.*s.checkpoint-%08" PRId64 ".h5", (int)output_stem(run), run, step);
  REQUIRE(length < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", run);
  return STATUS_OK;
}

static void split(const char *run, char folder[STORE_PATH_MAX], char prefix[STORE_PATH_MAX]) {
  const char *slash = strrchr(run, '/');
  const size_t start = slash ? (size_t)(slash - run) + 1 : 0;
  snprintf(folder, STORE_PATH_MAX, "%.*s", slash ? (int)start : 1, slash ? run : ".");
  snprintf(prefix, STORE_PATH_MAX, "%.*s.checkpoint-", (int)(output_stem(run) - start), run + start);
}

static int by_step(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* The step in a name that checkpoint_name() makes of it; -1 in all others. */
static int64_t parse_step(const char *name, const char *prefix) {
  const size_t length = strlen(prefix);
  char again[STORE_PATH_MAX + 32], *end;
  if (strncmp(name, prefix, length) != 0 || name[length] < '0' || name[length] > '9') return -1;
  const int64_t step = strtoll(name + length, &end, 10);
  snprintf(again, sizeof again, "%s%08" PRId64 ".h5", prefix, step);
  return strcmp(name, again) == 0 ? step : -1;
}

static enum status add_step(int64_t step, int64_t **steps, int *count, int *capacity) {
  if (*count == *capacity) {
    *capacity = 2 * *capacity + 16;
    int64_t *grown = realloc(*steps, (size_t)*capacity * sizeof *grown);
    REQUIRE(grown, STATUS_MEMORY, "out of memory for the list of checkpoints");
    *steps = grown;
  }
  (*steps)[(*count)++] = step;
  return STATUS_OK;
}

/* The next entry; NULL at the end, where *status tells whether it is one. */
static const struct dirent *next_entry(DIR *stream, const char *folder, enum status *status) {
  errno = 0;
  const struct dirent *entry = readdir(stream);
  if (!entry && errno) *status = status_raise(STATUS_FILE, "%s: cannot be listed: %s", folder, strerror(errno));
  return entry;
}

enum status checkpoint_list(const char *run, int64_t **steps, int *count) {
  char folder[STORE_PATH_MAX], prefix[STORE_PATH_MAX];
  int capacity = 0;
  *steps = NULL;
  *count = 0;
  split(run, folder, prefix);
  DIR *stream = opendir(folder);
  if (!stream && errno == ENOENT) return STATUS_OK;
  REQUIRE(stream, STATUS_FILE, "%s: cannot be listed: %s", folder, strerror(errno));
  enum status status = STATUS_OK;
  const struct dirent *entry;
  while (status == STATUS_OK && (entry = next_entry(stream, folder, &status))) {
    const int64_t step = parse_step(entry->d_name, prefix);
    if (step >= 0) status = add_step(step, steps, count, &capacity);
  }
  closedir(stream);
  if (*count) qsort(*steps, (size_t)*count, sizeof **steps, by_step);
  return status;
}

void checkpoint_remove(const char *run, int64_t step) {
  char path[STORE_PATH_MAX];
  if (checkpoint_name(run, step, path) == STATUS_OK) unlink(path);
}

/* That of another run stays, and so does one of which nobody can tell. */
static void remove_own(const char *run, int64_t step, const struct checkpoint_owner *owner) {
  char path[STORE_PATH_MAX];
  enum status status = checkpoint_name(run, step, path);
  if (status == STATUS_OK && owner) status = checkpoint_check_owner(path, owner);
  if (status == STATUS_OK)
    unlink(path);
  else
    log_debug("%s: left alone", status_message());
  status_clear();
}

void checkpoint_prune(const char *run, int64_t step, int64_t every, int64_t keep,
                      const struct checkpoint_owner *owner) {
  int64_t *steps, kept = 0;
  int count;
  if (checkpoint_list(run, &steps, &count) != STATUS_OK) {
    log_warn("%s: old checkpoints are not deleted", status_message()); /* the next time, then */
    status_clear();
    count = 0;
  }
  for (int i = count - 1; i >= 0; i--) {
    if (steps[i] > step) continue;
    const bool due = steps[i] % every == 0;
    if (due && kept++ < keep) continue;
    if (due || steps[i] < step || keep == 0) remove_own(run, steps[i], owner);
  }
  free(steps);
}

void checkpoint_remove_left(const char *run) {
  char folder[STORE_PATH_MAX], prefix[STORE_PATH_MAX];
  split(run, folder, prefix);
  const size_t stem = strlen(prefix) - strlen("checkpoint-");
  DIR *stream = opendir(folder);
  if (!stream) return;
  for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
    const char *name = entry->d_name, *rest = name + 1 + stem;
    if (name[0] != '.' || strncmp(name + 1, prefix, stem) != 0 || !strstr(rest, "h5.partial-")) continue;
    if (strncmp(rest, "checkpoint-", 11) == 0 || strncmp(rest, "best.", 5) == 0 || strncmp(rest, "h5.", 3) == 0)
      output_remove_left(folder, name);
  }
  closedir(stream);
}
