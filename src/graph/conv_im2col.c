/* Convolutions as matrix products: the patch under each kernel position becomes a row of `columns`,
 * [positions][kh kw channels], of some images at a time, so that it stays in the second-level cache.
 *
 *   forward          y = columns(x) W           W is [kh kw ci][co], as stored
 *   input gradient   stride 1: that of a convolution of dy with mirrored weights, dx = columns(dy) mirror(W)
 *                    else columns = dy W', each row added back to where its patch came from
 *   weight gradient  dW += columns(x)' dy; with fewer channels in dy, mirror(dW) += columns(dy)' x
 *
 * Patches of a row of results lie in the image already, one pixel apart and in as many pieces as the kernel has rows.
 * So where rows are long enough for a product each, the image is only padded, and no patch is laid out: for few
 * channels that would take longer than the product. The bits are the same.
 */
#include "graph/conv_method.h"
#include "graph/linear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_BYTES = 256 << 10, SHORT_PIECE = 32, LONG_ROW = 16 };

/* Patches that stand in the image as they are: of 1 x 1 kernels, and of one kernel position that covers all of it. */
static bool is_plain(const struct conv_geometry *g) {
  bool padded = g->top + g->bottom + g->left + g->right != 0;
  bool point = g->kh == 1 && g->kw == 1 && g->stride == 1, whole = g->kh == g->h && g->kw == g->w;
  return !padded && (point || whole);
}

struct im2col {
  struct conv_geometry patches; /* of the convolution whose patches are laid out: the kernel's own, or it turned */
  bool turned, padded;          /* padded: images are, and read as they lie */
  int64_t images;               /* laid out at once */
  void *weights; /* in the order that the product reads: mirrored, or W'; or a mirrored gradient; NULL: as they are */
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

static int64_t padded_height(const struct conv_geometry *g) { return g->top + g->h + g->bottom; }
static int64_t padded_width(const struct conv_geometry *g) { return g->left + g->w + g->right; }

static bool turning_pays(const struct conv_geometry *g) {
  return g->op == OP_conv_input_gradient || (g->op == OP_conv_weight_gradient && g->co < g->ci);
}

static enum status create(struct conv_kernel *kernel) {
  const struct conv_geometry *g = &kernel->geometry;
  struct im2col *self = kernel->self = calloc(1, sizeof *self);
  REQUIRE(self, STATUS_MEMORY, "out of memory for a convolution");
  self->patches = *g;
  self->turned = !kernel->empty && turning_pays(g) && conv_turn(g, &self->patches);
  const struct conv_geometry *p = &self->patches;
  const bool scattered = g->op == OP_conv_input_gradient && !self->turned;
  self->padded = !kernel->empty && !is_plain(p) && !scattered && p->ow >= LONG_ROW;
  int64_t image = p->oh * p->ow * p->kh * p->kw * p->ci * type_size(p->type);
  if (self->padded) image = padded_height(p) * padded_width(p) * p->ci * type_size(p->type);
  snprintf(kernel->name, sizeof kernel->name, "%s",
           is_plain(p)    ? "product"
           : self->padded ? "rows+product"
                          : "im2col+product");
  self->images = image > 0 && image < COLUMNS_BYTES ? COLUMNS_BYTES / image : 1;
  if (self->images > g->n) self->images = g->n;
  if (is_plain(p)) self->images = g->n;
  if (self->padded) self->images = 1;
  kernel->scratch = is_plain(p) || kernel->empty ? 0 : self->images * image;
  kernel->multiplications = (double)(g->n * p->oh * p->ow) * (double)(p->kh * p->kw * p->ci * p->co);
  if (kernel->empty || !(self->turned || g->op == OP_conv_input_gradient)) return STATUS_OK;
  self->weights = malloc((size_t)(g->kh * g->kw * g->ci * g->co * type_size(g->type)));
  REQUIRE(self->weights, STATUS_MEMORY, "out of memory for a convolution's weights");
  return STATUS_OK;
}

static void destroy(struct conv_kernel *kernel) {
  struct im2col *self = kernel->self;
  if (self) free(self->weights);
  free(self);
}

#define LAYOUTS(suffix, real)                                                                                          \
  /* The patches of one image. Pieces are short where channels are few, too short to call memcpy() for. */             \
  static void gather_patches##suffix(const struct conv_geometry *g, const real *x, real *columns) {                    \
    const int64_t piece = g->kw * g->ci, patch = g->kh * piece;                                                        \
    for (int64_t i = 0; i < g->oh; i++, columns += g->ow * patch)                                                      \
      for (int64_t a = 0; a < g->kh; a++) {                                                                            \
        const int64_t row = i * g->stride + a - g->top;                                                                \
        const bool there = row >= 0 && row < g->h;                                                                     \
        for (int64_t j = 0; j < g->ow; j++) {                                                                          \
          real *restrict to = columns + j * patch + a * piece;                                                         \
          const int64_t left = j * g->stride - g->left, right = g->w - left;                                           \
          const int64_t first = left < 0 ? -left * g->ci : 0, end = right < g->kw ? right * g->ci : piece;             \
          const real *restrict from = x + (row * g->w + left) * g->ci;                                                 \
          if (!there || end <= first) {                                                                                \
            for (int64_t k = 0; k < piece; k++) to[k] = 0;                                                             \
            continue;                                                                                                  \
          }                                                                                                            \
          for (int64_t k = 0; k < first; k++) to[k] = 0;                                                               \
          if (piece <= SHORT_PIECE)                                                                                    \
            for (int64_t k = first; k < end; k++) to[k] = from[k];                                                     \
          else                                                                                                         \
            memcpy(to + first, from + first, (size_t)(end - first) * sizeof *to);                                      \
          for (int64_t k = end; k < piece; k++) to[k] = 0;                                                             \
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

static enum status load_weights(struct conv_kernel *kernel, const void *weights) {
  const struct conv_geometry *g = &kernel->geometry;
  struct im2col *self = kernel->self;
  if (self->turned)
    conv_mirror(g, weights, self->weights);
  else if (self->weights)
    linear_transpose(g->type, g->kh * g->kw * g->ci, g->co, weights, self->weights);
  return STATUS_OK;
}

/* c[rows][columns] = a b, both as they lie. */
static void multiply(enum graph_type type, int64_t rows, int64_t columns, int64_t terms, const void *a, const void *b,
                     void *c) {
  const struct kernel_product_size size = kernel_product_dense(rows, columns, terms);
  linear_product(type, &size, a, b, c);
}

/* c[rows][columns] = a' b, or c + a' b. */
static void multiply_turned(enum graph_type type, int64_t rows, int64_t columns, int64_t terms, bool add, const void *a,
                            const void *b, void *c) {
  struct kernel_product_size size = kernel_product_turned(rows, columns, terms);
  size.add = add;
  linear_product(type, &size, a, b, c);
}

/* An image with its zeros around, [padded height][padded width][ci]. */
static void pad_image(const struct conv_geometry *g, const unsigned char *x, unsigned char *padded) {
  const int64_t pixel = g->ci * type_size(g->type), row = padded_width(g) * pixel;
  memset(padded, 0, (size_t)(padded_height(g) * row));
  for (int64_t i = 0; i < g->h; i++)
    memcpy(padded + (g->top + i) * row + g->left * pixel, x + i * g->w * pixel, (size_t)(g->w * pixel));
}

static void run_padded(const struct conv_geometry *p, const void *x, const void *weights, unsigned char *y,
                       unsigned char *padded) {
  const int64_t row = padded_width(p) * p->ci;
  struct kernel_product_size size = kernel_product_dense(p->ow, p->co, p->kh * p->kw * p->ci);
  size.a_row = p->stride * p->ci;
  size.piece = p->kw * p->ci;
  size.a_piece = row;
  pad_image(p, x, padded);
  for (int64_t i = 0; i < p->oh; i++)
    linear_product(p->type, &size, padded + i * p->stride * row * type_size(p->type), weights,
                   y + i * p->ow * p->co * type_size(p->type));
}

/* Row by row of the kernel; an image's results are the terms. */
static void run_padded_gradient(const struct conv_geometry *p, bool add, const void *x, const void *dy,
                                unsigned char *dw, unsigned char *padded) {
  const int64_t row = padded_width(p) * p->ci, piece = p->kw * p->ci;
  struct kernel_product_size size = kernel_product_turned(piece, p->co, p->oh * p->ow);
  size.add = add;
  size.a_term = p->stride * p->ci;
  size.piece = p->ow;
  size.a_piece = p->stride * row;
  pad_image(p, x, padded);
  for (int64_t a = 0; a < p->kh; a++)
    linear_product(p->type, &size, padded + a * row * type_size(p->type), dy,
                   dw + a * piece * p->co * type_size(p->type));
}

/* Some images; `in` and `out` begin at the first of them. */
static void run_forward(const struct conv_kernel *kernel, int64_t images, const void *in, const void *weights,
                        const void *bias, void *out, void *scratch) {
  const struct im2col *self = kernel->self;
  const struct conv_geometry *p = &self->patches;
  const int64_t rows = images * p->oh * p->ow;
  if (self->padded)
    run_padded(p, in, weights, out, scratch);
  else
    multiply(p->type, rows, p->co, p->kh * p->kw * p->ci, lay_patches(p, in, images, scratch), weights, out);
  if (kernel->geometry.op == OP_conv) conv_apply_tail(kernel, bias, rows, out);
}

static void run_gradient(const struct im2col *self, int64_t images, bool add, const void *x, const void *dy, void *dw,
                         void *scratch) {
  const struct conv_geometry *p = &self->patches;
  if (self->padded)
    run_padded_gradient(p, add, x, dy, dw, scratch);
  else
    multiply_turned(p->type, p->kh * p->kw * p->ci, p->co, images * p->oh * p->ow, add,
                    lay_patches(p, x, images, scratch), dy, dw);
}

static void run_scattered(const struct conv_geometry *g, int64_t images, const void *dy, const void *weights, void *dx,
                          void *scratch) {
  const int64_t patch = g->kh * g->kw * g->ci;
  multiply(g->type, images * g->oh * g->ow, patch, g->co, dy, weights, is_plain(g) ? dx : scratch);
  if (!is_plain(g)) add_patches(g, scratch, images, dx);
}

static enum status run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch) {
  const struct conv_geometry *g = &kernel->geometry;
  const struct im2col *self = kernel->self;
  const struct conv_geometry *p = &self->patches;
  const int64_t size = type_size(g->type), x_image = g->h * g->w * g->ci * size, y_image = g->oh * g->ow * g->co * size;
  const bool gradient = g->op == OP_conv_weight_gradient, backward = g->op == OP_conv_input_gradient;
  const void *weights = self->weights ? self->weights : in[1];
  for (int64_t first = 0; first < g->n; first += self->images) {
    const int64_t images = g->n - first < self->images ? g->n - first : self->images;
    const unsigned char *a = (const unsigned char *)in[0] + first * (backward ? y_image : x_image);
    unsigned char *to = (unsigned char *)out + first * (backward ? x_image : y_image);
    if (gradient) {
      const unsigned char *b = (const unsigned char *)in[1] + first * y_image;
      run_gradient(self, images, first > 0, self->turned ? b : a, self->turned ? a : b,
                   self->turned ? self->weights : out, scratch);
    } else if (backward && !self->turned) {
      run_scattered(g, images, a, weights, to, scratch);
    } else {
      run_forward(kernel, images, a, weights, bias, to, scratch);
    }
  }
  if (gradient && self->turned) conv_mirror(p, self->weights, out);
  return STATUS_OK;
}

const struct conv_method conv_im2col = {.name = "im2col",
                                        .can = can,
                                        .cost = cost,
                                        .create = create,
                                        .destroy = destroy,
                                        .load_weights = load_weights,
                                        .run = run};
