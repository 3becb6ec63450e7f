#include "train/record_export.h"

#include "base/arena.h"
#include "store/csv.h"
#include "store/events.h"
#include "train/record_compare.h"
#include "train/record_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Columns, whole ---- */

struct column {
  struct record_part part;
  uint64_t *values; /* [rows][part.width]: bits */
};

struct columns {
  struct column column[2 * RECORD_PARTS_MAX];
  int count;
  int64_t rows;
  struct arena arena;
};

/* Adds those of a table whose data sets have one of these ranks (a bit each). */
static enum status add_columns(const struct record_reader *reader, enum record_table table, unsigned ranks,
                               struct columns *columns) {
  struct record_part parts[RECORD_PARTS_MAX];
  const int count = record_list(&reader->shape, table, NULL, parts);
  for (int i = 0; i < count; i++) {
    struct column *column = &columns->column[columns->count];
    const bool step = strcmp(strrchr(parts[i].name, '/'), "/step") == 0;
    if (!(ranks >> parts[i].rank & 1) && !step) continue;
    *column = (struct column){.part = parts[i]};
    column->values = arena_array(&columns->arena, columns->rows * parts[i].width + 1, sizeof *column->values);
    TRY(arena_check(&columns->arena, "records"));
    if (columns->rows > 0)
      TRY(store_read(&reader->file, parts[i].name, parts[i].type, 0, columns->rows, column->values));
    columns->count += 1;
  }
  return STATUS_OK;
}

static double value_of(const struct column *column, int64_t row) {
  double value;
  memcpy(&value, &column->values[row * column->part.width], sizeof value);
  return value;
}

/* How many rows of each table there are; all that are, are what was written. */
static enum status count_rows(const struct record_reader *reader, int64_t rows[RECORD_TABLES]) {
  const struct training *training = &config_experiment(reader->config)->training;
  double roll_backs;
  TRY(record_count_current(&reader->file, &reader->shape, training, rows, &roll_backs));
  if (rows[RECORD_MEASURED] < rows[RECORD_REPORTS]) rows[RECORD_REPORTS] = rows[RECORD_MEASURED];
  return STATUS_OK;
}

/* ---- Comma-separated values ---- */

/* "error, lane 3", "network encoder, gradient"; one number has its own name and unit. */
static void put_names(struct csv *csv, const struct record_part *part, char networks[][64]) {
  const char *name = strrchr(part->name, '/') + 1;
  char text[160];
  for (int64_t i = 0; i < part->width && part->rank > 1; i++) {
    if (part->rank == 3)
      snprintf(text, sizeof text, "%s %.40s", networks[i / 2], name);
    else if (strncmp(name, "lane_", 5) == 0)
      snprintf(text, sizeof text, "%.64s lane %lld", name + 5, (long long)i);
    else
      snprintf(text, sizeof text, "%.64s %lld", name, (long long)i);
    csv_name(csv, text, part->unit);
    i += part->rank == 3;
  }
  if (part->rank == 1) csv_name(csv, name, part->unit);
}

static void put_values(struct csv *csv, const struct column *column, int64_t row) {
  const int64_t width = column->part.width;
  const uint64_t *bits = column->values + row * width;
  for (int64_t i = 0; i < width; i++) {
    double number;
    char sum[CHECKSUM_TEXT];
    memcpy(&number, &bits[i], sizeof number);
    if (column->part.rank != 3) {
      csv_number(csv, number);
      continue;
    }
    snprintf(sum, sizeof sum, "%016" PRIx64 "%016" PRIx64, bits[i], bits[i + 1]);
    csv_text(csv, sum);
    i++;
  }
}

static enum status put_table(const struct record_reader *reader, const struct columns *columns, const char *folder,
                             const char *name) {
  char networks[LAYOUT_NETWORKS_MAX][64];
  int64_t count;
  struct csv csv;
  TRY(store_read_texts(&reader->file, "/networks", reader->shape.networks, sizeof networks[0], networks[0], &count));
  REQUIRE(count == reader->shape.networks, STATUS_FILE, "%s: /networks names %lld networks, not the model's %d",
          reader->file.path, (long long)count, reader->shape.networks);
  TRY(csv_open(&csv));
  for (int i = 0; i < columns->count; i++) put_names(&csv, &columns->column[i].part, networks);
  csv_end(&csv);
  for (int64_t row = 0; row < columns->rows; row++) {
    for (int i = 0; i < columns->count; i++) put_values(&csv, &columns->column[i], row);
    csv_end(&csv);
  }
  return csv_put(&csv, folder, name, "step,");
}

/* Of one table, or of two whose rows belong together. */
static enum status export_table(const struct record_reader *reader, enum record_table table, enum record_table also,
                                int64_t rows, unsigned ranks, const char *folder, const char *name) {
  struct columns *columns = calloc(1, sizeof *columns);
  REQUIRE(columns, STATUS_MEMORY, "out of memory for records");
  columns->rows = rows;
  enum status status = add_columns(reader, table, ranks, columns);
  if (status == STATUS_OK && also != table) status = add_columns(reader, also, ranks, columns);
  if (status == STATUS_OK) status = put_table(reader, columns, folder, name);
  arena_free(&columns->arena);
  free(columns);
  return status;
}

enum status record_export_csv(const struct record_reader *reader, const char *folder) {
  enum { NUMBERS = 1u << 1, ROWS = 1u << 2, SUMS = 1u << 3 };
  int64_t rows[RECORD_TABLES];
  TRY(count_rows(reader, rows));
  const int64_t reports = rows[RECORD_REPORTS];
  TRY(export_table(reader, RECORD_REPORTS, RECORD_MEASURED, reports, NUMBERS, folder, "reports.csv"));
  TRY(export_table(reader, RECORD_REPORTS, RECORD_REPORTS, reports, ROWS, folder, "lanes.csv"));
  TRY(export_table(reader, RECORD_REPORTS, RECORD_REPORTS, reports, SUMS, folder, "checksums.csv"));
  for (int split = 0; split < SPLIT_COUNT; split++) {
    const enum record_table table = record_table_of((enum split)split);
    char name[64];
    snprintf(name, sizeof name, "evaluation_%s.csv", split_name[split]);
    TRY(export_table(reader, table, table, rows[table], NUMBERS, folder, name));
    if (!reader->shape.kind->by_frame.name) continue;
    snprintf(name, sizeof name, "evaluation_%s_frames.csv", split_name[split]);
    TRY(export_table(reader, table, table, rows[table], ROWS, folder, name));
  }
  return STATUS_OK;
}

/* ---- Events ---- */

/* When the reports were made: steps, seconds of training up to each, and times since 1970. */
struct clock {
  int64_t count;
  double *step, *seconds, *wall;
  double began; /* the first process */
};

static void free_clock(struct clock *clock) {
  free(clock->step);
  free(clock->seconds);
  free(clock->wall);
}

static const struct column *find_column(const struct columns *columns, const char *name) {
  for (int i = 0; i < columns->count; i++)
    if (strcmp(columns->column[i].part.name, name) == 0) return &columns->column[i];
  return NULL;
}

/* A report was made by the last process that began before it; what the training had taken until that one began is
 * what the report before says. */
static enum status read_clock(const struct record_reader *reader, const struct columns *reports, struct clock *clock) {
  struct record_worker workers[RECORD_SESSIONS];
  const struct column *step = find_column(reports, "/report/step"),
                      *seconds = find_column(reports, "/measured/seconds");
  const size_t bytes = (size_t)(reports->rows + 1) * sizeof(double);
  int64_t count, at = 0;
  double offset = 0;
  *clock =
      (struct clock){.count = reports->rows, .step = malloc(bytes), .seconds = malloc(bytes), .wall = malloc(bytes)};
  REQUIRE(clock->step && clock->seconds && clock->wall, STATUS_MEMORY, "out of memory for times");
  TRY(record_read_sessions(&reader->file, workers, &count));
  if (count > 0) clock->began = offset = workers[0].began;
  for (int64_t i = 0; i < reports->rows; i++) {
    clock->step[i] = value_of(step, i);
    clock->seconds[i] = value_of(seconds, i);
    for (; at + 1 < count && workers[at + 1].step < clock->step[i]; at++)
      offset = workers[at + 1].began - (i > 0 ? clock->seconds[i - 1] : 0);
    clock->wall[i] = offset + clock->seconds[i];
  }
  return STATUS_OK;
}

/* That of the last report up to the step. */
static double time_at(const struct clock *clock, double step) {
  int64_t low = 0, high = clock->count;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (clock->step[middle] <= step)
      low = middle + 1;
    else
      high = middle;
  }
  return low > 0 ? clock->wall[low - 1] : clock->began;
}

static void put_events(struct events *events, const struct columns *columns, const struct clock *clock) {
  const struct column *step = &columns->column[0];
  for (int64_t row = 0; row < columns->rows; row++)
    for (int i = 0; i < columns->count; i++) {
      const double value = value_of(&columns->column[i], row);
      if (isnan(value) || columns->column[i].part.rank != 1 || i == 0) continue;
      events_scalar(events, time_at(clock, value_of(step, row)), (int64_t)value_of(step, row),
                    columns->column[i].part.name + 1, value);
    }
}

static enum status put_evaluations(const struct record_reader *reader, const int64_t rows[RECORD_TABLES],
                                   const struct clock *clock, struct events *events) {
  struct columns *columns = calloc(1, sizeof *columns);
  enum status status = columns ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for records");
  for (int table = RECORD_TRAIN; table < RECORD_TABLES && status == STATUS_OK; table++) {
    columns->count = 0;
    columns->rows = rows[table];
    status = add_columns(reader, (enum record_table)table, 1u << 1, columns);
    if (status == STATUS_OK) put_events(events, columns, clock);
  }
  if (columns) arena_free(&columns->arena);
  free(columns);
  return status;
}

static enum status make_events(const struct record_reader *reader, const int64_t rows[RECORD_TABLES],
                               const struct columns *reports, const struct clock *clock, const char *folder) {
  struct events events;
  char path[STORE_PATH_MAX];
  const int length =
      snprintf(path, sizeof path, "%s/events.out.tfevents.%.0f.hgn", folder, clock->began > 0 ? clock->began : 0.0);
  REQUIRE(length < (int)sizeof path, STATUS_USAGE, "%.64s...: the name is too long", folder);
  TRY(events_open(&events, clock->began));
  put_events(&events, reports, clock);
  const enum status status = put_evaluations(reader, rows, clock, &events);
  if (status == STATUS_OK) return events_put(&events, path);
  events_drop(&events);
  return status;
}

enum status record_export_events(const struct record_reader *reader, const char *folder) {
  struct columns *reports = calloc(1, sizeof *reports);
  struct clock clock = {.count = 0};
  int64_t rows[RECORD_TABLES];
  REQUIRE(reports, STATUS_MEMORY, "out of memory for records");
  enum status status = count_rows(reader, rows);
  reports->rows = status == STATUS_OK ? rows[RECORD_REPORTS] : 0;
  if (status == STATUS_OK) status = add_columns(reader, RECORD_REPORTS, 1u << 1, reports);
  if (status == STATUS_OK) status = add_columns(reader, RECORD_MEASURED, 1u << 1, reports);
  if (status == STATUS_OK) status = read_clock(reader, reports, &clock);
  if (status == STATUS_OK) status = make_events(reader, rows, reports, &clock, folder);
  free_clock(&clock);
  arena_free(&reports->arena);
  free(reports);
  return status;
}
