/* Private to src/graph: what a method of computing convolutions is. One is a file conv_NAME.c, which defines `const
 * struct conv_method conv_NAME`, and a line in CONV_METHOD_LIST; README.md has the recipe.
 */
#ifndef HGN_GRAPH_CONV_METHOD_H
#define HGN_GRAPH_CONV_METHOD_H

#include "graph/conv.h"

/* X(NAME). Where costs are equal the first is taken. The last can compute everything. */
#define CONV_METHOD_LIST(X)                                                                                            \
  X(narrow)                                                                                                            \
  X(winograd)                                                                                                          \
  X(onednn)                                                                                                            \
  X(im2col)

/* One convolution, whichever direction: x [n][h][w][ci], weights [kh][kw][ci][co], y [n][oh][ow][co]. */
struct conv_geometry {
  enum graph_op op;
  enum graph_type type;
  int64_t n, h, w, ci, kh, kw, co, oh, ow, stride, top, bottom, left, right;
};

/* What conv.c gives a method, and the method fills. */
struct conv_kernel {
  struct conv_geometry geometry;
  struct conv_tail tail;
  const struct conv_method *method;
  void *self;          /* the method's own */
  int64_t scratch;     /* bytes that run() needs; the method's to set, 0 before */
  char name[64];       /* the method's name, unless it sets a better one */
  bool empty;          /* no term at all: zeros (and the tail of zeros), without the method */
  const void *weights; /* where conv_load_weights() found them */
};

/* Functions from create() on that are NULL have nothing to do.
 * An empty convolution is seen by none of them, but by im2col's create(). */
struct conv_method {
  const char *name;
  bool peer; /* another library's, whose bits depend on the processor: taken only where it is asked for by name */

  /* Whether it computes this: a matter of what is there, not of speed. create() may still find that it cannot. */
  bool (*can)(const struct conv_geometry *geometry, const struct conv_tail *tail);

  /* About how long it takes, where im2col takes 1: by rules that were measured once and stand beside it, so a function
   * of the shape and of cpu_level_get() alone. Of those that can, the method of least cost is taken. */
  double (*cost)(const struct conv_geometry *geometry);

  /* kernel->self, scratch and name. STATUS_UNAVAILABLE: it cannot after all, and the next best is taken. After an error
   * destroy() is called too, with self as create() left it. */
  enum status (*create)(struct conv_kernel *kernel);
  void (*destroy)(struct conv_kernel *kernel);

  /* Prepares weights, of conv and the input gradient: before each run() that finds others than the one before. */
  enum status (*load_weights)(struct conv_kernel *kernel, const void *weights);

  /* in[0] and in[1] as the node's inputs, in[1] never NULL; where there is load_weights(), that has been called for
   * in[1]. bias: NULL without one. The tail, too, is the method's to compute: see conv_apply_tail(). */
  enum status (*run)(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch);

  /* conv_run_primitive() */
  enum status (*run_primitive)(struct conv_kernel *kernel, const void *const *in, void *out, void *scratch);
};

#define CONV_METHOD_DECLARE(name) extern const struct conv_method conv_##name;
CONV_METHOD_LIST(CONV_METHOD_DECLARE)
#undef CONV_METHOD_DECLARE

/* The results `first` .. `end` - 1 along an axis whose pixel, index * stride + shift, is within the image. */
void conv_range(int64_t outputs, int64_t size, int64_t stride, int64_t shift, int64_t *first, int64_t *end);

/* Of stride 1, a convolution's input gradient is the convolution of dy with mirrored weights, and its weight gradient,
 * mirrored, that of the convolution from dy to x: the geometry of that one, with g's direction but for the input
 * gradient of which it is the forward. False where there is none: stride, or padding as wide as the kernel. */
bool conv_turn(const struct conv_geometry *g, struct conv_geometry *turned);
/* Weights of g as graph_mirror() makes them, [kh][kw][co][ci]; g turned: back. */
void conv_mirror(const struct conv_geometry *g, const void *weights, void *to);

/* Adds the bias to `pixels` rows of `channels`, then leaky relu. */
void conv_apply_tail(const struct conv_kernel *kernel, const void *bias, int64_t pixels, void *y);

#endif
