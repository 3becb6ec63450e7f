#include "train/film.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void write_title(const struct probe_request *request, const struct probe_rollout *rollout, struct reel *reel) {
  int used = snprintf(reel->title, sizeof reel->title, "%s rollout %lld", split_name[request->split],
                      (long long)request->rollout);
  if (request->backward) used += snprintf(reel->title + used, sizeof reel->title - (size_t)used, ", backward");
  if (request->speed != 1)
    used += snprintf(reel->title + used, sizeof reel->title - (size_t)used, ", speed %g", request->speed);
  if (rollout->known > 0)
    snprintf(reel->title + used, sizeof reel->title - (size_t)used, ", MSE %.3fe-4", 1e4 * probe_mean_error(rollout));
}

/* Without any truth there is only the prediction to be seen. The difference is grey where both agree, brighter where
 * the prediction is brighter. */
static void fill_reel(const struct probe_rollout *rollout, struct reel *reel) {
  const size_t values = (size_t)reel->frames * reel->values;
  const float *truth = rollout->truth, *prediction = rollout->path.images;
  if (rollout->known == 0) {
    memcpy(reel->image[0], prediction, values * sizeof *prediction);
    memcpy(reel->label[0], reel->label[FILM_PREDICTION], REEL_LABEL_MAX);
    reel->rows = 1;
    return;
  }
  memcpy(reel->image[FILM_TRUTH], truth, values * sizeof *truth);
  memcpy(reel->image[FILM_PREDICTION], prediction, values * sizeof *prediction);
  for (size_t i = 0; i < values; i++)
    reel->image[FILM_DIFFERENCE][i] = (float)(0.5 + 0.5 * ((double)prediction[i] - (double)truth[i]));
}

enum status film_reel(const struct probe_request *request, const struct dataset *data,
                      const struct probe_rollout *rollout, struct reel *reel) {
  *reel = (struct reel){.frames = rollout->path.frames,
                        .height = (int)data->height,
                        .width = (int)data->width,
                        .channels = (int)data->channels,
                        .start = rollout->start,
                        .dt = rollout->dt,
                        .rows = FILM_ROWS,
                        .label = {"truth", "prediction", "difference"}};
  TRY(reel_allocate(reel));
  write_title(request, rollout, reel);
  fill_reel(rollout, reel);
  return STATUS_OK;
}
