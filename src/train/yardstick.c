#include "train/yardstick.h"

#include "base/log.h"
#include "physics/ladder.h"
#include "physics/limit_file.h"
#include "physics/points.h"

#include <math.h>
#include <stdlib.h>

/* Of points there are none: each is NaN. */
static enum status read_rungs(const struct dataset *data, struct yardstick *yardstick) {
  double error;
  TRY(dataset_ladder(data, ladder_name(LADDER_FLOOR), &yardstick->floor, &error));
  TRY(dataset_ladder(data, ladder_name(LADDER_MEAN), &yardstick->mean_image, &error));
  return dataset_checksum(data, yardstick->checksum);
}

static double mean_over(const double *mse, const struct protocol *protocol, bool unseen) {
  double sum = 0;
  int64_t count = 0;
  for (int64_t t = 0; t < protocol->target_count; t++) {
    if (unseen && !protocol_unseen(protocol, t)) continue;
    sum += mse[protocol->target_first + t];
    count += 1;
  }
  return count ? sum / (double)count : NAN;
}

/* Frames that have been seen are left out: a prediction of them is not one. */
static enum status average_attained(const struct limit_result *limit, const struct protocol *protocol,
                                    struct yardstick *yardstick) {
  if (isnan(yardstick->limit_unseen)) return STATUS_OK;
  yardstick->attained = malloc((size_t)limit->rollouts * sizeof *yardstick->attained);
  REQUIRE(yardstick->attained, STATUS_MEMORY, "out of memory for the limits of %lld rollouts",
          (long long)limit->rollouts);
  yardstick->attained_count = limit->rollouts;
  for (int64_t i = 0; i < limit->rollouts; i++)
    yardstick->attained[i] = mean_over(limit->attained + i * limit->frames, protocol, true);
  return STATUS_OK;
}

void yardstick_free(struct yardstick *yardstick) {
  free(yardstick->attained);
  yardstick->attained = NULL;
  yardstick->attained_count = 0;
}

enum status yardstick_read_limit(const struct comm *comm, const struct dataset *data, const struct protocol *protocol,
                                 struct yardstick *yardstick) {
  char path[STORE_PATH_MAX];
  if (!data->config || data->has_points) return STATUS_OK;
  /* The limit is that of seeing the first frames; a window in the middle has another, which is not computed. */
  if (protocol->input_first != 0 || protocol->anchor >= protocol->input_count) return STATUS_OK;
  if (protocol->target_first < protocol->anchor) return STATUS_OK;
  TRY(limit_file_name(data->file.path, path, sizeof path));
  static const enum limit_observe observers[] = {LIMIT_IMAGES, LIMIT_POSITIONS};
  for (int i = 0; i < LIMIT_OBSERVE_COUNT; i++) {
    struct limit_result limit;
    enum status status = limit_file_read(comm, path, yardstick->checksum, protocol->input_count, observers[i], &limit);
    if (status == STATUS_UNAVAILABLE) {
      status_clear();
      continue;
    }
    if (status != STATUS_OK) return status;
    yardstick->limit = mean_over(limit.mse, protocol, false);
    yardstick->limit_unseen = mean_over(limit.mse, protocol, true);
    status = average_attained(&limit, protocol, yardstick);
    limit_free(&limit);
    return comm_agree(comm, status);
  }
  return STATUS_OK;
}

enum status yardstick_read(const struct comm *comm, const struct dataset *data, struct yardstick *yardstick) {
  *yardstick = (struct yardstick){.floor = NAN, .mean_image = NAN, .limit = NAN, .limit_unseen = NAN, .kappa = NAN};
  return data->config ? comm_agree(comm, read_rungs(data, yardstick)) : STATUS_OK;
}

enum status yardstick_measure(const struct comm *comm, const struct dataset *data, struct yardstick *yardstick) {
  struct ladder ladder;
  if (data->config) return STATUS_OK;
  if (data->has_points) return points_checksum(comm, data, yardstick->checksum);
  log_info("%s: reading frames for their mean image", data->file.path);
  TRY(ladder_measure_frames(comm, data, &ladder, yardstick->checksum));
  yardstick->mean_image = ladder.mse[LADDER_MEAN];
  return STATUS_OK;
}

enum status yardstick_kappa(const struct objective_settings *settings, const struct dataset *data,
                            struct yardstick *yardstick) {
  if (settings->name != OBJECTIVE_GECO) return STATUS_OK;
  yardstick->kappa = settings->kappa;
  snprintf(yardstick->kappa_from, sizeof yardstick->kappa_from, "objective.kappa");
  if (yardstick->kappa > 0) return STATUS_OK;
  const double best = isnan(yardstick->limit) ? yardstick->floor : yardstick->limit;
  REQUIRE(best > 0, STATUS_CONFIG,
          "objective.kappa is required: %s has neither an information limit nor a noise floor above 0. Give the mean "
          "squared error to aim at, say objective.kappa=1e-4, or use objective.name=elbo%s",
          data->file.path, data->config ? "; hgn limit computes the limit of noisy data" : "");
  yardstick->kappa = settings->kappa_ratio * best;
  snprintf(yardstick->kappa_from, sizeof yardstick->kappa_from, "%.4g times the %s", settings->kappa_ratio,
           isnan(yardstick->limit) ? "noise floor" : "information limit");
  return STATUS_OK;
}
