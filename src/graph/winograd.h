/* Private to src/graph: the transforms of Winograd's minimal filtering, F(4x4, 3x3) and F(4x4, 2x2), compiled once for
 * each instruction set (winograd.c). README.md explains the algorithm; conv_winograd.c makes convolutions of it.
 *
 * A tile of 4 x 4 results meets n x n numbers of the image, n = 4 + r - 1 for r x r weights g. With fixed matrices of
 * r, n and 4 columns
 *
 *   results = A' [ (G g G') o (B' image B) ] A        o: one product for each of the n x n points
 *
 * (S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin, S. Gray, CVPR 2016, arXiv:1509.09308), summed
 * over channels before A is applied, so that a point is a matrix product, tiles by channels by results' channels. The
 * adjoint in the weights needs the same numbers: dg = G' [ sum over tiles of (B' image B) o (A dresults A') ] G.
 *
 * The matrices follow from the points where polynomials are evaluated: 0, +-2/3, +-3/2 and infinity for r = 3, +-1/2,
 * +-3/2 and infinity for r = 2. In f32, 64 channels, the error is half of that with the usual 0, +-1, +-2: 7.6e-7
 * (1.5e-6; the direct sum 4.4e-7) and 5.0e-7 (with 0, +-1, 2: 1.06e-6; direct 2.9e-7), rms, relative.
 *
 * Bits: each number is computed for its channel alone, by the operations written in winograd.c, fused where fma is
 * written; so they are the same for any width of registers, and on all processors.
 */
#ifndef HGN_GRAPH_WINOGRAD_H
#define HGN_GRAPH_WINOGRAD_H

#include <stdbool.h>
#include <stdint.h>

enum { WINOGRAD_TILE = 4, WINOGRAD_POINTS_MAX = 6, WINOGRAD_PIXELS_MAX = WINOGRAD_POINTS_MAX * WINOGRAD_POINTS_MAX };
/* Every level's registers hold as many channels or fewer, so that a last one that is not full can begin earlier. */
enum { WINOGRAD_CHANNELS_LEAST = 16 };

/* Numbers of one tile at a point: transformed[point * plane + channel]. n: 5 or 6; at least WINOGRAD_CHANNELS_LEAST
 * channels. Pixels beyond the edge are given as pointers to zeros, or to memory that nobody reads. */
struct winograd_transforms {
  /* B' image B; pixel[n n] */
  void (*image)(int n, const float *const *pixel, int64_t channels, float *transformed, int64_t plane);
  /* A' transformed A to pixel[16], and what may follow: a bias (or NULL), then leaky relu (slope 1: none). */
  void (*results)(int n, const float *transformed, int64_t plane, int64_t channels, const float *bias, float slope,
                  float *const *pixel);
  /* A dresults A'; pixel[16] */
  void (*results_adjoint)(int n, const float *const *pixel, int64_t channels, float *transformed, int64_t plane);
  /* G g G' for `count` pairs of channels: tap[r r], each [count]; transformed[n n][plane]. And its adjoint. */
  void (*weights)(int n, const float *const *tap, int64_t count, float *transformed, int64_t plane);
  void (*weights_adjoint)(int n, const float *transformed, int64_t plane, int64_t count, float *const *tap);
};

#endif
