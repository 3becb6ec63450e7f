#include "train/trained.h"

#include "store/output.h"
#include "train/checkpoint.h"
#include "train/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a run's file: whether the checkpoint is one of its own. */
static enum status compare_owner(const struct store_file *run, const char *checkpoint) {
  struct config *config = NULL;
  char *data = NULL, *numerics = NULL;
  TRY(store_check_format(run, RECORD_FORMAT, RECORD_VERSION));
  TRY(store_read_config(run, SCHEMA_USE(SCHEMA_TRAINING), &config));
  enum status status = store_read_text(run, "/data/checksum", &data);
  if (status == STATUS_OK) status = store_read_text(run, "/numerics", &numerics);
  const struct checkpoint_owner owner = {.config = config, .data_checksum = data, .numerics = numerics};
  if (status == STATUS_OK) status = checkpoint_check_owner(checkpoint, &owner);
  config_destroy(&config);
  free(data);
  free(numerics);
  return status == STATUS_CONFIG ? STATUS_FILE : status; /* nothing is wrong with what the user has asked for */
}

/* Root only. Files of such a name are measured as the run's, so they have to be. Without its file nobody can tell. */
static enum status check_run(const char *run, const char *checkpoint) {
  struct comm self;
  struct store_file file;
  bool there;
  TRY(output_exists(run, &there));
  if (!there) return STATUS_OK;
  TRY(output_exists(checkpoint, &there));
  if (!there) return STATUS_OK; /* which is said in better words when it is opened */
  TRY(comm_open(MPI_COMM_SELF, &self));
  enum status status = store_open(&self, run, &file);
  if (status == STATUS_OK) {
    status = compare_owner(&file, checkpoint);
    store_close(&file);
  }
  comm_close(&self);
  return status;
}

/* Root only. A run's latest checkpoint, or its best; a checkpoint is itself. */
static enum status choose_checkpoint(const char *name, bool best, char path[STORE_PATH_MAX]) {
  char run[STORE_PATH_MAX];
  int64_t *steps;
  int count;
  TRY(output_resolve(name, false, run));
  TRY(checkpoint_list(run, &steps, &count));
  const int64_t latest = count ? steps[count - 1] : -1;
  free(steps);
  if (best || latest >= 0) {
    TRY(checkpoint_name(run, best ? -1 : latest, path));
    return check_run(run, path);
  }
  memcpy(path, run, strlen(run) + 1); /* itself, or what store_open() will say */
  return STATUS_OK;
}

/* A checkpoint has its step in its name, which must not have been given to another. */
static enum status check_step(const struct trained *trained) {
  const char *word = strstr(trained->path, ".checkpoint-");
  for (const char *next = word; next; next = strstr(next + 1, ".checkpoint-")) word = next;
  char *end;
  const long long step = word ? strtoll(word + strlen(".checkpoint-"), &end, 10) : -1;
  const bool named = step >= 0 && strcmp(end, ".h5") == 0;
  REQUIRE(!named || step == (long long)trained->step, STATUS_FILE, "%s: is of step %lld, another than its name says",
          trained->path, (long long)trained->step);
  return STATUS_OK;
}

static enum status load_model(const struct comm *comm, struct trained *trained) {
  struct checkpoint_about about;
  TRY(checkpoint_describe(comm, trained->path, &about));
  trained->config = about.config;
  memcpy(trained->data_checksum, about.data_checksum, sizeof trained->data_checksum);
  const struct experiment *experiment = config_experiment(trained->config);
  trained->training = &experiment->training;
  TRY(comm_agree(comm, learner_open_sized(NULL, experiment, about.size, about.dt, about.interval, &trained->learner)));
  struct checkpoint checkpoint = {.parameters = trained->learner.parameters};
  TRY(checkpoint_read(comm, trained->path, &trained->learner, &checkpoint));
  trained->step = checkpoint.step;
  return check_step(trained);
}

enum status trained_open(const struct comm *comm, const char *run, bool best, struct trained *trained) {
  *trained = (struct trained){.config = NULL};
  TRY(comm_agree(comm, comm->rank == 0 ? choose_checkpoint(run, best, trained->path) : STATUS_OK));
  TRY(comm_broadcast(comm, trained->path, sizeof trained->path));
  enum status status = load_model(comm, trained);
  const bool run_itself = strcmp(trained->path, run) == 0 && !strstr(run, ".checkpoint-") && !strstr(run, ".best.");
  if (status == STATUS_FILE && run_itself) status = status_context(status, "there are no checkpoints of %s", run);
  if (status != STATUS_OK) trained_close(trained);
  return status;
}

void trained_close(struct trained *trained) {
  learner_close(&trained->learner);
  config_destroy(&trained->config);
}

enum status trained_find_data(const char *data, const char *run, char path[STORE_PATH_MAX]) {
  const char *slash = strrchr(run, '/'), *name = strrchr(data, '/');
  char beside[STORE_PATH_MAX];
  bool there;
  REQUIRE(strlen(data) < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", data);
  snprintf(path, STORE_PATH_MAX, "%s", data);
  TRY(output_exists(path, &there));
  if (there) return STATUS_OK;
  const int folder = slash ? (int)(slash - run) + 1 : 0,
            length = snprintf(beside, sizeof beside, "%.*s%s", folder, run, name ? name + 1 : data);
  if (length < (int)sizeof beside && access(beside, F_OK) == 0) snprintf(path, STORE_PATH_MAX, "%s", beside);
  return STATUS_OK;
}

enum status trained_data_path(const struct comm *comm, const struct trained *trained, const char *given,
                              char path[STORE_PATH_MAX]) {
  enum status status = STATUS_OK;
  if (!given && comm->rank == 0) status = trained_find_data(trained->training->data.file, trained->path, path);
  TRY(comm_agree(comm, status));
  if (!given) return comm_broadcast(comm, path, STORE_PATH_MAX);
  REQUIRE(strlen(given) < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", given);
  snprintf(path, STORE_PATH_MAX, "%s", given);
  return STATUS_OK;
}

/* What the data would make of a learner has to be what it is. */
static enum status check_sizes(struct trained *trained, const struct dataset *data) {
  struct learner *learner = &trained->learner, fitted = *learner;
  char then[128] = "", now[128] = "";
  enum status status = learner_check_data(learner->kind, data);
  if (status == STATUS_OK) status = learner->kind->fit(&fitted, data);
  if (status == STATUS_CONFIG) status = status_context(STATUS_FILE, "%s: does not fit the model", data->file.path);
  TRY(status);
  bool same = true;
  for (int i = 0; i < learner->kind->sizes; i++) {
    const char *name = learner->kind->size[i];
    same = same && fitted.size[i] == learner->size[i];
    snprintf(then + strlen(then), sizeof then - strlen(then), "%s%s %lld", i ? ", " : "", name,
             (long long)learner->size[i]);
    snprintf(now + strlen(now), sizeof now - strlen(now), "%s%s %lld", i ? ", " : "", name, (long long)fitted.size[i]);
  }
  REQUIRE(same, STATUS_FILE, "%s: its data are of %s; the model is of %s", data->file.path, now, then);
  learner->protocol = fitted.protocol;
  /* A model knows one interval; others are asked for with hgn rollout --speed. */
  const bool known = !isnan(data->dt) && !isnan(learner->interval);
  REQUIRE(!known || fabs(data->dt - learner->interval) <= 1e-9 * learner->interval, STATUS_FILE,
          "%s: frames are %g s apart; the model was trained on frames %g s apart", data->file.path, data->dt,
          learner->interval);
  return STATUS_OK;
}

enum status trained_check_data(const struct trained *trained, const struct dataset *data, const char *checksum) {
  REQUIRE(strcmp(checksum, trained->data_checksum) == 0, STATUS_FILE,
          "%s: is other data now than %s was trained on; give its name to measure the model on it", data->file.path,
          trained->path);
  return STATUS_OK;
}

static enum status check_data(const struct trained *trained, const struct dataset *data) {
  char checksum[CHECKSUM_TEXT];
  if (!data->config) return STATUS_OK;
  TRY(dataset_checksum(data, checksum));
  return trained_check_data(trained, data, checksum);
}

enum status trained_open_data(const struct comm *comm, struct trained *trained, const char *path, bool named,
                              struct corpus *corpus) {
  TRY(corpus_open(comm, path, corpus));
  enum status status = check_sizes(trained, &corpus->data);
  if (status == STATUS_OK && !named) status = check_data(trained, &corpus->data);
  status = comm_agree(comm, status);
  if (status != STATUS_OK) corpus_close(corpus);
  return status;
}

enum status trained_evaluate(struct trained *trained, struct corpus *corpus, bool named, int64_t rollouts,
                             struct yardstick *yardstick, struct evaluation *evaluation) {
  const int64_t all = corpus->data.rollouts[SPLIT_TEST];
  struct learner *learner = &trained->learner;
  *evaluation = (struct evaluation){.by_frame = NULL};
  *yardstick = (struct yardstick){.attained = NULL};
  TRY(corpus_yardstick(corpus, &learner->protocol, yardstick));
  TRY(corpus_measure(corpus, yardstick));
  if (!named) TRY(trained_check_data(trained, &corpus->data, yardstick->checksum));
  if (rollouts == 0 || rollouts > all) rollouts = all;
  return learner_evaluate_first(learner, corpus->comm, &corpus->source, SPLIT_TEST, rollouts, yardstick, evaluation);
}

enum status trained_check_finite(const struct trained *trained, const struct evaluation *evaluation) {
  const struct layout *layout = trained->learner.layout;
  const int tensor = layout_broken_tensor(layout, trained->learner.parameters);
  REQUIRE(!evaluation->broken, STATUS_NUMERIC, "%s: %s of %lld of %lld test %s is not finite", trained->path,
          evaluation->broken, (long long)evaluation->broken_rollouts, (long long)evaluation->rollouts,
          trained->learner.kind->unit);
  REQUIRE(tensor < 0, STATUS_NUMERIC, "%s: the parameter %s is not finite", trained->path, layout->tensor[tensor].name);
  return STATUS_OK;
}
