/* The groups of ranks that a coordinator has work for it, whatever they are: groups of this MPI job, this process
 * alone, or groups that are only imagined, to see what the coordinator itself can do.
 *
 * The coordinator gives orders to groups that are free; what groups say comes back through deliver(), called from
 * the kind's poll(). All functions are Root only (the coordinator's), but where it is said.
 */
#ifndef HGN_SWEEP_CREW_H
#define HGN_SWEEP_CREW_H

#include "sweep/worker.h"

struct crew;

struct crew_kind {
  enum status (*order)(struct crew *crew, int group, const struct order *order);
  enum status (*control)(struct crew *crew, int group, int64_t trial, enum control control);
  /* Delivers what there is; *count: messages. */
  enum status (*poll)(struct crew *crew, int64_t *count);
  /* Nothing has come: waits a little. */
  void (*rest)(struct crew *crew);
  double (*clock)(struct crew *crew);
};

struct crew {
  const struct crew_kind *kind;
  int groups, ranks; /* of each group */
  int first;         /* rank of the first group's first */
  void *coordinator; /* context of the next two; set by it */
  enum status (*deliver)(void *coordinator, int group, const struct message *message);
  enum status (*tick)(void *coordinator); /* called while a trial runs in this process */
  void *self;
};

/* How many groups of `ranks` ranks work in a job of `size` ranks, and how many ranks are left over. One rank alone is
 * coordinator and group. Not collective. */
int crew_groups(int size, int64_t ranks, int *left);

/* This process is the only group: trials are run within poll(). worker: borrowed; its link is set. */
enum status crew_open_local(struct worker *worker, struct crew *crew);

/* Collective over `world`: rank 0 is the coordinator, the next groups * ranks ranks work, the others are left over.
 * group: the ranks that a worker shares, closed by the caller; of the others it is zeroed. channel: for what is said,
 * closed by the caller. */
enum status crew_split(const struct comm *world, int64_t ranks, struct comm *group, struct comm *channel);
/* Root only: the groups beyond this rank. channel: borrowed. */
enum status crew_open_mpi(const struct comm *channel, int64_t ranks, struct crew *crew);
/* Collective over the group of `worker`, whose link is set: works on orders until there are no more. */
enum status crew_serve(const struct comm *channel, struct worker *worker);

void crew_close(struct crew *crew);

#endif
