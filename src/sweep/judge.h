/* Early stopping of trials under way: who falls behind is ended.
 *
 * Trial t is judged at a rung by what trials 0..t-window have come to there, once all of these have come to it, ended
 * before, or been stopped: so what becomes of a trial follows from the sweep's file, not from who is faster. Until then
 * it goes on; when it turns out that it should have been stopped, what it has reported since is struck from the ledger.
 * With `order: arrival` it is judged at once, by what there is.
 *
 * Nothing of it is saved: what the ledger has of trials at their rungs is judged again, the same.
 *
 * All functions: Not collective.
 */
#ifndef HGN_SWEEP_JUDGE_H
#define HGN_SWEEP_JUDGE_H

#include "sweep/early.h"
#include "sweep/ledger.h"
#include "sweep/standing.h"

struct judge {
  const struct sweep *sweep;
  struct ledger *ledger;
  const struct early_kind *kind; /* NULL: no trial is judged */
  int first;                     /* rung at which something is decided */
  int64_t trials;                /* that are judged: of the search */
  int *reached;                  /* [trials]: leading rungs with values */
  int *passed;                   /* [trials]: of these, at which it was judged and goes on */
  unsigned char *stopped;        /* [trials] */
  int64_t *settled;              /* [rungs]: leading trials of which it is known what they have there */
  struct standing *standing; /* [rungs]: of these (arrival: of all) what those that have come there are looked at by */
  double *sum;               /* [trials][rungs]: of values up to there; NULL: values themselves are looked at */
  int64_t top;               /* no trial from here on has come to a rung */
  int64_t *fresh, freshs;    /* trials that were stopped since judge_take() */
  struct arena arena;
};

/* The sweep has no early stopping that ends trials under way: a judge that does nothing. STATUS_MEMORY. */
enum status judge_open(const struct sweep *sweep, struct ledger *ledger, struct judge *judge);
void judge_close(struct judge *judge);

/* The trial has come to a rung, or ended. */
void judge_hear(struct judge *judge, int64_t trial);
/* A trial that was stopped since this was asked last; -1: none. Its record has been cut to the rung where it was
 * stopped; if it is not under way, it is pruned. */
int64_t judge_take(struct judge *judge);
/* It is known what has become of it, if it has ended. */
bool judge_is_final(const struct judge *judge, int64_t trial);
/* It was stopped. */
bool judge_has_stopped(const struct judge *judge, int64_t trial);

#endif
