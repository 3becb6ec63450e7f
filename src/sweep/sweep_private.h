/* What the parts of the parser share. Private to src/sweep, and to analysis/report/claims_parse.c, which reads YAML in
 * the same way. */
#ifndef HGN_SWEEP_SWEEP_PRIVATE_H
#define HGN_SWEEP_SWEEP_PRIVATE_H

#include "config/document.h"
#include "config/problems.h"
#include "config/value.h"
#include "sweep/sweep.h"

#include <stdbool.h>
#include <stdint.h>

enum {
  SWEEP_FOUND_MAX = 128,
  SWEEP_PATH_SHOWN_MAX = 256,
  SWEEP_KEYS_MAX = 48, /* of one mapping */
  SWEEP_REPORTS_MAX = 1000000,
  SWEEP_WORDS_MAX = 64, /* of a command of `prepare` */
  SWEEP_GIVEN_MAX = 192 /* of a parameter's name in the file */
};

struct sweep_reader {
  char path[SWEEP_PATH_SHOWN_MAX]; /* fit for messages */
  const struct document *document;
  const struct sweep_options *options;
  struct sweep *sweep;
  struct problems problems;
  struct experiment scratch; /* where values are tried */
  char *notice;              /* [SWEEP_NOTICE_MAX] */
  char meaningless[256];     /* keys that mean nothing here, "a, b" */
  bool rename_used[SWEEP_RENAMES_MAX];
  struct document_mark rename_mark[SWEEP_RENAMES_MAX]; /* line 0: by an option */
  struct document_mark parameter_mark[SPACE_PARAMETERS_MAX];
  int when[SPACE_PARAMETERS_MAX];    /* node, -1: none */
  bool broken[SPACE_PARAMETERS_MAX]; /* its distribution is wrong, so that nothing can be said of its values */
  struct document_mark run_cap_mark, confirm_mark, array_mark;
  bool has_metric, has_metrics;
  struct document_mark population_mark; /* of `pbt`; line 0: it is not there */
};

/* How a key is read: SPECIAL by its function, the others into the sweep at `offset`. */
enum sweep_key_kind {
  SWEEP_SPECIAL,
  SWEEP_INTEGER, /* int64_t */
  SWEEP_REAL,    /* double, from 0 */
  SWEEP_SECONDS, /* double */
  SWEEP_BYTES,   /* int64_t */
  SWEEP_SWITCH,  /* bool */
  SWEEP_IGNORED, /* right, and means nothing here */
  SWEEP_UNREAD,  /* right, and only for people */
  SWEEP_REFUSED
};

struct sweep_key {
  const char *name;
  enum sweep_key_kind kind;
  size_t offset;
  int64_t least, most;
  void (*read)(struct sweep_reader *reader, int node);
  const char *reason; /* SWEEP_REFUSED */
};

/* ---- Values (sweep_values.c) ---- */

void sweep_problem(struct sweep_reader *reader, struct document_mark mark, const char *format, ...) STATUS_PRINTF(3, 4);
/* A line of the notice. */
void sweep_warn(struct sweep_reader *reader, struct document_mark mark, const char *format, ...) STATUS_PRINTF(3, 4);
/* A copy in the sweep's arena; "" when there is no memory, which the arena remembers. */
char *sweep_keep(struct sweep *sweep, const char *text);

struct document_mark sweep_mark(const struct sweep_reader *reader, int node);
enum document_kind sweep_kind(const struct sweep_reader *reader, int node);
int sweep_count(const struct sweep_reader *reader, int node);
int sweep_item(const struct sweep_reader *reader, int node, int index); /* of a sequence */
/* Where the value of a key of the file stands; its beginning, when it is not there. */
struct document_mark sweep_key_mark(const struct sweep_reader *reader, const char *key);

/* What stands there, in words. */
void sweep_found(const struct sweep_reader *reader, int node, char found[SWEEP_FOUND_MAX]);
/* "WHAT: found ..., expected EXPECTED". Returns false. */
bool sweep_refuse(struct sweep_reader *reader, int node, const char *what, const char *expected);

/* Each adds a problem that begins with `what` when it is wrong, and returns whether it is right. */
bool sweep_read_integer(struct sweep_reader *reader, int node, const char *what, int64_t least, int64_t most,
                        int64_t *value);
bool sweep_read_real(struct sweep_reader *reader, int node, const char *what, double *value);
bool sweep_read_positive(struct sweep_reader *reader, int node, const char *what, double *value);
bool sweep_read_switch(struct sweep_reader *reader, int node, const char *what, bool *value);
bool sweep_read_seconds(struct sweep_reader *reader, int node, const char *what, double *value);
bool sweep_read_bytes(struct sweep_reader *reader, int node, const char *what, int64_t *value);
/* A text that is not empty, of less than `size` bytes; borrowed. */
bool sweep_read_text(struct sweep_reader *reader, int node, const char *what, size_t size, const char **text);
/* Which of the words it is. */
bool sweep_read_choice(struct sweep_reader *reader, int node, const char *what, const char *const *words, int count,
                       int *choice);
/* A value of a row of the schema: as canonical text, and as a number (NaN: it is none; true is 1). */
bool sweep_read_value(struct sweep_reader *reader, int row, int node, char text[VALUE_TEXT_MAX], double *number);

/* Reads a mapping by a table: unknown keys are problems, the others are read in the order of the table. */
void sweep_read_keys(struct sweep_reader *reader, int node, const char *section, const struct sweep_key *keys,
                     int count);

/* ---- Names ---- */

/* Ours for a name of the file: renamed, or itself. */
const char *sweep_renamed(struct sweep_reader *reader, const char *name);
/* By our name, the given one, or one that is renamed; -1: none. */
int sweep_find_parameter(const struct sweep *sweep, const char *name);
/* Ours for the name of a parameter or a score. */
const char *sweep_our_name(const struct sweep *sweep, const char *name);
/* The scores of the base's model, by number; NULL beyond the last. */
const char *sweep_score(const struct sweep *sweep, int index);
bool sweep_is_score(const struct sweep *sweep, const char *name);
/* "a, b, c" of the scores. */
void sweep_scores(const struct sweep *sweep, char *text, size_t size);

/* ---- Parts of the file ---- */

void sweep_read_rename(struct sweep_reader *reader, int node);
void sweep_read_rename_options(struct sweep_reader *reader);
void sweep_read_metric(struct sweep_reader *reader, int node);
void sweep_read_metrics(struct sweep_reader *reader, int node);
void sweep_read_early(struct sweep_reader *reader, int node);
void sweep_read_population(struct sweep_reader *reader, int node);
void sweep_read_resources(struct sweep_reader *reader, int node);
void sweep_read_slurm(struct sweep_reader *reader, int node);
void sweep_read_prepare(struct sweep_reader *reader, int node);
void sweep_read_parameters(struct sweep_reader *reader, int node);
void sweep_read_constraints(struct sweep_reader *reader, int node);
void sweep_read_enqueue(struct sweep_reader *reader, int node);

/* Conditions of parameters, once all of these are known; and the order of the space. */
void sweep_read_conditions(struct sweep_reader *reader);
/* The number that a value has in a point of the space: an index of a choice, or a number within its bounds. */
bool sweep_read_coordinate(struct sweep_reader *reader, int parameter, int node, double *coordinate);
/* Of a method whose configurations are parts of trainings: which parameters may vary, and what does not go with it. */
void sweep_check_population(struct sweep_reader *reader);

#endif
