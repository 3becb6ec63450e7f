/* Single trajectories of a trained model, for pictures, arrays and analyses: inferred from a rollout and unrolled
 * beside the truth, forward, backward, faster or slower; or drawn from the prior.
 *
 * Of Hamiltonian Generative Networks. All functions: Not collective. Failures: STATUS_MEMORY; those of source.h and
 * pass.h; those of rollout_simulate() for the truth; and what is said below.
 */
#ifndef HGN_TRAIN_PROBE_H
#define HGN_TRAIN_PROBE_H

#include "base/arena.h"
#include "model/pass.h"
#include "train/trained.h"

struct prior;

enum { PROBE_STEPS_MAX = 100000 };

struct probe {
  const struct trained *trained; /* borrowed */
  const struct model *model;
  struct pass *pass;   /* of batch 1 and chunk 1 */
  struct prior *prior; /* that probe_draw() draws from; borrowed; NULL: N(0, 1) */
  double temperature;  /* of what it draws: factor on the standard deviations of its normal numbers */
};
/* STATUS_UNAVAILABLE when the model is of another kind. */
enum status probe_open(const struct trained *trained, struct probe *probe);
void probe_close(struct probe *probe);

/* What probe_draw() draws from henceforth; N(0, 1) at temperature 1 when nothing is said. prior: of this model
 * (prior_open()); borrowed; NULL: N(0, 1). STATUS_UNAVAILABLE when it is NULL and the model does not sample. */
enum status probe_use_prior(struct probe *probe, struct prior *prior, double temperature);

/* A trajectory. Owned by `arena`: freed with probe_path_free(). */
struct probe_path {
  struct arena arena;
  int64_t frames;
  float *q, *p;       /* [frames][state] */
  double *energy;     /* [frames]: the learned H */
  float *images;      /* [frames][h][w][c]; NULL: not wanted */
  const char *broken; /* what is not finite first, of frame `broken_frame`: "the latent state", ...; NULL: nothing */
  int64_t broken_frame;
};
enum status probe_path_create(const struct probe *probe, int64_t frames, bool images, struct probe_path *path);
void probe_path_free(struct probe_path *path);

/* From the state in row 0, at steps of dt. */
enum status probe_unroll(struct probe *probe, double dt, struct probe_path *path);

/* Row 0 becomes the state at the anchor of a rollout, from the frames that the encoder sees and the mean of z, or that
 * of sample `sample` of the prior: z ~ N(0, 1), or of the learned prior, is a function of (seed, sample), whoever draws
 * it.
 * source: with that rollout loaded. */
enum status probe_infer(struct probe *probe, struct source *source, enum split split, int64_t rollout,
                        struct probe_path *path);
enum status probe_draw(struct probe *probe, uint64_t seed, int64_t sample, struct probe_path *path);

/* The variance of the posterior of that state, [2][state], q before p, where the state is what is sampled.
 * STATUS_UNAVAILABLE where it is not: nothing is, or a transformer lies between. */
enum status probe_spread(struct probe *probe, struct source *source, enum split split, int64_t rollout,
                         float *variance);

/* Which part of a rollout. */
struct probe_request {
  enum split split;
  int64_t rollout;
  int64_t steps; /* 0: to the last target that way, or as many as there are targets where none lies that way */
  bool backward;
  double speed;     /* steps are so many times as long as in training */
  bool states_only; /* nothing is decoded or rendered: of the truth its states, and no error */
};

/* A prediction beside the truth; frame 0 is the anchor. */
struct probe_rollout {
  struct probe_path path; /* with images, unless only states were asked for */
  double start, dt;       /* s in the data's time: of frame 0, from frame to frame (negative: backward) */
  struct arena arena;     /* of the next */
  float *truth;           /* [frames][h][w][c]: without observation noise, or as given; NaN where it is not known; NULL:
                             only states were asked for */
  double *states;         /* [frames][coordinates]: the true ones; NULL: the data have none */
  double *error;          /* [frames]: pixel MSE; NaN where the truth is not known, or the prediction not finite */
  int64_t known;          /* frames whose truth is known, from the first */
};
/* Where the data have states, the truth is simulated at the times asked for, beyond the data's end too; of frames made
 * elsewhere it is what they hold. Loads the rollout. Freed with probe_rollout_free(), also after a failure. */
enum status probe_rollout(struct probe *probe, struct corpus *corpus, const struct probe_request *request,
                          struct probe_rollout *rollout);
void probe_rollout_free(struct probe_rollout *rollout);

/* Of the frames whose truth is known. */
double probe_mean_error(const struct probe_rollout *rollout);

#endif
