/* Reference trajectories: DOP853 with error control (Hairer, Norsett, Wanner, Solving ODEs I, II.4, II.5 and II.10),
 * for one state, or for SYSTEM_LANES states side by side to the same bits.
 *
 * Bodies that attract each other are followed from one of the closest pair, so that close approaches keep their digits.
 *
 * All functions: Not collective, no allocation.
 */
#ifndef HGN_PHYSICS_REFERENCE_H
#define HGN_PHYSICS_REFERENCE_H

#include "physics/system.h"

#define REFERENCE_STEPS_MAX 10000000 /* tried on the way from one state to the next */

/* Advances `state` over `duration` (s, any sign) at relative and absolute `tolerance`. `*h` holds the step to try first
 * (0: choose; its sign is that of the duration) and receives the next, which the cut last step does not shorten.
 * STATUS_NUMERIC when the step falls below rounding, when REFERENCE_STEPS_MAX are not enough, or the state is no longer
 * finite; `state` is then somewhere on the way. */
enum status reference_advance(const struct system *system, const struct system_parameters *parameters, double duration,
                              double tolerance, double *h, double *state);

/* How far one trajectory is, and the size of its steps. */
struct reference_clock {
  double left, sign, least; /* s still to go; direction; the smallest step allowed */
  double natural;           /* the step that the error asks for, s; 0: not known yet */
  double size, pieces;      /* the step being tried, and how many of it are left */
  int64_t steps;            /* tried so far */
  double origin[2];         /* where the state's origin has been moved to */
  bool rejected;            /* the last step was */
};

/* Zero it, then start lanes; a lane that is not started, or has arrived, waits. */
struct reference_lanes {
  double state[SYSTEM_STATE_MAX * SYSTEM_LANES]; /* state[c * SYSTEM_LANES + lane] */
  struct reference_clock clock[SYSTEM_LANES];
};

/* Lane `lane` goes from `state` over `duration` with `h`, as reference_advance() would. */
void reference_start(const struct system *system, struct reference_lanes *lanes, int lane, double duration, double h,
                     const double *state);

/* Tries one step in all lanes that wait for none. False when a lane fails as reference_advance() would: that says which
 * error it is, and the lanes are of no further use. */
bool reference_step(const struct system *system, const struct system_parameters *parameters, double tolerance,
                    struct reference_lanes *lanes);

/* For a lane with nothing left: its state and next step. False when the state is not finite. */
bool reference_arrive(const struct system *system, const struct reference_lanes *lanes, int lane, double *h,
                      double *state);

#endif
