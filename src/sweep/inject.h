/* Faults made on purpose, to rehearse recovery: `--inject nan@trial7.step30,crash@trial3,stall@trial5,enospc@report10`.
 *
 *   nan@trialT[.stepS]     the first parameter becomes NaN after step S (default 1), whenever the trial gets there
 *   crash@trialT[.stepS]   the process is killed (SIGKILL) after that step, at the trial's first start; with `xN`
 *                          behind it ("crash@trial3x2") at its first N starts
 *   stall@trialT[.stepS]   the same, but it does nothing more for ever
 *   enospc@reportK         the K-th report that the coordinator records (from 1) finds the disk full
 *   random:P               each trial has one of nan, crash, stall with probability P, at a step of the first 100, by
 *                          the sweep's seed
 *
 * Trials are numbered from 0. Not collective.
 */
#ifndef HGN_SWEEP_INJECT_H
#define HGN_SWEEP_INJECT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum inject_kind { INJECT_NONE, INJECT_NAN, INJECT_CRASH, INJECT_STALL, INJECT_ENOSPC };

enum { INJECT_MAX = 64 };

struct inject_fault {
  enum inject_kind kind;
  int64_t trial, step, times; /* report K for enospc, in `trial` */
};

struct inject {
  struct inject_fault fault[INJECT_MAX];
  int faults;
  double random; /* probability; 0: none */
  uint64_t seed;
};

/* STATUS_USAGE names the wrong word. text NULL: no faults. */
enum status inject_parse(const char *text, uint64_t seed, struct inject *inject);

/* What happens to the trial after this step of its `starts`-th start. */
enum inject_kind inject_at(const struct inject *inject, int64_t trial, int64_t step, int64_t starts);
/* Whether the `report`-th recorded report finds the disk full. */
bool inject_full(const struct inject *inject, int64_t report);

#endif
