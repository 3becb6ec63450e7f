/* The Hamiltonian Generative Network (Toth et al., ICLR 2020): encoder -> z -> f_psi -> (q, p) -> steps of a learned
 * Hamiltonian -> decoder of q -> frame. A model is the layout of its parameters; what it computes is in pass.h.
 *
 * Its parameters are one flat block in three parts, each the parameter block of one graph: what infers (encoder and
 * transformer), what moves (the Hamiltonian), what draws (the decoder). A part's gradient is complete at once, and is
 * reduced at once.
 *
 * All functions: Not collective.
 */
#ifndef HGN_MODEL_MODEL_H
#define HGN_MODEL_MODEL_H

#include "config/training.h"
#include "graph/graph.h"

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

struct model_tensor {
  const char *name; /* "encoder.0.weight"; borrowed from the model */
  enum model_part part;
  enum model_network network;
  struct shape shape;
  int64_t offset, count; /* elements, in the block */
};

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
  struct model_map latent;          /* of z; 0 channels of noise when it is not sampled */
  struct model_map state;           /* of q, and of p */
  struct graph *graph[MODEL_PARTS]; /* at batch 1: names and shapes; owned */
  struct model_tensor *tensors;     /* in the order of the block; owned */
  int tensor_count;
  int64_t part[MODEL_PARTS + 1]; /* elements: where each part starts; the last: the size of the block */
};

/* settings.integrator.dt must have been resolved. STATUS_CONFIG names the section whose sizes do not fit together. */
enum status model_create(const struct model_settings *settings, const struct model_images *images, int64_t input_frames,
                         enum graph_type type, struct model **model);
void model_destroy(struct model **model);

/* Memory for the parameters of an f32 model, aligned as plans need it; the caller frees. */
enum status model_block(const struct model *model, float **block);

int64_t model_latents(const struct model *model);      /* numbers of noise that a rollout takes; 0: not sampled */
int64_t model_state_values(const struct model *model); /* of q */
int64_t model_image_values(const struct model *model);
int64_t model_parameters(const struct model *model); /* that are trained */
int64_t model_network_parameters(const struct model *model, enum model_network network);

/* Fills the block, of the model's type: a function of (seed, tensor) alone. Gaps between tensors become 0. */
void model_initialize(const struct model *model, uint64_t seed, void *block);

/* The first tensor of an f32 block that is not finite; -1: none. */
int model_broken_tensor(const struct model *model, const float *block);

#endif
