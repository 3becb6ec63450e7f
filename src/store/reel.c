#include "store/reel.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char paper[3] = {255, 255, 255}, ink[3] = {34, 40, 49}, faint[3] = {120, 128, 138};

enum {
  TEXT_ZOOM = 2,
  LINE = 9 * TEXT_ZOOM,
  MARGIN = 12,
  GAP = 4,
  STRIP_COLUMNS = 12,
  STRIP_TILE = 96,
  GIF_TILE = 224,
  TIME_MAX = 32
};
static const char seconds[] = "seconds"; /* where the times have no unit */

void reel_free(struct reel *reel) {
  for (int row = 0; row < REEL_ROWS_MAX; row++) free(reel->image[row]);
}

static const float *reel_image(const struct reel *reel, int row, int64_t frame) {
  return reel->image[row] + (size_t)frame * reel->values;
}

enum status reel_allocate(struct reel *reel) {
  reel->values = (size_t)reel->height * (size_t)reel->width * (size_t)reel->channels;
  for (int row = 0; row < reel->rows; row++) {
    reel->image[row] = calloc((size_t)reel->frames * reel->values, sizeof(float));
    REQUIRE(reel->image[row], STATUS_MEMORY, "out of memory for %lld frames", (long long)reel->frames);
  }
  return STATUS_OK;
}

/* An image that is not known is all NaN. */
static bool reel_known(const struct reel *reel, int row, int64_t frame) {
  const float *image = reel_image(reel, row, frame);
  size_t i = 0;
  while (i < reel->values && isnan(image[i])) i++;
  return i < reel->values;
}

/* How times are written: alike for all frames. */
struct time_format {
  int digits;
  bool unit;
};

static int label_time(const struct reel *reel, struct time_format format, int64_t frame, char *text, size_t size) {
  double time = reel->start + reel->dt * (double)frame;
  if (fabs(time) < 1e-6 * fabs(reel->dt)) time = 0; /* what rounding leaves of it */
  if (isnan(reel->dt))
    snprintf(text, size, "%lld", (long long)frame);
  else
    snprintf(text, size, "%.*g%s", format.digits, time, format.unit ? " s" : "");
  return picture_text(NULL, 0, 0, TEXT_ZOOM, faint, text);
}

/* So that labels are at most `room` pixels wide, if that can be. */
static struct time_format choose_format(const struct reel *reel, int room) {
  static const struct time_format formats[] = {{4, true}, {3, true}, {4, false}, {3, false}};
  enum { FORMATS = sizeof formats / sizeof *formats };
  char text[TIME_MAX];
  int choice = 0;
  for (int64_t f = 0; f < reel->frames && choice < FORMATS - 1;)
    if (label_time(reel, formats[choice], f, text, sizeof text) > room)
      choice++;
    else
      f++;
  return formats[choice];
}

/* The side is nearest to `tile`, or with `inside` not above it. */
static int fit_zoom(const struct reel *reel, int tile, bool inside) {
  int side = reel->width > reel->height ? reel->width : reel->height, zoom = (tile + (inside ? 0 : side / 2)) / side;
  return zoom > 0 ? zoom : 1;
}

static int label_width(const struct reel *reel, bool unit) {
  int most = unit ? 0 : picture_text(NULL, 0, 0, TEXT_ZOOM, faint, seconds);
  for (int row = 0; row < reel->rows; row++) {
    int width = picture_text(NULL, 0, 0, TEXT_ZOOM, ink, reel->label[row]);
    if (width > most) most = width;
  }
  return most;
}

/* Frames from left to right, in as many blocks of rows as they need;
 * the time above each column, the kind of row at the left. */
enum status reel_strip(const struct reel *reel, struct picture *picture) {
  int zoom = fit_zoom(reel, STRIP_TILE, false), tile_width = zoom * reel->width, tile_height = zoom * reel->height;
  int columns = reel->frames < STRIP_COLUMNS ? (int)reel->frames : STRIP_COLUMNS;
  int64_t blocks = (reel->frames + columns - 1) / columns;
  const struct time_format format = choose_format(reel, tile_width - GAP);
  const bool unit = format.unit || isnan(reel->dt);
  int left = MARGIN + label_width(reel, unit) + MARGIN;
  int block_height = LINE + reel->rows * (tile_height + GAP) + MARGIN;
  int title_width = picture_text(NULL, 0, 0, TEXT_ZOOM, ink, reel->title) + 2 * MARGIN;
  int width = left + columns * (tile_width + GAP) + MARGIN;
  if (width < title_width) width = title_width;
  int64_t height = MARGIN + LINE + MARGIN + blocks * block_height;
  REQUIRE(height <= 30000, STATUS_USAGE, "%lld frames are too many for one strip; write a .gif",
          (long long)reel->frames);

  TRY(picture_open(width, (int)height, paper, picture));
  picture_text(picture, MARGIN, MARGIN, TEXT_ZOOM, ink, reel->title);
  for (int64_t f = 0; f < reel->frames; f++) {
    int x = left + (int)(f % columns) * (tile_width + GAP);
    int y = MARGIN + LINE + MARGIN + (int)(f / columns) * block_height;
    char time[TIME_MAX];
    label_time(reel, format, f, time, sizeof time);
    picture_text(picture, x, y, TEXT_ZOOM, faint, time);
    if (!unit && f % columns == 0) picture_text(picture, MARGIN, y, TEXT_ZOOM, faint, seconds);
    for (int row = 0; row < reel->rows; row++) {
      int top = y + LINE + row * (tile_height + GAP);
      if (reel_known(reel, row, f))
        picture_image(picture, x, top, zoom, reel_image(reel, row, f), reel->height, reel->width, reel->channels);
      if (f % columns == 0)
        picture_text(picture, MARGIN, top + (tile_height - 7 * TEXT_ZOOM) / 2, TEXT_ZOOM, ink, reel->label[row]);
    }
  }
  return STATUS_OK;
}

static enum status write_strip(const struct reel *reel, const char *path) {
  struct picture picture;
  TRY(reel_strip(reel, &picture));
  const enum status status = picture_png(&picture, path);
  picture_close(&picture);
  return status;
}

/* What it is above each tile, the time below the first. */
static enum status paint_frame(const struct reel *reel, int64_t frame, int zoom, struct picture *picture) {
  const struct time_format format = {4, true};
  int tile_width = zoom * reel->width, tile_height = zoom * reel->height, top = MARGIN + LINE;
  TRY(picture_open(2 * MARGIN + reel->rows * tile_width + (reel->rows - 1) * MARGIN, top + tile_height + LINE + MARGIN,
                   paper, picture));
  char time[TIME_MAX];
  label_time(reel, format, frame, time, sizeof time);
  picture_text(picture, MARGIN, top + tile_height + MARGIN / 2, TEXT_ZOOM, faint, time);
  for (int row = 0; row < reel->rows; row++) {
    int x = MARGIN + row * (tile_width + MARGIN);
    picture_text(picture, x, MARGIN / 2, TEXT_ZOOM, ink, reel->label[row]);
    if (reel_known(reel, row, frame))
      picture_image(picture, x, top, zoom, reel_image(reel, row, frame), reel->height, reel->width, reel->channels);
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
  int zoom = fit_zoom(reel, GIF_TILE, true);
  for (int64_t f = 0; status == STATUS_OK && f < reel->frames; f++) status = paint_frame(reel, f, zoom, &pictures[f]);
  /* Players show nothing faster than 0.02 s. */
  double delay = isnan(reel->dt) ? 0.1 : fmin(PICTURE_DELAY_MAX, fmax(0.02, fabs(reel->dt)));
  if (status == STATUS_OK) status = picture_gif(pictures, (int)reel->frames, delay, path);
  for (int64_t f = 0; f < reel->frames; f++) picture_close(&pictures[f]);
  free(pictures);
  return status;
}

enum status reel_write(const struct reel *reel, const char *path) {
  const size_t length = strlen(path);
  const bool animated = length > 4 && strcmp(path + length - 4, ".gif") == 0;
  return animated ? write_animation(reel, path) : write_strip(reel, path);
}
