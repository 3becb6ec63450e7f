/* The transforms of winograd.h for registers of channels. Along one axis, with a and b the two pairs of points:
 *
 *   n = 6: points 0, +-a, +-b, infinity; a = 2/3, b = 3/2, ab = 1. B' is
 *     [ 1    0   -s    0    1   0 ]     s = a^2 + b^2           0
 *     [ 0 -ab^2 -b^2   a    1   0 ]                            +a      even part d4 - b^2 d2, odd part a (d3 - b^2 d1)
 *     [ 0  ab^2 -b^2  -a    1   0 ]                            -a
 *     [ 0 -ba^2 -a^2   b    1   0 ]                            +b
 *     [ 0  ba^2 -a^2  -b    1   0 ]                            -b
 *     [ 0    1    0   -s    0   1 ]                            infinity
 *   A' = [ 1 1 1 1 1 0 ; 0 a -a b -b 0 ; 0 a^2 a^2 b^2 b^2 0 ; 0 a^3 -a^3 b^3 -b^3 1 ]
 *   G  = [ 1 0 0 ; (1 a a^2)/Na ; (1 -a a^2)/Na ; (1 b b^2)/Nb ; (1 -b b^2)/Nb ; 0 0 1 ], Na = 2 a^2 (a^2 - b^2),
 *     Nb = 2 b^2 (b^2 - a^2)
 *
 *   n = 5: points +-a, +-b, infinity; a = 1/2, b = 3/2. B' is
 *     [ -ab^2 -b^2  a  1 0 ; ab^2 -b^2 -a 1 0 ; -ba^2 -a^2 b 1 0 ; ba^2 -a^2 -b 1 0 ; a^2 b^2 0 -s 0 1 ]
 *   A' as above without its first column; G = [ (1 a)/Na ; (-1 a)/Na ; (1 b)/Nb ; (-1 b)/Nb ; 0 1 ],
 *     Na = 2 a (a^2 - b^2), Nb = 2 b (b^2 - a^2)
 */
#include "graph/winograd.h"

#include "graph/lanes.h"
#include "graph/levels.h"

typedef lanes_f32 lanes;

struct pair {
  float a, a2, a3, b, b2, b3, s, na, nb; /* powers; s = a^2 + b^2; 1 / Na, 1 / Nb */
};
static const struct pair pair6 = {2.0F / 3, 4.0F / 9,   8.0F / 27,    1.5F,     2.25F,
                                  3.375F,   97.0F / 36, -81.0F / 130, 8.0F / 65};
static const struct pair pair5 = {0.5F, 0.25F, 0.125F, 1.5F, 2.25F, 3.375F, 2.5F, -0.5F, 1.0F / 6};

LANES_INLINE const struct pair *pair_of(const int n) { return n == 6 ? &pair6 : &pair5; }
LANES_INLINE lanes fma_of(float factor, lanes x, lanes y) { return lanes_fma_f32(lanes_all_f32(factor), x, y); }

/* t[n] = B' d; d[i] at d[i * step]. */
LANES_INLINE void image_axis(const int n, const lanes *d, const int step, lanes *t, const int to) {
  const struct pair *at = pair_of(n);
  if (n == 6) {
    const lanes ea = fma_of(-at->b2, d[2 * step], d[4 * step]), oa = fma_of(-at->b2, d[step], d[3 * step]);
    const lanes eb = fma_of(-at->a2, d[2 * step], d[4 * step]), ob = fma_of(-at->a2, d[step], d[3 * step]);
    t[0] = fma_of(-at->s, d[2 * step], d[0] + d[4 * step]);
    t[to] = fma_of(at->a, oa, ea);
    t[2 * to] = fma_of(-at->a, oa, ea);
    t[3 * to] = fma_of(at->b, ob, eb);
    t[4 * to] = fma_of(-at->b, ob, eb);
    t[5 * to] = fma_of(-at->s, d[3 * step], d[step] + d[5 * step]);
  } else {
    const lanes ea = fma_of(-at->b2, d[step], d[3 * step]), oa = fma_of(-at->b2, d[0], d[2 * step]);
    const lanes eb = fma_of(-at->a2, d[step], d[3 * step]), ob = fma_of(-at->a2, d[0], d[2 * step]);
    t[0] = fma_of(at->a, oa, ea);
    t[to] = fma_of(-at->a, oa, ea);
    t[2 * to] = fma_of(at->b, ob, eb);
    t[3 * to] = fma_of(-at->b, ob, eb);
    t[4 * to] = fma_of(-at->s, d[2 * step], fma_of(at->a2 * at->b2, d[0], d[4 * step]));
  }
}

/* y[4] = A' t. */
LANES_INLINE void results_axis(const int n, const lanes *t, const int step, lanes *y, const int to) {
  const struct pair *at = pair_of(n);
  const int first = n == 6; /* the pairs begin behind the point 0 */
  const lanes *p = t + first * step;
  const lanes sa = p[0] + p[step], da = p[0] - p[step];
  const lanes sb = p[2 * step] + p[3 * step], db = p[2 * step] - p[3 * step];
  y[0] = first ? t[0] + sa + sb : sa + sb;
  y[to] = fma_of(at->a, da, lanes_all_f32(at->b) * db);
  y[2 * to] = fma_of(at->a2, sa, lanes_all_f32(at->b2) * sb);
  y[3 * to] = fma_of(at->a3, da, fma_of(at->b3, db, p[4 * step]));
}

/* t[n] = A y. */
LANES_INLINE void adjoint_axis(const int n, const lanes *y, const int step, lanes *t, const int to) {
  const struct pair *at = pair_of(n);
  const int first = n == 6;
  const lanes ea = fma_of(at->a2, y[2 * step], y[0]), oa = fma_of(at->a2, y[3 * step], y[step]);
  const lanes eb = fma_of(at->b2, y[2 * step], y[0]), ob = fma_of(at->b2, y[3 * step], y[step]);
  if (first) t[0] = y[0];
  t += first * to;
  t[0] = fma_of(at->a, oa, ea);
  t[to] = fma_of(-at->a, oa, ea);
  t[2 * to] = fma_of(at->b, ob, eb);
  t[3 * to] = fma_of(-at->b, ob, eb);
  t[4 * to] = y[3 * step];
}

/* u[n] = G g. */
LANES_INLINE void weights_axis(const int n, const lanes *g, const int step, lanes *u, const int to) {
  const struct pair *at = pair_of(n);
  const lanes na = lanes_all_f32(at->na), nb = lanes_all_f32(at->nb);
  if (n == 6) {
    const lanes ea = fma_of(at->a2, g[2 * step], g[0]), eb = fma_of(at->b2, g[2 * step], g[0]);
    u[0] = g[0];
    u[to] = na * fma_of(at->a, g[step], ea);
    u[2 * to] = na * fma_of(-at->a, g[step], ea);
    u[3 * to] = nb * fma_of(at->b, g[step], eb);
    u[4 * to] = nb * fma_of(-at->b, g[step], eb);
    u[5 * to] = g[2 * step];
  } else {
    u[0] = na * fma_of(at->a, g[step], g[0]);
    u[to] = na * fma_of(at->a, g[step], -g[0]);
    u[2 * to] = nb * fma_of(at->b, g[step], g[0]);
    u[3 * to] = nb * fma_of(at->b, g[step], -g[0]);
    u[4 * to] = g[step];
  }
}

/* g[r] = G' u. */
LANES_INLINE void weights_adjoint_axis(const int n, const lanes *u, const int step, lanes *g, const int to) {
  const struct pair *at = pair_of(n);
  const int first = n == 6;
  const lanes *p = u + first * step, na = lanes_all_f32(at->na), nb = lanes_all_f32(at->nb);
  const lanes sa = na * (p[0] + p[step]), da = na * (p[0] - p[step]);
  const lanes sb = nb * (p[2 * step] + p[3 * step]), db = nb * (p[2 * step] - p[3 * step]);
  if (first) {
    g[0] = u[0] + sa + sb;
    g[to] = fma_of(at->a, da, lanes_all_f32(at->b) * db);
    g[2 * to] = fma_of(at->a2, sa, fma_of(at->b2, sb, p[4 * step]));
  } else {
    g[0] = da + db;
    g[to] = fma_of(at->a, sa, fma_of(at->b, sb, p[4 * step]));
  }
}

/* ---- Both axes, for one register of channels ---- */

enum { TILE = WINOGRAD_TILE, POINTS = WINOGRAD_POINTS_MAX };

/* The register of channels that begins at `c`, or as much earlier as it has to. */
LANES_INLINE int64_t begin(int64_t c, int64_t channels) { return c + LANES_f32 <= channels ? c : channels - LANES_f32; }

LANES_INLINE void image_of(const int n, const float *const *pixel, int64_t channels, float *v, int64_t plane) {
  for (int64_t next = 0; next < channels; next += LANES_f32) {
    const int64_t c = begin(next, channels);
    lanes columns[POINTS * POINTS];
    for (int j = 0; j < n; j++) {
      lanes d[POINTS];
      for (int i = 0; i < n; i++) d[i] = lanes_load_f32(pixel[i * n + j] + c);
      image_axis(n, d, 1, columns + j, n);
    }
    for (int i = 0; i < n; i++) {
      lanes t[POINTS];
      image_axis(n, columns + i * n, 1, t, 1);
      for (int j = 0; j < n; j++) lanes_store_f32(v + (i * n + j) * plane + c, t[j]);
    }
  }
}

LANES_INLINE lanes follow(lanes value, const float *bias, const bool has_bias, float slope) {
  if (has_bias) value = value + lanes_load_f32(bias);
  return slope == 1 ? value : lanes_choose_f32(value > 0, value, value * lanes_all_f32(slope));
}

LANES_INLINE void results_of(const int n, const float *m, int64_t plane, int64_t channels, const float *bias,
                             const bool has_bias, float slope, float *const *pixel) {
  for (int64_t next = 0; next < channels; next += LANES_f32) {
    const int64_t c = begin(next, channels);
    lanes columns[TILE * POINTS];
    for (int j = 0; j < n; j++) {
      lanes t[POINTS];
      for (int i = 0; i < n; i++) t[i] = lanes_load_f32(m + (i * n + j) * plane + c);
      results_axis(n, t, 1, columns + j, n);
    }
    for (int i = 0; i < TILE; i++) {
      lanes y[TILE];
      results_axis(n, columns + i * n, 1, y, 1);
      for (int j = 0; j < TILE; j++)
        lanes_store_f32(pixel[i * TILE + j] + c, follow(y[j], bias ? bias + c : NULL, has_bias, slope));
    }
  }
}

LANES_INLINE void adjoint_of(const int n, const float *const *pixel, int64_t channels, float *z, int64_t plane) {
  for (int64_t next = 0; next < channels; next += LANES_f32) {
    const int64_t c = begin(next, channels);
    lanes columns[TILE * POINTS];
    for (int j = 0; j < TILE; j++) {
      lanes y[TILE];
      for (int i = 0; i < TILE; i++) y[i] = lanes_load_f32(pixel[i * TILE + j] + c);
      adjoint_axis(n, y, 1, columns + j, TILE);
    }
    for (int i = 0; i < n; i++) {
      lanes t[POINTS];
      adjoint_axis(n, columns + i * TILE, 1, t, 1);
      for (int j = 0; j < n; j++) lanes_store_f32(z + (i * n + j) * plane + c, t[j]);
    }
  }
}

LANES_INLINE void weights_of(const int n, const float *const *tap, int64_t count, float *u, int64_t plane) {
  const int r = n - TILE + 1;
  for (int64_t next = 0; next < count; next += LANES_f32) {
    const int64_t c = begin(next, count);
    lanes columns[POINTS * 3];
    for (int j = 0; j < r; j++) {
      lanes g[3];
      for (int i = 0; i < r; i++) g[i] = lanes_load_f32(tap[i * r + j] + c);
      weights_axis(n, g, 1, columns + j, r);
    }
    for (int i = 0; i < n; i++) {
      lanes t[POINTS];
      weights_axis(n, columns + i * r, 1, t, 1);
      for (int j = 0; j < n; j++) lanes_store_f32(u + (i * n + j) * plane + c, t[j]);
    }
  }
}

LANES_INLINE void weights_adjoint_of(const int n, const float *u, int64_t plane, int64_t count, float *const *tap) {
  const int r = n - TILE + 1;
  for (int64_t next = 0; next < count; next += LANES_f32) {
    const int64_t c = begin(next, count);
    lanes columns[POINTS * 3];
    for (int j = 0; j < n; j++) {
      lanes t[POINTS];
      for (int i = 0; i < n; i++) t[i] = lanes_load_f32(u + (i * n + j) * plane + c);
      weights_adjoint_axis(n, t, 1, columns + j, n);
    }
    for (int i = 0; i < r; i++) {
      lanes g[3];
      weights_adjoint_axis(n, columns + i * n, 1, g, 1);
      for (int j = 0; j < r; j++) lanes_store_f32(tap[i * r + j] + c, g[j]);
    }
  }
}

/* ---- For each n, whose loops the compiler then unrolls ---- */

static void image(int n, const float *const *pixel, int64_t channels, float *v, int64_t plane) {
  if (n == 6)
    image_of(6, pixel, channels, v, plane);
  else
    image_of(5, pixel, channels, v, plane);
}

static void results(int n, const float *m, int64_t plane, int64_t channels, const float *bias, float slope,
                    float *const *pixel) {
  if (n == 6 && bias)
    results_of(6, m, plane, channels, bias, true, slope, pixel);
  else if (n == 6)
    results_of(6, m, plane, channels, NULL, false, slope, pixel);
  else if (bias)
    results_of(5, m, plane, channels, bias, true, slope, pixel);
  else
    results_of(5, m, plane, channels, NULL, false, slope, pixel);
}

static void results_adjoint(int n, const float *const *pixel, int64_t channels, float *z, int64_t plane) {
  if (n == 6)
    adjoint_of(6, pixel, channels, z, plane);
  else
    adjoint_of(5, pixel, channels, z, plane);
}

static void weights(int n, const float *const *tap, int64_t count, float *u, int64_t plane) {
  if (n == 6)
    weights_of(6, tap, count, u, plane);
  else
    weights_of(5, tap, count, u, plane);
}

static void weights_adjoint(int n, const float *u, int64_t plane, int64_t count, float *const *tap) {
  if (n == 6)
    weights_adjoint_of(6, u, plane, count, tap);
  else
    weights_adjoint_of(5, u, plane, count, tap);
}

const struct winograd_transforms LEVEL_NAME(kernel_winograd) = {.image = image,
                                                                .results = results,
                                                                .results_adjoint = results_adjoint,
                                                                .weights = weights,
                                                                .weights_adjoint = weights_adjoint};
