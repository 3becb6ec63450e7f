/* The expected image of a state: what render.h makes of positions q + sigma n, averaged over the observation noise n,
 * standard normal and independent in all coordinates of q. It is the best prediction of an observed frame by whoever
 * knows q, and what a model of smallest squared error draws.
 *
 * Painting is multilinear in how far each body covers a pixel, so with P_b the expected cover of a pixel by body b, and
 * bodies whose noise is independent, the visible part of body b is exactly
 *   V_b = P_b prod_{b' > b} (1 - P_b'),
 * and the image less its background is sum_b V_b color_b, blurred as the renderer blurs. P_b is, with `report2021`, a
 * sum over the whole pixels that the centre falls in, of probabilities that are exact for bodies that move in the plane
 * (n-body); elsewhere a sum over a grid of n up to 4 standard deviations. Approximate are the double pendulum where its
 * discs overlap, whose noise they share, and grey images, of which this is the largest channel of the expected colours.
 * (limit_table.c has the same images of one degree of freedom, as factors of a Gram matrix, with which no image made
 * elsewhere can be compared.)
 *
 * Not collective. After expected_open() nothing allocates; images depend only on their arguments, bit for bit.
 */
#ifndef HGN_PHYSICS_EXPECTED_H
#define HGN_PHYSICS_EXPECTED_H

#include "physics/render.h"

struct expected {
  struct renderer renderer; /* owned, and so is all below */
  double noise;             /* sigma, m or rad */

  /* Private. */
  int nodes, axes;         /* of the grid of noise; coordinates that it moves */
  double *offset, *weight; /* [nodes][axes], of q; [nodes] */
  float *opacity;          /* soft: by distance from the centre, OPACITY_STEPS a pixel, [opacities] */
  int opacities, margin;   /* margin: of the whole pixels outside the image that a centre may fall in */
  double *place;           /* report2021: of one body, [height + 2 margin][width + 2 margin], zero between calls */
  float *cover;            /* [bodies][height][width + 1]: P_b, zero between calls */
  float *visible;          /* [height + 2][width + 2]: V_b with the border's reflections */
  float *color;            /* grey: [height][width][3] */
};

/* noise: instead of the data set's; 0: none. STATUS_UNAVAILABLE for discs of more than RENDER_SIZE_MAX pixels;
 * STATUS_MEMORY, STATUS_ARGUMENT. */
enum status expected_open(const struct experiment *experiment, double noise, struct expected *expected);
void expected_close(struct expected *expected);

/* image[values]: less the background. Bodies that are not finite are not drawn. */
void expected_image(struct expected *expected, const double *q, float *image);

/* Metres, or radians, that a pixel is. */
double expected_pixel(const struct experiment *experiment);

#endif
