#include "train/learner.h"

#include "train/density.h"
#include "train/hgn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct learner_kind *const kinds[MODEL_COUNT] = {
    [MODEL_HGN] = &learner_hgn, [MODEL_NHF] = &learner_nhf, [MODEL_RNVP] = &learner_rnvp};

const struct learner_kind *learner_find(enum model_kind name) { return kinds[name]; }

enum status learner_require(const struct experiment *experiment) {
  const enum model_kind name = experiment->training.model.name;
  REQUIRE(kinds[name], STATUS_CONFIG, "model.name is %s, which is not trained: it is there to rehearse sweeps with",
          experiment_model_name(name));
  return STATUS_OK;
}

static void begin(const struct learner_kind *kind, const struct experiment *experiment, struct learner *learner) {
  *learner = (struct learner){.kind = kind ? kind : learner_find(experiment->training.model.name),
                              .training = &experiment->training,
                              .seed = (uint64_t)experiment->seed,
                              .interval = NAN,
                              .kappa = NAN};
  for (int c = 0; c < DATASET_CHANNELS_MAX; c++) learner->color[c] = NAN;
}

enum status learner_check_data(const struct learner_kind *kind, const struct dataset *data) {
  const bool of_points = kind->data == LEARNER_POINTS;
  REQUIRE(!of_points || data->has_points, STATUS_CONFIG,
          "%s: holds rollouts of a system; a model \"%s\" learns the density of points (hgn simulate makes them of a "
          "file with a section density)",
          data->file.path, kind->name);
  REQUIRE(of_points || !data->has_points, STATUS_CONFIG,
          "%s: holds points of a density; a model \"%s\" learns from rollouts of a system", data->file.path,
          kind->name);
  REQUIRE(kind->data != LEARNER_STATES || data->has_states, STATUS_CONFIG,
          "%s: has no states, of which a model \"%s\" learns", data->file.path, kind->name);
  return STATUS_OK;
}

static enum status finish(struct learner *learner) {
  enum status status = learner->kind->open(learner);
  void *block = NULL;
  if (status == STATUS_OK) status = layout_block(learner->layout, GRAPH_F32, &block);
  learner->parameters = block;
  if (status != STATUS_OK) learner_close(learner);
  return status;
}

enum status learner_open(const struct learner_kind *kind, const struct experiment *experiment,
                         const struct dataset *data, struct learner *learner) {
  begin(kind, experiment, learner);
  TRY(learner_check_data(learner->kind, data));
  TRY(learner->kind->fit(learner, data));
  return finish(learner);
}

enum status learner_open_sized(const struct learner_kind *kind, const struct experiment *experiment,
                               const int64_t *size, double dt, double interval, struct learner *learner) {
  begin(kind, experiment, learner);
  memcpy(learner->size, size, (size_t)learner->kind->sizes * sizeof *size);
  learner->dt = dt;
  learner->interval = interval;
  return finish(learner);
}

void learner_close(struct learner *learner) {
  if (learner->kind) learner->kind->close(learner);
  free(learner->parameters);
  *learner = (struct learner){.kind = NULL};
}

enum status learner_evaluate(struct learner *learner, const struct comm *comm, struct source *source,
                             const struct evaluation_set *set, const struct yardstick *yardstick,
                             struct evaluation *evaluation) {
  TRY(learner->kind->evaluate(learner, comm, source, set, yardstick, evaluation));
  evaluation_settle(evaluation);
  return STATUS_OK;
}

enum status learner_evaluate_first(struct learner *learner, const struct comm *comm, struct source *source,
                                   enum split split, int64_t rollouts, const struct yardstick *yardstick,
                                   struct evaluation *evaluation) {
  struct evaluation_set set;
  TRY(comm_agree(comm, evaluation_set_first(comm, source, split, rollouts, EVALUATION_REVERSED, &set)));
  const enum status status = learner_evaluate(learner, comm, source, &set, yardstick, evaluation);
  evaluation_set_free(&set);
  return status;
}

enum status learner_judge(struct learner *learner, const struct comm *comm, struct source *source, enum split split,
                          int64_t samples, struct evaluation *evaluation) {
  if (samples == 0 || !learner->kind->judge || evaluation->broken) return STATUS_OK;
  TRY(learner->kind->judge(learner, comm, source, split, samples, evaluation));
  evaluation_settle(evaluation);
  return STATUS_OK;
}
