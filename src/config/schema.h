/* The table of all keys: the one place that knows their names, types, defaults, ranges, units and meaning.
 *
 * Not collective. The table is constant.
 */
#ifndef HGN_CONFIG_SCHEMA_H
#define HGN_CONFIG_SCHEMA_H

#include "config/experiment.h"

#include <stddef.h>

enum schema_type {
  SCHEMA_INTEGER, /* int64_t; where the row has `choices`, also one of these words: SCHEMA_WORD() of its index */
  SCHEMA_REAL,    /* double */
  SCHEMA_PAIR,    /* double[2], a sequence [lower, upper] with lower <= upper */
  SCHEMA_CHOICE,  /* an enum, whose names are `choices` */
  SCHEMA_SWITCH,  /* bool: true or false */
  SCHEMA_TEXT,    /* char[TRAINING_TEXT_MAX] */
  SCHEMA_LIST,    /* struct integer_list */
  SCHEMA_CHOICES  /* the same, of enumerators */
};

/* The number for which the `index`-th word of an integer row stands. */
#define SCHEMA_WORD(index) ((int64_t)-1 - (index))

/* What a file describes: a data set of a system, one of points of a density, or the training of a model. */
enum schema_use { SCHEMA_DATA, SCHEMA_POINTS, SCHEMA_TRAINING, SCHEMA_USE_COUNT };

/* Sets of uses. */
#define SCHEMA_USE(use) (1u << (use))
enum {
  SCHEMA_ANY = SCHEMA_USE(SCHEMA_USE_COUNT) - 1,
  SCHEMA_DATA_SETS = SCHEMA_USE(SCHEMA_DATA) | SCHEMA_USE(SCHEMA_POINTS)
};

struct schema_row {
  const char *path; /* "section.key", as the members of struct experiment, or of its member `training`; more may nest */
  enum schema_type type;
  size_t offset;        /* in struct experiment */
  const char *standard; /* default as YAML; NULL: required */
  int64_t least, most;  /* integers: range */
  double lower, upper;  /* reals: range */
  bool above_lower;     /* reals: the lower bound itself is not allowed */
  const char *unit;     /* NULL: dimensionless */
  const char *const *choices;
  int choice_count;
  unsigned kinds[SCHEMA_USE_COUNT]; /* bit k of kinds[u]: in a file of use u it applies to a system, density or model of
                                       kind k; 0: files of that use have no such key */
  const char *help;
};

enum { SCHEMA_PATH_MAX = 64, SCHEMA_TEXT_MAX = 320 };

extern const struct schema_row schema_rows[];
extern const int schema_count;

/* Whether files of that use may have the row. */
bool schema_used(const struct schema_row *row, enum schema_use use);

/* Indices, among the rows of that use; -1 when there is none. */
int schema_find(const char *path, enum schema_use use);

/* Whether keys begin with `path` and a dot. */
bool schema_is_section(const char *path, enum schema_use use);

/* The key, or section, that was most likely meant by `path`, into meant[SCHEMA_PATH_MAX]; true when it is close. */
bool schema_nearest(const char *path, enum schema_use use, char *meant);

/* The row that says which kind of thing a file of that use is about: system.name, density.name, model.name. */
int schema_kind_row(enum schema_use use);

/* Whether the row applies to that kind of system, density or model; kind -1: to all kinds. */
bool schema_applies(const struct schema_row *row, enum schema_use use, int kind);

/* What a value must be, in words: "a real number > 0, <= 1000000 [kg]". */
void schema_expected(const struct schema_row *row, char text[SCHEMA_TEXT_MAX]);

/* The bare range, "" when any value goes: "> 0, <= 1000000". */
void schema_range(const struct schema_row *row, char text[SCHEMA_TEXT_MAX]);

/* "a, b, c" of the systems, densities or models that the row applies to. */
void schema_kinds(const struct schema_row *row, enum schema_use use, char text[SCHEMA_TEXT_MAX]);

#endif
