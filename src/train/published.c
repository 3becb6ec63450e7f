#include "train/published.h"

#include "config/schema.h"
#include "train/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INTERVAL_ERRORS 1.959963984540054 /* standard errors in half of a 95% interval */

/* ---- Rows ---- */

const struct published_row *published_find(const char *source, const char *model, const char *system,
                                           const char *split) {
  for (int i = 0; i < published_count; i++) {
    const struct published_row *row = &published_rows[i];
    if (strcmp(row->source, source) == 0 && strcmp(row->model, model) == 0 && strcmp(row->system, system) == 0 &&
        strcmp(row->split, split) == 0 && strcmp(row->metric, "pixel_mse") == 0 && strcmp(row->table, "Table 1") == 0)
      return row;
  }
  return NULL;
}

double published_error(const struct published_row *row) {
  if (row->margin == PUBLISHED_AS_PRINTED) return NAN;
  return row->margin == PUBLISHED_INTERVAL ? row->half / INTERVAL_ERRORS : 0;
}

double published_relative_error(const char *model, const char *other_model, int *systems) {
  double sum = 0;
  *systems = 0;
  for (int i = 0; i < published_count; i++) {
    const struct published_row *row = &published_rows[i];
    if (row != published_find(PUBLISHED_REPRODUCTION, model, row->system, "test")) continue;
    const struct published_row *other = published_find(PUBLISHED_PAPER, other_model, row->system, "test");
    if (!other) continue;
    sum += fabs(row->value - other->value) / other->value;
    *systems += 1;
  }
  return *systems > 0 ? sum / *systems : NAN;
}

/* ---- The same data ---- */

/* What decides how hard a data set is: not which of its rollouts there are, nor how many. */
static bool decides(const struct schema_row *row) {
  static const char *const others[] = {"seed", "data.train", "data.test", "data.validation", "ladder.input_frames"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strcmp(row->path, others[i]) == 0) return false;
  return true;
}

void published_compare_data(const struct config *data, const char *preset, char why[PUBLISHED_WHY_MAX]) {
  struct config *theirs = NULL;
  char differences[PUBLISHED_WHY_MAX - 64];
  why[0] = '\0';
  if (config_parse("report2021", preset, strlen(preset), NULL, 0, &theirs) != STATUS_OK) {
    status_clear();
    snprintf(why, PUBLISHED_WHY_MAX, "its data are not known");
  } else if (config_differences_of(theirs, data, decides, differences, sizeof differences) > 0) {
    snprintf(why, PUBLISHED_WHY_MAX, "its data are others (%s)", differences);
  }
  config_destroy(&theirs);
}

const char *published_mode(enum protocol_kind kind, const struct protocol *protocol) {
  const bool all = protocol->input_count == 34 && protocol->target_count == 34;
  if (kind == PROTOCOL_AUTOENCODE && all) return "autoencode";
  if (kind == PROTOCOL_PREDICT && protocol->input_count == 5 && protocol->target_count == 30) return "5-frame";
  return NULL;
}

/* ---- What its data allow ---- */

const struct published_bound *published_bound(const char *system, double noise, enum published_bound_kind kind) {
  for (int i = 0; i < published_bound_count; i++) {
    const struct published_bound *bound = &published_bounds[i];
    if (strcmp(bound->system, system) != 0 || bound->kind != kind) continue;
    if (isnan(noise) ? bound->stated : bound->noise == noise) return bound;
  }
  return NULL;
}

static bool ends_with(const char *text, const char *end) {
  const size_t length = strlen(text), of_end = strlen(end);
  return length >= of_end && strcmp(text + length - of_end, end) == 0;
}

double published_share(const struct published_row *row) {
  enum { TARGETS = 30 };
  const bool binds = strcmp(row->source, PUBLISHED_REPRODUCTION) == 0 && ends_with(row->model, " 5-frame") &&
                     strcmp(row->split, "test") == 0;
  return binds ? (double)(TARGETS - 1) / TARGETS : 0;
}

/* By more than three standard errors of both; an error that nobody knows is taken for none where the figure is below
 * even with all of its margin. */
static bool is_below(const struct published_row *row, const struct published_bound *bound, double share) {
  if (!bound) return false;
  const double of_row = published_error(row);
  if (isnan(of_row)) return row->value + row->half < share * bound->value;
  const double error = sqrt(of_row * of_row + share * share * bound->error * bound->error);
  return row->value < share * bound->value - 3 * error;
}

bool published_figure_below(const struct published_row *row, double noise) {
  const double share = published_share(row);
  return share > 0 && (is_below(row, published_bound(row->system, noise, PUBLISHED_FLOOR), share) ||
                       is_below(row, published_bound(row->system, noise, PUBLISHED_LIMIT), share));
}

bool published_rules_out(const char *system, double noise) {
  for (int i = 0; i < published_count; i++) {
    const struct published_row *row = &published_rows[i];
    if (strcmp(row->system, system) == 0 && strcmp(row->metric, "pixel_mse") == 0 && published_figure_below(row, noise))
      return true;
  }
  return false;
}

static bool is_no_better(const struct published_row *row, double *noise) {
  for (int i = 0; i < published_bound_count; i++) {
    const struct published_bound *mean = &published_bounds[i];
    if (strcmp(mean->system, row->system) != 0 || mean->kind != PUBLISHED_MEAN_IMAGE ||
        published_rules_out(row->system, mean->noise))
      continue;
    *noise = mean->noise;
    if (1 - row->value / mean->value <= VERDICT_R2) return true;
  }
  *noise = NAN;
  return false;
}

unsigned published_flags(const struct published_row *row, double *noise) {
  const double stated = NAN, share = published_share(row);
  const struct published_bound *floor = published_bound(row->system, stated, PUBLISHED_FLOOR),
                               *limit = published_bound(row->system, stated, PUBLISHED_LIMIT),
                               *limit_all = published_bound(row->system, stated, PUBLISHED_LIMIT_ALL);
  unsigned flags = 0;
  *noise = NAN;
  if (strcmp(row->metric, "pixel_mse") != 0) return 0;
  if (strcmp(row->source, PUBLISHED_PAPER) == 0) return is_below(row, floor, 1) ? PUBLISHED_OTHER_DATA : 0;
  if (share > 0) {
    if (is_below(row, floor, share)) flags |= PUBLISHED_BELOW_FLOOR;
    if (is_below(row, limit, share)) flags |= PUBLISHED_BELOW_LIMIT;
  } else {
    const bool five = ends_with(row->model, " 5-frame");
    if (is_below(row, floor, 1) || is_below(row, five ? limit : limit_all, 1)) flags |= PUBLISHED_MAY_COPY;
  }
  if (is_no_better(row, noise)) flags |= PUBLISHED_NO_BETTER;
  return flags;
}
