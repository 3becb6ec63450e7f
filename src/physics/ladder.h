/* The ladder: what simple predictors, and none, reach on a data set. Pixel MSE, dimensionless, images in [0, 1].
 *
 * Against observed frames (noise added before rendering) of the test split:
 *   floor       the variance of the rendered frame under fresh noise: no predictor can do better
 *   mean        the mean image of the first LADDER_MAX training rollouts (fewer when they have over 2^30 frames)
 *   background  the empty scene
 *   last        frame K-1 as it was seen, for frames K..T-1, K = ladder.input_frames
 * each with the standard error over rollouts. Floor, mean and background are averages over all frames 0..T-1.
 *
 * Of frames made elsewhere only the mean image is known, of the first LADDER_MAX rollouts of each array in the file
 * (fewer when they have over 2^30 frames): of training rollouts also those that serve as validation split.
 *
 * Failures: STATUS_MEMORY, STATUS_MPI; of frames made elsewhere STATUS_FILE when they cannot be read or are not images.
 */
#ifndef HGN_PHYSICS_LADDER_H
#define HGN_PHYSICS_LADDER_H

#include "comm/comm.h"
#include "config/experiment.h"
#include "store/dataset.h"

#define LADDER_LIST(X)                                                                                                 \
  X(FLOOR, "floor", "irreducible: variance of a frame under fresh observation noise")                                  \
  X(LAST, "last_frame", "predict the last seen frame")                                                                 \
  X(MEAN, "mean_image", "predict the mean training image")                                                             \
  X(BACKGROUND, "background", "predict the empty scene")

enum ladder_rung {
#define LADDER_ENUM(name, text, help) LADDER_##name,
  LADDER_LIST(LADDER_ENUM)
#undef LADDER_ENUM
      LADDER_COUNT
};

/* Not collective. "floor", ...; as in the file. */
const char *ladder_name(enum ladder_rung rung);

struct ladder {
  double mse[LADDER_COUNT];   /* NaN where there is nothing to measure */
  double error[LADDER_COUNT]; /* standard error of the mean over rollouts */
};

enum { LADDER_MAX = 10000 };

/* A rank's share of the splits, as clean states: train[train_count][frames][2 D], the first being training rollout
 * train_first; test likewise, test rollout i being number ROLLOUT_TEST + i of rollout.h. Training rollouts from
 * LADDER_MAX on are ignored and may be left out. Borrowed. */
struct ladder_input {
  const double *train, *test;
  int64_t train_first, train_count, test_first, test_count;
};

/* Collective. Same bits at any number of ranks, as long as each rollout is on one of them. */
enum status ladder_measure(const struct comm *comm, const struct experiment *experiment,
                           const struct ladder_input *input, struct ladder *ladder);

/* Collective. The same of frames made elsewhere: the mean image, all else NaN; and a checksum of the frames that were
 * looked at, their shape and time step, by which the same file is known again. Each rank reads an equal share, one
 * rollout at a time. */
enum status ladder_measure_frames(const struct comm *comm, const struct dataset *data, struct ladder *ladder,
                                  char checksum[CHECKSUM_TEXT]);

#endif
