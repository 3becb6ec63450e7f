#include "train/compare.h"

#include "train/record_compare.h"
#include "train/record_private.h"

#include <stdlib.h>
#include <string.h>

enum { NETWORK_NAME_MAX = 64 };

/* A run's file, open. */
struct side {
  struct store_file file;
  struct config *config;
  const struct training *training;
  struct record_shape shape;
  int64_t rows[RECORD_TABLES];
  char name[LAYOUT_NETWORKS_MAX][NETWORK_NAME_MAX];
  const char *network[LAYOUT_NETWORKS_MAX]; /* names */
};

static void close_side(struct side *side) {
  config_destroy(&side->config);
  store_close(&side->file);
}

static enum status read_side(struct side *side, struct compare_run *run) {
  const struct store_file *file = &side->file;
  struct record_head_read head;
  double roll_backs;
  TRY(record_head_open(file, &head));
  snprintf(run->checksum, sizeof run->checksum, "%s", head.data_checksum);
  snprintf(run->numerics, sizeof run->numerics, "%s", head.numerics);
  enum status status = store_parse_config(file, head.config, SCHEMA_USE(SCHEMA_TRAINING), &side->config);
  record_head_free(&head);
  TRY(status);
  side->training = &config_experiment(side->config)->training;
  TRY(record_read_shape(file, side->config, &side->shape));
  int64_t count;
  TRY(store_read_texts(file, "/networks", side->shape.networks, sizeof side->name[0], side->name[0], &count));
  REQUIRE(count == side->shape.networks, STATUS_FILE, "%s: /networks names %lld networks, not the model's %d",
          file->path, (long long)count, side->shape.networks);
  for (int i = 0; i < side->shape.networks; i++) side->network[i] = side->name[i];
  TRY(record_count_current(file, &side->shape, side->training, side->rows, &roll_backs));
  if (side->rows[RECORD_REPORTS] > 0)
    run->last = record_row_step(RECORD_REPORTS, side->training, side->rows[RECORD_REPORTS] - 1);
  return provenance_read(file, &run->provenance);
}

static enum status open_side(const struct comm *comm, const char *path, struct side *side, struct compare_run *run) {
  TRY(record_open_run(comm, path, &side->file));
  return comm_agree(comm, read_side(side, run));
}

/* ---- Records ---- */

static void compare_shapes(const struct side side[2], char text[128]) {
  const struct record_shape *a = &side[0].shape, *b = &side[1].shape;
  text[0] = '\0';
  if (a->kind != b->kind)
    snprintf(text, 128, "models of other kinds, \"%s\" and \"%s\"", a->kind->name, b->kind->name);
  else if (a->lanes != b->lanes)
    snprintf(text, 128, "batches of %lld and %lld lanes", (long long)a->lanes, (long long)b->lanes);
  else if (a->networks != b->networks || a->targets != b->targets)
    snprintf(text, 128, "other networks, or other target frames");
}

/* Rows that are whole and have the same number are the same where their checksums are. */
static enum status read_sums(const struct side *side, enum record_table table, int64_t **sums) {
  const int64_t rows = side->rows[table];
  char name[RECORD_NAME_MAX];
  record_sum_name(table, name);
  *sums = malloc((size_t)(2 * rows + 1) * sizeof **sums);
  REQUIRE(*sums, STATUS_MEMORY, "%s: out of memory for %lld rows", side->file.path, (long long)rows);
  return rows > 0 ? store_read(&side->file, name, STORE_I64, 0, rows, *sums) : STATUS_OK;
}

/* The first row of a table that both have and that differs, if it is of an earlier step than what is known to. */
static enum status compare_rows(const struct side side[2], enum record_table table, int64_t *const sums[2],
                                struct difference_list *found, struct compare_outcome *outcome) {
  struct difference_list *first = &outcome->different;
  for (int64_t a = 0, b = 0; a < side[0].rows[table] && b < side[1].rows[table];) {
    const int64_t step_a = record_row_step(table, side[0].training, a),
                  step_b = record_row_step(table, side[1].training, b);
    if (first->count > 0 && step_a >= first->step) return STATUS_OK;
    if (step_a == step_b) {
      const bool same = a == b && memcmp(sums[0] + 2 * a, sums[1] + 2 * b, 2 * sizeof **sums) == 0;
      *(record_is_reports(table) ? &outcome->reports : &outcome->evaluations) += 1;
      if (!same)
        TRY(record_compare_files(&side[0].file, &side[1].file, &side[0].shape, side[0].network, table, a, b, found));
      if (!same && found->count > 0) {
        *first = *found;
        return STATUS_OK;
      }
    }
    a += step_a <= step_b;
    b += step_b <= step_a;
  }
  return STATUS_OK;
}

static enum status compare_table(const struct side side[2], enum record_table table, struct compare_outcome *outcome) {
  struct difference_list *found = malloc(sizeof *found);
  int64_t *sums[2] = {NULL, NULL};
  enum status status = found ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for what is compared");
  for (int i = 0; i < 2 && status == STATUS_OK; i++) status = read_sums(&side[i], table, &sums[i]);
  if (status == STATUS_OK) status = compare_rows(side, table, sums, found, outcome);
  free(sums[0]);
  free(sums[1]);
  free(found);
  return status;
}

/* Which rank had the first lane that differs (step.h). */
static enum status find_ranks(const struct side side[2], struct compare_outcome *outcome) {
  const struct difference_list *different = &outcome->different;
  int64_t lane = -1;
  for (int i = different->listed - 1; i >= 0; i--)
    if (different->list[i].lane >= 0) lane = different->list[i].lane;
  for (int i = 0; i < 2; i++) {
    struct compare_run *run = &outcome->run[i];
    int64_t first = 0, count = 0;
    run->rank = -1;
    if (lane < 0) continue;
    TRY(record_ranks_at(&side[i].file, different->step, &run->ranks));
    for (int64_t rank = 0; rank < run->ranks && run->ranks <= side[i].shape.lanes && run->rank < 0; rank++) {
      comm_share(side[i].shape.lanes, (int)run->ranks, (int)rank, &first, &count);
      if (lane >= first && lane < first + count) run->rank = rank;
    }
  }
  return STATUS_OK;
}

/* ---- All ---- */

static bool counts(const struct schema_row *row) { return strcmp(row->path, "data.file") != 0; }

static enum status compare(const struct side side[2], struct compare_outcome *outcome) {
  outcome->keys = config_differences_of(side[0].config, side[1].config, counts, outcome->text, sizeof outcome->text);
  compare_shapes(side, outcome->shapes);
  if (outcome->shapes[0]) return STATUS_OK;
  for (int table = 0; table < RECORD_TABLES; table++)
    if (table != RECORD_MEASURED) TRY(compare_table(side, (enum record_table)table, outcome));
  return find_ranks(side, outcome);
}

enum status compare_runs(const struct comm *comm, const char *a, const char *b, struct compare_outcome *outcome) {
  const char *const paths[2] = {a, b};
  struct side side[2] = {{.config = NULL}, {.config = NULL}};
  *outcome = (struct compare_outcome){.keys = 0};
  enum status status = STATUS_OK;
  for (int i = 0; i < 2 && status == STATUS_OK; i++) status = open_side(comm, paths[i], &side[i], &outcome->run[i]);
  if (status == STATUS_OK) status = comm_agree(comm, compare(side, outcome));
  for (int i = 0; i < 2; i++) close_side(&side[i]);
  return status;
}

void compare_free(struct compare_outcome *outcome) {
  for (int i = 0; i < 2; i++) provenance_texts_free(&outcome->run[i].provenance);
}

bool compare_same(const struct compare_outcome *outcome) {
  const struct compare_run *a = &outcome->run[0], *b = &outcome->run[1];
  return outcome->keys == 0 && !outcome->shapes[0] && outcome->different.count == 0 && a->last == b->last &&
         strcmp(a->checksum, b->checksum) == 0 && strcmp(a->numerics, b->numerics) == 0;
}
