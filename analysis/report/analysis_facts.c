#include "analysis/report/analysis_facts.h"

#include "analysis/analysis_file.h"
#include "store/output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROLLOUTS_MOST = 1000 };

/* Whether a checkpoint's name is that of the run's file, with a step: "run.checkpoint-00000150.h5" of "run.h5". */
static bool is_checkpoint_of(const char *checkpoint, const char *run) {
  const char *slash = strrchr(checkpoint, '/'), *name = slash ? slash + 1 : checkpoint, *other = strrchr(run, '/');
  const char *base = other ? other + 1 : run;
  const size_t length = strlen(base), stem = length > 3 ? length - 3 : length;
  return strncmp(name, base, stem) == 0 && strncmp(name + stem, ".checkpoint-", 12) == 0;
}

/* Of the run's last checkpoint, and of its data. */
static enum status is_of(const struct store_file *file, const struct run_facts *run, bool *is) {
  char *data = NULL, *checkpoint = NULL;
  int64_t step = -1;
  *is = false;
  enum status status = store_read_text(file, "/data_checksum", &data);
  if (status == STATUS_OK) status = store_read_text(file, "/run", &checkpoint);
  if (status == STATUS_OK) status = store_read_values(file, "/step", STORE_I64, 1, &step);
  if (status == STATUS_OK)
    *is = strcmp(data, run->data.checksum) == 0 && step == run->steps_done && is_checkpoint_of(checkpoint, run->path);
  free(data);
  free(checkpoint);
  return status;
}

static enum status read_linear(const struct store_file *file, struct analysis_facts *facts) {
  double mse[2];
  bool there;
  TRY(store_find(file, "/linear", &there));
  if (!there) return STATUS_OK;
  TRY(store_read_values(file, "/linear/mse", STORE_F64, 2, mse));
  TRY(store_read_values(file, "/linear/seen", STORE_I64, 1, &facts->linear_seen));
  facts->linear_mse = mse[0];
  facts->linear_error = mse[1];
  return STATUS_OK;
}

/* The first position and the first momentum: these are as many as there are degrees of freedom, and stand last. */
static enum status read_coordinates(const struct store_file *file, struct analysis_facts *facts) {
  char name[LATENT_TRUTH_MAX][32];
  int64_t dimension = 0, count = 0;
  bool there;
  TRY(store_find(file, "/coordinate", &there));
  if (!there) return STATUS_OK;
  TRY(store_read_values(file, "/dimension/phase_space", STORE_I64, 1, &dimension));
  TRY(store_read_texts(file, "/coordinate", LATENT_TRUTH_MAX, sizeof *name, name[0], &count));
  REQUIRE(dimension >= 2 && count >= dimension, STATUS_FILE, "%s: /coordinate has the wrong shape", file->path);
  memcpy(facts->coordinate[0], name[0], sizeof *name);
  memcpy(facts->coordinate[1], name[count - dimension / 2], sizeof *name);
  return STATUS_OK;
}

static enum status read_portrait(const struct store_file *file, struct analysis_facts *facts) {
  int rank;
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  bool there;
  TRY(store_find(file, "/portrait", &there));
  if (!there) return STATUS_OK;
  TRY(store_extent(file, "/portrait/planes", &rank, extent, &type));
  REQUIRE(rank == 3 && type == STORE_F64 && extent[2] == 4 && extent[0] > 0 && extent[0] <= ROLLOUTS_MOST &&
              extent[1] > 0 && extent[1] <= 1 << 20,
          STATUS_FILE, "%s: /portrait/planes has the wrong shape", file->path);
  facts->plane = malloc((size_t)(extent[0] * extent[1] * 4) * sizeof *facts->plane);
  REQUIRE(facts->plane, STATUS_MEMORY, "out of memory for a phase portrait");
  facts->rollouts = extent[0];
  facts->frames = extent[1];
  TRY(store_read(file, "/portrait/planes", STORE_F64, 0, extent[0], facts->plane));
  return read_coordinates(file, facts);
}

static enum status read_one(const struct store_file *file, const struct run_facts *run, struct analysis_facts *facts) {
  TRY(store_check_format(file, ANALYSIS_FORMAT, 1));
  TRY(is_of(file, run, &facts->there));
  if (!facts->there) return STATUS_OK;
  snprintf(facts->path, sizeof facts->path, "%s", file->path);
  TRY(read_linear(file, facts));
  return read_portrait(file, facts);
}

static enum status look_at(const struct comm *self, const char *path, const struct run_facts *run,
                           struct analysis_facts *facts) {
  struct store_file file;
  TRY(store_open(self, path, &file));
  const enum status status = read_one(&file, run, facts);
  store_close(&file);
  return status;
}

enum status analysis_facts_find(const struct gather *gather, const struct run_facts *run,
                                struct analysis_facts *facts) {
  struct comm self;
  char beside[STORE_PATH_MAX];
  bool there;
  *facts = (struct analysis_facts){.linear_mse = NAN, .linear_error = NAN};
  TRY(analysis_file_name(run->path, false, beside));
  TRY(output_exists(beside, &there));
  TRY(comm_open(MPI_COMM_SELF, &self));
  enum status status = there ? look_at(&self, beside, run, facts) : STATUS_OK;
  for (int64_t i = 0; i < gather->analyses && status == STATUS_OK && !facts->there; i++)
    status = look_at(&self, gather->analysis[i], run, facts);
  comm_close(&self);
  return status;
}

void analysis_facts_close(struct analysis_facts *facts) {
  free(facts->plane);
  facts->plane = NULL;
}
