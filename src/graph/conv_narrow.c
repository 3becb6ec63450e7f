/* Convolutions from many channels to few, as the last layer of a decoder is. Kernels that block over output channels
 * waste most of their registers on them (32 -> 3 at 32 x 32, batch 8, AVX-512, measured: 399 us by oneDNN). Here a
 * product comes first, over single pixels, with all taps of the kernel as its columns, z = x W' [pixels][kh kw co]
 * (104 us by oneDNN), then each result adds up its kh kw taps from z (70 us).
 *
 * W' is [ci][kh kw co]; the product is itself a convolution, 1x1, of some images at a time,
 * so that z stays in the second-level cache.
 */
#include "graph/conv_method.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NARROW_CHANNELS = 4, NARROW_LEAST = 8, NARROW_BYTES = 256 << 10 };

struct narrow {
  struct conv_kernel *product; /* of `images` images */
  int64_t images;              /* divides the batch */
  int64_t z_bytes;             /* of the scratch memory; what the product needs stands behind */
  void *weights;               /* W' */
};

static bool can(const struct conv_geometry *g, const struct conv_tail *tail) {
  (void)tail;
  return g->op == OP_conv && g->co <= NARROW_CHANNELS;
}

/* Few channels to multiply, or few results: then the 1x1 product has no work to spread. */
static double cost(const struct conv_geometry *g) { return g->ci >= NARROW_LEAST && g->oh * g->ow > 4 ? 0.25 : 4; }

static int64_t taps(const struct conv_geometry *g) { return g->kh * g->kw * g->co; }

static int64_t block_images(const struct conv_geometry *g) {
  int64_t image = g->h * g->w * taps(g) * type_size(g->type), images = NARROW_BYTES / image;
  if (images > g->n) images = g->n;
  while (images > 1 && g->n % images != 0) images--;
  return images > 1 ? images : 1;
}

static enum status create(struct conv_kernel *kernel) {
  const struct conv_geometry *g = &kernel->geometry;
  struct narrow *narrow = kernel->self = calloc(1, sizeof *narrow);
  REQUIRE(narrow, STATUS_MEMORY, "out of memory for a convolution");
  narrow->images = block_images(g);
  narrow->weights = calloc((size_t)(g->ci * taps(g)), (size_t)type_size(g->type));
  REQUIRE(narrow->weights, STATUS_MEMORY, "out of memory for a convolution's weights");
  const struct conv_geometry product = {.op = g->op,
                                        .type = g->type,
                                        .n = narrow->images,
                                        .h = g->h,
                                        .w = g->w,
                                        .ci = g->ci,
                                        .kh = 1,
                                        .kw = 1,
                                        .co = taps(g),
                                        .oh = g->h,
                                        .ow = g->w,
                                        .stride = 1};
  TRY(conv_create_part(&product, &conv_narrow, &narrow->product));
  narrow->z_bytes = (narrow->images * g->h * g->w * taps(g) * type_size(g->type) + 63) / 64 * 64;
  kernel->scratch = narrow->z_bytes + conv_scratch(narrow->product);
  snprintf(kernel->name, sizeof kernel->name, "taps+%.50s", conv_name(narrow->product));
  return STATUS_OK;
}

static void destroy(struct conv_kernel *kernel) {
  struct narrow *narrow = kernel->self;
  if (!narrow) return;
  conv_destroy(&narrow->product);
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
          int64_t shift = b - g->left, first, end, step = g->stride * g->kh * g->kw * co;                              \
          conv_range(g->ow, g->w, g->stride, shift, &first, &end);                                                     \
          int64_t from = ((row * g->w + first * g->stride + shift) * g->kh * g->kw + a * g->kw + b) * co;              \
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
  /* [kh kw][ci][co] to [ci][kh kw][co]. */                                                                            \
  static void swap##suffix(const struct conv_geometry *g, const real *from, real *to) {                                \
    for (int64_t i = 0; i < g->kh * g->kw; i++)                                                                        \
      for (int64_t c = 0; c < g->ci; c++)                                                                              \
        for (int64_t o = 0; o < g->co; o++) to[(c * g->kh * g->kw + i) * g->co + o] = *from++;                         \
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
  return conv_load_weights(narrow->product, narrow->weights);
}

static enum status run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch) {
  const struct conv_geometry *g = &kernel->geometry;
  struct narrow *narrow = kernel->self;
  const int64_t x_image = g->h * g->w * g->ci, z_image = g->h * g->w * taps(g), y_image = g->oh * g->ow * g->co;
  void *behind = (unsigned char *)scratch + narrow->z_bytes;
  for (int64_t n = 0; n < g->n; n++) {
    const int64_t at = n % narrow->images;
    const void *x = (const unsigned char *)in[0] + n * x_image * type_size(g->type);
    if (at == 0) TRY(conv_run(narrow->product, (const void *const[]){x, NULL}, NULL, scratch, behind));
    if (g->type == GRAPH_F32)
      add_taps_f32(g, (const float *)scratch + at * z_image, (float *)out + n * y_image);
    else
      add_taps_f64(g, (const double *)scratch + at * z_image, (double *)out + n * y_image);
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
