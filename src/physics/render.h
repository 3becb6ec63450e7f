/* Rendering a phase-space state to an image.
 *
 * Images are NHWC: pixel (row y, column x, channel c) at (y * width + x) * channels + c, values in [0, 1]; channels is
 * 3 (RGB) or 1. The world point (x, y), y downward, stands at column width/2 + s x, row height/2 + s y,
 * s = min(height, width) / (2 world) pixels per metre; pixel (i, j) covers [j, j+1) x [i, i+1).
 *
 * `soft`: each body is a disc of `radius`, painted over the ones before it with opacity clamp(r - d + 1/2, 0, 1), r and
 * d in pixels, d from the disc's centre to the pixel's centre: a linear edge one pixel wide. (For r >= 3 px the
 * opacities' sum is the disc's area to 1.3%, their centroid its centre to 0.03 px.) The colour is
 * min(1, background + render_color()): what the other renderer's additive painting ends in.
 *
 * `report2021`: the reproduction's code. Centre and radius are cut to whole pixels (towards zero, so that positions up
 * to one pixel outside the upper and left border come in), all lattice points with dx^2 + dy^2 <= r^2 set to the body's
 * colour on black in the order of bodies (OpenCV's filled circle: compared for r = 0..39), two 2x2 box blurs (which
 * shift the image by one pixel down and right; borders reflect without repeating the edge), background added,
 * clipped at 1.
 *
 * Grey is the largest channel of the RGB image, in both.
 *
 * Bodies that are not finite are not drawn.
 *
 * Not collective. After render_open() nothing allocates; images depend only on their arguments, bit for bit.
 */
#ifndef HGN_PHYSICS_RENDER_H
#define HGN_PHYSICS_RENDER_H

#include "physics/system.h"

#include <stddef.h>

enum { RENDER_SIZE_MIN = 4, RENDER_SIZE_MAX = 1024 }; /* px */

struct renderer {
  const struct system *system;
  struct system_parameters parameters;
  struct render_settings settings;
  int height, width, channels;
  double scale;      /* px/m */
  size_t values;     /* height * width * channels */
  float *background; /* [values]; owned, as all below */

  /* Private. */
  unsigned char *bytes; /* [values]: the background for render_u8() */
  float *frame;         /* [values]: what render_u8() converts and render_add() adds; the background between calls */
  float *canvas;        /* soft and grey: the same as RGB */
  float color[SYSTEM_BODIES_MAX][3]; /* soft: of the discs */
  int radius;                        /* report2021: px */
  uint16_t *labels;                  /* report2021: [height + 2][width + 2], zero between calls */
  float *mixed;                      /* report2021: [17^bodies][channels], pixels by how much of them bodies cover */
  float *stamp[SYSTEM_BODIES_MAX];   /* report2021: [side][side][channels], each body alone; or NULL */
};

/* STATUS_MEMORY, or STATUS_ARGUMENT for settings outside the schema's ranges; then nothing is owned. */
enum status render_open(const struct experiment *experiment, struct renderer *renderer);
void render_close(struct renderer *renderer);

/* image[values] from q[D]. */
void render_f32(struct renderer *renderer, const double *q, float *image);

/* The same, as bytes: round(255 v), half away from zero. */
void render_u8(struct renderer *renderer, const double *q, unsigned char *image);

/* Adds the image less the background to sum[values], and returns the sum of its squares. Only pixels that bodies touch
 * are looked at, so this is several times faster than a look at a whole image. */
double render_add(struct renderer *renderer, const double *q, double *sum);

/* The half-width of a lattice disc at distance dy from its centre, |dy| <= radius: largest w with w^2 + dy^2 <= r^2. */
int render_disc_span(int radius, int dy);

/* The background's colour, RGB in [0, 1]. */
extern const float render_background[3];

/* What body `body` adds to it, RGB in [0, 1]: yellow for one body; yellow, red for the double pendulum; red, yellow,
 * green for the n-body systems. NULL when out of range. */
const float *render_color(enum system_kind system, int body);

#endif
