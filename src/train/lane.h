/* The gradient of one lane's share of a batch, in stages, so that the gradient of one part of the model can be reduced
 * while the next is computed: lane_encode, lane_unroll, lane_draw (the decoder's gradient is then complete),
 * lane_unroll_back (the Hamiltonian's), lane_encode_back (the encoder's). What is computed does not depend on who else
 * computes.
 *
 * Not collective. Memory is flat in the length of a rollout but for its q, some kB a frame: of (q, p) a square root is
 * kept, unless all are small, and the rest unrolled again on the way back, to the same bits.
 */
#ifndef HGN_TRAIN_LANE_H
#define HGN_TRAIN_LANE_H

#include "model/pass.h"
#include "train/protocol.h"
#include "train/source.h"

/* What a step asks of all lanes. */
struct lane_task {
  struct protocol protocol;
  uint64_t seed;
  int64_t step;
  int64_t frames_per_rollout;     /* decoded; 0: all */
  double dt;                      /* s between frames in the latent space */
  double error_weight, kl_weight; /* of the mean error and of the normalised KL in the loss */
  int64_t batch;                  /* rollouts of all lanes */
};

struct lane_loss {
  double error; /* its part of the mean squared error of a value */
  double kl;    /* its part of the mean KL of a rollout, divided by the number of predicted values */
};

/* Buffers of one size of lanes; several lanes share what is not carried from stage to stage. */
struct lane_shared {
  const struct model *model;
  struct pass *pass;
  struct source *source;
  int64_t size, chunk;
  float *image;         /* observed frames: as many as the encoder sees */
  void *frames, *noise; /* inputs of the encoder */
  void *q, *target;     /* of a chunk */
  void *adjoint;        /* of a chunk's q */
  void *adjoint_q, *adjoint_p;
  void *branch_q, *branch_p;
  double *weight, *error; /* [chunk] */
  int64_t span;           /* frames from one kept state to the next */
  void *span_q, *span_p;  /* [span][size][state] */
  unsigned char *drawn;   /* [frames][size]: 1 where q has become its adjoint */
  int64_t *place;         /* [chunk]: target * size + rollout of each image */
  int64_t *pick;          /* frames chosen of a rollout */
};

enum { LANE_KEPT_BYTES = 2 << 20 };

/* chunk images are decoded at once. All states of a lane are kept if they take kept_bytes (LANE_KEPT_BYTES) at most,
 * were there as many on both sides of the anchor. Everything is borrowed. */
enum status lane_share(const struct model *model, struct pass *pass, struct source *source, int64_t size, int64_t chunk,
                       int64_t frames, int64_t kept_bytes, struct lane_shared **shared);
void lane_unshare(struct lane_shared **shared);

struct lane {
  struct lane_shared *shared; /* borrowed */
  int64_t first;              /* its first rollout's place in the batch */
  int64_t frames;             /* capacity */
  const int64_t *rollouts;    /* [size]: of the training split; borrowed, set before lane_encode() */
  void *q;                    /* [frames][size][state]: target by target; after lane_draw() the decoder's adjoint */
  void *kept_q, *kept_p;      /* every span of frames from the anchor, both ways */
  void *p;                    /* [size][state]: at the anchor; after lane_unroll_back() its adjoint */
  double *kl;                 /* [size] */
};

enum status lane_create(struct lane_shared *shared, int64_t first, int64_t frames, struct lane *lane);
void lane_close(struct lane *lane);

/* Frames of a rollout that are decoded in one step; frames_per_rollout 0: all targets. */
int64_t lane_frames(int64_t frames_per_rollout, int64_t targets);

/* Called between plans, so that messages move. May be NULL. */
typedef void lane_poll(void *context);

enum status lane_encode(struct lane *lane, const struct lane_task *task);
enum status lane_unroll(struct lane *lane, const struct lane_task *task);
enum status lane_draw(struct lane *lane, const struct lane_task *task, struct lane_loss *loss, void *gradient,
                      lane_poll *poll, void *context);
enum status lane_unroll_back(struct lane *lane, const struct lane_task *task, void *gradient, lane_poll *poll,
                             void *context);
enum status lane_encode_back(struct lane *lane, const struct lane_task *task, void *gradient);

#endif
