#include "sweep/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status join(const char *folder, const char *name, char path[STORE_PATH_MAX]) {
  const int length = snprintf(path, STORE_PATH_MAX, "%s/%s", folder, name);
  REQUIRE(length < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", folder);
  return STATUS_OK;
}

enum status folder_make(const char *folder) {
  struct stat about;
  if (mkdir(folder, 0777) == 0) return STATUS_OK;
  const int code = errno;
  if (code == EEXIST && stat(folder, &about) == 0 && S_ISDIR(about.st_mode)) return STATUS_OK;
  return status_raise(STATUS_FILE, "%s: the folder cannot be made: %s", folder, strerror(code));
}

enum status folder_ledger(const char *folder, char path[STORE_PATH_MAX]) { return join(folder, "sweep.h5", path); }

enum status folder_part(const char *folder, int64_t index, char path[STORE_PATH_MAX]) {
  char name[64];
  snprintf(name, sizeof name, "sweep.part-%lld.h5", (long long)index);
  return join(folder, name, path);
}

int64_t folder_part_of(const char *name) {
  static const char prefix[] = "sweep.part-";
  char *end;
  if (strncmp(name, prefix, sizeof prefix - 1) != 0) return -1;
  const char *digits = name + sizeof prefix - 1;
  if (*digits < '0' || *digits > '9') return -1;
  errno = 0;
  const long long index = strtoll(digits, &end, 10);
  if (errno != 0) return -1;
  return strcmp(end, ".h5") == 0 && (digits[0] != '0' || end == digits + 1) ? index : -1;
}

enum status folder_trial(const char *folder, const struct folder_place *place, char path[STORE_PATH_MAX]) {
  char name[64];
  if (place->confirms)
    snprintf(name, sizeof name, "confirm-%06lld-%lld", (long long)place->configuration, (long long)place->repeat);
  else
    snprintf(name, sizeof name, "trial-%06lld", (long long)place->trial);
  return join(folder, name, path);
}

enum status folder_run(const char *folder, const struct folder_place *place, char path[STORE_PATH_MAX]) {
  char trial[STORE_PATH_MAX];
  TRY(folder_trial(folder, place, trial));
  return join(trial, "run.h5", path);
}

static bool is_checkpoint(const char *name) {
  return strncmp(name, "run.checkpoint-", 15) == 0 || strcmp(name, "run.best.h5") == 0;
}

/* Adds up the checkpoints of a trial, and removes them if that is wanted. */
static int64_t visit(const char *folder, const struct folder_place *place, bool removing) {
  char path[STORE_PATH_MAX], file[STORE_PATH_MAX];
  int64_t bytes = 0;
  struct stat about;
  if (folder_trial(folder, place, path) != STATUS_OK) return 0;
  DIR *directory = opendir(path);
  if (!directory) return 0;
  for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
    if (!is_checkpoint(entry->d_name) || join(path, entry->d_name, file) != STATUS_OK) continue;
    if (stat(file, &about) == 0) bytes += about.st_size;
    if (removing) (void)unlink(file);
  }
  closedir(directory);
  return bytes;
}

int64_t folder_checkpoint_bytes(const char *folder, const struct folder_place *place) {
  return visit(folder, place, false);
}

void folder_remove_checkpoints(const char *folder, const struct folder_place *place) {
  (void)visit(folder, place, true);
}
