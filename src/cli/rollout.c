#include "physics/rollout.h"

#include "base/finite.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/reel.h"
#include "graph/cpu.h"
#include "model/pass.h"
#include "physics/reference.h"
#include "store/output.h"
#include "store/provenance.h"
#include "train/source.h"
#include "train/trained.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rows { TRUTH, PREDICTION, DIFFERENCE, ROWS };
enum { STEPS_MAX = 100000 };

struct request {
  int64_t rollout, steps; /* steps 0: to the last target */
  bool backward;
  double speed;
  enum split split;
  const char *output;
};

/* One rollout, unrolled: frame 0 is the anchor. */
struct unrolled {
  int64_t frames;     /* steps + 1 */
  double *error;      /* [frames]; NaN where the truth is not known */
  double *energy;     /* [frames]: the learned H */
  float *q, *p;       /* [frames][state] */
  int64_t known;      /* frames whose truth is known, from the first */
  const char *broken; /* what is not finite, of the prediction of `broken_frame`; NULL: nothing */
  int64_t broken_frame;
};

/* Inference from what is observed; the model's own steps of `dt`. */
static enum status predict(const struct trained *trained, struct source *source, const struct protocol *protocol,
                           const struct request *request, double dt, struct unrolled *out, float *images) {
  const struct model *model = trained->model;
  const int64_t image = model_image_values(model);
  float *frames = calloc((size_t)(image * protocol->input_count), sizeof *frames);
  float *noise = calloc((size_t)model_latents(model) + 1, sizeof *noise);
  struct pass *pass = NULL;
  enum status status = frames && noise ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for a rollout");
  if (status == STATUS_OK) status = pass_create(model, 1, 1, trained->parameters, &pass);
  if (status == STATUS_OK)
    status =
        source_stack(source, request->split, request->rollout, protocol->input_first, protocol->input_count, frames);
  if (status == STATUS_OK) status = pass_infer(pass, frames, noise, out->q, out->p, NULL);
  if (status == STATUS_OK) status = trained_unroll(trained, pass, dt, out->frames, out->q, out->p, images, out->energy);
  pass_destroy(&pass);
  free(frames);
  free(noise);
  return status;
}

/* The true state at the anchor, integrated over the same times, rendered without noise. */
static enum status simulate_truth(struct source *source, const struct protocol *protocol, const struct request *request,
                                  double dt, int64_t frames, float *images) {
  const struct experiment *experiment = source->experiment;
  const struct system *system = system_get(experiment->system.name);
  double state[SYSTEM_STATE_MAX], h = 0;
  const double *states = source->states[request->split] + (size_t)((request->rollout - source->first[request->split]) *
                                                                   source->data->frames * source->data->coordinates);
  memcpy(state, states + protocol->anchor * source->data->coordinates,
         (size_t)source->data->coordinates * sizeof *state);
  for (int64_t t = 0; t < frames; t++) {
    if (t > 0) TRY(reference_advance(system, &experiment->system, dt, ROLLOUT_TOLERANCE, &h, state));
    render_f32(&source->renderer, state, images + (size_t)t * source->renderer.values);
  }
  return STATUS_OK;
}

/* Frames made elsewhere: what there is of them, when the times are theirs. */
static enum status read_truth(struct source *source, const struct protocol *protocol, const struct request *request,
                              int64_t frames, size_t values, float *images, int64_t *known) {
  if (request->speed != 1) return STATUS_OK;
  const int64_t toward = request->backward ? -1 : 1;
  for (int64_t t = 0; t < frames; t++) {
    const int64_t frame = protocol->anchor + toward * t;
    if (frame < 0 || frame >= source->data->frames) break;
    TRY(source_frames(source, request->split, request->rollout, frame, 1, images + (size_t)t * values));
    *known = t + 1;
  }
  return STATUS_OK;
}

/* Grey where both agree, brighter where the prediction is brighter. NaN where the truth is not known. */
static double compare(const float *truth, const float *prediction, size_t values, float *difference) {
  double sum = 0;
  for (size_t i = 0; i < values; i++) {
    const double d = (double)prediction[i] - (double)truth[i];
    sum += d * d;
    difference[i] = (float)(0.5 + 0.5 * d);
  }
  return sum / (double)values;
}

static const char *name_broken(bool state, bool image, bool energy) {
  return !state ? "the latent state" : !image ? "the decoded image" : !energy ? "the learned H" : NULL;
}

/* A state that is not finite has no error, whatever a kernel makes of it in its image. */
static void find_broken(const struct trained *trained, const float *images, int64_t values, struct unrolled *out) {
  const int64_t state = model_state_values(trained->model);
  for (int64_t t = 0; t < out->frames; t++) {
    const bool finite = finite_all_f32(out->q + t * state, state) && finite_all_f32(out->p + t * state, state);
    if (!finite) out->error[t] = NAN;
    if (out->broken) continue;
    out->broken = name_broken(finite, finite_all_f32(images + t * values, values), isfinite(out->energy[t]));
    out->broken_frame = t;
  }
}

static enum status unroll(const struct trained *trained, struct source *source, const struct protocol *protocol,
                          const struct request *request, struct unrolled *out, struct reel *reel) {
  const double latent_dt = (request->backward ? -1 : 1) * request->speed * trained->dt;
  TRY(predict(trained, source, protocol, request, latent_dt, out, reel->image[PREDICTION]));
  if (source->rendering) {
    TRY(simulate_truth(source, protocol, request, reel->dt, out->frames, reel->image[TRUTH]));
    out->known = out->frames;
  } else {
    TRY(read_truth(source, protocol, request, out->frames, reel->values, reel->image[TRUTH], &out->known));
  }
  for (size_t i = (size_t)out->known * reel->values; i < (size_t)out->frames * reel->values; i++)
    reel->image[TRUTH][i] = NAN;
  for (int64_t t = 0; t < out->frames; t++) {
    const size_t at = (size_t)t * reel->values;
    out->error[t] =
        compare(reel->image[TRUTH] + at, reel->image[PREDICTION] + at, reel->values, reel->image[DIFFERENCE] + at);
  }
  find_broken(trained, reel->image[PREDICTION], (int64_t)reel->values, out);
  return STATUS_OK;
}

/* ---- Output ---- */

static double mean_error(const struct unrolled *out) {
  double sum = 0;
  for (int64_t t = 0; t < out->known; t++) sum += out->error[t];
  return sum / (double)out->known;
}

static enum status put(struct store_file *file, const char *name, enum store_type type, int rank, const int64_t *extent,
                       const char *unit, const char *help, const void *data) {
  TRY(store_dataset(file, name, type, rank, extent, unit, help));
  return store_write(file, name, 0, extent[0], data);
}

/* Collective over `self`, the root's own communicator. */
static enum status write_arrays(const struct comm *self, const struct trained *trained, const struct unrolled *out,
                                const struct reel *reel, const char *path) {
  const struct model_map *map = &trained->model->state;
  const int64_t frames = out->frames, images[] = {frames, reel->height, reel->width, reel->channels},
                states[] = {frames, map->height, map->width, map->channels};
  double *time = malloc((size_t)frames * sizeof *time);
  REQUIRE(time, STATUS_MEMORY, "out of memory for %lld times", (long long)frames);
  for (int64_t t = 0; t < frames; t++) time[t] = reel->start + reel->dt * (double)t;
  const struct store_place place = {.replaces = "hgn-rollout"};
  struct store_file file;
  enum status status = store_create_at(self, path, &place, &file);
  if (status == STATUS_OK) {
    status = store_attribute_text(&file, "format", "hgn-rollout");
    if (status == STATUS_OK) status = store_attribute_text(&file, "model", trained->path);
    if (status == STATUS_OK) status = provenance_write(&file);
    if (status == STATUS_OK) status = put(&file, "/time", STORE_F64, 1, &frames, "s", NULL, time);
    if (status == STATUS_OK)
      status = put(&file, "/prediction", STORE_F32, 4, images, NULL, "decoded frames", reel->image[PREDICTION]);
    if (status == STATUS_OK && out->known > 0)
      status = put(&file, "/truth", STORE_F32, 4, images, NULL,
                   "frames without observation noise, or as given; NaN where not known", reel->image[TRUTH]);
    if (status == STATUS_OK)
      status =
          put(&file, "/error", STORE_F64, 1, &frames, NULL, "pixel MSE; NaN where the truth is not known", out->error);
    if (status == STATUS_OK) status = put(&file, "/energy", STORE_F64, 1, &frames, NULL, "the learned H", out->energy);
    if (status == STATUS_OK) status = put(&file, "/q", STORE_F32, 4, states, NULL, "latent position", out->q);
    if (status == STATUS_OK) status = put(&file, "/p", STORE_F32, 4, states, NULL, "latent momentum", out->p);
    if (status == STATUS_OK) status = store_commit(&file);
    store_close(&file);
  }
  free(time);
  return status;
}

static enum status allocate(const struct trained *trained, struct unrolled *out) {
  const int64_t values = out->frames * model_state_values(trained->model);
  out->error = calloc((size_t)out->frames, sizeof(double));
  out->energy = calloc((size_t)out->frames, sizeof(double));
  out->q = calloc((size_t)values, sizeof(float));
  out->p = calloc((size_t)values, sizeof(float));
  REQUIRE(out->error && out->energy && out->q && out->p, STATUS_MEMORY, "out of memory for %lld frames",
          (long long)out->frames);
  return STATUS_OK;
}

static void write_title(const struct request *request, const struct unrolled *out, struct reel *reel) {
  char text[CLI_ERROR_MAX];
  int used = snprintf(reel->title, sizeof reel->title, "%s rollout %lld", split_name[request->split],
                      (long long)request->rollout);
  if (request->backward) used += snprintf(reel->title + used, sizeof reel->title - (size_t)used, ", backward");
  if (request->speed != 1)
    used += snprintf(reel->title + used, sizeof reel->title - (size_t)used, ", speed %g", request->speed);
  if (out->known > 0)
    snprintf(reel->title + used, sizeof reel->title - (size_t)used, ", MSE %s", cli_error(mean_error(out), text));
}

/* Without any truth there is only the prediction to be seen. */
static void drop_unknown_rows(const struct unrolled *out, struct reel *reel) {
  if (out->known > 0) return;
  float *unknown = reel->image[TRUTH];
  reel->image[TRUTH] = reel->image[PREDICTION];
  reel->image[PREDICTION] = unknown;
  memcpy(reel->label[TRUTH], reel->label[PREDICTION], REEL_LABEL_MAX);
  reel->rows = 1;
}

static enum status write_output(const struct comm *self, const struct trained *trained, const struct unrolled *out,
                                struct reel *reel, const char *path) {
  if (cli_has_ending(path, ".h5")) return write_arrays(self, trained, out, reel, path);
  drop_unknown_rows(out, reel);
  return reel_write(reel, path);
}

static void print_outcome(const struct unrolled *out, const char *output) {
  char mean[CLI_ERROR_MAX], last[CLI_ERROR_MAX];
  if (out->known > 0)
    printf("MSE %s over %lld frames; last frame %s\n", cli_error(mean_error(out), mean), (long long)out->known,
           cli_error(out->error[out->known - 1], last));
  if (out->known < out->frames)
    printf("the truth of %lld of %lld frames is not known\n", (long long)(out->frames - out->known),
           (long long)out->frames);
  printf("%s\n", output);
}

/* Root only. */
static enum status roll_out(const struct comm *self, const struct trained *trained, struct source *source,
                            const struct protocol *protocol, const struct request *request) {
  const double sign = request->backward ? -1 : 1, dt = isnan(source->data->dt) ? trained->dt : source->data->dt;
  const int64_t last = request->backward ? protocol->anchor - protocol->target_first
                                         : protocol->target_first + protocol->target_count - 1 - protocol->anchor;
  struct unrolled out = {.frames = (request->steps ? request->steps
                                    : last > 0     ? last
                                                   : protocol->target_count - 1) +
                                   1};
  struct reel reel = {.frames = out.frames,
                      .height = (int)source->data->height,
                      .width = (int)source->data->width,
                      .channels = (int)source->data->channels,
                      .start = dt * (double)protocol->anchor,
                      .dt = sign * request->speed * dt,
                      .rows = ROWS,
                      .label = {"truth", "prediction", "difference"}};
  enum status status = reel_allocate(&reel);
  if (status == STATUS_OK) status = allocate(trained, &out);
  if (status == STATUS_OK) status = source_load(source, request->split, request->rollout, 1);
  if (status == STATUS_OK) status = unroll(trained, source, protocol, request, &out, &reel);
  if (status == STATUS_OK) {
    write_title(request, &out, &reel);
    status = write_output(self, trained, &out, &reel, request->output);
  }
  if (status == STATUS_OK) print_outcome(&out, request->output);
  if (status == STATUS_OK && out.broken)
    status = status_raise(STATUS_NUMERIC, "%s: %s of frame %lld is not finite", trained->path, out.broken,
                          (long long)out.broken_frame);
  reel_free(&reel);
  free(out.error);
  free(out.energy);
  free(out.q);
  free(out.p);
  return status;
}

static enum status open_and_roll(const struct comm *world, const struct trained *trained, const char *path, bool named,
                                 const struct request *request) {
  struct dataset data;
  struct source source;
  struct protocol protocol;
  struct comm self = {.size = 0};
  TRY(trained_open_data(world, trained, path, named, &data, &source, &protocol));
  enum status status = STATUS_OK;
  if (request->rollout >= data.rollouts[request->split])
    status = status_raise(STATUS_USAGE, "%s: the %s split has rollouts 0 to %lld; there is no rollout %lld", path,
                          split_name[request->split], (long long)data.rollouts[request->split] - 1,
                          (long long)request->rollout);
  if (status == STATUS_OK) {
    if (world->rank == 0) {
      status = comm_open(MPI_COMM_SELF, &self);
      if (status == STATUS_OK) status = roll_out(&self, trained, &source, &protocol, request);
      comm_close(&self);
    }
    status = comm_agree(world, status);
  }
  source_close(&source);
  dataset_close(&data);
  return status;
}

static enum status parse_speed(const char *text, double *speed) {
  char *end;
  if (!text) return STATUS_OK;
  *speed = strtod(text, &end);
  REQUIRE(end != text && *end == '\0' && *speed > 0 && *speed <= 1000, STATUS_USAGE,
          "--speed \"%s\": expected a number above 0, at most 1000", text);
  return STATUS_OK;
}

static enum status run(const struct comm *world, int argc, char **argv) {
  struct request request = {.speed = 1, .split = SPLIT_TEST};
  bool train = false, best = false;
  const char *speed = NULL, *data = NULL;
  const struct cli_option options[] = {{"--rollout", NULL, CLI_COUNT_VALUE, &request.rollout},
                                       {"--steps", NULL, CLI_COUNT_VALUE, &request.steps},
                                       {"--backward", NULL, CLI_FLAG, &request.backward},
                                       {"--speed", NULL, CLI_TEXT, &speed},
                                       {"--train", NULL, CLI_FLAG, &train},
                                       {"--best", NULL, CLI_FLAG, &best},
                                       {"--data", NULL, CLI_TEXT, &data},
                                       {"--output", "-o", CLI_TEXT, &request.output}};
  struct cli_words words;
  char path[STORE_PATH_MAX];
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  TRY(cli_operands(&words, 1, 1, "one RUN.h5"));
  TRY(parse_speed(speed, &request.speed));
  REQUIRE(request.steps <= STEPS_MAX, STATUS_USAGE, "--steps %lld: at most %d", (long long)request.steps,
          (int)STEPS_MAX);
  REQUIRE(request.output, STATUS_USAGE, "missing: -o FILE.png, .gif or .h5");
  REQUIRE(cli_has_ending(request.output, ".png") || cli_has_ending(request.output, ".gif") ||
              cli_has_ending(request.output, ".h5"),
          STATUS_USAGE, "the output \"%s\" ends neither in .png nor in .gif nor in .h5", request.output);
  TRY(output_check_name(request.output));
  if (train) request.split = SPLIT_TRAIN;
  TRY(cpu_agree(world));
  struct trained trained;
  TRY(trained_open(world, words.operand[0], best, &trained));
  enum status status = trained_data_path(world, &trained, data, path);
  if (status == STATUS_OK) status = open_and_roll(world, &trained, path, data != NULL, &request);
  trained_close(&trained);
  return status;
}

const struct cli_command cli_rollout = {
    "rollout", "unroll a trained model beside the truth",
    "Usage: hgn rollout RUN.h5 [--rollout I] [--steps N] [--backward] [--speed X] -o FILE.png|FILE.gif|FILE.h5\n\n"
    "Infers the state of a rollout from the frames that the encoder sees and unrolls the learned Hamiltonian from\n"
    "there. Rows: the truth without observation noise, the prediction, and their difference (grey where they agree).\n"
    "Where the states are known, the truth is simulated at the times asked for, beyond the data's end too; of frames\n"
    "made elsewhere it is what they hold, and where they hold nothing its place stays empty.\n\n"
    "  --rollout I        which one, from 0; default 0\n"
    "  --train            of the training split; default: the test split\n"
    "  --steps N          how far; default: to the last frame that was trained for, or as many where none lies that "
    "way\n"
    "  --backward         backward in time from the inferred state\n"
    "  --speed X          steps X times as long as in training\n"
    "  --data DATA.h5     other data than in training\n"
    "  --best             the model of the smallest test error; default: the latest checkpoint\n"
    "  -o, --output FILE  .png: a filmstrip; .gif: an animation; .h5: the arrays, with latent states and H\n",
    run};
