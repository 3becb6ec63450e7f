#include "train/continuation.h"

#include <string.h>

static bool is(const struct schema_row *row, const char *path) { return strcmp(row->path, path) == 0; }

static bool is_harmless(const struct schema_row *row) {
  return is(row, "data.file") || is(row, "train.report_every") || is(row, "train.checkpoint_keep");
}

static bool is_steps(const struct schema_row *row) { return is(row, "train.steps"); }
static bool is_every(const struct schema_row *row) { return is(row, "train.checkpoint_every"); }

/* By what the steps done depend on beside the harmless ones. */
static bool counts(const struct schema_row *row) { return !is_harmless(row) && !is_steps(row) && !is_every(row); }
static bool counts_steps(const struct schema_row *row) { return !is_harmless(row) && !is_every(row); }
static bool counts_every(const struct schema_row *row) { return !is_harmless(row) && !is_steps(row); }
static bool counts_both(const struct schema_row *row) { return !is_harmless(row); }

static bool has_end(const struct config *config) {
  return config_experiment(config)->training.optimizer.schedule == SCHEDULE_COSINE;
}

static bool goes_back(const struct config *config) {
  return config_experiment(config)->training.train.divergence.response == DIVERGENCE_ROLL_BACK;
}

int continuation_differences(const struct config *then, const struct config *now, char *text, int size) {
  const bool steps = has_end(then) || has_end(now), every = goes_back(then) || goes_back(now);
  return config_differences_of(then, now,
                               steps && every ? counts_both
                               : steps        ? counts_steps
                               : every        ? counts_every
                                              : counts,
                               text, size);
}

bool continuation_is_longer(const struct config *then, const struct config *now) {
  char text[256];
  return config_differences_of(then, now, is_steps, text, sizeof text) == 1 &&
         config_differences_of(then, now, goes_back(now) ? counts_every : counts, text, sizeof text) == 0;
}
