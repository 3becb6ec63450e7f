/* Convolutions by Winograd's minimal filtering (winograd.h): 3x3 of stride 1, and 4x4 of stride 2 with a padding of 1,
 * which a doubling of pixels and the 3x3 convolution after it are (graph_upsample2_conv), each in all three directions.
 *
 * A 4x4 convolution of stride 2 is four of 2x2, one for each parity of row and column ("phase") of its large image: its
 * result is the sum of those of the phases, its input gradient has each phase by itself.
 *
 * Tiles are counted through all images, and worked through in blocks whose transformed numbers stay in the second-level
 * cache beside the weights. A point of a block is one matrix product: transformed image [tiles][channels] by
 * transformed weights [channels][results' channels]; of a weight gradient, image' [channels][tiles] by results.
 *
 * Bits: products add channels (and phases) in order, those of weight gradients tiles in order through all images, each
 * by fma. So the size of a block is not seen in them.
 */
#include "graph/conv_method.h"
#include "graph/kernels.h"

#include <stdio.h>
#include <stdlib.h>

enum { TILE = WINOGRAD_TILE, PHASES = 4, BLOCK_BYTES = 512 << 10, GRADIENT_BYTES = 2048 << 10, BLOCK_TILES = 12 };

/* An image, or every second row and column of it. Steps in numbers. */
struct view {
  int64_t start, row, column, image, height, width, channels;
};

/* One phase: where its windows begin relative to the tile of results, and which taps of the kernel it has. */
struct phase {
  struct view view;    /* of the large image */
  int64_t row, column; /* of a window's first pixel, for the tile at 0, 0 */
  int64_t tap[3][3];   /* row * kernel's width + column */
};

struct winograd {
  const struct winograd_transforms *transforms;
  kernel_product *product;
  int n, taps, phases; /* points and taps along an axis */
  bool spread;         /* phases are of the results: each has an image of its own */
  struct phase phase[PHASES];
  struct view small;           /* what all phases share: the results, or what they are made of */
  int64_t terms, columns;      /* channels of what is transformed and multiplied with weights; of the result */
  int64_t tiles, down, across; /* of all images; of one */
  int64_t block, image_plane, result_plane;
  float *weights;         /* transformed: [phases][n n][terms][columns] */
  float *turned;          /* mirrored weights, for the input gradient */
  float *zeros, *nowhere; /* pixels beyond the edge: to read, and to write */
};

/* ---- The rule ---- */

static bool is_tripled(const struct conv_geometry *g) { return g->kh == 3 && g->kw == 3 && g->stride == 1; }

static bool is_doubling(const struct conv_geometry *g) {
  return g->kh == 4 && g->kw == 4 && g->stride == 2 && g->top == 1 && g->bottom == 1 && g->left == 1 && g->right == 1 &&
         g->h % 2 == 0 && g->w % 2 == 0;
}

/* On smaller maps too many tiles are cut by an edge. */
enum { LEAST_SIDE = 8 };

static bool can(const struct conv_geometry *g, const struct conv_tail *tail) {
  (void)tail;
  if (g->type != GRAPH_F32 || g->ci < WINOGRAD_CHANNELS_LEAST || g->co < WINOGRAD_CHANNELS_LEAST) return false;
  if (is_tripled(g)) return g->oh >= LEAST_SIDE && g->ow >= LEAST_SIDE && g->top <= 2 && g->left <= 2;
  return is_doubling(g) && g->oh >= LEAST_SIDE && g->ow >= LEAST_SIDE;
}

static double cost(const struct conv_geometry *g) {
  (void)g;
  return 0.4;
}

/* ---- Geometry ---- */

static struct view whole_view(int64_t height, int64_t width, int64_t channels) {
  return (struct view){0, width * channels, channels, height * width * channels, height, width, channels};
}

/* The four phases of the large image of a 4x4 convolution of stride 2. The result i meets pixel 2i + A - 1, tap A. In
 * phase a, the windows of results begin at i - a, with the taps 1 - a and 3 - a; the result's phase a is made of the
 * small image from i + a - 1 on, with the taps 3 - a and 1 - a. */
static void make_phases(const struct conv_geometry *g, struct winograd *self) {
  for (int64_t at = 0; at < PHASES; at++) {
    struct phase *phase = &self->phase[at];
    const int64_t a = at / 2, b = at % 2;
    const struct view large = whole_view(g->h, g->w, g->ci);
    phase->view = (struct view){.start = a * large.row + b * large.column,
                                .row = 2 * large.row,
                                .column = 2 * large.column,
                                .image = large.image,
                                .height = g->h / 2,
                                .width = g->w / 2,
                                .channels = g->ci};
    phase->row = self->spread ? a - 1 : -a;
    phase->column = self->spread ? b - 1 : -b;
    for (int64_t u = 0; u < 2; u++)
      for (int64_t v = 0; v < 2; v++) {
        const int64_t row = self->spread ? 3 - 2 * u - a : 2 * u + 1 - a;
        const int64_t column = self->spread ? 3 - 2 * v - b : 2 * v + 1 - b;
        phase->tap[u][v] = row * 4 + column;
      }
  }
}

/* The one phase of a 3x3 convolution: dx[i] = sum over A of dy[i + top - A] w[A] begins at i + top - 2. */
static void make_only_phase(const struct conv_geometry *g, struct winograd *self) {
  struct phase *phase = &self->phase[0];
  phase->view = whole_view(g->h, g->w, g->ci);
  phase->row = self->spread ? g->top - 2 : -g->top;
  phase->column = self->spread ? g->left - 2 : -g->left;
  for (int64_t u = 0; u < 3; u++)
    for (int64_t v = 0; v < 3; v++) phase->tap[u][v] = self->spread ? (2 - u) * 3 + 2 - v : u * 3 + v;
}

/* As many tiles as keep what a block makes within some bytes, and whole rows of the product's tiles of them. A weight
 * gradient reads and writes its sums once a block, and gains by larger ones. */
static int64_t choose_block(const struct winograd *self, bool gradient) {
  const int64_t tile = self->n * self->n * (self->terms + self->columns) * (int64_t)sizeof(float);
  int64_t block = (gradient ? GRADIENT_BYTES : BLOCK_BYTES) / tile / BLOCK_TILES * BLOCK_TILES;
  if (block < BLOCK_TILES) block = BLOCK_TILES;
  return block < self->tiles ? block : self->tiles;
}

/* Planes are a cache line longer than they have to be, so that points of one tile do not share sets of the cache. */
static int64_t plane(int64_t block, int64_t channels) { return (block * channels + 15) / 16 * 16 + 16; }

static void make_geometry(const struct conv_geometry *g, struct winograd *self) {
  self->spread = g->op == OP_conv_input_gradient;
  self->taps = is_tripled(g) ? 3 : 2;
  self->n = TILE + self->taps - 1;
  self->phases = is_tripled(g) ? 1 : PHASES;
  self->terms = self->spread ? g->co : g->ci;
  self->columns = self->spread ? g->ci : g->co;
  self->small = whole_view(g->oh, g->ow, g->co);
  if (self->phases == 1)
    make_only_phase(g, self);
  else
    make_phases(g, self);
  const struct view *results = self->spread ? &self->phase[0].view : &self->small;
  self->down = (results->height + TILE - 1) / TILE;
  self->across = (results->width + TILE - 1) / TILE;
  self->tiles = g->n * self->down * self->across;
  self->block = choose_block(self, g->op == OP_conv_weight_gradient);
  self->image_plane = plane(self->block, self->terms);
  self->result_plane = plane(self->block, self->columns);
}

static int64_t weights_count(const struct winograd *self) { return self->terms * self->columns; }

static enum status create(struct conv_kernel *kernel) {
  const struct conv_geometry *g = &kernel->geometry;
  struct winograd *self = kernel->self = calloc(1, sizeof *self);
  REQUIRE(self, STATUS_MEMORY, "out of memory for a convolution");
  const struct kernel_set *set = kernels_get(cpu_level_get());
  self->transforms = set->winograd;
  self->product = set->product[GRAPH_F32];
  make_geometry(g, self);
  const int64_t points = self->n * self->n, channels = g->ci > g->co ? g->ci : g->co;
  self->zeros = calloc((size_t)channels, sizeof *self->zeros);
  self->nowhere = calloc((size_t)channels, sizeof *self->nowhere);
  REQUIRE(self->zeros && self->nowhere, STATUS_MEMORY, "out of memory for a convolution");
  int64_t floats = points * (self->image_plane + self->result_plane);
  if (g->op == OP_conv_weight_gradient) {
    floats += points * weights_count(self);
  } else {
    const int64_t bytes = self->phases * points * weights_count(self) * (int64_t)sizeof(float);
    self->weights = aligned_alloc(64, (size_t)((bytes + 63) / 64 * 64));
    REQUIRE(self->weights, STATUS_MEMORY, "out of memory for a convolution's weights");
  }
  if (self->spread) {
    self->turned = malloc((size_t)(g->kh * g->kw * weights_count(self)) * sizeof(float));
    REQUIRE(self->turned, STATUS_MEMORY, "out of memory for a convolution's weights");
  }
  kernel->multiplications = (double)(self->phases * points * self->tiles) * (double)weights_count(self);
  kernel->scratch = floats * (int64_t)sizeof(float);
  snprintf(kernel->name, sizeof kernel->name, "winograd 4x4 %dx%d", self->taps, self->taps);
  return STATUS_OK;
}

static void destroy(struct conv_kernel *kernel) {
  struct winograd *self = kernel->self;
  if (!self) return;
  free(self->weights);
  free(self->turned);
  free(self->zeros);
  free(self->nowhere);
  free(self);
}

/* ---- Weights ---- */

static enum status load_weights(struct conv_kernel *kernel, const void *data) {
  const struct conv_geometry *g = &kernel->geometry;
  struct winograd *self = kernel->self;
  /* Weights of the input gradient are [kh][kw][columns][terms]: mirrored, a tap is [terms][columns] as elsewhere. */
  if (self->spread) conv_mirror(g, data, self->turned);
  const float *weights = self->spread ? self->turned : data;
  const int64_t count = weights_count(self), last = g->kh * g->kw - 1;
  for (int i = 0; i < self->phases; i++) {
    const float *tap[9];
    for (int at = 0; at < self->taps * self->taps; at++) {
      const int64_t which = self->phase[i].tap[at / self->taps][at % self->taps];
      tap[at] = weights + (self->spread ? last - which : which) * count;
    }
    self->transforms->weights(self->n, tap, count, self->weights + i * self->n * self->n * count, count);
  }
  return STATUS_OK;
}

/* ---- Tiles ---- */

struct at {
  int64_t image, row, column; /* of a tile's first result */
};

static struct at tile_at(const struct winograd *self, int64_t tile) {
  const int64_t each = self->down * self->across, within = tile % each;
  return (struct at){tile / each, within / self->across * TILE, within % self->across * TILE};
}

/* Offsets of side x side pixels from `row`, `column` on; those beyond the edge are -1. */
static void find_pixels(const struct view *view, int64_t image, int64_t row, int64_t column, int side,
                        int64_t *offset) {
  const int64_t start = view->start + image * view->image;
  for (int i = 0; i < side; i++) {
    const bool inside = row + i >= 0 && row + i < view->height;
    const int64_t at = start + (row + i) * view->row;
    for (int j = 0; j < side; j++) {
      const bool there = inside && column + j >= 0 && column + j < view->width;
      offset[i * side + j] = there ? at + (column + j) * view->column : -1;
    }
  }
}

static void read_pixels(const struct winograd *self, const struct view *view, const float *data, struct at at, int side,
                        const float **pixel) {
  int64_t offset[WINOGRAD_PIXELS_MAX];
  find_pixels(view, at.image, at.row, at.column, side, offset);
  for (int i = 0; i < side * side; i++) pixel[i] = offset[i] < 0 ? self->zeros : data + offset[i];
}

static void transform_images(const struct winograd *self, const struct view *view, const struct phase *phase,
                             const float *data, int64_t first, int64_t count, float *transformed) {
  const float *pixel[WINOGRAD_PIXELS_MAX];
  for (int64_t i = 0; i < count; i++) {
    struct at at = tile_at(self, first + i);
    at.row += phase->row;
    at.column += phase->column;
    read_pixels(self, view, data, at, self->n, pixel);
    self->transforms->image(self->n, pixel, view->channels, transformed + i * view->channels, self->image_plane);
  }
}

static void transform_results(const struct winograd *self, const struct view *view, const float *transformed,
                              int64_t first, int64_t count, const float *bias, float slope, float *data) {
  int64_t offset[TILE * TILE];
  float *pixel[TILE * TILE];
  for (int64_t i = 0; i < count; i++) {
    const struct at at = tile_at(self, first + i);
    find_pixels(view, at.image, at.row, at.column, TILE, offset);
    for (int j = 0; j < TILE * TILE; j++) pixel[j] = offset[j] < 0 ? self->nowhere : data + offset[j];
    self->transforms->results(self->n, transformed + i * view->channels, self->result_plane, view->channels, bias,
                              slope, pixel);
  }
}

static void transform_gradients(const struct winograd *self, const float *data, int64_t first, int64_t count,
                                float *transformed) {
  const float *pixel[WINOGRAD_PIXELS_MAX];
  for (int64_t i = 0; i < count; i++) {
    read_pixels(self, &self->small, data, tile_at(self, first + i), TILE, pixel);
    self->transforms->results_adjoint(self->n, pixel, self->columns, transformed + i * self->columns,
                                      self->result_plane);
  }
}

/* ---- Directions ---- */

static void multiply_weights(const struct winograd *self, int phase, int64_t count, bool add, const float *image,
                             float *result) {
  const int points = self->n * self->n;
  struct kernel_product_size size = kernel_product_dense(count, self->columns, self->terms);
  size.add = add;
  size.ahead = weights_count(self);
  const float *weights = self->weights + phase * points * weights_count(self);
  for (int i = 0; i < points; i++)
    self->product(&size, image + i * self->image_plane, weights + i * weights_count(self),
                  result + i * self->result_plane);
}

/* Forward: the results are the sum over phases, which the products make. */
static void run_gathered(const struct winograd *self, const float *x, const float *bias, float slope, float *y,
                         float *image, float *result) {
  for (int64_t first = 0; first < self->tiles; first += self->block) {
    const int64_t count = self->tiles - first < self->block ? self->tiles - first : self->block;
    for (int i = 0; i < self->phases; i++) {
      transform_images(self, &self->phase[i].view, &self->phase[i], x, first, count, image);
      multiply_weights(self, i, count, i > 0, image, result);
    }
    transform_results(self, &self->small, result, first, count, bias, slope, y);
  }
}

/* The input gradient: each phase makes its own pixels of dx. */
static void run_spread(const struct winograd *self, const float *dy, float *dx, float *image, float *result) {
  for (int i = 0; i < self->phases; i++)
    for (int64_t first = 0; first < self->tiles; first += self->block) {
      const int64_t count = self->tiles - first < self->block ? self->tiles - first : self->block;
      transform_images(self, &self->small, &self->phase[i], dy, first, count, image);
      multiply_weights(self, i, count, false, image, result);
      transform_results(self, &self->phase[i].view, result, first, count, NULL, 1, dx);
    }
}

static void multiply_gradients(const struct winograd *self, int64_t count, bool add, const float *image,
                               const float *result, float *weights) {
  struct kernel_product_size size = kernel_product_turned(self->terms, self->columns, count);
  size.add = add;
  for (int i = 0; i < self->n * self->n; i++)
    self->product(&size, image + i * self->image_plane, result + i * self->result_plane,
                  weights + i * weights_count(self));
}

static void run_weight_gradient(const struct winograd *self, const float *x, const float *dy, float *dw, float *image,
                                float *result) {
  float *weights = result + self->n * self->n * self->result_plane;
  for (int i = 0; i < self->phases; i++) {
    for (int64_t first = 0; first < self->tiles; first += self->block) {
      const int64_t count = self->tiles - first < self->block ? self->tiles - first : self->block;
      transform_images(self, &self->phase[i].view, &self->phase[i], x, first, count, image);
      transform_gradients(self, dy, first, count, result);
      multiply_gradients(self, count, first > 0, image, result, weights);
    }
    float *tap[9];
    for (int at = 0; at < self->taps * self->taps; at++)
      tap[at] = dw + self->phase[i].tap[at / self->taps][at % self->taps] * weights_count(self);
    self->transforms->weights_adjoint(self->n, weights, weights_count(self), weights_count(self), tap);
  }
}

static enum status run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch) {
  const struct winograd *self = kernel->self;
  float *image = scratch, *result = image + self->n * self->n * self->image_plane;
  switch (kernel->geometry.op) {
  case OP_conv:
    run_gathered(self, in[0], bias, (float)kernel->tail.slope, out, image, result);
    break;
  case OP_conv_input_gradient:
    run_spread(self, in[0], out, image, result);
    break;
  default:
    run_weight_gradient(self, in[0], in[1], out, image, result);
  }
  return STATUS_OK;
}

const struct conv_method conv_winograd = {.name = "winograd",
                                          .can = can,
                                          .cost = cost,
                                          .create = create,
                                          .destroy = destroy,
                                          .load_weights = load_weights,
                                          .run = run};
