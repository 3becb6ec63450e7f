/* What a model's error is held against: the noise floor and the mean image of the data set's ladder, the information
 * limit of the file beside it.
 *
 * Failures of what is Collective: STATUS_FILE when a file cannot be read or is damaged, STATUS_MEMORY, STATUS_MPI.
 */
#ifndef HGN_TRAIN_YARDSTICK_H
#define HGN_TRAIN_YARDSTICK_H

#include "comm/comm.h"
#include "store/dataset.h"
#include "train/protocol.h"

/* What errors are held against: floor and mean image over all frames, limits over the target frames. NaN: unknown. */
struct yardstick {
  double floor, mean_image, limit, limit_unseen;
  double kappa;                 /* what GECO aims at */
  char kappa_from[64];          /* in words */
  char checksum[CHECKSUM_TEXT]; /* of the data set, or of frames or points made elsewhere (ladder.h, points.h) */
  double *attained; /* [attained_count]: squared error of the best possible predictor on the unseen frames of test
                       rollouts 0, 1, ...; NULL: unknown; owned, see yardstick_free() */
  int64_t attained_count;
};

/* Collective. What the data set says of itself: floor, mean image, checksum; all else is NaN. Of points only the
 * checksum is known. */
enum status yardstick_read(const struct comm *comm, const struct dataset *data, struct yardstick *yardstick);

/* Collective. The limits, from the file beside the data, averaged over the protocol's targets; those from images, which
 * are tighter, are preferred to those from positions. What is not known stays NaN. Freed with yardstick_free().
 * STATUS_FILE also when a limit file is of other data. */
enum status yardstick_read_limit(const struct comm *comm, const struct dataset *data, const struct protocol *protocol,
                                 struct yardstick *yardstick);

/* Collective. What nobody has measured before: of frames made elsewhere, which are read for it, the mean image and the
 * checksum; of points made elsewhere the checksum. Nothing to do for other data. */
enum status yardstick_measure(const struct comm *comm, const struct dataset *data, struct yardstick *yardstick);

void yardstick_free(struct yardstick *yardstick);

/* Not collective. Sets GECO's kappa: the absolute one, or the ratio times the limit, else times the floor.
 * STATUS_CONFIG when none is known or it is zero: then the message says how to get one. */
enum status yardstick_kappa(const struct objective_settings *settings, const struct dataset *data,
                            struct yardstick *yardstick);

#endif
