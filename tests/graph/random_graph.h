/* Random smooth graphs over images [2][4][4][c], for tests: the same graph for the same seed. */
#ifndef HGN_TESTS_GRAPH_RANDOM_GRAPH_H
#define HGN_TESTS_GRAPH_RANDOM_GRAPH_H

#include "harness.h"

enum { RANDOM_VALUES = 64, RANDOM_OPS = 20 };

static inline struct value random_pick(struct rng *rng, const struct value *pool, int count) {
  return pool[rng_below(rng, (uint64_t)count)];
}

static inline int64_t channels_of(struct value x) { return value_shape(x).dim[3]; }

/* A value of the same height, width and batch with the same number of channels as x: y cut or filled up. */
static inline struct value fit_channels(struct value y, struct value x) {
  int64_t have = channels_of(y), want = channels_of(x);
  if (have > want) return graph_slice(y, 3, have - want, want);
  return have < want ? graph_pad(y, 3, 0, want) : y;
}

/* One more value of the pool, all [2][4][4][c]; every op keeps values of order 1. */
static inline struct value random_op(struct rng *rng, struct value x, struct value y, struct value weights) {
  static const struct conv_options same = {.stride = 1, .top = 1, .bottom = 1, .left = 1, .right = 1};
  static const struct conv_options half = {.stride = 2, .top = 1, .bottom = 0, .left = 0, .right = 1};
  const int64_t flat[] = {32, channels_of(x)}, image[] = {2, 4, 4, channels_of(x)};
  struct value z;
  switch (rng_below(rng, RANDOM_OPS)) {
  case 0:
    return graph_add(x, fit_channels(y, x));
  case 1:
    return graph_subtract(graph_scale(x, 0.7), fit_channels(y, x));
  case 2:
    return graph_tanh(graph_multiply(x, fit_channels(y, x)));
  case 3:
    return graph_divide(x, graph_offset(graph_tanh(fit_channels(y, x)), 2.5));
  case 4:
    return graph_sin(graph_scale(x, 1.3));
  case 5:
    return graph_cos(x);
  case 6:
    return graph_sigmoid(x);
  case 7:
    return graph_softplus(x);
  case 8:
    return graph_swish(x);
  case 9:
    return graph_exp(graph_negate(graph_square(graph_tanh(x))));
  case 10:
    return graph_log(graph_offset(graph_square(x), 1));
  case 11:
    return graph_sqrt(graph_offset(graph_square(x), 0.5));
  case 12: { /* per channel, and back */
    z = graph_mean(x, 7, false);
    return graph_add(x, z);
  }
  case 13: /* per image */
    return graph_multiply(x, graph_tanh(graph_mean(x, 14, true)));
  case 14: {
    const struct value both[] = {x, y};
    return graph_tanh(graph_concatenate(both, 2, 3));
  }
  case 15: /* a convolution down to half the size, and up again */
    x = channels_of(x) >= 3 ? graph_slice(x, 3, 0, 3) : graph_pad(x, 3, 0, 3);
    z = graph_conv(x, weights, half);
    return graph_tanh(graph_upsample2(graph_scale(z, 0.3)));
  case 16:
    z = graph_slice(weights, 3, 0, 3); /* [3][3][3][3] */
    x = channels_of(x) >= 3 ? graph_slice(x, 3, 0, 3) : graph_pad(x, 3, 0, 3);
    return graph_leaky_relu(graph_offset(graph_tanh(graph_scale(graph_conv(x, z, same), 0.3)), 2), 0.1);
  case 17: {
    struct value m = graph_reshape(x, 2, flat);
    z = graph_matmul(m, graph_matmul(m, m, true, false), false, false); /* x (x' x) */
    return graph_reshape(graph_tanh(graph_scale(z, 0.02)), 4, image);
  }
  case 18:
    x = graph_scale(graph_upsample2_adjoint(x), 0.25);
    return channels_of(x) == 3 ? graph_tanh(graph_scale(graph_upsample2_conv(x, graph_slice(weights, 3, 0, 3)), 0.3))
                               : graph_upsample2(x);
  default:
    return graph_subtract(x, graph_logsumexp(x, 8, true));
  }
}

/* A scalar of two images and a kernel, all of them inputs of the harness (the first three). */
static inline struct value random_graph(struct harness *harness, uint64_t seed, int ops) {
  struct rng rng = rng_stream(seed, RNG_TEST, 500, 0);
  struct value pool[RANDOM_VALUES], weights;
  int count = 2;
  pool[0] = harness_input(harness, seed, 1, 0, 4, (const int64_t[]){2, 4, 4, 3});
  pool[1] = harness_input(harness, seed, 1, 0, 4, (const int64_t[]){2, 4, 4, 2});
  weights = harness_input(harness, seed, 0.4, 0, 4, (const int64_t[]){3, 3, 3, 4});
  while (count < 2 + ops) {
    struct value x = random_pick(&rng, pool, count), y = random_pick(&rng, pool, count);
    struct value z = random_op(&rng, x, y, weights);
    if (channels_of(z) > 5) z = graph_slice(z, 3, 1, 4);
    pool[count++] = z;
  }
  struct value sum = harness_scalar(harness, pool[count - 1], seed);
  for (int i = 2; i < count - 1; i += 2) sum = graph_add(sum, graph_mean(graph_tanh(pool[i]), GRAPH_ALL_AXES, false));
  return sum;
}

#endif
