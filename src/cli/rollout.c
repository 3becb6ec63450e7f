#include "cli/cli.h"
#include "store/output.h"
#include "store/provenance.h"
#include "train/film.h"
#include "train/hgn.h"
#include "train/numerics.h"
#include "train/probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- As arrays ---- */

static enum status put(struct store_file *file, const char *name, enum store_type type, int rank, const int64_t *extent,
                       const char *unit, const char *help, const void *data) {
  TRY(store_dataset(file, name, type, rank, extent, unit, help));
  return store_write(file, name, 0, extent[0], data);
}

/* Collective over `self`, the root's own communicator. */
static enum status fill_arrays(struct store_file *file, const struct trained *trained, const struct dataset *data,
                               const struct probe_rollout *rollout, const double *time) {
  const struct probe_path *path = &rollout->path;
  const struct model_map *map = &hgn_model(&trained->learner)->state;
  const int64_t frames = path->frames, images[] = {frames, data->height, data->width, data->channels},
                states[] = {frames, map->height, map->width, map->channels};
  TRY(store_attribute_text(file, "format", "hgn-rollout"));
  TRY(store_attribute_text(file, "model", trained->path));
  TRY(provenance_write(file));
  TRY(put(file, "/time", STORE_F64, 1, &frames, "s", "time of each frame", time));
  TRY(put(file, "/prediction", STORE_F32, 4, images, NULL, "decoded frames", path->images));
  if (rollout->known > 0)
    TRY(put(file, "/truth", STORE_F32, 4, images, NULL,
            "frames without observation noise, or as given; NaN where not known", rollout->truth));
  TRY(put(file, "/error", STORE_F64, 1, &frames, NULL, "pixel MSE; NaN where the truth is not known", rollout->error));
  TRY(put(file, "/energy", STORE_F64, 1, &frames, NULL, "the learned H", path->energy));
  TRY(put(file, "/q", STORE_F32, 4, states, NULL, "latent position", path->q));
  TRY(put(file, "/p", STORE_F32, 4, states, NULL, "latent momentum", path->p));
  return store_commit(file);
}

static enum status write_arrays(const struct comm *self, const struct trained *trained, const struct dataset *data,
                                const struct probe_rollout *rollout, const char *output) {
  const int64_t frames = rollout->path.frames;
  const struct store_place place = {.replaces = "hgn-rollout"};
  struct store_file file;
  double *time = malloc((size_t)frames * sizeof *time);
  REQUIRE(time, STATUS_MEMORY, "out of memory for %lld times", (long long)frames);
  for (int64_t t = 0; t < frames; t++) time[t] = rollout->start + rollout->dt * (double)t;
  enum status status = store_create_at(self, output, &place, &file);
  if (status == STATUS_OK) {
    status = fill_arrays(&file, trained, data, rollout, time);
    store_close(&file);
  }
  free(time);
  return status;
}

/* ---- As a picture ---- */

static enum status write_picture(const struct probe_request *request, const struct dataset *data,
                                 const struct probe_rollout *rollout, const char *output) {
  struct reel reel;
  enum status status = film_reel(request, data, rollout, &reel);
  if (status == STATUS_OK) status = reel_write(&reel, output);
  reel_free(&reel);
  return status;
}

/* ---- The command ---- */

static void print_outcome(const struct probe_rollout *rollout, const char *output) {
  const int64_t frames = rollout->path.frames, known = rollout->known;
  char mean[CLI_ERROR_MAX], last[CLI_ERROR_MAX];
  if (known > 0)
    printf("MSE %s over %lld frames; last frame %s\n", cli_error(probe_mean_error(rollout), mean), (long long)known,
           cli_error(rollout->error[known - 1], last));
  if (known < frames)
    printf("the truth of %lld of %lld frames is not known\n", (long long)(frames - known), (long long)frames);
  printf("%s\n", output);
}

/* Root only. */
static enum status roll_out(const struct trained *trained, struct corpus *corpus, const struct probe_request *request,
                            const char *output) {
  struct probe probe;
  struct probe_rollout rollout;
  struct comm self = {.size = 0};
  TRY(comm_open(MPI_COMM_SELF, &self));
  enum status status = probe_open(trained, &probe);
  if (status == STATUS_OK) {
    status = probe_rollout(&probe, corpus, request, &rollout);
    if (status == STATUS_OK && cli_has_ending(output, ".h5"))
      status = write_arrays(&self, trained, &corpus->data, &rollout, output);
    else if (status == STATUS_OK)
      status = write_picture(request, &corpus->data, &rollout, output);
    if (status == STATUS_OK) print_outcome(&rollout, output);
    if (status == STATUS_OK && rollout.path.broken)
      status = status_raise(STATUS_NUMERIC, "%s: %s of frame %lld is not finite", trained->path, rollout.path.broken,
                            (long long)rollout.path.broken_frame);
    probe_rollout_free(&rollout);
  }
  probe_close(&probe);
  comm_close(&self);
  return status;
}

static enum status open_and_roll(const struct comm *world, struct trained *trained, const char *path, bool named,
                                 const struct probe_request *request, const char *output) {
  struct corpus corpus;
  TRY(trained_open_data(world, trained, path, named, &corpus));
  enum status status = cli_rollout_of(&corpus.data, request->split, request->rollout);
  if (status == STATUS_OK)
    status = comm_agree(world, world->rank == 0 ? roll_out(trained, &corpus, request, output) : STATUS_OK);
  corpus_close(&corpus);
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

static enum status run_rollout(const struct comm *world, int argc, char **argv) {
  struct probe_request request = {.speed = 1, .split = SPLIT_TEST};
  bool best = false;
  const char *speed = NULL, *data = NULL, *split = NULL, *output = NULL;
  const struct cli_option options[] = {{"--rollout", NULL, CLI_COUNT_VALUE, &request.rollout},
                                       {"--steps", NULL, CLI_COUNT_VALUE, &request.steps},
                                       {"--backward", NULL, CLI_FLAG, &request.backward},
                                       {"--speed", NULL, CLI_TEXT, &speed},
                                       {"--split", NULL, CLI_TEXT, &split},
                                       {"--best", NULL, CLI_FLAG, &best},
                                       {"--data", NULL, CLI_TEXT, &data},
                                       {"--output", "-o", CLI_TEXT, &output}};
  struct cli_words words;
  char path[STORE_PATH_MAX];
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  TRY(cli_operands(&words, 1, 1, "one RUN.h5"));
  TRY(parse_speed(speed, &request.speed));
  REQUIRE(request.steps <= PROBE_STEPS_MAX, STATUS_USAGE, "--steps %lld: at most %d", (long long)request.steps,
          (int)PROBE_STEPS_MAX);
  REQUIRE(output, STATUS_USAGE, "missing: -o FILE.png, .gif or .h5");
  REQUIRE(cli_has_ending(output, ".png") || cli_has_ending(output, ".gif") || cli_has_ending(output, ".h5"),
          STATUS_USAGE, "the output \"%s\" ends neither in .png nor in .gif nor in .h5", output);
  TRY(output_check_name(output));
  TRY(cli_split(split, &request.split));
  TRY(numerics_agree(world));
  struct trained trained;
  TRY(trained_open(world, words.operand[0], best, &trained));
  enum status status = trained_data_path(world, &trained, data, path);
  if (status == STATUS_OK) status = open_and_roll(world, &trained, path, data != NULL, &request, output);
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
    "  --split NAME       of train, test or validation; default: test\n"
    "  --steps N          how far; default: to the last frame that was trained for, or as many where none lies that "
    "way\n"
    "  --backward         backward in time from the inferred state\n"
    "  --speed X          steps X times as long as in training\n"
    "  --data DATA.h5     other data than in training\n"
    "  --best             the model of the smallest validation error; default: the latest checkpoint\n"
    "  -o, --output FILE  .png: a filmstrip; .gif: an animation; .h5: the arrays, with latent states and H\n",
    run_rollout};
