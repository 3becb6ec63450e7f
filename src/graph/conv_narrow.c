/* Convolutions between many channels and few, as the last layer of a decoder is. Kernels that block over output
 * channels waste most of their registers on them (64 -> 3 at 32 x 32, batch 16, AVX2, measured: 4.7 ms by oneDNN, 5.4
 * by im2col). Here the matrix product comes first, over single pixels, with all taps of the kernel as its columns:
 *
 *   forward          z = x W'  [pixels][kh kw co], then each result adds up its kh kw taps from z
 *   weight gradient  z holds for each pixel the dy that its taps meet, then W' gradient = x' z
 *
 * W' is [ci][kh kw co].
 */
#include "graph/conv_private.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NARROW_CHANNELS = 4, NARROW_LEAST = 8, NARROW_BYTES = 256 << 10 };

bool narrow_pays(const struct conv_geometry *g) {
  return g->op != OP_conv_input_gradient && g->co <= NARROW_CHANNELS && g->ci >= NARROW_LEAST && g->oh * g->ow > 4;
}

static int64_t taps(const struct conv_geometry *g) { return g->kh * g->kw * g->co; }

enum status narrow_create(struct conv_kernel *kernel) {
  const struct conv_geometry *g = &kernel->geometry;
  int64_t size = type_size(g->type), image = g->h * g->w * taps(g) * size;
  kernel->narrow = calloc((size_t)(g->ci * taps(g)), (size_t)size);
  REQUIRE(kernel->narrow, STATUS_MEMORY, "out of memory for a convolution's weights");
  kernel->images = image < NARROW_BYTES ? NARROW_BYTES / image : 1;
  if (kernel->images > g->n) kernel->images = g->n;
  kernel->scratch = kernel->images * image;
  snprintf(kernel->name, sizeof kernel->name, "gemm+taps");
  return STATUS_OK;
}

/* z = x W', or W' gradient (+)= x' z. */
static void multiply(const struct conv_geometry *g, bool gradient, int64_t pixels, const void *x, const void *other,
                     double beta, void *result) {
  blasint rows = (blasint)(gradient ? g->ci : pixels), inner = (blasint)(gradient ? pixels : g->ci);
  blasint columns = (blasint)taps(g), channels = (blasint)g->ci;
  enum CBLAS_TRANSPOSE a = gradient ? CblasTrans : CblasNoTrans;
  if (g->type == GRAPH_F32)
    cblas_sgemm(CblasRowMajor, a, CblasNoTrans, rows, columns, inner, 1, x, channels, other, columns, (float)beta,
                result, columns);
  else
    cblas_dgemm(CblasRowMajor, a, CblasNoTrans, rows, columns, inner, 1, x, channels, other, columns, beta, result,
                columns);
}

/* Calls `body` with the results `first` .. `end` - 1 of row i that have their tap (a, b) within the image; `z` and `y`
 * are the elements of the first. */
#define EACH_TAP(body)                                                                                                 \
  for (int64_t i = 0; i < g->oh; i++)                                                                                  \
    for (int64_t a = 0; a < g->kh; a++) {                                                                              \
      int64_t row = i * g->stride + a - g->top;                                                                        \
      if (row < 0 || row >= g->h) continue;                                                                            \
      for (int64_t b = 0; b < g->kw; b++) {                                                                            \
        int64_t shift = b - g->left, first, end;                                                                       \
        conv_range(g->ow, g->w, g->stride, shift, &first, &end);                                                       \
        int64_t step = g->stride * taps(g);                                                                            \
        int64_t at_z = (row * g->w + first * g->stride + shift) * taps(g) + (a * g->kw + b) * g->co;                   \
        int64_t at_y = (i * g->ow + first) * g->co;                                                                    \
        for (int64_t j = first; j < end; j++, at_z += step, at_y += g->co)                                             \
          for (int64_t o = 0; o < g->co; o++) body;                                                                    \
      }                                                                                                                \
    }

#define LAYOUTS(suffix, real)                                                                                          \
  static void add_taps##suffix(const struct conv_geometry *g, const real *restrict z, real *restrict y) {              \
    memset(y, 0, (size_t)(g->oh * g->ow * g->co) * sizeof *y);                                                         \
    EACH_TAP(y[at_y + o] += z[at_z + o])                                                                               \
  }                                                                                                                    \
  static void spread_taps##suffix(const struct conv_geometry *g, const real *restrict y, real *restrict z) {           \
    memset(z, 0, (size_t)(g->h * g->w * taps(g)) * sizeof *z);                                                         \
    EACH_TAP(z[at_z + o] = y[at_y + o])                                                                                \
  }                                                                                                                    \
  /* [kh kw][ci][co] to [ci][kh kw][co], or back. */                                                                   \
  static void swap##suffix(int64_t outer, int64_t inner, int64_t channels, const real *from, real *to) {               \
    for (int64_t i = 0; i < outer; i++)                                                                                \
      for (int64_t k = 0; k < inner; k++)                                                                              \
        for (int64_t o = 0; o < channels; o++)                                                                         \
          to[(k * outer + i) * channels + o] = from[(i * inner + k) * channels + o];                                   \
  }
LAYOUTS(_f32, float)
LAYOUTS(_f64, double)

void narrow_load_weights(struct conv_kernel *kernel, const void *weights) {
  const struct conv_geometry *g = &kernel->geometry;
  if (g->type == GRAPH_F32)
    swap_f32(g->kh * g->kw, g->ci, g->co, weights, kernel->narrow);
  else
    swap_f64(g->kh * g->kw, g->ci, g->co, weights, kernel->narrow);
}

static void run_forward(struct conv_kernel *kernel, int64_t first, int64_t images, const void *x, void *y,
                        void *scratch) {
  const struct conv_geometry *g = &kernel->geometry;
  int64_t pixels = g->h * g->w, results = g->oh * g->ow * g->co;
  multiply(g, false, images * pixels, x, kernel->narrow, 0, scratch);
  for (int64_t i = 0; i < images; i++) {
    if (g->type == GRAPH_F32)
      add_taps_f32(g, (const float *)scratch + i * pixels * taps(g), (float *)y + (first + i) * results);
    else
      add_taps_f64(g, (const double *)scratch + i * pixels * taps(g), (double *)y + (first + i) * results);
  }
}

static void run_gradient(struct conv_kernel *kernel, int64_t first, int64_t images, const void *x, const void *dy,
                         void *scratch) {
  const struct conv_geometry *g = &kernel->geometry;
  int64_t pixels = g->h * g->w, results = g->oh * g->ow * g->co;
  for (int64_t i = 0; i < images; i++) {
    if (g->type == GRAPH_F32)
      spread_taps_f32(g, (const float *)dy + (first + i) * results, (float *)scratch + i * pixels * taps(g));
    else
      spread_taps_f64(g, (const double *)dy + (first + i) * results, (double *)scratch + i * pixels * taps(g));
  }
  multiply(g, true, images * pixels, x, scratch, first > 0, kernel->narrow);
}

void narrow_run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch) {
  const struct conv_geometry *g = &kernel->geometry;
  int64_t image = g->h * g->w * g->ci * type_size(g->type);
  bool gradient = g->op == OP_conv_weight_gradient;
  if (!gradient && in[1]) narrow_load_weights(kernel, in[1]);
  for (int64_t first = 0; first < g->n; first += kernel->images) {
    int64_t images = g->n - first < kernel->images ? g->n - first : kernel->images;
    const void *x = (const unsigned char *)in[0] + first * image;
    if (gradient)
      run_gradient(kernel, first, images, x, in[1], scratch);
    else
      run_forward(kernel, first, images, x, out, scratch);
  }
  if (!gradient)
    conv_apply_tail(kernel, bias, g->n * g->oh * g->ow, out);
  else if (g->type == GRAPH_F32)
    swap_f32(g->ci, g->kh * g->kw, g->co, kernel->narrow, out);
  else
    swap_f64(g->ci, g->kh * g->kw, g->co, kernel->narrow, out);
}
