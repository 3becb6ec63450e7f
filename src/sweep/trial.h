/* What a trial can be. Data only.
 *
 * Numbers are part of the file format: append, never reorder.
 */
#ifndef HGN_SWEEP_TRIAL_H
#define HGN_SWEEP_TRIAL_H

#include <stdbool.h>

/* X(NAME, "name", ended, help) */
#define TRIAL_STATE_LIST(X)                                                                                            \
  X(QUEUED, "queued", false, "not begun")                                                                              \
  X(RUNNING, "running", false, "a group works on it, or did when the job ended")                                       \
  X(PAUSED, "paused", false, "waits at a rung")                                                                        \
  X(PREEMPTED, "preempted", false, "stopped with a checkpoint, to go on later; no failure")                            \
  X(LOST, "lost", false, "the process died with it once; it is tried again")                                           \
  X(COMPLETE, "complete", true, "all steps done")                                                                      \
  X(PRUNED, "pruned", true, "stopped early by the search")                                                             \
  X(INFEASIBLE, "infeasible", true, "violates a constraint on parameters, so was not run")                             \
  X(DIVERGED, "diverged", true, "loss, gradient, parameters or an evaluation were not finite: a result")               \
  X(TIMEOUT, "timeout", true, "took longer than resources.trial_timeout")                                              \
  X(FAILED, "failed", true, "could not be run; its reason is recorded")

enum trial_state {
#define TRIAL_ENUM(name, text, ended, help) TRIAL_##name,
  TRIAL_STATE_LIST(TRIAL_ENUM)
#undef TRIAL_ENUM
      TRIAL_STATE_COUNT
};

/* NULL when out of range. Not collective. */
const char *trial_state_name(enum trial_state state);
/* Whether it has a result and is not run again by itself. Not collective. */
bool trial_ended(enum trial_state state);

#endif
