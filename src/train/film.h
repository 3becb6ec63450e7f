/* A rollout of a model beside the truth, as frames to be looked at. Not collective. */
#ifndef HGN_TRAIN_FILM_H
#define HGN_TRAIN_FILM_H

#include "store/reel.h"
#include "train/probe.h"

/* Its rows. Without any truth there is only the prediction, in row 0. */
enum film_rows { FILM_TRUTH, FILM_PREDICTION, FILM_DIFFERENCE, FILM_ROWS };

/* Truth, prediction and their difference, which is grey where both agree and brighter where the prediction is; with a
 * title. rollout: with images. Freed with reel_free(), also after a failure. STATUS_MEMORY. */
enum status film_reel(const struct probe_request *request, const struct dataset *data,
                      const struct probe_rollout *rollout, struct reel *reel);

#endif
