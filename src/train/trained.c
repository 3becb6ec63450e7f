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
  TRY(store_read_config(run, SCHEMA_TRAINING, &config));
  enum status status = store_read_text(run, "/data/checksum", &data);
  if (status == STATUS_OK) status = store_read_text(run, "/numerics", &numerics);
  const struct checkpoint_owner owner = {config, data, numerics};
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
static enum status choose(const char *name, bool best, char path[STORE_PATH_MAX]) {
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

static enum status load(const struct comm *comm, struct trained *trained) {
  struct checkpoint_about about;
  TRY(checkpoint_describe(comm, trained->path, &about));
  trained->config = about.config;
  trained->dt = about.clock.latent;
  trained->interval = about.clock.data;
  memcpy(trained->data_checksum, about.data_checksum, sizeof trained->data_checksum);
  const struct experiment *experiment = config_experiment(trained->config);
  trained->training = &experiment->training;
  trained->seed = (uint64_t)experiment->seed;
  enum status status =
      model_create(&experiment->training.model, &about.images, about.input_frames, GRAPH_F32, &trained->model);
  if (status == STATUS_OK) status = layout_block(&trained->model->layout, &trained->parameters);
  TRY(comm_agree(comm, status));
  struct checkpoint checkpoint = {.parameters = trained->parameters};
  TRY(checkpoint_read(comm, trained->path, trained->model, &checkpoint));
  trained->step = checkpoint.step;
  return check_step(trained);
}

enum status trained_open(const struct comm *comm, const char *run, bool best, struct trained *trained) {
  *trained = (struct trained){.config = NULL};
  TRY(comm_agree(comm, comm->rank == 0 ? choose(run, best, trained->path) : STATUS_OK));
  TRY(comm_broadcast(comm, trained->path, sizeof trained->path));
  enum status status = load(comm, trained);
  const bool run_itself = strcmp(trained->path, run) == 0 && !strstr(run, ".checkpoint-") && !strstr(run, ".best.");
  if (status == STATUS_FILE && run_itself) status = status_context(status, "there are no checkpoints of %s", run);
  if (status != STATUS_OK) trained_close(trained);
  return status;
}

void trained_close(struct trained *trained) {
  model_destroy(&trained->model);
  config_destroy(&trained->config);
  free(trained->parameters);
  trained->parameters = NULL;
}

enum status trained_unroll(const struct trained *trained, struct pass *pass, double dt, int64_t frames, float *q,
                           float *p, float *images, double *energy) {
  const int64_t state = model_state_values(trained->model), image = model_image_values(trained->model);
  for (int64_t t = 0; t < frames; t++, q += state, p += state) {
    TRY(pass_energy(pass, q, p, &energy[t]));
    TRY(pass_draw(pass, q, images + t * image));
    if (t + 1 < frames) TRY(pass_step(pass, dt, q, p, q + state, p + state));
  }
  return STATUS_OK;
}

enum status trained_data_path(const struct comm *comm, const struct trained *trained, const char *given,
                              char path[STORE_PATH_MAX]) {
  const char *data = given ? given : trained->training->data.file, *slash = strrchr(trained->path, '/');
  REQUIRE(strlen(data) < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", data);
  snprintf(path, STORE_PATH_MAX, "%s", data);
  if (given) return STATUS_OK;
  bool there = true;
  TRY(comm_agree(comm, comm->rank == 0 ? output_exists(path, &there) : STATUS_OK));
  if (!there) {
    const int folder = slash ? (int)(slash - trained->path) + 1 : 0;
    const char *base = strrchr(data, '/') ? strrchr(data, '/') + 1 : data;
    char beside[STORE_PATH_MAX];
    const int length = snprintf(beside, sizeof beside, "%.*s%s", folder, trained->path, base);
    if (length < (int)sizeof beside && access(beside, F_OK) == 0) snprintf(path, STORE_PATH_MAX, "%s", beside);
  }
  return comm_broadcast(comm, path, STORE_PATH_MAX);
}

static enum status check_images(const struct trained *trained, const struct dataset *data,
                                const struct protocol *protocol) {
  const struct model_images *images = &trained->model->images;
  const int64_t seen = trained->model->input_frames;
  const bool fit = data->height == images->height && data->width == images->width &&
                   data->channels == images->channels && protocol->input_count == seen;
  REQUIRE(fit, STATUS_FILE,
          "%s: images of %lld x %lld x %lld, %lld for the encoder; the model has %lld x %lld x %lld, %lld",
          data->file.path, (long long)data->height, (long long)data->width, (long long)data->channels,
          (long long)protocol->input_count, (long long)images->height, (long long)images->width,
          (long long)images->channels, (long long)seen);
  /* A model knows one interval; others are asked for with hgn rollout --speed. */
  const bool known = !isnan(data->dt) && !isnan(trained->interval);
  REQUIRE(!known || fabs(data->dt - trained->interval) <= 1e-9 * trained->interval, STATUS_FILE,
          "%s: frames are %g s apart; the model was trained on frames %g s apart", data->file.path, data->dt,
          trained->interval);
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

enum status trained_open_data(const struct comm *comm, const struct trained *trained, const char *path, bool named,
                              struct dataset *data, struct source *source, struct protocol *protocol) {
  *source = (struct source){.data = NULL};
  TRY(dataset_open(comm, path, data));
  enum status status = protocol_resolve(&trained->training->protocol, data->frames, protocol);
  if (status == STATUS_CONFIG) status = status_context(STATUS_FILE, "%s: does not fit the model", path);
  if (status == STATUS_OK) status = check_images(trained, data, protocol);
  if (status == STATUS_OK && !named) status = check_data(trained, data);
  if (status == STATUS_OK) status = source_open(data, source);
  status = comm_agree(comm, status);
  if (status == STATUS_OK) return STATUS_OK;
  source_close(source);
  dataset_close(data);
  return status;
}
