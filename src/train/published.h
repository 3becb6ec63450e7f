/* What was published of HGN (data/published_results.csv), whether it is of the same data as ours, and what its data
 * allow (data/published_limits.csv): published figures are held against the same floors, limits and mean images
 * as ours.
 *
 * All functions: Not collective.
 */
#ifndef HGN_TRAIN_PUBLISHED_H
#define HGN_TRAIN_PUBLISHED_H

#include "config/config.h"
#include "train/protocol.h"

/* What stands behind a printed +-. */
enum published_margin {
  PUBLISHED_BARE,      /* there is none */
  PUBLISHED_INTERVAL,  /* half of a 95% interval of the mean: 1.96 standard errors */
  PUBLISHED_AS_PRINTED /* nobody says */
};

/* A row of the reproduction, or of the paper as the reproduction quotes it. */
struct published_row {
  const char *source, *table, *model;  /* "rescience_report", "Table 1", "HGN Leapfrog 5-frame" */
  const char *system, *split, *metric; /* "pendulum", "test", "pixel_mse" */
  double value, half;                  /* half: NaN where there is none */
  enum published_margin margin;
};
extern const struct published_row published_rows[];
extern const int published_count;

#define PUBLISHED_PAPER "hgn_paper_via_report"
#define PUBLISHED_REPRODUCTION "rescience_report"

/* NULL: there is no such row. Pixel errors are found in Table 1. */
const struct published_row *published_find(const char *source, const char *model, const char *system,
                                           const char *split);

/* Of the value: of a 95% interval its half / 1.96, 0 of a bare number, NaN where nobody says what the +- is. */
double published_error(const struct published_row *row);

/* Mean over systems of |value - other| / other, of test rollouts: the reproduction's "average absolute relative error".
 * *systems: how many have both figures; NaN of none. */
double published_relative_error(const char *model, const char *other_model, int *systems);

/* ---- The same data ---- */

/* The reproduction's data: YAML, by the system's name; NULL for others. */
const char *published_preset(const char *system);

/* Why errors on these data cannot be held against the reproduction's; "": they can. The system must have a preset. */
enum { PUBLISHED_WHY_MAX = 320 };
void published_compare_data(const struct config *data, const char *preset, char why[PUBLISHED_WHY_MAX]);

/* What the reproduction's tables call it: "autoencode", all 34 frames seen and reconstructed; "5-frame", five seen and
 * 30 predicted, of which the first is the last one seen. NULL: neither. */
const char *published_mode(enum protocol_kind kind, const struct protocol *protocol);

/* ---- What its data allow ---- */

enum published_bound_kind {
  PUBLISHED_FLOOR,         /* the noise floor */
  PUBLISHED_MEAN_IMAGE,    /* what the mean training image comes to */
  PUBLISHED_LIMIT,         /* information limit of the frames 5 to 33, five seen */
  PUBLISHED_LIMIT_PREDICT, /* of the frames 4 to 33, as if the noise of frame 4 had not been seen */
  PUBLISHED_LIMIT_ALL      /* of all 34 frames, all seen, against a fresh look at the same states */
};
/* Of the reproduction's data with observation noise of `noise`. */
struct published_bound {
  const char *system;
  double noise;
  bool stated; /* the noise that the reproduction says it had */
  enum published_bound_kind kind;
  double value, error; /* standard error */
  const char *source;
};
extern const struct published_bound published_bounds[];
extern const int published_bound_count;

/* NULL: unknown. noise NaN: the one that is stated. */
const struct published_bound *published_bound(const char *system, double noise, enum published_bound_kind kind);

/* A figure is below a bound when it is so by more than three standard errors, of both. Bits of a set. */
enum published_flag {
  PUBLISHED_BELOW_FLOOR = 1, /* on test frames that were not seen: with that noise it cannot be */
  PUBLISHED_BELOW_LIMIT = 2, /* likewise: nobody can know as much from five frames */
  PUBLISHED_MAY_COPY = 4,    /* below, but it has seen the frames, or was trained on them: their noise may be copied */
  PUBLISHED_OTHER_DATA = 8,  /* of the paper: below the floor of the reproduction's data, so its own are others */
  PUBLISHED_NO_BETTER = 16   /* R2 is at most VERDICT_R2, at the noise as stated or another that is not ruled out */
};
/* What the binding bounds of test frames are at a noise: a 5-frame figure is a mean over frames 4 to 33, and of the
 * first the noise may be copied, so that 29/30 of the bound is left. 0: nothing binds. */
double published_share(const struct published_row *row);
/* Flags of a pixel error; 0 of other metrics. The noise is ruled out that some figure of the reproduction is below the
 * floor or the limit of; *noise: that of the mean image of PUBLISHED_NO_BETTER, NaN without it. */
unsigned published_flags(const struct published_row *row, double *noise);
/* Whether a figure on test frames that were not seen is below what that noise allows; whether any of the reproduction's
 * of that system is. */
bool published_figure_below(const struct published_row *row, double noise);
bool published_rules_out(const char *system, double noise);

#endif
