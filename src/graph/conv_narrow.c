/* Convolutions from many channels to few, as the last layer of a decoder is. Kernels that block over output channels
 * waste most of their registers on them. Here a product comes first, over single pixels, with all taps of the kernel as
 * its columns, z = x W' [pixels][kh kw co], then each result adds up its kh kw taps from z.
 *
 * W' is [ci][kh kw co], its rows and those of z filled up to whole registers; some images at a time, so that z stays in
 * the second-level cache.
 */
#include "graph/conv_method.h"
#include "graph/linear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NARROW_CHANNELS = 4, NARROW_LEAST = 8, NARROW_BYTES = 256 << 10, NARROW_PITCH = 16 };

struct narrow {
  int64_t images; /* at a time */
  void *weights;  /* W' */
};

static bool can(const struct conv_geometry *g, const struct conv_tail *tail) {
  (void)tail;
  return g->op == OP_conv && g->co <= NARROW_CHANNELS;
}

/* Few channels to multiply, or few results: then the 1x1 product has no work to spread. */
static double cost(const struct conv_geometry *g) { return g->ci >= NARROW_LEAST && g->oh * g->ow > 4 ? 0.25 : 4; }

/* Numbers from one pixel's taps to the next one's. */
static int64_t pitch(const struct conv_geometry *g) {
  return (g->kh * g->kw * g->co + NARROW_PITCH - 1) / NARROW_PITCH * NARROW_PITCH;
}

static enum status create(struct conv_kernel *kernel) {
  const struct conv_geometry *g = &kernel->geometry;
  struct narrow *narrow = kernel->self = calloc(1, sizeof *narrow);
  REQUIRE(narrow, STATUS_MEMORY, "out of memory for a convolution");
  const int64_t image = g->h * g->w * pitch(g) * type_size(g->type), images = NARROW_BYTES / image;
  narrow->images = images < 1 ? 1 : images < g->n ? images : g->n;
  narrow->weights = calloc((size_t)(g->ci * pitch(g)), (size_t)type_size(g->type));
  REQUIRE(narrow->weights, STATUS_MEMORY, "out of memory for a convolution's weights");
  kernel->scratch = narrow->images * image;
  snprintf(kernel->name, sizeof kernel->name, "taps+product");
  return STATUS_OK;
}

static void destroy(struct conv_kernel *kernel) {
  struct narrow *narrow = kernel->self;
  if (!narrow) return;
  free(narrow->weights);
  free(narrow);
}

/* add_taps is compiled for each number of channels, which makes its innermost loop straight: 70 us instead of 190. */
#define LAYOUTS(suffix, real)                                                                                          \
  static inline __attribute__((always_inline)) void add_taps_of##suffix(                                               \
      const struct conv_geometry *g, const int64_t co, const real *restrict z, real *restrict y) {                     \
    memset(y, 0, (size_t)(g->oh * g->ow * co) * sizeof *y);                                                            \
    for (int64_t i = 0; i < g->oh; i++)                                                                                \
      for (int64_t a = 0; a < g->kh; a++) {                                                                            \
        int64_t row = i * g->stride + a - g->top;                                                                      \
        if (row < 0 || row >= g->h) continue;                                                                          \
        for (int64_t b = 0; b < g->kw; b++) {                                                                          \
          int64_t shift = b - g->left, first, end, step = g->stride * pitch(g);                                        \
          conv_range(g->ow, g->w, g->stride, shift, &first, &end);                                                     \
          int64_t from = (row * g->w + first * g->stride + shift) * pitch(g) + (a * g->kw + b) * co;                   \
          int64_t to = (i * g->ow + first) * co;                                                                       \
          for (int64_t j = first; j < end; j++, from += step, to += co)                                                \
            for (int64_t o = 0; o < co; o++) y[to + o] += z[from + o];                                                 \
        }                                                                                                              \
      }                                                                                                                \
  }                                                                                                                    \
  static void add_taps##suffix(const struct conv_geometry *g, const real *z, real *y) {                                \
    switch (g->co) {                                                                                                   \
    case 1:                                                                                                            \
      add_taps_of##suffix(g, 1, z, y);                                                                                 \
      break;                                                                                                           \
    case 2:                                                                                                            \
      add_taps_of##suffix(g, 2, z, y);                                                                                 \
      break;                                                                                                           \
    case 3:                                                                                                            \
      add_taps_of##suffix(g, 3, z, y);                                                                                 \
      break;                                                                                                           \
    default:                                                                                                           \
      add_taps_of##suffix(g, NARROW_CHANNELS, z, y);                                                                   \
    }                                                                                                                  \
  }                                                                                                                    \
  /* [kh kw][ci][co] to [ci][pitch of kh kw co]. */                                                                    \
  static void swap##suffix(const struct conv_geometry *g, const real *from, real *to) {                                \
    for (int64_t i = 0; i < g->kh * g->kw; i++)                                                                        \
      for (int64_t c = 0; c < g->ci; c++)                                                                              \
        for (int64_t o = 0; o < g->co; o++) to[c * pitch(g) + i * g->co + o] = *from++;                                \
  }
LAYOUTS(_f32, float)
LAYOUTS(_f64, double)

static enum status load_weights(struct conv_kernel *kernel, const void *weights) {
  const struct conv_geometry *g = &kernel->geometry;
  struct narrow *narrow = kernel->self;
  if (g->type == GRAPH_F32)
    swap_f32(g, weights, narrow->weights);
  else
    swap_f64(g, weights, narrow->weights);
  return STATUS_OK;
}

static enum status run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch) {
  const struct conv_geometry *g = &kernel->geometry;
  const struct narrow *narrow = kernel->self;
  const int64_t z_image = g->h * g->w * pitch(g), y_image = g->oh * g->ow * g->co;
  for (int64_t first = 0; first < g->n; first += narrow->images) {
    const int64_t images = g->n - first < narrow->images ? g->n - first : narrow->images;
    const struct kernel_product_size size = {.rows = images * g->h * g->w,
                                             .columns = pitch(g),
                                             .terms = g->ci,
                                             .a_row = g->ci,
                                             .a_term = 1,
                                             .b_term = pitch(g),
                                             .b_column = 1,
                                             .c_row = pitch(g)};
    const unsigned char *x = in[0];
    linear_product(g->type, &size, x + first * g->h * g->w * g->ci * type_size(g->type), narrow->weights, scratch);
    for (int64_t i = 0; i < images; i++)
      if (g->type == GRAPH_F32)
        add_taps_f32(g, (const float *)scratch + i * z_image, (float *)out + (first + i) * y_image);
      else
        add_taps_f64(g, (const double *)scratch + i * z_image, (double *)out + (first + i) * y_image);
  }
  conv_apply_tail(kernel, bias, g->n * g->oh * g->ow, out);
  return STATUS_OK;
}

const struct conv_method conv_narrow = {.name = "narrow",
                                        .can = can,
                                        .cost = cost,
                                        .create = create,
                                        .destroy = destroy,
                                        .load_weights = load_weights,
                                        .run = run};
