#include "train/record_compare.h"

#include "base/arena.h"
#include "train/record_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- A row beside another ---- */

static const char *base_name(const char *name) { return strrchr(name, '/') + 1; }

/* Value `i` of a part, in words. */
static struct difference describe(const struct record_part *part, const char *const *network, int64_t i) {
  struct difference difference = {.kind = DIFFERENCE_NUMBER, .lane = -1};
  const char *name = base_name(part->name);
  if (part->rank == 3) {
    const bool gradient = strcmp(name, "gradient_sum") == 0;
    difference.kind = gradient ? DIFFERENCE_GRADIENT : DIFFERENCE_PARAMETERS;
    snprintf(difference.name, sizeof difference.name, "network %.64s, %s", network[i],
             gradient ? "gradient" : "parameters");
  } else if (part->rank == 2 && strncmp(name, "lane_", 5) == 0) {
    difference.kind = DIFFERENCE_LANE;
    difference.lane = i;
    snprintf(difference.name, sizeof difference.name, "lane %lld of %.64s", (long long)i, name + 5);
  } else if (part->rank == 2) {
    snprintf(difference.name, sizeof difference.name, "%.64s of target frame %lld", name, (long long)i);
  } else {
    snprintf(difference.name, sizeof difference.name, "%.64s", name);
  }
  return difference;
}

static void compare_part(const struct record_part *part, const char *const *network, const uint64_t *a,
                         const uint64_t *b, struct difference_list *differences) {
  const int words = part->rank == 3 ? 2 : 1;
  for (int64_t i = 0; i < part->width / words; i++) {
    const uint64_t *of_a = a + i * words, *of_b = b + i * words;
    const bool same = words == 2 ? memcmp(of_a, of_b, 2 * sizeof *of_a) == 0 : !difference_of_numbers(*of_a, *of_b);
    differences->values += 1;
    if (same) continue;
    struct difference difference = describe(part, network, i);
    memcpy(difference.a, of_a, (size_t)words * sizeof *of_a);
    memcpy(difference.b, of_b, (size_t)words * sizeof *of_b);
    difference_add(differences, &difference);
  }
}

static void begin(enum record_table table, int64_t step, struct difference_list *differences) {
  static const char *const where[RECORD_TABLES] = {[RECORD_REPORTS] = "",
                                                   [RECORD_MEASURED] = "",
                                                   [RECORD_TRAIN] = "evaluation of the training split",
                                                   [RECORD_VALIDATION] = "evaluation of the validation split",
                                                   [RECORD_TEST] = "evaluation of the test split"};
  *differences = (struct difference_list){.step = step};
  snprintf(differences->where, sizeof differences->where, "%s", where[table]);
}

/* ---- The rows of a file ---- */

/* The last row of a table that has a checksum; -1: none has. */
static enum status find_last(const struct store_file *file, enum record_table table, int64_t rows, int64_t *last) {
  struct arena arena = {.last = NULL};
  int64_t *sum = arena_array(&arena, 2 * rows, sizeof *sum);
  char name[RECORD_NAME_MAX];
  record_sum_name(table, name);
  enum status status = arena_check(&arena, "checksums of records");
  if (status == STATUS_OK) status = record_check_shape(file, name, STORE_I64, rows, 2);
  if (status == STATUS_OK) status = store_read(file, name, STORE_I64, 0, rows, sum);
  *last = rows - 1;
  while (status == STATUS_OK && *last >= 0 && sum[2 * *last] == 0 && sum[2 * *last + 1] == 0) *last -= 1;
  arena_free(&arena);
  return status;
}

/* All that are there are whole: a row that is not has none after it, and no checksum. */
static enum status count_whole(const struct store_file *file, const struct record_shape *shape,
                               const struct training *training, enum record_table table, int64_t *rows) {
  char name[RECORD_NAME_MAX];
  int64_t last;
  TRY(record_count_whole(file, shape, table, training, rows));
  TRY(find_last(file, table, record_rows(table, training), &last));
  record_sum_name(table, name);
  *strrchr(name, '/') = '\0';
  REQUIRE(*rows > last, STATUS_FILE,
          "%s: checksum mismatch: of %s the record of step %lld is not what was written; if the run is under way, look "
          "again",
          file->path, name, (long long)record_row_step(table, training, *rows));
  return STATUS_OK;
}

/* Reports of one course: the count of roll-backs never falls. */
static enum status count_course(const struct store_file *file, int64_t *rows, double *roll_backs) {
  const int64_t whole = *rows;
  *roll_backs = 0;
  if (whole == 0) return STATUS_OK;
  double *all = malloc((size_t)whole * sizeof *all);
  REQUIRE(all, STATUS_MEMORY, "%s: out of memory for %lld numbers", file->path, (long long)whole);
  const enum status status = store_read(file, "/report/roll_backs", STORE_F64, 0, whole, all);
  if (status == STATUS_OK) {
    for (*rows = 1; *rows < whole && all[*rows] >= all[*rows - 1];) *rows += 1;
    *roll_backs = all[*rows - 1];
  }
  free(all);
  return status;
}

/* The step of a table's first row that is not there; INT64_MAX: all are. */
static int64_t missing_step(const struct training *training, enum record_table table, int64_t rows) {
  return rows < record_rows(table, training) ? record_row_step(table, training, rows) : INT64_MAX;
}

static int64_t rows_until(const struct training *training, enum record_table table, int64_t rows, int64_t step) {
  while (rows > 0 && record_row_step(table, training, rows - 1) > step) rows--;
  return rows;
}

enum status record_count_current(const struct store_file *file, const struct record_shape *shape,
                                 const struct training *training, int64_t rows[RECORD_TABLES], double *roll_backs) {
  int64_t evaluated = INT64_MAX; /* an evaluation comes after the report of its step */
  for (int table = 0; table < RECORD_TABLES; table++)
    TRY(count_whole(file, shape, training, (enum record_table)table, &rows[table]));
  TRY(count_course(file, &rows[RECORD_REPORTS], roll_backs));
  const int64_t reported = missing_step(training, RECORD_REPORTS, rows[RECORD_REPORTS]) - 1;
  for (int table = RECORD_TRAIN; table < RECORD_TABLES; table++) {
    const int64_t missing = missing_step(training, (enum record_table)table, rows[table]);
    if (missing < evaluated) evaluated = missing;
    rows[table] = rows_until(training, (enum record_table)table, rows[table], reported);
  }
  rows[RECORD_REPORTS] = rows_until(training, RECORD_REPORTS, rows[RECORD_REPORTS], evaluated);
  return STATUS_OK;
}

/* ---- A record that compares ---- */

static enum status open_replay(const struct record_run *run, const struct yardstick *yardstick,
                               struct record_replay *replay, struct record *record) {
  const struct store_file *file = &record->file;
  const struct training *training = &config_experiment(run->config)->training;
  struct record_head_read head;
  TRY(record_read_limits(file, replay->limits));
  TRY(record_head_open(file, &head));
  replay->kappa = head.kappa;
  const bool rules = strcmp(head.numerics, run->numerics) == 0,
             data = strcmp(head.data_checksum, yardstick->checksum) == 0;
  char theirs[NUMERICS_TEXT_MAX];
  snprintf(theirs, sizeof theirs, "%s", head.numerics);
  record_head_free(&head);
  REQUIRE(
      rules, STATUS_CONFIG,
      "%s: was computed by other arithmetic (\"%s\") than this program has (\"%s\"), which gives other bits: verify it "
      "with the program of then",
      file->path, theirs, run->numerics);
  REQUIRE(data, STATUS_FILE, "%s: was trained on other data than %s is now: give the right one, data.file=...",
          file->path, run->data);
  TRY(record_count_current(file, &record->shape, training, replay->rows, &replay->roll_backs));
  for (int table = 0; table < RECORD_TABLES; table++) {
    const int64_t rows = replay->rows[table],
                  step = rows ? record_row_step((enum record_table)table, training, rows - 1) : 0;
    if (table != RECORD_MEASURED && step > replay->last) replay->last = step;
  }
  return STATUS_OK;
}

enum status record_compare_open(const struct comm *comm, const char *path, const struct record_run *run,
                                const struct yardstick *yardstick, struct record_replay *replay,
                                struct record *record) {
  *record = (struct record){.replay = replay};
  record_set_extents(record, run);
  replay->last = 0;
  TRY(record_open_run(comm, path, &record->file));
  const enum status status = comm_agree(comm, open_replay(run, yardstick, replay, record));
  if (status != STATUS_OK) store_close(&record->file);
  return status;
}

/* What is held against limits that have been computed, or lost, since: nobody can say. */
static bool is_comparable(const struct record *record, enum record_table table, const struct record_part *part,
                          const uint64_t *a, const uint64_t *b) {
  const struct learner_kind *kind = record->shape.kind;
  double numbers[2];
  if (record_is_reports(table) || part->rank != 1) return true;
  memcpy(&numbers[0], a, sizeof *a);
  memcpy(&numbers[1], b, sizeof *b);
  for (int i = 0; i < kind->scores; i++)
    if (kind->limited >> i & 1 && strcmp(kind->score[i].name, base_name(part->name)) == 0)
      return record->replay->limited && isnan(numbers[0]) == isnan(numbers[1]);
  return true;
}

static enum status compare(const struct record *record, enum record_table table, int64_t index, const void *row,
                           struct difference_list *differences) {
  struct record_part parts[RECORD_PARTS_MAX];
  const int count = record_list(&record->shape, table, row, parts);
  uint64_t *stored = malloc((size_t)record_widest(parts, count) * sizeof *stored);
  enum status status =
      stored ? STATUS_OK : status_raise(STATUS_MEMORY, "%s: out of memory for a record", record->file.path);
  for (int i = 0; i < count && status == STATUS_OK; i++) {
    status = record_check_shape(&record->file, parts[i].name, parts[i].type, -1, parts[i].width);
    if (status == STATUS_OK) status = store_read(&record->file, parts[i].name, parts[i].type, index, 1, stored);
    if (status == STATUS_OK && is_comparable(record, table, &parts[i], stored, parts[i].value))
      compare_part(&parts[i], record->replay->network, stored, parts[i].value, differences);
  }
  free(stored);
  return status;
}

/* A difference is for good when the training does not go back any more. */
static enum status settle(struct record_replay *replay, const struct difference_list *differences) {
  const bool earlier = replay->different.count == 0 || differences->step < replay->different.step;
  if (differences->count > 0 && earlier) replay->different = *differences;
  REQUIRE(replay->different.count == 0 || replay->went_back < replay->roll_backs, STATUS_DIFFERENT,
          "step %lld is different", (long long)replay->different.step);
  return STATUS_OK;
}

/* The rows that were compared are consecutive; after going back some come again, and count once. */
static void count_row(struct record_replay *replay, enum record_table table, int64_t index, int64_t values) {
  if (replay->count[table] == 0) replay->first[table] = index;
  if (index < replay->first[table] + replay->count[table]) return;
  replay->count[table] = index + 1 - replay->first[table];
  replay->values += values;
}

enum status record_compare_row(const struct record *record, enum record_table table, int64_t index, const void *row) {
  struct record_replay *replay = record->replay;
  if (table == RECORD_MEASURED || index >= replay->rows[table]) return STATUS_OK;
  struct difference_list *differences = malloc(sizeof *differences);
  REQUIRE(differences, STATUS_MEMORY, "%s: out of memory for a record", record->file.path);
  begin(table,
        (int64_t)(record_is_reports(table) ? ((const struct report *)row)->step
                                           : ((const struct record_evaluated *)row)->step),
        differences);
  enum status status = compare(record, table, index, row, differences);
  if (status == STATUS_OK) count_row(replay, table, index, differences->values);
  if (status == STATUS_OK) status = settle(replay, differences);
  free(differences);
  return status;
}

enum status record_compare_verdict(const struct record *record, const struct verdict *verdict) {
  struct verdict written;
  TRY(record_read_verdict(&record->file, &written));
  for (int i = 0; i < VERDICT_COUNT; i++) {
    struct difference difference = {.kind = DIFFERENCE_NUMBER, .lane = -1};
    memcpy(difference.a, &written.of[i], sizeof written.of[i]);
    memcpy(difference.b, &verdict->of[i], sizeof verdict->of[i]);
    if (isnan(written.of[i]) || !difference_of_numbers(difference.a[0], difference.b[0])) continue;
    snprintf(difference.name, sizeof difference.name, "verdict: %s", verdict_text((enum verdict_of)i));
    record->replay->different = (struct difference_list){.step = record->replay->last};
    difference_add(&record->replay->different, &difference);
    return status_raise(STATUS_DIFFERENT, "the verdict is different");
  }
  return STATUS_OK;
}

void record_compare_back(struct record *record, int64_t step, int64_t times) {
  struct record_replay *replay = record->replay;
  replay->went_back = (double)times;
  if (replay->different.step > step) replay->different = (struct difference_list){.step = 0};
}

bool record_compared(const struct record_replay *replay, int64_t done) {
  return done >= replay->last && replay->went_back >= replay->roll_backs;
}

/* ---- Two files ---- */

enum status record_compare_files(const struct store_file *file_a, const struct store_file *file_b,
                                 const struct record_shape *shape, const char *const *network, enum record_table table,
                                 int64_t a, int64_t b, struct difference_list *differences) {
  struct record_part parts[RECORD_PARTS_MAX];
  struct arena arena = {.last = NULL};
  const int count = record_list(shape, table, NULL, parts);
  uint64_t *of_a = arena_array(&arena, record_widest(parts, count), sizeof *of_a),
           *of_b = arena_array(&arena, record_widest(parts, count), sizeof *of_b);
  enum status status = arena_check(&arena, "records");
  double step = NAN;
  if (status == STATUS_OK)
    status = store_read(file_a, record_is_reports(table) ? "/report/step" : "/evaluation/step", STORE_F64, a, 1, &step);
  begin(table, status == STATUS_OK ? (int64_t)step : 0, differences);
  for (int i = 0; i < count && status == STATUS_OK; i++) {
    status = record_check_shape(file_b, parts[i].name, parts[i].type, -1, parts[i].width);
    if (status == STATUS_OK) status = record_check_shape(file_a, parts[i].name, parts[i].type, -1, parts[i].width);
    if (status == STATUS_OK) status = store_read(file_a, parts[i].name, parts[i].type, a, 1, of_a);
    if (status == STATUS_OK) status = store_read(file_b, parts[i].name, parts[i].type, b, 1, of_b);
    if (status == STATUS_OK) compare_part(&parts[i], network, of_a, of_b, differences);
  }
  arena_free(&arena);
  return status;
}
