/* The Hamiltonian Generative Network (Toth et al., ICLR 2020): encoder -> z -> f_psi -> (q, p) -> steps of a learned
 * Hamiltonian -> decoder of q -> frame. A model is the layout of its parameters; what it computes is in pass.h.
 *
 * Its parameters are one block (layout.h) in three parts: what infers (encoder and transformer), what moves (the
 * Hamiltonian), what draws (the decoder).
 *
 * All functions: Not collective.
 */
#ifndef HGN_MODEL_MODEL_H
#define HGN_MODEL_MODEL_H

#include "config/training.h"
#include "graph/graph.h"
#include "model/layout.h"

enum model_part { MODEL_INFERENCE, MODEL_DYNAMICS, MODEL_DECODER, MODEL_PARTS };

#define MODEL_NETWORK_LIST(X)                                                                                          \
  X(ENCODER, "encoder")                                                                                                \
  X(TRANSFORMER, "transformer")                                                                                        \
  X(HAMILTONIAN, "hamiltonian") /* V and K, or the joint H */                                                          \
  X(DECODER, "decoder")
enum model_network {
#define MODEL_NETWORK_ENUM(name, text) MODEL_NETWORK_##name,
  MODEL_NETWORK_LIST(MODEL_NETWORK_ENUM)
#undef MODEL_NETWORK_ENUM
      MODEL_NETWORKS
};
const char *model_network_name(enum model_network network);

struct model_images {
  int64_t height, width, channels;
};

/* Height, width, channels of a map. */
struct model_map {
  int64_t height, width, channels;
};

struct model {
  struct model_settings settings;
  enum graph_type type;
  struct model_images images;
  int64_t input_frames;
  struct model_map code;            /* of z, what the encoder gives to the transformer, sampled or not */
  struct model_map latent;          /* of z where it is sampled; zeros where it is not */
  struct model_map state;           /* of q, and of p */
  struct graph *graph[MODEL_PARTS]; /* at batch 1: names and shapes; owned */
  struct layout layout;             /* parts: enum model_part; networks: enum model_network */
};

/* settings.integrator.dt must have been resolved. STATUS_CONFIG names the section whose sizes do not fit together;
 * STATUS_MEMORY. */
enum status model_create(const struct model_settings *settings, const struct model_images *images, int64_t input_frames,
                         enum graph_type type, struct model **model);
void model_destroy(struct model **model);

int64_t model_latents(const struct model *model);      /* numbers of noise that a rollout takes; 0: not sampled */
int64_t model_code_values(const struct model *model);  /* of z, sampled or not */
int64_t model_state_values(const struct model *model); /* of q */
int64_t model_image_values(const struct model *model);

/* Fills the block, of the model's type: a function of (seed, tensor) alone. Gaps between tensors become 0. */
void model_initialize(const struct model *model, uint64_t seed, void *block);

/* The bias of the decoder's last convolution becomes that of pictures of one colour[channels], in (0, 1) or so near its
 * ends as one of 512 grey levels. Of a block of f32. */
void model_color(const struct model *model, const double *color, float *block);

#endif
