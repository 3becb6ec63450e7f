#include "train/prior_judge_file.h"

#include "store/output.h"
#include "store/provenance.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA = 1, NAME = 64 };

static const struct store_place place = {.replaces = PRIOR_JUDGE_FORMAT, .damaged = true, .named_by_hgn = true};

enum status prior_judge_file_name(const char *run, bool best, char path[STORE_PATH_MAX]) {
  const int length =
      snprintf(path, STORE_PATH_MAX, "%.*s%s.samples.h5", (int)output_stem(run), run, best ? ".best" : "");
  REQUIRE(length > 0 && length < STORE_PATH_MAX, STATUS_USAGE, "the path \"%s\" is too long", run);
  return STATUS_OK;
}

enum status prior_judge_file_check(const struct comm *comm, const char *path) {
  struct store_file file;
  TRY(store_create_at(comm, path, &place, &file));
  store_close(&file);
  return STATUS_OK;
}

static enum status put(struct store_file *file, const char *name, enum store_type type, int rank, const int64_t *extent,
                       const char *unit, const char *help, const void *data) {
  TRY(store_dataset(file, name, type, rank, extent, unit, help));
  return store_write(file, name, 0, extent[0], data);
}

static enum status put_summary(struct store_file *file, const struct prior_judgement *judgement) {
  const double interval[2] = {judgement->valid_low, judgement->valid_high},
               count[3] = {(double)judgement->samples, (double)judgement->rollouts, (double)judgement->compared};
  const struct {
    const char *name, *help;
    int64_t extent;
    const double *value;
  } entries[] = {
      {"samples", "samples that were judged", 1, &count[0]},
      {"rollouts", "test rollouts that the model reconstructed", 1, &count[1]},
      {"compared", "points of each of the sets that coverage compares", 1, &count[2]},
      {"error", "pixel MSE between a reconstruction and its nearest true trajectory, median over test rollouts", 1,
       &judgement->error},
      {"valid", "share of samples whose nearest true trajectory is within twice the reconstruction error", 1,
       &judgement->valid},
      {"valid_interval", "Wilson's interval of 95% of the share of valid samples", 2, interval},
      {"rollouts_valid",
       "share of reconstructed test rollouts whose nearest true trajectory is within twice the reconstruction error", 1,
       &judgement->rollouts_valid},
      {"ratio_median", "median over samples of their distance over the reconstruction error", 1,
       &judgement->ratio_median},
      {"ratio_high", "90% quantile over samples of their distance over the reconstruction error", 1,
       &judgement->ratio_high},
      {"coverage", "energy distance of samples and test rollouts, in standard deviations", 1, &judgement->coverage},
      {"coverage_floor", "energy distance of two disjoint sets of test rollouts, each as large as the set of samples",
       1, &judgement->coverage_floor},
      {"outside", "share of samples whose nearest true trajectory begins outside the support of the data", 1,
       &judgement->outside},
      {"rollouts_outside",
       "share of reconstructed test rollouts whose nearest true trajectory begins outside the support of the data", 1,
       &judgement->rollouts_outside}};
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
    char name[NAME];
    snprintf(name, sizeof name, "/summary/%s", entries[i].name);
    TRY(put(file, name, STORE_F64, 1, &entries[i].extent, NULL, entries[i].help, entries[i].value));
  }
  return STATUS_OK;
}

/* ---- Films ---- */

/* Columns of a list of films, one after the other in `column`, which has room for the widest. */
static enum status put_films(struct store_file *file, const char *group, const struct system *system,
                             const struct prior_judge_film *film, int64_t count, double error, double *column) {
  const int64_t state[2] = {count, 2 * system->freedom}, uniform[2] = {count, system->uniforms};
  char name[NAME];
  snprintf(name, sizeof name, "%s/mse", group);
  for (int64_t i = 0; i < count; i++) column[i] = film[i].mse;
  TRY(put(file, name, STORE_F64, 1, &count, NULL, "pixel MSE from the nearest true trajectory; NaN: not finite",
          column));
  snprintf(name, sizeof name, "%s/ratio", group);
  for (int64_t i = 0; i < count; i++) column[i] = film[i].mse / error;
  TRY(put(file, name, STORE_F64, 1, &count, NULL,
          "pixel MSE from the nearest true trajectory over the model's reconstruction error", column));
  snprintf(name, sizeof name, "%s/outside", group);
  int64_t *outside = (int64_t *)(void *)column;
  for (int64_t i = 0; i < count; i++) outside[i] = film[i].outside > 0;
  TRY(put(file, name, STORE_I64, 1, &count, NULL,
          "whether the nearest true trajectory begins outside the support of the data", outside));
  snprintf(name, sizeof name, "%s/state", group);
  for (int64_t i = 0; i < count * state[1]; i++) column[i] = film[i / state[1]].state[i % state[1]];
  TRY(put(file, name, STORE_F64, 2, state, NULL,
          "[sample][coordinate]: state of the nearest true trajectory at the anchor, in the unit of each coordinate",
          column));
  TRY(store_attach(file, name, 1, "/coordinate"));
  snprintf(name, sizeof name, "%s/uniform", group);
  for (int64_t i = 0; i < count * uniform[1]; i++) column[i] = film[i / uniform[1]].uniform[i % uniform[1]];
  return put(file, name, STORE_F64, 2, uniform, NULL,
             "[sample][number]: the uniform numbers of which the data's sampler makes the nearest initial state",
             column);
}

static enum status put_all_films(struct store_file *file, const struct prior_judge_task *task,
                                 const struct prior_judgement *judgement) {
  const struct system *system = system_get(task->source->experiment->system.name);
  struct system_coordinates text;
  system_coordinates(system, &text);
  TRY(store_texts(file, "/coordinate_unit", 2 * system->freedom, text.units, NULL, "unit of each coordinate"));
  TRY(store_texts(file, "/coordinate", 2 * system->freedom, text.names, NULL,
                  "coordinates of the true phase space: positions, then momenta"));
  double *column = malloc((size_t)(judgement->samples + judgement->rollouts) * SYSTEM_STATE_MAX * sizeof *column);
  enum status status = comm_agree(file->comm, column ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  if (status == STATUS_OK)
    status = put_films(file, "/samples", system, judgement->sample, judgement->samples, judgement->error, column);
  if (status == STATUS_OK)
    status = put_films(file, "/rollouts", system, judgement->rollout, judgement->rollouts, judgement->error, column);
  free(column);
  return status;
}

_Static_assert((int)SYSTEM_STATE_MAX >= (int)SYSTEM_UNIFORMS_MAX, "a column has room for both");

static enum status put_time(struct store_file *file, const struct prior_judge_task *task) {
  const struct learner *learner = &task->probe->trained->learner;
  double *time = malloc((size_t)task->frames * sizeof *time);
  enum status status = comm_agree(file->comm, time ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  for (int64_t t = 0; status == STATUS_OK && t < task->frames; t++)
    time[t] = (double)t * (isnan(learner->interval) ? learner->dt : learner->interval);
  if (status == STATUS_OK) status = store_scale(file, "/time", task->frames, time, "s", "time since the anchor");
  free(time);
  return status;
}

/* ---- Examples ---- */

static enum status put_shown(struct store_file *file, const struct prior_judge_task *task,
                             const struct prior_judgement *judgement) {
  const struct model_images *image = &task->probe->model->images;
  const int64_t extent[] = {PRIOR_JUDGE_SHOWN, task->frames, image->height, image->width, image->channels},
                values = task->frames * model_image_values(task->probe->model);
  static const char *const names[2] = {"/shown/frames", "/shown/nearest"};
  TRY(put(file, "/shown/sample", STORE_I64, 1, extent, NULL,
          "which samples are shown: three best, three median, three worst", judgement->shown));
  TRY(store_dataset(file, names[0], STORE_F32, 5, extent, NULL, "decoded frames of each sample that is shown"));
  TRY(store_dataset(file, names[1], STORE_F32, 5, extent, NULL,
                    "frames of the true trajectory that is nearest to each sample that is shown, expected under the "
                    "observation noise"));
  for (int i = 0; i < 2; i++) TRY(store_attach(file, names[i], 1, "/time"));
  float *film = malloc(2 * (size_t)values * sizeof *film);
  enum status status = comm_agree(file->comm, film ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  for (int i = 0; i < PRIOR_JUDGE_SHOWN && status == STATUS_OK; i++) {
    status = comm_agree(file->comm, prior_judge_show(task, judgement, i, film, film + values));
    if (status == STATUS_OK) status = store_write(file, names[0], i, 1, film);
    if (status == STATUS_OK) status = store_write(file, names[1], i, 1, film + values);
  }
  free(film);
  return status;
}

static enum status fill(struct store_file *file, const struct prior_judge_task *task,
                        const struct prior_judgement *judgement) {
  const struct trained *trained = task->probe->trained;
  const int64_t one = 1;
  TRY(store_attribute_text(file, "format", PRIOR_JUDGE_FORMAT));
  TRY(store_attribute_i64(file, "schema_version", SCHEMA));
  TRY(store_attribute_i64(file, "seed", (int64_t)task->seed));
  TRY(store_text(file, "/run", trained->path, 0));
  TRY(store_text(file, "/data", task->source->data->file.path, 0));
  TRY(store_text(file, "/prior", task->prior ? task->prior : "N(0, 1)", 0));
  TRY(store_text(file, "/data_checksum", trained->data_checksum, 0));
  TRY(provenance_write(file));
  TRY(put(file, "/step", STORE_I64, 1, &one, NULL, "steps that the model was trained for", &trained->step));
  TRY(put_summary(file, judgement));
  if (!judgement->known) return STATUS_OK;
  TRY(put_time(file, task));
  TRY(put_all_films(file, task, judgement));
  return put_shown(file, task, judgement);
}

enum status prior_judge_file_write(const struct comm *comm, const char *path, const struct prior_judge_task *task,
                                   const struct prior_judgement *judgement) {
  struct store_file file;
  TRY(store_create_at(comm, path, &place, &file));
  enum status status = fill(&file, task, judgement);
  if (status == STATUS_OK) status = store_seal(&file);
  if (status == STATUS_OK) status = store_commit(&file);
  store_close(&file);
  return status;
}
