/* A group of ranks at work: trials and commands of `prepare:`, one order after the other.
 *
 * What becomes of a trial is told in messages; a trial that fails, diverges or takes too long is no failure of the
 * group.
 */
#ifndef HGN_SWEEP_WORKER_H
#define HGN_SWEEP_WORKER_H

#include "comm/comm.h"
#include "sweep/inject.h"
#include "sweep/job.h"
#include "sweep/sweep.h"
#include "train/corpus.h"

/* How the group's root is heard and spoken to. */
struct worker_link {
  void *context;
  /* Root only. STATUS_MPI, or what the coordinator says when it is in this process. */
  enum status (*emit)(void *context, const struct message *message);
  /* Root only. What is asked of the trial at this moment. */
  enum control (*asked)(void *context, int64_t trial);
};

/* Collective. Runs a command of `prepare:`, which are known above this layer: makes its file, or finds it made. */
typedef enum status worker_prepare(const struct comm *comm, int words, char **word);

enum { WORKER_CORPORA = 4 };

struct worker {
  const struct comm *group; /* borrowed, as all here */
  const struct sweep *sweep;
  const struct inject *inject;
  worker_prepare *prepare; /* NULL: no command is known */
  const char *folder;      /* of the sweep */
  struct worker_link link;
  /* Data sets that are open, the one used last first. */
  struct worker_corpus {
    char path[TRAINING_TEXT_MAX];
    struct corpus corpus;
  } * corpus[WORKER_CORPORA]; /* NULL behind the last */
};

/* Collective over the group; the order is the same on all ranks. Fails only when the group cannot work on. */
enum status worker_run(struct worker *worker, const struct order *order);
/* Collective. Closes what it has open. */
void worker_close(struct worker *worker);

#endif
