/* Rendering a phase-space state to an image.
 *
 * Images are NHWC: pixel (row y, column x, channel c) at (y * width + x) * channels + c, values in [0, 1]; channels is 3 (RGB) or 1.
 * The world point (x, y), y downward, stands at column width/2 + s x, row height/2 + s y, s = min(height, width) / (2 world)
 * pixels per metre; pixel (i, j) covers [j, j+1) x [i, i+1).
 *
 * `soft`: each body is a disc of `radius`, painted over the ones before it with opacity clamp(r - d + 1/2, 0, 1), r and d in
 * pixels, d from the disc's centre to the pixel's centre: a linear edge one pixel wide. Colours: those that the report's additive painting ends in.
 * `report2021`: the reproduction's code: centre and radius cut to whole pixels, all lattice points with dx^2 + dy^2 <= r^2 set to the body's colour on black,
 * two 2x2 box blurs (which shift the image by one pixel down and right; borders reflect without repeating the edge), background added, clipped at 1.
 * Grey is the largest channel, as there.
 *
 * Not collective. After render_open() nothing allocates; images depend only on their arguments, bit for bit.
 */
#ifndef HGN_PHYSICS_RENDER_H
#define HGN_PHYSICS_RENDER_H

#include "physics/system.h"

#include <stddef.h>

struct renderer {
  const struct system *system;
  struct system_parameters parameters;
  struct render_settings settings;
  int height, width, channels;
  double scale;      /* px/m */
  size_t values;     /* height * width * channels */
  float *background; /* [values]; owned */
  float *scratch;    /* owned; the private work area of report2021 */
};

/* STATUS_MEMORY, or STATUS_ARGUMENT for sizes outside the schema's ranges. */
enum status render_open(const struct experiment *experiment, struct renderer *renderer);
void render_close(struct renderer *renderer);

/* image[values] from q[D]. */
void render_f32(struct renderer *renderer, const double *q, float *image);

/* The same, as bytes: round(255 v), half away from zero. */
void render_u8(struct renderer *renderer, const double *q, unsigned char *image);

/* The background's colour and that of body b, RGB in [0, 1]. */
extern const float render_background[3];
extern const float render_body[SYSTEM_BODIES_MAX][3];

#endif
