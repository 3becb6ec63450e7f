/* Private to src/model: the three graphs of a model. Not collective. Misuse is found in graph_status(). */
#ifndef HGN_MODEL_NETWORKS_H
#define HGN_MODEL_NETWORKS_H

#include "model/model.h"

/* The layer that makes the pictures, before the logistic function; and its bias. */
#define MODEL_OUTPUT "decoder.out"
#define MODEL_OUTPUT_BIAS MODEL_OUTPUT ".bias"

/* Inputs "frames" [n][h][w][input_frames * channels] and, if sampled, "noise" [n][latent]. */
struct inference {
  struct value q, p;  /* [n][state] */
  struct value noise; /* the input; GRAPH_NONE if not sampled */
  struct value kl;    /* [n]; KL(q(z|x) || N(0, 1)); GRAPH_NONE if not sampled */
  struct value mean;  /* [n][code]: of z; z itself if not sampled */
  struct value sigma; /* [n][code]: its standard deviations; GRAPH_NONE if not sampled */
};
struct inference inference_build(const struct model *model, struct graph *graph, int64_t batch);

/* Input "z" [n][code]; q and p from it. */
struct inference generation_build(const struct model *model, struct graph *graph, int64_t batch);

/* Inputs "q", "p" [n][state], "dt" scalar. */
struct dynamics {
  struct value in_q, in_p, q, p; /* before and after a step */
  struct value energy;           /* [n], of the state before */
};
struct dynamics dynamics_build(const struct model *model, struct graph *graph, int64_t batch);

/* Inputs "q" [n][state], "target" [n][h][w][c], "weight" [n]. */
struct drawing {
  struct value in_q, image;
  struct value error;    /* [n]: sum over pixels of (image - target)^2 */
  struct value weighted; /* sum over n of weight error */
};
struct drawing decoder_build(const struct model *model, struct graph *graph, int64_t batch);

#endif
