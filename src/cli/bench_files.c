#define _XOPEN_SOURCE 700 /* nftw */

#include "cli/bench_files.h"

#include "base/litter.h"
#include "base/log.h"
#include "store/lock.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *walk) {
  (void)about, (void)kind, (void)walk;
  return remove(path);
}

void bench_remove_folder(const char *folder) {
  if (nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
    log_warn("%s: cannot be removed: %s", folder, strerror(errno));
}

/* What the names of this host's benchmarks begin with. */
static int name_host(char text[112]) {
  char host[HOST_BYTES];
  lock_host(host);
  return snprintf(text, 112, "hgn-bench-%s-", host);
}

void bench_stem(char stem[128]) {
  char host[112];
  name_host(host);
  snprintf(stem, 128, "%s%ld", host, (long)getpid());
}

/* Whether it is the name of a file of a process that is gone: another's that may not be sent a signal is not. */
static bool is_left(const char *name, const char *host, size_t length) {
  char *end;
  if (strncmp(name, host, length) != 0) return false;
  const long process = strtol(name + length, &end, 10);
  return process > 0 && end > name + length && (*end == '.' || *end == '-') && kill((pid_t)process, 0) != 0 &&
         errno == ESRCH;
}

void bench_remove_left(const char *folder) {
  char host[112], path[4096];
  const size_t length = (size_t)name_host(host);
  DIR *stream = opendir(folder);
  if (!stream) return;
  for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
    if (!is_left(entry->d_name, host, length)) continue;
    const int bytes = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (bytes < (int)sizeof path) bench_remove_folder(path);
  }
  closedir(stream);
}

enum status bench_name(const struct comm *comm, char *path, int size) {
  char stem[128] = "";
  if (comm->rank == 0) {
    bench_remove_left(".");
    bench_stem(stem);
  }
  TRY(comm_broadcast(comm, stem, sizeof stem));
  snprintf(path, (size_t)size, "%s.h5", stem);
  if (comm->rank == 0) litter_add(path);
  return STATUS_OK;
}
