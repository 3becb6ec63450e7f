#include "cli/cli.h"
#include "physics/render.h"
#include "physics/rollout.h"
#include "store/dataset.h"
#include "store/picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char paper[3] = {255, 255, 255}, ink[3] = {34, 40, 49}, faint[3] = {120, 128, 138};

enum { TEXT_ZOOM = 2, LINE = 9 * TEXT_ZOOM, MARGIN = 12, GAP = 4, STRIP_COLUMNS = 12, STRIP_TILE = 96, GIF_TILE = 224 };

/* One rollout as images: what was observed, and without noise where the states are known. */
struct reel {
  int64_t frames;
  int height, width, channels;
  size_t values;
  double dt;
  int rows; /* 1 or 2 */
  const char *label[2];
  float *image[2]; /* [frames][H][W][C]; owned */
  char title[256];
};

static void free_reel(struct reel *reel) {
  free(reel->image[0]);
  free(reel->image[1]);
}

static const float *reel_image(const struct reel *reel, int row, int64_t frame) {
  return reel->image[row] + (size_t)frame * reel->values;
}

static enum status allocate_reel(struct reel *reel) {
  reel->values = (size_t)reel->height * (size_t)reel->width * (size_t)reel->channels;
  for (int row = 0; row < reel->rows; row++) {
    reel->image[row] = calloc((size_t)reel->frames * reel->values, sizeof(float));
    REQUIRE(reel->image[row], STATUS_MEMORY, "out of memory for %lld frames", (long long)reel->frames);
  }
  return STATUS_OK;
}

static enum status render_reel(const struct dataset *data, enum split split, int64_t index, struct reel *reel) {
  const struct experiment *experiment = config_experiment(data->config);
  int64_t coordinates = 2 * system_get(experiment->system.kind)->freedom;
  REQUIRE(data->coordinates == coordinates, STATUS_FILE, "%s: /train/state has %lld coordinates, and a %s has %lld",
          data->file.path, (long long)data->coordinates, experiment_system_name(experiment->system.kind),
          (long long)coordinates);
  reel->rows = experiment->data.noise > 0 ? 2 : 1;
  reel->label[0] = reel->rows == 2 ? "observed" : "clean";
  reel->label[1] = "clean";
  TRY(allocate_reel(reel));
  double *states = malloc((size_t)(data->frames * data->coordinates) * sizeof(double));
  REQUIRE(states, STATUS_MEMORY, "out of memory for a rollout");
  struct renderer renderer = {0};
  enum status status = dataset_read(data, split, index, 1, states, NULL);
  if (status == STATUS_OK) status = render_open(experiment, &renderer);
  uint64_t rollout = (split == SPLIT_TEST ? ROLLOUT_TEST : 0) + (uint64_t)index;
  for (int64_t f = 0; status == STATUS_OK && f < reel->frames; f++) {
    const double *state = states + f * data->coordinates;
    double observed[SYSTEM_STATE_MAX];
    rollout_observe(experiment, RNG_NOISE, rollout, f, state, observed);
    render_f32(&renderer, observed, reel->image[0] + (size_t)f * reel->values);
    if (reel->rows == 2) render_f32(&renderer, state, reel->image[1] + (size_t)f * reel->values);
  }
  snprintf(reel->title, sizeof reel->title, "%s, %s rollout %lld, %s renderer, noise %g, dt %g s",
           experiment_system_name(experiment->system.kind), split_name[split], (long long)index,
           experiment_renderer_name(experiment->render.renderer), experiment->data.noise, experiment->data.dt);
  render_close(&renderer);
  free(states);
  return status;
}

static enum status read_reel(const struct dataset *data, enum split split, int64_t index, struct reel *reel) {
  reel->rows = 1;
  reel->label[0] = "frames";
  TRY(allocate_reel(reel));
  snprintf(reel->title, sizeof reel->title, "%s rollout %lld (stored frames)", split_name[split], (long long)index);
  return dataset_read_frames(data, split, index, 1, reel->image[0]);
}

static void label_time(const struct reel *reel, int64_t frame, char *text, size_t size) {
  if (isnan(reel->dt))
    snprintf(text, size, "%lld", (long long)frame);
  else
    snprintf(text, size, "%.4g s", reel->dt * (double)frame);
}

static int fit_zoom(const struct reel *reel, int tile) {
  int zoom = tile / (reel->width > reel->height ? reel->width : reel->height);
  return zoom > 0 ? zoom : 1;
}

/* Frames from left to right, in as many blocks of rows as they need; the time above each column, the kind of row at the
 * left. */
static enum status write_strip(const struct reel *reel, const char *path) {
  int zoom = fit_zoom(reel, STRIP_TILE), tile_width = zoom * reel->width, tile_height = zoom * reel->height;
  int columns = reel->frames < STRIP_COLUMNS ? (int)reel->frames : STRIP_COLUMNS;
  int64_t blocks = (reel->frames + columns - 1) / columns;
  int left = MARGIN + picture_text(NULL, 0, 0, TEXT_ZOOM, ink, "observed") + MARGIN;
  int block_height = LINE + reel->rows * (tile_height + GAP) + MARGIN;
  int title_width = picture_text(NULL, 0, 0, TEXT_ZOOM, ink, reel->title) + 2 * MARGIN;
  int width = left + columns * (tile_width + GAP) + MARGIN;
  if (width < title_width) width = title_width;
  int64_t height = MARGIN + LINE + MARGIN + blocks * block_height;
  REQUIRE(height <= 30000, STATUS_USAGE, "%lld frames are too many for one strip; write a .gif",
          (long long)reel->frames);

  struct picture picture;
  TRY(picture_open(width, (int)height, paper, &picture));
  picture_text(&picture, MARGIN, MARGIN, TEXT_ZOOM, ink, reel->title);
  for (int64_t f = 0; f < reel->frames; f++) {
    int x = left + (int)(f % columns) * (tile_width + GAP);
    int y = MARGIN + LINE + MARGIN + (int)(f / columns) * block_height;
    char time[32];
    label_time(reel, f, time, sizeof time);
    picture_text(&picture, x, y, TEXT_ZOOM, faint, time);
    for (int row = 0; row < reel->rows; row++) {
      int top = y + LINE + row * (tile_height + GAP);
      picture_image(&picture, x, top, zoom, reel_image(reel, row, f), reel->height, reel->width, reel->channels);
      if (f % columns == 0)
        picture_text(&picture, MARGIN, top + (tile_height - 7 * TEXT_ZOOM) / 2, TEXT_ZOOM, ink, reel->label[row]);
    }
  }
  enum status status = picture_png(&picture, path);
  picture_close(&picture);
  return status;
}

static enum status paint_frame(const struct reel *reel, int64_t frame, int zoom, struct picture *picture) {
  int tile_width = zoom * reel->width, tile_height = zoom * reel->height;
  TRY(picture_open(2 * MARGIN + reel->rows * tile_width + (reel->rows - 1) * MARGIN, 2 * MARGIN + LINE + tile_height,
                   paper, picture));
  char time[32];
  label_time(reel, frame, time, sizeof time);
  for (int row = 0; row < reel->rows; row++) {
    int x = MARGIN + row * (tile_width + MARGIN);
    picture_image(picture, x, MARGIN + LINE, zoom, reel_image(reel, row, frame), reel->height, reel->width,
                  reel->channels);
    picture_text(picture, x, MARGIN / 2, TEXT_ZOOM, ink, reel->label[row]);
    int time_width = picture_text(NULL, 0, 0, TEXT_ZOOM, faint, time);
    if (row == reel->rows - 1) picture_text(picture, x + tile_width - time_width, MARGIN / 2, TEXT_ZOOM, faint, time);
  }
  return STATUS_OK;
}

enum { ANIMATION_PIXELS = 100 << 20 }; /* all frames are held at once */

static enum status write_animation(const struct reel *reel, const char *path) {
  int64_t tile = (int64_t)reel->height * reel->width, frames_max = ANIMATION_PIXELS / (tile + GIF_TILE * GIF_TILE);
  REQUIRE(reel->frames <= frames_max, STATUS_USAGE, "an animation of %lld frames of %d x %d would be too large",
          (long long)reel->frames, reel->width, reel->height);
  struct picture *pictures = calloc((size_t)reel->frames, sizeof *pictures);
  REQUIRE(pictures, STATUS_MEMORY, "out of memory for %lld pictures", (long long)reel->frames);
  enum status status = STATUS_OK;
  int zoom = fit_zoom(reel, GIF_TILE);
  for (int64_t f = 0; status == STATUS_OK && f < reel->frames; f++) status = paint_frame(reel, f, zoom, &pictures[f]);
  /* Hundredths of a second; players show nothing faster than 2, and the format holds 16 bits. */
  double delay = isnan(reel->dt) ? 10 : fmin(65535, fmax(2, 100 * reel->dt + 0.5));
  if (status == STATUS_OK) status = picture_gif(pictures, (int)reel->frames, (int)delay, path);
  for (int64_t f = 0; f < reel->frames; f++) picture_close(&pictures[f]);
  free(pictures);
  return status;
}

static bool has_ending(const char *path, const char *ending) {
  size_t length = strlen(path), tail = strlen(ending);
  return length > tail && strcmp(path + length - tail, ending) == 0;
}

/* Not collective: rank 0's work. */
static enum status show(const struct dataset *data, enum split split, int64_t index, const char *output) {
  REQUIRE(index < data->rollouts[split], STATUS_USAGE,
          "%s: the %s split has rollouts 0 to %lld; there is no rollout %lld", data->file.path, split_name[split],
          (long long)data->rollouts[split] - 1, (long long)index);
  struct reel reel = {.frames = data->frames,
                      .height = (int)data->height,
                      .width = (int)data->width,
                      .channels = (int)data->channels,
                      .dt = data->dt};
  enum status status = data->has_states ? render_reel(data, split, index, &reel) : read_reel(data, split, index, &reel);
  if (status == STATUS_OK)
    status = has_ending(output, ".gif") ? write_animation(&reel, output) : write_strip(&reel, output);
  if (status == STATUS_OK) printf("%s\n", output);
  free_reel(&reel);
  return status;
}

static enum status run(const struct comm *world, int argc, char **argv) {
  int64_t index = 0;
  bool train = false;
  const char *output = NULL;
  const struct cli_option options[] = {{"--rollout", NULL, CLI_COUNT_VALUE, &index},
                                       {"--train", NULL, CLI_FLAG, &train},
                                       {"--output", "-o", CLI_TEXT, &output}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 3, false, &words));
  TRY(cli_operands(&words, 1, 1, "one FILE.h5"));
  REQUIRE(!output || has_ending(output, ".png") || has_ending(output, ".gif"), STATUS_USAGE,
          "the output \"%s\" ends neither in .png nor in .gif", output);
  char given[STORE_PATH_MAX];
  enum split split = train ? SPLIT_TRAIN : SPLIT_TEST;
  if (!output) {
    const char *path = words.operand[0];
    size_t stem = strlen(path) - (has_ending(path, ".h5") ? 3 : 0);
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
    "Usage: hgn show FILE.h5 [--rollout I] [--train] [-o OUT.png|OUT.gif]\n\n"
    "Draws one rollout of a data set: the frames as observed, and as they would be without noise where the states are\n"
    "known.\n\n"
    "  --rollout I        which one, from 0; default 0\n"
    "  --train            of the training split; default: the test split\n"
    "  -o, --output FILE  .png: a filmstrip; .gif: an animation at true speed; default FILE.testI.png\n",
    run};
