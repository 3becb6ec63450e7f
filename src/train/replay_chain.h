/* What a run was made of, and where it can be computed again from: the run itself, the one in whose state it began,
 * the one in whose state that one began, and so on; and the checkpoints beside them.
 *
 * Failures: STATUS_FILE when the run itself is missing or damaged, or nothing is there to begin from; STATUS_MEMORY,
 * STATUS_MPI.
 */
#ifndef HGN_TRAIN_REPLAY_CHAIN_H
#define HGN_TRAIN_REPLAY_CHAIN_H

#include "train/record.h"
#include "train/replay.h"

/* A run, and the steps of the training that it has done. */
struct replay_link {
  char path[STORE_PATH_MAX];
  struct config *config; /* owned */
  double kappa;          /* what GECO aimed at */
  int64_t begin, end;    /* after this step; up to this one, -1: to its end */
  char numerics[NUMERICS_TEXT_MAX], data_checksum[CHECKSUM_TEXT];
  char *folder; /* in which it was made; owned */
  bool has_origin, has_start;
  struct record_start origin, start;
};

struct replay_chain {
  struct replay_link *link; /* [count]: the run, and back from there; owned */
  int count;
};

/* Where a replay begins: in which link, and in what state. */
struct replay_begin {
  int link;
  char checkpoint[STORE_PATH_MAX]; /* "": with the parameters of: */
  char start[STORE_PATH_MAX];      /* "": with its own, at its start */
};

/* Collective. note: which run is not there any more, "" when the chain is whole. Freed with replay_chain_free(),
 * after a failure too. */
enum status replay_chain_open(const struct comm *comm, const char *run, struct replay_chain *chain,
                              char note[REPLAY_TEXT_MAX]);
void replay_chain_free(struct replay_chain *chain);

/* Collective. At the start of the last link, or at the earliest checkpoint of the chain where that cannot be: then note
 * says why. */
enum status replay_begin_at_start(const struct comm *comm, const struct replay_chain *chain, struct replay_begin *begin,
                                  char note[REPLAY_TEXT_MAX]);
/* Collective. At the earliest checkpoint of all, since the start is none: `note` says why. */
enum status replay_begin_at_first(const struct comm *comm, const struct replay_chain *chain, struct replay_begin *begin,
                                  const char *note);
/* Collective. At the run's latest checkpoint up to `step`. */
enum status replay_begin_at(const struct comm *comm, const struct replay_chain *chain, int64_t step,
                            struct replay_begin *begin);

/* Collective. The data set of a run, as replay.h says. */
enum status replay_find_data(const struct comm *comm, const struct replay_link *link, const char *given,
                             char path[STORE_PATH_MAX]);

#endif
