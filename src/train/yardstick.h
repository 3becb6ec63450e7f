/* What a model's error is held against: the noise floor and the mean image of the data set's ladder, the information
 * limit of the file beside it. */
#ifndef HGN_TRAIN_YARDSTICK_H
#define HGN_TRAIN_YARDSTICK_H

#include "train/protocol.h"
#include "train/record.h"

/* Collective. Limits are averaged over the protocol's targets; those from images, which are tighter, are preferred to
 * those from positions. What is not known is NaN. Freed with yardstick_free(). STATUS_FILE when a limit file is damaged
 * or of other data. */
enum status yardstick_read(const struct comm *comm, const struct dataset *data, const struct protocol *protocol,
                           struct yardstick *yardstick);

void yardstick_free(struct yardstick *yardstick);

/* Not collective. Sets GECO's kappa: the absolute one, or the ratio times the limit, else times the floor.
 * STATUS_CONFIG when none is known or it is zero: then the message says how to get one. */
enum status yardstick_kappa(const struct objective_settings *settings, const struct dataset *data,
                            struct yardstick *yardstick);

#endif
