/* What the source files of the record share. */
#ifndef HGN_TRAIN_RECORD_PRIVATE_H
#define HGN_TRAIN_RECORD_PRIVATE_H

#include "train/record.h"

struct record_column {
  const char *name, *unit, *help;
};
extern const struct record_column record_report_columns[], record_evaluation_columns[];
extern const int record_report_count, record_evaluation_count;

/* Three tables, whose rows are written one by one. A row is a part of several data sets, and has a checksum. */
enum record_table { RECORD_REPORTS, RECORD_TRAIN, RECORD_TEST, RECORD_TABLES };

enum { RECORD_NAME_MAX = 96, RECORD_PARTS_MAX = 48 };

struct record_part {
  char name[RECORD_NAME_MAX]; /* of the data set */
  enum store_type type;       /* f64 or i64 */
  int64_t width;              /* values of a row */
};

/* All: Not collective. The parts of a table's rows, without the checksum; returns how many. */
int record_list(enum record_table table, int64_t lanes, int64_t targets, struct record_part parts[RECORD_PARTS_MAX]);
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
/* Of the limits. */
void record_sum_limits(const double limits[2], struct checksum *sum);

/* Rows of a table, and the step after which a row is written. */
int64_t record_rows(enum record_table table, const struct training *training);
int64_t record_row_step(enum record_table table, const struct training *training, int64_t row);

#endif
