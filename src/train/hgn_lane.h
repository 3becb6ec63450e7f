/* The gradient of one lane's share of a batch, in stages, so that the gradient of one part of the model can be reduced
 * while the next is computed: encode, unroll, draw (the decoder's gradient is then complete), unroll back (the
 * Hamiltonian's), encode back (the encoder's). What is computed does not depend on who else computes.
 *
 * One state's way: hgn_lane_encode() infers (q, p) at the anchor from the frames that are seen; hgn_lane_unroll() steps
 * from there to all targets and keeps every q; hgn_lane_draw() decodes them, chunk by chunk, forward and backward at
 * once, and leaves dL/dq in the place of q; hgn_lane_unroll_back() carries (dL/dq, dL/dp) from the far ends back to the
 * anchor; hgn_lane_encode_back() from there into the encoder.
 *
 * Not collective. Memory is flat in the length of a rollout but for its q, some kB a frame: of (q, p) a square root is
 * kept, unless all are small, and the rest unrolled again on the way back, to the same bits.
 *
 * Failures: STATUS_MEMORY, and in the stages those of source_frames() and of pass.h.
 */
#ifndef HGN_TRAIN_HGN_LANE_H
#define HGN_TRAIN_HGN_LANE_H

#include "base/arena.h"
#include "model/pass.h"
#include "train/learner.h"
#include "train/protocol.h"
#include "train/source.h"

/* What a step asks of all lanes. */
struct hgn_task {
  struct protocol protocol;
  uint64_t seed;
  int64_t step;
  int64_t frames_per_rollout;     /* decoded; 0: all */
  double dt;                      /* s between frames in the latent space */
  double error_weight, kl_weight; /* of the mean error and of the normalised KL in the loss */
  double free_kl;                 /* nat of a rollout that are not charged */
  int64_t batch;                  /* rollouts of all lanes */
};

struct hgn_loss {
  double error;   /* its part of the mean squared error of a value */
  double kl;      /* its part of the mean KL of a rollout, divided by the number of predicted values */
  double charged; /* the same of max(KL, free_kl) */
};

/* What lanes of one size share: plans, and all that is not carried from stage to stage. */
struct hgn_shared {
  const struct model *model;
  struct pass *pass;
  struct source *source;
  int64_t size, chunk;
  struct arena arena;           /* of all arrays */
  float *image;                 /* observed frames: as many as the encoder sees */
  void *frames, *noise;         /* inputs of the encoder */
  const struct hgn_lane *holds; /* the lane whose inputs these are; NULL: nobody's */
  void *q, *target;             /* of a chunk */
  void *adjoint;                /* of a chunk's q */
  void *adjoint_q, *adjoint_p;
  void *branch_q, *branch_p;
  double *weight, *error; /* [chunk] */
  int64_t span;           /* frames from one kept state to the next */
  void *span_q, *span_p;  /* [span][size][state] */
  unsigned char *drawn;   /* [frames][size]: 1 where q has become its adjoint */
  int64_t *place;         /* [chunk]: target * size + rollout of each image */
  int64_t *pick;          /* frames chosen of a rollout */
};

enum { HGN_KEPT_BYTES = 2 << 20 };

/* chunk images are decoded at once. All states of a lane are kept if they take kept_bytes (HGN_KEPT_BYTES) at most,
 * were there as many on both sides of the anchor. Everything is borrowed. */
enum status hgn_lane_share(const struct model *model, struct pass *pass, struct source *source, int64_t size,
                           int64_t chunk, int64_t frames, int64_t kept_bytes, struct hgn_shared **shared);
void hgn_lane_unshare(struct hgn_shared **shared);

struct hgn_lane {
  struct hgn_shared *shared; /* borrowed */
  int64_t first;             /* its first rollout's place in the batch */
  int64_t frames;            /* capacity */
  struct arena arena;        /* of all arrays */
  void *path;                /* [frames][size][state], target by target: q; once it is drawn, dL/dq */
  const int64_t *rollouts;   /* [size]: of the training split; borrowed, set before hgn_lane_encode() */
  void *kept_q, *kept_p;     /* every span of frames from the anchor, both ways */
  void *p;                   /* [size][state]: at the anchor; once it is unrolled back, dL/dp */
  double *kl;                /* [size]; on the way back its weight */
};

enum status hgn_lane_create(struct hgn_shared *shared, int64_t first, int64_t frames, struct hgn_lane *lane);
void hgn_lane_close(struct hgn_lane *lane);

/* Frames of a rollout that are decoded in one step; frames_per_rollout 0: all targets. */
int64_t hgn_lane_frames(int64_t frames_per_rollout, int64_t targets);

/* poll: may be NULL. */
enum status hgn_lane_encode(struct hgn_lane *lane, const struct hgn_task *task);
enum status hgn_lane_unroll(struct hgn_lane *lane, const struct hgn_task *task);
enum status hgn_lane_draw(struct hgn_lane *lane, const struct hgn_task *task, struct hgn_loss *loss, void *gradient,
                          learner_poll *poll, void *context);
enum status hgn_lane_unroll_back(struct hgn_lane *lane, const struct hgn_task *task, void *gradient, learner_poll *poll,
                                 void *context);
enum status hgn_lane_encode_back(struct hgn_lane *lane, const struct hgn_task *task, void *gradient);

#endif
