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

/* Numbers from one pixel's taps to the next one's; a register may begin at the last tap. */
static int64_t pitch(const struct conv_geometry *g) {
  const int64_t last = g->kh * g->kw * g->co - g->co + NARROW_CHANNELS;
  return (last + NARROW_PITCH - 1) / NARROW_PITCH * NARROW_PITCH;
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
  kernel->multiplications = (double)(g->n * g->h * g->w) * (double)(g->ci * pitch(g));
  snprintf(kernel->name, sizeof kernel->name, "taps+product");
  return STATUS_OK;
}

static void destroy(struct conv_kernel *kernel) {
  struct narrow *narrow = kernel->self;
  if (!narrow) return;
  free(narrow->weights);
  free(narrow);
}

#define LAYOUTS(suffix, real)                                                                                          \
  /* One image. NARROW_CHANNELS numbers are added up whatever the channels are, which makes one register of them. */   \
  static void add_taps##suffix(const struct conv_geometry *g, const real *restrict z, real *restrict y) {              \
    const int64_t step = pitch(g), co = g->co;                                                                         \
    for (int64_t i = 0; i < g->oh; i++)                                                                                \
      for (int64_t j = 0; j < g->ow; j++, y += co) {                                                                   \
        const int64_t top = i * g->stride - g->top, left = j * g->stride - g->left;                                    \
        const int64_t first = left < 0 ? -left : 0, end = left + g->kw > g->w ? g->w - left : g->kw;                   \
        real sum[NARROW_CHANNELS] = {0};                                                                               \
        for (int64_t a = 0; a < g->kh; a++) {                                                                          \
          if (top + a < 0 || top + a >= g->h) continue;                                                                \
          const real *from = z + ((top + a) * g->w + left) * step + a * g->kw * co;                                    \
          for (int64_t b = first; b < end; b++)                                                                        \
            for (int o = 0; o < NARROW_CHANNELS; o++) sum[o] += from[b * (step + co) + o];                             \
        }                                                                                                              \
        for (int64_t o = 0; o < co; o++) y[o] = sum[o];                                                                \
      }                                                                                                                \
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
    const struct kernel_product_size size = kernel_product_dense(images * g->h * g->w, pitch(g), g->ci);
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
