/* The nearest true trajectory to a film: which rollout of a known system, rendered, comes nearest to a row of images.
 *
 * A rollout is a function of its initial state, and that of some numbers in the unit cube, of which the data's sampler
 * draws uniform ones (struct system's `initial`). The distance of a film Y of T frames from rollout u is the mean pixel
 * squared error to what is expected of it under the observation noise,
 *   mse(u) = sum_t |Y_t - E_n X(q_t(u) + sigma n)|^2 / (T * values of an image)          (expected.h),
 * and the nearest is that of the u that makes it least.
 *
 * The film may begin at any time: `first` is the data's frame that its frame 0 is compared with. The systems do not
 * depend on time, so the state at that frame is fitted through the initial state, by simulating from the data's start
 * to there and on: what counts as a state of the data is then what the data's sampler makes of it, at any frame.
 *
 * How it is found: a bank of rollouts that fill the cube evenly is kept as coarse images of a few frames. From the
 * nearest of these Gauss-Newton steps (Levenberg, Marquardt) go down, first on noise-blurred images of few
 * frames, so that discs that do not overlap attract each other, and on the film's beginning, since chaotic systems
 * forget where they came from; the best go on with all frames, in the cube, and where something leans on one of its
 * sides, beyond it too, as far as initial_reach() says. A film counts as outside when it comes nearer there by more
 * than MATCH_OUTSIDE of its distance; else the fit inside stands. There is no proof that the nearest was found;
 * tests/physics/test_match.c says how often it is, of films of true rollouts: nearly always where motion is regular,
 * not always where it is chaotic.
 *
 * Where data have little noise or none, the search blurs by a third of a pixel at least, and the distance it ends with
 * is that without: it may then be what a third of a pixel makes.
 *
 * All functions: Not collective, the same bits on every machine.
 */
#ifndef HGN_PHYSICS_MATCH_H
#define HGN_PHYSICS_MATCH_H

#include "base/arena.h"
#include "physics/expected.h"
#include "physics/system.h"

#define MATCH_OUTSIDE 0.1

struct match;

/* experiment: of the data, borrowed. STATUS_UNAVAILABLE where there are no expected images, STATUS_NUMERIC when
 * trajectories cannot be followed well enough by fixed steps, STATUS_MEMORY. */
enum status match_open(const struct experiment *experiment, int64_t first, int64_t frames, struct match **match);
void match_close(struct match **match);

struct match_fit {
  double mse;                          /* dimensionless, images in [0, 1]; NaN for a film that is not finite */
  double uniform[SYSTEM_UNIFORMS_MAX]; /* of the initial state; NaN likewise, and all below */
  double state[SYSTEM_STATE_MAX];      /* at the film's frame 0 */
  bool outside;                        /* of the data's support */
};

/* film: [frames][height][width][channels]. STATUS_NUMERIC when no rollout can be followed. */
enum status match_find(struct match *match, const float *film, struct match_fit *fit);

/* The distance of a film from one rollout. NaN when that cannot be followed, or the film is not finite. */
double match_distance(struct match *match, const float *film, const double *uniform);

/* film: what is expected of one rollout. */
void match_render(struct match *match, const double *uniform, float *film);

/* state: of one rollout at the film's frame 0. */
void match_state(const struct match *match, const double *uniform, double *state);

#endif
