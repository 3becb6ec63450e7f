#include "cli/cli.h"
#include "cli/reel.h"
#include "physics/render.h"
#include "physics/rollout.h"
#include "store/dataset.h"

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
static enum status show(const struct dataset *data, enum split split, int64_t index, const char *output) {
  REQUIRE(!data->has_points, STATUS_USAGE, "%s: holds points of a density, which have no frames to show",
          data->file.path);
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

static enum status run_show(const struct comm *world, int argc, char **argv) {
  int64_t index = 0;
  enum split split = SPLIT_TEST;
  const char *output = NULL, *named = NULL;
  const struct cli_option options[] = {{"--rollout", NULL, CLI_COUNT_VALUE, &index},
                                       {"--split", NULL, CLI_TEXT, &named},
                                       {"--output", "-o", CLI_TEXT, &output}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 3, false, &words));
  TRY(cli_operands(&words, 1, 1, "one FILE.h5"));
  TRY(cli_split(named, &split));
  REQUIRE(!output || cli_has_ending(output, ".png") || cli_has_ending(output, ".gif"), STATUS_USAGE,
          "the output \"%s\" ends neither in .png nor in .gif", output);
  char given[STORE_PATH_MAX];
  if (!output) {
    const char *path = words.operand[0];
    size_t stem = strlen(path) - (cli_has_ending(path, ".h5") ? 3 : 0);
    int length = snprintf(given, sizeof given, "%.*s.%s%lld.png", (int)stem, path, split_name[split], (long long)index);
    REQUIRE(length < (int)sizeof given, STATUS_USAGE, "the path is too long");
    output = given;
  }
  struct dataset data;
  TRY(dataset_open(world, words.operand[0], &data));
  enum status status = comm_agree(world, world->rank == 0 ? show(&data, split, index, output) : STATUS_OK);
  dataset_close(&data);
  return status;
}

const struct cli_command cli_show = {
    "show", "a rollout as filmstrip (.png) or animation (.gif)",
    "Usage: hgn show FILE.h5 [--rollout I] [--split NAME] [-o OUT.png|OUT.gif]\n\n"
    "Draws one rollout of a data set: the frames as observed, and as they would be without noise where the states are\n"
    "known.\n\n"
    "  --rollout I        which one, from 0; default 0\n"
    "  --split NAME       of train, test or validation; default: test\n"
    "  -o, --output FILE  .png: a filmstrip; .gif: an animation at true speed; default FILE.SPLITI.png\n",
    run_show};
