/* Convolutions to fewer than 8 channels, as the last layer of a decoder is: channels-last kernels for them are slow
 * (64 -> 3 at 32 x 32, batch 16, measured: 6.4 ms by oneDNN, 5.6 by im2col), and of those for 8 channels two thirds may
 * be wasted with profit. The weights are filled up with zeros, the result is taken out of a wider one in scratch
 * memory.
 */
#include "graph/conv_private.h"

#include <stdlib.h>
#include <string.h>

enum { WIDE = 8 };

struct conv_wide {
  struct conv_kernel inner;
  float *weights, bias[WIDE]; /* weights [kh][kw][ci][WIDE] */
  int64_t result;             /* bytes of the wide result, before the inner kernel's scratch */
};

bool widen_pays(const struct conv_geometry *g) {
  return g->op == OP_conv && g->type == GRAPH_F32 && g->co < WIDE && g->ci >= WIDE && g->oh * g->ow > 4;
}

enum status widen_create(struct conv_kernel *kernel) {
  const struct conv_geometry *g = &kernel->geometry;
  kernel->wide = calloc(1, sizeof *kernel->wide);
  REQUIRE(kernel->wide, STATUS_MEMORY, "out of memory for a convolution");
  struct conv_wide *wide = kernel->wide;
  wide->inner.geometry = *g;
  wide->inner.geometry.co = WIDE;
  wide->inner.tail = kernel->tail;
  wide->weights = calloc((size_t)(g->kh * g->kw * g->ci * WIDE), sizeof *wide->weights);
  enum status status =
      wide->weights ? onednn_create(&wide->inner) : status_raise(STATUS_MEMORY, "out of memory for weights");
  if (status != STATUS_OK) {
    widen_destroy(kernel);
    return status;
  }
  wide->result = (g->n * g->oh * g->ow * WIDE * (int64_t)sizeof(float) + 63) / 64 * 64;
  kernel->scratch = wide->result + wide->inner.scratch;
  memcpy(kernel->name, wide->inner.name, sizeof kernel->name);
  return STATUS_OK;
}

void widen_destroy(struct conv_kernel *kernel) {
  if (!kernel->wide) return;
  onednn_destroy(&kernel->wide->inner);
  free(kernel->wide->weights);
  free(kernel->wide);
  kernel->wide = NULL;
}

enum status widen_load_weights(struct conv_kernel *kernel, const void *weights) {
  const struct conv_geometry *g = &kernel->geometry;
  struct conv_wide *wide = kernel->wide;
  const float *from = weights;
  for (int64_t i = 0; i < g->kh * g->kw * g->ci; i++)
    for (int64_t o = 0; o < g->co; o++) wide->weights[i * WIDE + o] = from[i * g->co + o];
  return onednn_load_weights(&wide->inner, wide->weights);
}

enum status widen_run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch) {
  const struct conv_geometry *g = &kernel->geometry;
  struct conv_wide *wide = kernel->wide;
  const void *inputs[OP_INPUTS_MAX] = {in[0], NULL};
  const float *from = scratch;
  float *y = out;
  if (in[1]) TRY(widen_load_weights(kernel, in[1]));
  if (bias) memcpy(wide->bias, bias, (size_t)g->co * sizeof *wide->bias);
  TRY(onednn_run(&wide->inner, inputs, bias ? wide->bias : NULL, scratch, (unsigned char *)scratch + wide->result));
  for (int64_t i = 0; i < g->n * g->oh * g->ow; i++)
    for (int64_t o = 0; o < g->co; o++) y[i * g->co + o] = from[i * WIDE + o];
  return STATUS_OK;
}
