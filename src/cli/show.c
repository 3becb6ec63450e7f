#include "cli/cli.h"
#include "physics/render.h"
#include "physics/rollout.h"
#include "store/dataset.h"
#include "store/reel.h"
#include "train/checkpoint.h"
#include "train/density.h"
#include "train/density_board.h"
#include "train/numerics.h"
#include "train/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status render_reel(const struct dataset *data, enum split split, int64_t index, struct reel *reel) {
  const struct experiment *experiment = config_experiment(data->config);
  int64_t coordinates = 2 * system_get(experiment->system.name)->freedom;
  REQUIRE(data->coordinates == coordinates, STATUS_FILE, "%s: /train/state has %lld coordinates, and a %s has %lld",
          data->file.path, (long long)data->coordinates, experiment_system_name(experiment->system.name),
          (long long)coordinates);
  reel->rows = experiment->data.noise > 0 ? 2 : 1;
  snprintf(reel->label[0], REEL_LABEL_MAX, "%s", reel->rows == 2 ? "observed" : "clean");
  snprintf(reel->label[1], REEL_LABEL_MAX, "clean");
  TRY(reel_allocate(reel));
  double *states = malloc((size_t)(data->frames * data->coordinates) * sizeof(double));
  REQUIRE(states, STATUS_MEMORY, "out of memory for a rollout");
  struct renderer renderer = {0};
  enum status status = dataset_read(data, split, index, 1, states, NULL);
  if (status == STATUS_OK) status = render_open(experiment, &renderer);
  uint64_t rollout = rollout_number(dataset_place(data, split, index));
  for (int64_t f = 0; status == STATUS_OK && f < reel->frames; f++) {
    const double *state = states + f * data->coordinates;
    double observed[SYSTEM_STATE_MAX];
    rollout_observe(experiment, RNG_NOISE, rollout, f, state, observed);
    render_f32(&renderer, observed, reel->image[0] + (size_t)f * reel->values);
    if (reel->rows == 2) render_f32(&renderer, state, reel->image[1] + (size_t)f * reel->values);
  }
  snprintf(reel->title, sizeof reel->title, "%s, %s rollout %lld, %s renderer, noise %g, dt %g s",
           experiment_system_name(experiment->system.name), split_name[split], (long long)index,
           experiment_renderer_name(experiment->render.renderer), experiment->data.noise, experiment->data.dt);
  render_close(&renderer);
  free(states);
  return status;
}

static enum status read_reel(const struct dataset *data, enum split split, int64_t index, struct reel *reel) {
  reel->rows = 1;
  snprintf(reel->label[0], REEL_LABEL_MAX, "frames");
  TRY(reel_allocate(reel));
  snprintf(reel->title, sizeof reel->title, "%s rollout %lld (stored frames)", split_name[split], (long long)index);
  return dataset_read_frames(data, split, index, 1, reel->image[0]);
}

/* Not collective: rank 0's work. */
static enum status show_rollout(const struct dataset *data, enum split split, int64_t index, const char *output) {
  TRY(cli_rollout_of(data, split, index));
  struct reel reel = {.frames = data->frames,
                      .height = (int)data->height,
                      .width = (int)data->width,
                      .channels = (int)data->channels,
                      .dt = data->dt};
  enum status status = data->has_states ? render_reel(data, split, index, &reel) : read_reel(data, split, index, &reel);
  if (status == STATUS_OK) status = reel_write(&reel, output);
  if (status == STATUS_OK) printf("%s\n", output);
  reel_free(&reel);
  return status;
}

/* ---- Trained models ---- */

static enum status find_model(const struct comm *world, const char *path, bool *model) {
  struct store_file file;
  bool run = false, checkpoint = false;
  TRY(store_open(world, path, &file));
  enum status status = store_is(&file, RECORD_FORMAT, &run);
  if (status == STATUS_OK) status = store_is(&file, CHECKPOINT_FORMAT, &checkpoint);
  *model = run || checkpoint;
  status = comm_agree(world, status);
  store_close(&file);
  return status;
}

static enum status draw_model(const struct comm *world, struct trained *trained, const char *output) {
  struct corpus corpus;
  char path[STORE_PATH_MAX];
  REQUIRE(density_is(&trained->learner), STATUS_UNAVAILABLE,
          "%s: is a model \"%s\"; hgn rollout and hgn sample draw what it does", trained->path,
          trained->learner.kind->name);
  REQUIRE(cli_has_ending(output, ".png"), STATUS_USAGE, "%s: a density does not move: use .png", output);
  TRY(trained_data_path(world, trained, NULL, path));
  TRY(trained_open_data(world, trained, path, false, &corpus));
  enum status status = world->rank == 0 ? density_board_model(trained, &corpus.data, output) : STATUS_OK;
  corpus_close(&corpus);
  status = comm_agree(world, status);
  if (status == STATUS_OK && world->rank == 0) printf("%s\n", output);
  return status;
}

static enum status show_model(const struct comm *world, const char *path, bool best, const char *output) {
  struct trained trained;
  TRY(numerics_agree(world));
  TRY(trained_open(world, path, best, &trained));
  enum status status = draw_model(world, &trained, output);
  trained_close(&trained);
  return status;
}

/* ---- The command ---- */

/* Not collective: rank 0's work. */
static enum status show_points(const struct dataset *data, enum split split, int64_t index, const char *output) {
  REQUIRE(index < 0, STATUS_USAGE, "--rollout: %s holds points, and all of a split are shown", data->file.path);
  REQUIRE(cli_has_ending(output, ".png"), STATUS_USAGE, "%s: points do not move: use .png", output);
  TRY(density_board_data(data, split, output));
  printf("%s\n", output);
  return STATUS_OK;
}

static enum status show_data(const struct comm *world, const char *path, enum split split, int64_t index,
                             const char *output) {
  struct dataset data;
  TRY(dataset_open(world, path, &data));
  enum status status = STATUS_OK;
  if (world->rank == 0)
    status = data.has_points ? show_points(&data, split, index, output)
                             : show_rollout(&data, split, index < 0 ? 0 : index, output);
  dataset_close(&data);
  return comm_agree(world, status);
}

static enum status run_show(const struct comm *world, int argc, char **argv) {
  enum { NOT_GIVEN = -1 };
  int64_t index = NOT_GIVEN;
  enum split split = SPLIT_TEST;
  bool best = false, model;
  const char *output = NULL, *named = NULL;
  const struct cli_option options[] = {{"--rollout", NULL, CLI_COUNT_VALUE, &index},
                                       {"--split", NULL, CLI_TEXT, &named},
                                       {"--best", NULL, CLI_FLAG, &best},
                                       {"--output", "-o", CLI_TEXT, &output}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  TRY(cli_operands(&words, 1, 1, "one FILE.h5"));
  TRY(cli_split(named, &split));
  REQUIRE(!output || cli_has_ending(output, ".png") || cli_has_ending(output, ".gif"), STATUS_USAGE,
          "the output \"%s\" ends neither in .png nor in .gif", output);
  const char *path = words.operand[0];
  TRY(find_model(world, path, &model));
  REQUIRE(!model || (index == NOT_GIVEN && !named), STATUS_USAGE, "%s is a model: --rollout and --split are of data",
          path);
  REQUIRE(model || !best, STATUS_USAGE, "%s is no run of a model, of which there is a best", path);
  char given[STORE_PATH_MAX];
  if (!output) {
    size_t stem = strlen(path) - (cli_has_ending(path, ".h5") ? 3 : 0);
    int length = model ? snprintf(given, sizeof given, "%.*s.png", (int)stem, path)
                       : snprintf(given, sizeof given, "%.*s.%s%lld.png", (int)stem, path, split_name[split],
                                  index == NOT_GIVEN ? 0LL : (long long)index);
    REQUIRE(length < (int)sizeof given, STATUS_USAGE, "the path is too long");
    output = given;
  }
  return model ? show_model(world, path, best, output) : show_data(world, path, split, index, output);
}

const struct cli_command cli_show = {
    "show", "a rollout as filmstrip (.png) or animation (.gif); a density and its model",
    "Usage: hgn show FILE.h5 [--rollout I] [--split NAME] [-o OUT.png|OUT.gif]\n"
    "       hgn show RUN.h5 [--best] [-o OUT.png]\n\n"
    "Draws one rollout of a data set: the frames as observed, and as they would be without noise where the states are\n"
    "known. Of a data set of points: the density, where it is known, and the points. Of a trained density (nhf, "
    "rnvp):\n"
    "the density, draws, the learned density, and of nhf V and K of the first six Hamiltonians, the way of draws "
    "along\n"
    "each, and where they are then; of points of more than two numbers the first two.\n\n"
    "  --rollout I        which one, from 0; default 0\n"
    "  --split NAME       of train, test or validation; default: test\n"
    "  --best             of a run, the model of the smallest validation error; default: the latest checkpoint\n"
    "  -o, --output FILE  .png: a filmstrip; .gif: an animation at true speed; default FILE.SPLITI.png, of a model "
    "FILE.png\n",
    run_show};
