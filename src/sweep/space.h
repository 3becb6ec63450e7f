/* The space that a sweep searches: parameters with distributions and conditions, and the points in it.
 *
 * A point is a row of f64, one number a parameter: of a choice (distribution_is_choice()) its index, else its value;
 * NaN where the parameter does not take part, since its condition does not hold. So a point is what methods work with,
 * what is recorded, and, as words "key=value", what makes a trial of the base experiment.
 *
 * All functions: Not collective. A space is filled by sweep_parse() (sweep.h) and constant then.
 */
#ifndef HGN_SWEEP_SPACE_H
#define HGN_SWEEP_SPACE_H

#include "base/arena.h"
#include "base/status.h"
#include "config/schema.h"
#include "sweep/distribution.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SPACE_PARAMETERS_MAX = 64, SPACE_CHOICES_MAX = 10000, SPACE_CONDITIONS_MAX = 8, SPACE_WORD_MAX = 2048 };

/* One of the alternatives of a choice. Texts are owned by the sweep. */
struct space_choice {
  const char *text; /* YAML in one line, as an override has it behind "=": 0.001, leapfrog, "a b", [64, 64] */
  double number;    /* NaN when it is no number */
};

/* `when: {PARAMETER: VALUE or [VALUES]}`: it takes part where that parameter takes part and has one of the values. */
struct space_condition {
  int parameter; /* index of one that stands before it in `order` */
  int64_t count;
  const double *value; /* [count]: as in a point */
};

struct space_parameter {
  const char *name;  /* our key: "optimizer.learning_rate" */
  const char *given; /* as it stands in the file; nested ones with dots */
  int row;           /* of the schema (schema.h) */
  bool whole;        /* the key is an integer: numbers are written without a point */
  struct distribution distribution;
  const struct space_choice *choice;                      /* [distribution.count]; NULL: numbers */
  struct space_condition condition[SPACE_CONDITIONS_MAX]; /* all have to hold */
  int conditions;
};

struct space {
  struct space_parameter parameter[SPACE_PARAMETERS_MAX];
  int count;
  int order[SPACE_PARAMETERS_MAX]; /* indices: what a condition looks at comes first */
};

/* The point of coordinates u[count] in (0, 1): quantiles, then NaN where a condition does not hold. */
void space_point(const struct space *space, const double *u, double *point);

/* The other way: distribution_coordinate() of each, NaN where a parameter takes no part. */
void space_coordinates(const struct space *space, const double *point, double *u);

/* Sets NaN where conditions do not hold; what is NaN though it takes part stays so. */
void space_settle(const struct space *space, double *point);

/* Whether two points are one: equal numbers, or both NaN, in all places. And a number that is alike for equal ones. */
bool space_equal(const struct space *space, const double *a, const double *b);
uint64_t space_hash(const struct space *space, const double *point);

/* The number that constraints see of a parameter at a point: the value, of a choice its number; NaN: none. */
double space_number(const struct space *space, const double *point, int parameter);

/* "optimizer.learning_rate=0.001", what the base experiment is overridden with; numbers read back with equal bits.
 * false: the parameter does not take part, its value is NaN. STATUS_NUMERIC when it is infinite; STATUS_CONFIG when the
 * word is longer than SPACE_WORD_MAX. */
enum status space_word(const struct space *space, const double *point, int parameter, char word[SPACE_WORD_MAX],
                       bool *takes_part);

/* The value alone as people read it: "0.001", "leapfrog", "-" where it does not take part. Made to fit: texts are cut,
 * numbers have fewer digits. */
void space_show(const struct space *space, const double *point, int parameter, char *text, size_t size);

/* How many different points grid goes through; -1: a continuum, or more than `most`. Exact: conditions are followed,
 * and choices with equal values (which the parser has refused) are not there. Takes time up to `most` where conditions
 * look at parameters of many values. Not all of them need ever come at random (distribution_values()). */
int64_t space_points(const struct space *space, int64_t most);

/* The size of the full product grid, without regard to conditions; -1: a continuum or more than 2^53; and its
 * `index`-th point, settled. The last parameter goes fastest, as in W&B and nested loops. */
int64_t space_grid(const struct space *space);
void space_grid_point(const struct space *space, int64_t index, double *point);

/* A table of it, a line a parameter, for --dry-run: name, distribution, range or choices, condition. */
enum status space_print(const struct space *space, FILE *out);

#endif
