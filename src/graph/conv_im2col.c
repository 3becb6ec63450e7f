/* Convolutions as matrix products: the patch under each kernel position becomes a row of `columns`,
 * [positions][kh kw ci], of some images at a time, so that it stays in the second-level cache.
 *
 *   forward          y = columns W             W is [kh kw ci][co], as stored
 *   input gradient   columns = dy W', each row added back to where its patch came from
 *   weight gradient  dW += columns' dy
 */
#include "graph/conv_method.h"
#include "graph/linear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_BYTES = 256 << 10 };

/* Patches that stand in the image as they are: of 1 x 1 kernels, and of one kernel position that covers all of it. */
static bool is_plain(const struct conv_geometry *g) {
  bool padded = g->top + g->bottom + g->left + g->right != 0;
  bool point = g->kh == 1 && g->kw == 1 && g->stride == 1, whole = g->kh == g->h && g->kw == g->w;
  return !padded && (point || whole);
}

struct im2col {
  int64_t images; /* laid out at once */
};

static bool can(const struct conv_geometry *g, const struct conv_tail *tail) {
  (void)g, (void)tail;
  return true;
}

/* What the others' costs are counted in. */
static double cost(const struct conv_geometry *g) {
  (void)g;
  return 1;
}

static enum status create(struct conv_kernel *kernel) {
  const struct conv_geometry *g = &kernel->geometry;
  struct im2col *self = kernel->self = calloc(1, sizeof *self);
  REQUIRE(self, STATUS_MEMORY, "out of memory for a convolution");
  int64_t image = g->oh * g->ow * g->kh * g->kw * g->ci * type_size(g->type);
  snprintf(kernel->name, sizeof kernel->name, "%s", is_plain(g) ? "product" : "im2col+product");
  self->images = image > 0 && image < COLUMNS_BYTES ? COLUMNS_BYTES / image : 1;
  if (self->images > g->n) self->images = g->n;
  if (is_plain(g)) self->images = g->n;
  kernel->scratch = is_plain(g) || kernel->empty ? 0 : self->images * image;
  return STATUS_OK;
}

static void destroy(struct conv_kernel *kernel) { free(kernel->self); }

#define LAYOUTS(suffix, real)                                                                                          \
  /* The patches of one image. */                                                                                      \
  static void gather_patches##suffix(const struct conv_geometry *g, const real *x, real *columns) {                    \
    int64_t patch = g->kh * g->kw * g->ci;                                                                             \
    for (int64_t i = 0; i < g->oh; i++, columns += g->ow * patch)                                                      \
      for (int64_t a = 0; a < g->kh; a++) {                                                                            \
        int64_t row = i * g->stride + a - g->top;                                                                      \
        for (int64_t j = 0; j < g->ow; j++) {                                                                          \
          real *to = columns + j * patch + a * g->kw * g->ci;                                                          \
          int64_t left = j * g->stride - g->left, skip = left < 0 ? -left : 0, end = g->w - left;                      \
          if (end > g->kw) end = g->kw;                                                                                \
          if (row < 0 || row >= g->h || end <= skip) {                                                                 \
            memset(to, 0, (size_t)(g->kw * g->ci) * sizeof *to);                                                       \
            continue;                                                                                                  \
          }                                                                                                            \
          memset(to, 0, (size_t)(skip * g->ci) * sizeof *to);                                                          \
          memcpy(to + skip * g->ci, x + (row * g->w + left + skip) * g->ci,                                            \
                 (size_t)((end - skip) * g->ci) * sizeof *to);                                                         \
          memset(to + end * g->ci, 0, (size_t)((g->kw - end) * g->ci) * sizeof *to);                                   \
        }                                                                                                              \
      }                                                                                                                \
  }                                                                                                                    \
  /* Adds the patches of one image to where they came from. */                                                         \
  static void scatter_patches##suffix(const struct conv_geometry *g, const real *columns, real *restrict x) {          \
    int64_t patch = g->kh * g->kw * g->ci;                                                                             \
    memset(x, 0, (size_t)(g->h * g->w * g->ci) * sizeof *x);                                                           \
    for (int64_t i = 0; i < g->oh; i++, columns += g->ow * patch)                                                      \
      for (int64_t a = 0; a < g->kh; a++) {                                                                            \
        int64_t row = i * g->stride + a - g->top;                                                                      \
        if (row < 0 || row >= g->h) continue;                                                                          \
        for (int64_t b = 0; b < g->kw; b++) {                                                                          \
          int64_t first, end;                                                                                          \
          conv_range(g->ow, g->w, g->stride, b - g->left, &first, &end);                                               \
          for (int64_t j = first; j < end; j++) {                                                                      \
            const real *restrict from = columns + j * patch + (a * g->kw + b) * g->ci;                                 \
            real *restrict to = x + (row * g->w + j * g->stride + b - g->left) * g->ci;                                \
            for (int64_t c = 0; c < g->ci; c++) to[c] += from[c];                                                      \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
  }
LAYOUTS(_f32, float)
LAYOUTS(_f64, double)

static const void *lay_patches(const struct conv_geometry *g, const unsigned char *x, int64_t images, void *scratch) {
  int64_t size = type_size(g->type), image = g->h * g->w * g->ci * size;
  int64_t patches = g->oh * g->ow * g->kh * g->kw * g->ci * size;
  if (is_plain(g)) return x;
  for (int64_t i = 0; i < images; i++) {
    unsigned char *to = (unsigned char *)scratch + i * patches;
    if (g->type == GRAPH_F32)
      gather_patches_f32(g, (const float *)(const void *)(x + i * image), (float *)(void *)to);
    else
      gather_patches_f64(g, (const double *)(const void *)(x + i * image), (double *)(void *)to);
  }
  return scratch;
}

static void add_patches(const struct conv_geometry *g, const unsigned char *columns, int64_t images, unsigned char *x) {
  int64_t size = type_size(g->type), image = g->h * g->w * g->ci * size;
  int64_t patches = g->oh * g->ow * g->kh * g->kw * g->ci * size;
  for (int64_t i = 0; i < images; i++) {
    if (g->type == GRAPH_F32)
      scatter_patches_f32(g, (const float *)(const void *)(columns + i * patches), (float *)(void *)(x + i * image));
    else
      scatter_patches_f64(g, (const double *)(const void *)(columns + i * patches), (double *)(void *)(x + i * image));
  }
}

static enum status run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch) {
  const struct conv_geometry *g = &kernel->geometry;
  const int64_t size = type_size(g->type), patch = g->kh * g->kw * g->ci;
  const int64_t x_image = g->h * g->w * g->ci * size, y_image = g->oh * g->ow * g->co * size;
  const struct im2col *self = kernel->self;
  for (int64_t first = 0; first < g->n; first += self->images) {
    const int64_t images = g->n - first < self->images ? g->n - first : self->images, rows = images * g->oh * g->ow;
    const unsigned char *a =
        (const unsigned char *)in[0] + first * (g->op == OP_conv_input_gradient ? y_image : x_image);
    if (g->op == OP_conv) {
      void *y = (unsigned char *)out + first * y_image;
      linear_product(g->type,
                     &(struct kernel_product_size){.rows = rows,
                                                   .columns = g->co,
                                                   .terms = patch,
                                                   .a_row = patch,
                                                   .a_term = 1,
                                                   .b_term = g->co,
                                                   .b_column = 1,
                                                   .c_row = g->co},
                     lay_patches(g, a, images, scratch), in[1], y);
      conv_apply_tail(kernel, bias, rows, y);
    } else if (g->op == OP_conv_input_gradient) {
      unsigned char *x = (unsigned char *)out + first * x_image;
      linear_product(g->type,
                     &(struct kernel_product_size){.rows = rows,
                                                   .columns = patch,
                                                   .terms = g->co,
                                                   .a_row = g->co,
                                                   .a_term = 1,
                                                   .b_term = 1,
                                                   .b_column = g->co,
                                                   .c_row = patch},
                     a, in[1], is_plain(g) ? x : scratch);
      if (!is_plain(g)) add_patches(g, scratch, images, x);
    } else {
      linear_product(g->type,
                     &(struct kernel_product_size){.rows = patch,
                                                   .columns = g->co,
                                                   .terms = rows,
                                                   .a_row = 1,
                                                   .a_term = patch,
                                                   .b_term = g->co,
                                                   .b_column = 1,
                                                   .c_row = g->co,
                                                   .add = first > 0},
                     lay_patches(g, a, images, scratch), (const unsigned char *)in[1] + first * y_image, out);
    }
  }
  return STATUS_OK;
}

const struct conv_method conv_im2col = {
    .name = "im2col", .can = can, .cost = cost, .create = create, .destroy = destroy, .run = run};
