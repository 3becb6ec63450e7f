/* What tests on several ranks share: the communicators of all ranks and of one, and assertions that speak of all ranks
 * at once. Included by one source file of a program. */
#ifndef HGN_TESTS_RANKS_H
#define HGN_TESTS_RANKS_H

#include "comm/comm.h"
#include "testing.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct comm world, self;

/* Collective. All ranks hold the root's bytes. */
static inline void assert_alike(const void *data, size_t bytes) {
  unsigned char root[STATUS_MESSAGE_MAX];
  for (size_t at = 0; at < bytes; at += sizeof root) {
    const size_t now = bytes - at < sizeof root ? bytes - at : sizeof root;
    memcpy(root, (const unsigned char *)data + at, now);
    assert_ok(comm_broadcast(&world, root, (int64_t)now));
    assert_memory_equal(root, (const unsigned char *)data + at, now);
  }
}

/* Collective. All ranks hold the root's message, and it contains `part`. */
static inline void assert_message(const char *part) {
  char mine[STATUS_MESSAGE_MAX] = "";
  snprintf(mine, sizeof mine, "%s", status_message());
  if (!strstr(mine, part)) fail_msg("'%s' is not in '%s'", part, mine);
  assert_alike(mine, sizeof mine);
}

/* Collective. */
static inline void delete_file(const char *name) {
  MPI_Barrier(world.mpi);
  if (world.rank == 0) unlink(name);
  MPI_Barrier(world.mpi);
}

/* Collective, like all that looks at the folder: no rank goes on and changes what another is looking at. Partial files
 * of `name`; with `remove` none is left. */
static inline int count_partials(const char *name, bool remove) {
  char pattern[160];
  glob_t found;
  snprintf(pattern, sizeof pattern, ".%s.partial-*", name);
  const int count = glob(pattern, GLOB_PERIOD, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
  MPI_Barrier(world.mpi);
  for (int i = 0; i < count && remove && world.rank == 0; i++) unlink(found.gl_pathv[i]);
  if (count) globfree(&found);
  MPI_Barrier(world.mpi);
  return count;
}

/* Collective. A file, and what a killed run has left of it. */
static inline void delete_traces(const char *name) {
  count_partials(name, true);
  delete_file(name);
}

static inline int ranks_begin(int argc, char **argv) {
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS) return 1;
  return comm_open(MPI_COMM_WORLD, &world) != STATUS_OK || comm_open(MPI_COMM_SELF, &self) != STATUS_OK;
}

static inline int ranks_end(int failed) {
  comm_close(&self);
  comm_close(&world);
  MPI_Finalize();
  return failed;
}

#endif
