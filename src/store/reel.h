/* Rollouts as pictures: rows of frames, as a filmstrip (.png) or an animation (.gif). Not collective. */
#ifndef HGN_STORE_REEL_H
#define HGN_STORE_REEL_H

#include "store/picture.h"

#include <stddef.h>
#include <stdint.h>

enum { REEL_ROWS_MAX = 18, REEL_LABEL_MAX = 32 };

struct reel {
  int64_t frames;
  int height, width, channels;
  size_t values;    /* of an image */
  double start, dt; /* s: time of frame 0, between frames; dt NaN: unknown */
  int rows;
  char label[REEL_ROWS_MAX][REEL_LABEL_MAX];
  float *image[REEL_ROWS_MAX]; /* [frames][H][W][C] in [0, 1]; owned */
  char title[256];
};

/* Images for all rows, black, and `values`. STATUS_MEMORY. */
enum status reel_allocate(struct reel *reel);
void reel_free(struct reel *reel);

/* The filmstrip: frames from left to right, in as many blocks of rows as they need. Closed with picture_close().
 * STATUS_USAGE when there are too many frames; STATUS_MEMORY. */
enum status reel_strip(const struct reel *reel, struct picture *picture);

/* By the ending of the name: .gif an animation at true speed, else a filmstrip. An image that is all NaN stays blank,
 * a pixel that is not finite is magenta. STATUS_USAGE when there are too many frames; those of picture.h. */
enum status reel_write(const struct reel *reel, const char *path);

#endif
