/* Private to the files conv*.c and linear.c. */
#ifndef HGN_GRAPH_CONV_PRIVATE_H
#define HGN_GRAPH_CONV_PRIVATE_H

#include "graph/linear.h"

/* One convolution, whichever direction: x [n][h][w][ci], weights [kh][kw][ci][co], y [n][oh][ow][co]. */
struct conv_geometry {
  enum graph_op op;
  enum graph_type type;
  int64_t n, h, w, ci, kh, kw, co, oh, ow, stride, top, bottom, left, right;
};

struct conv_onednn;
struct conv_narrow;

struct conv_kernel {
  struct conv_geometry geometry;
  struct conv_tail tail;
  bool empty;          /* no term at all: the result is zeros (and the tail of zeros) */
  const void *weights; /* im2col: where conv_load_weights() found them */
  int64_t images;      /* im2col: images laid out at once */
  int64_t scratch;
  struct conv_onednn *onednn;
  struct conv_narrow *narrow; /* neither: im2col */
  char name[64];
};

/* linear.c: without a tail, by oneDNN or im2col. */
enum status conv_create_wide(const struct conv_geometry *geometry, struct conv_kernel **kernel);

/* conv_im2col.c */
void im2col_create(struct conv_kernel *kernel);
void im2col_run(const struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch);

/* conv_onednn.c. STATUS_UNAVAILABLE where oneDNN was not compiled in, or has no primitive. */
enum status onednn_create(struct conv_kernel *kernel);
void onednn_destroy(struct conv_kernel *kernel);
enum status onednn_load_weights(struct conv_kernel *kernel, const void *weights);
enum status onednn_run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch);

/* Without the reordering of weights. */
enum status onednn_run_primitive(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out,
                                 void *scratch);

/* conv_narrow.c */
bool narrow_pays(const struct conv_geometry *geometry);
enum status narrow_create(struct conv_kernel *kernel);
void narrow_destroy(struct conv_kernel *kernel);
enum status narrow_load_weights(struct conv_kernel *kernel, const void *weights);
enum status narrow_run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch);

/* The results `first` .. `end` - 1 along an axis whose pixel, index * stride + shift, is within the image. */
void conv_range(int64_t outputs, int64_t size, int64_t stride, int64_t shift, int64_t *first, int64_t *end);

/* Adds the bias to `pixels` rows of `channels`, then leaky relu. */
void conv_apply_tail(const struct conv_kernel *kernel, const void *bias, int64_t pixels, void *y);

#endif
