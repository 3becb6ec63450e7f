#include "train/evaluation.h"

#include <math.h>
#include <stdlib.h>

void evaluation_free(struct evaluation *evaluation) {
  free(evaluation->by_frame);
  evaluation->by_frame = NULL;
}

static void settle(double *value, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (isnan(value[i])) value[i] = (double)NAN;
}

void evaluation_settle(struct evaluation *evaluation) {
  settle(evaluation->score, EVALUATION_SCORES_MAX);
  if (evaluation->by_frame) settle(evaluation->by_frame, evaluation->frames);
}

static enum status add_groups(struct evaluation_set *set, enum split split, int64_t first, int64_t count,
                              int64_t reversed) {
  const int64_t groups = (count + EVALUATION_GROUP - 1) / EVALUATION_GROUP;
  if (groups == 0) return STATUS_OK;
  struct evaluation_group *grown = realloc(set->group, (size_t)(set->count + groups) * sizeof *grown);
  REQUIRE(grown, STATUS_MEMORY, "out of memory for %lld groups of rollouts", (long long)groups);
  set->group = grown;
  for (int64_t i = 0; i < groups; i++) {
    const int64_t at = i * EVALUATION_GROUP, left = count - at;
    set->group[set->count++] = (struct evaluation_group){
        split, first + at, left < EVALUATION_GROUP ? left : EVALUATION_GROUP, first + at < reversed};
  }
  return STATUS_OK;
}

enum status evaluation_set_first(const struct comm *comm, struct source *source, enum split split, int64_t rollouts,
                                 int64_t reversed, struct evaluation_set *set) {
  *set = (struct evaluation_set){.split = split};
  const int64_t groups = (rollouts + EVALUATION_GROUP - 1) / EVALUATION_GROUP;
  int64_t first, count;
  comm_share(groups, comm->size, comm->rank, &first, &count);
  int64_t from = first * EVALUATION_GROUP, to = (first + count) * EVALUATION_GROUP;
  if (to > rollouts) to = rollouts;
  if (from > to) from = to;
  TRY(add_groups(set, split, from, to - from, reversed));
  return source_load(source, split, from, to - from);
}

enum status evaluation_set_lanes(const struct lanes *lanes, int64_t first_lane, int64_t lane_count, int64_t total,
                                 int64_t rollouts, struct evaluation_set *set) {
  *set = (struct evaluation_set){.split = SPLIT_TRAIN};
  const int64_t share = (rollouts + lanes->count - 1) / lanes->count;
  for (int64_t lane = first_lane; lane < first_lane + lane_count; lane++) {
    int64_t first, count;
    lanes_slice(lanes, total, lane, &first, &count);
    TRY(add_groups(set, SPLIT_TRAIN, first, count < share ? count : share, 0));
  }
  return STATUS_OK;
}

void evaluation_set_free(struct evaluation_set *set) {
  free(set->group);
  *set = (struct evaluation_set){.count = 0};
}
