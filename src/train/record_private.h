/* What the source files of the record share. */
#ifndef HGN_TRAIN_RECORD_PRIVATE_H
#define HGN_TRAIN_RECORD_PRIVATE_H

#include "train/record.h"

/* Tables, whose rows are written one by one. A row is a part of several data sets, and has a checksum. A report has a
 * row in the first two: of what it computed, and of what was measured. */
enum record_table { RECORD_REPORTS, RECORD_MEASURED, RECORD_TRAIN, RECORD_VALIDATION, RECORD_TEST, RECORD_TABLES };

/* The table of evaluations of a split. */
enum record_table record_table_of(enum split split);

enum { RECORD_NAME_MAX = 96, RECORD_PARTS_MAX = 64, RECORD_HELP_MAX = 192 };

/* What a row has in one data set of `rank` dimensions, the first of which is the rows': one number, [width], or
 * [width / 2][2]. */
struct record_part {
  char name[RECORD_NAME_MAX]; /* of the data set */
  const char *unit;
  char help[RECORD_HELP_MAX];
  enum store_type type; /* f64 or i64 */
  int64_t width;        /* values of a row */
  int rank;
  const void *value; /* of the row that is given; NULL: none is */
};

/* What a row of an evaluation's table is made of. */
struct record_evaluated {
  double step;
  const struct evaluation *evaluation;
};

/* All: Not collective. The parts of a table's rows, without the checksum; returns how many. row: NULL, or a struct
 * report, or a struct record_evaluated, whose values the parts then have. */
int record_list(const struct record_shape *shape, enum record_table table, const void *row,
                struct record_part parts[RECORD_PARTS_MAX]);
struct record_shape record_shape_of(const struct record_run *run);
/* The sizes of a run's file, from its configuration and the file itself. STATUS_FILE when they are wrong. */
enum status record_read_shape(const struct store_file *file, const struct config *config, struct record_shape *shape);
/* How many of the rows first..first+count-1 of a table are what was written, from the first of them. */
enum status record_count_rows(const struct store_file *file, const struct record_shape *shape, enum record_table table,
                              int64_t first, int64_t count, int64_t *whole);
/* The same of all rows that the run will have. */
enum status record_count_whole(const struct store_file *file, const struct record_shape *shape, enum record_table table,
                               const struct training *training, int64_t *whole);
/* The data set of the checksums. */
void record_sum_name(enum record_table table, char name[RECORD_NAME_MAX]);
/* Adds one part of row `index`. */
void record_sum_part(const struct record_part *part, int64_t index, const void *values, struct checksum *sum);
/* What does not change in a run's file, and its checksum. */
struct record_head {
  const char *config, *numerics, *data, *data_checksum;
  double floor, mean_image, kappa;
};
void record_sum_head(const struct record_head *head, char text[CHECKSUM_TEXT]);
/* `rows` of them, -1 for any number, of `width` values; STATUS_FILE when not. */
enum status record_check_shape(const struct store_file *file, const char *name, enum store_type type, int64_t rows,
                               int64_t width);

/* Of the run that another begins from, the step of it, as text, and the checksum of its parameters; NULL: without. */
void record_sum_origin(const char *run, const char *step, const char *parameters, char text[CHECKSUM_TEXT]);

/* Collective. Opens it for reading; STATUS_FILE when it is no run. */
enum status record_open_run(const struct comm *comm, const char *path, struct store_file *file);
/* Collective. record_create(), without the final name. */
enum status record_make(const struct comm *comm, const char *path, const struct store_lock *lock,
                        const struct record_run *run, const struct yardstick *yardstick, struct record *record);
/* Of the values of a row; of a table's widest part, at least those of a checksum. */
int64_t record_widest(const struct record_part *parts, int count);
/* Rows that fit a block that is read at once, at least one. */
int64_t record_block(int64_t widest);

/* Of the limits. */
void record_sum_limits(const double limits[2], struct checksum *sum);

/* Whether it is a table of reports, not of evaluations. */
bool record_is_reports(enum record_table table);
/* Rows of a table, and the step after which a row is written. */
int64_t record_rows(enum record_table table, const struct training *training);
int64_t record_row_step(enum record_table table, const struct training *training, int64_t row);

/* Collective. */
enum status record_make_verdict(struct store_file *file);
/* Collective. The table of sessions; and what of it a file of that name has, `session` and `has_verdict`. */
enum status record_make_sessions(struct store_file *file);
enum status record_find_session(const struct comm *comm, const char *path, struct record *record);
/* Root only. The rows of another run's file, and the one after them for what comes. */
enum status record_copy_sessions(const struct store_file *from, struct record *record);

#endif
