/* A model as the trainer sees it. Every kind of model is a constant table of what it is called, what it needs, what it
 * reports, and functions; an open learner is one model of a kind, with its parameters and its state.
 *
 * The trainer owns the data, the sums over ranks, the optimizer, the clock and the files. It cuts a batch into lanes
 * and takes each lane of a rank through the stages of the learner, in their order; after a stage that completes the
 * gradient of a part of the parameters, that part's sum over ranks begins to travel while the next stage computes. What
 * a lane computes may depend on nothing but the configuration, the data, the number of the step and the lane's place in
 * the batch: then training gives the same bits on any number of ranks.
 *
 * A new kind: a line in MODEL_LIST (config/training.h) with its rows of the schema, a file with its table, and a line
 * in learner.c. All functions are Not collective, but where it is said.
 *
 * Failures: STATUS_MEMORY; STATUS_CONFIG when data or sizes do not suit the configuration; where rollouts are read
 * those of source.h, STATUS_FILE above all; STATUS_NUMERIC when a kernel does not run; STATUS_MPI when Collective.
 */
#ifndef HGN_TRAIN_LEARNER_H
#define HGN_TRAIN_LEARNER_H

#include "config/config.h"
#include "model/layout.h"
#include "train/evaluation.h"
#include "train/protocol.h"
#include "train/yardstick.h"

enum {
  LEARNER_STAGES_MAX = 8,
  LEARNER_TERMS_MAX = 4,
  LEARNER_SCALARS_MAX = 4,
  LEARNER_SIZES_MAX = 8,
  LEARNER_SPEECH_MAX = 160,
  LEARNER_PART_NONE = -1
};

/* What a learner sees of a data set. */
enum learner_data { LEARNER_FRAMES, LEARNER_STATES, LEARNER_POINTS };

/* A number that is reported, recorded as /report/NAME, or in evaluations as /evaluation/SPLIT/NAME. */
struct learner_column {
  const char *name;
  const char *unit; /* NULL: dimensionless */
  const char *help;
};

struct learner_stage {
  const char *name; /* its time is reported as NAME_seconds */
  const char *help; /* what is done in it: "in the encoder" */
  int part;         /* of the parameters, whose gradient it completes; LEARNER_PART_NONE */
};

/* Called between plans, so that messages move. */
typedef void learner_poll(void *context);

/* The lanes of this rank, and what they share with the trainer. All borrowed. */
struct learner_work {
  struct lanes lanes; /* the cut of the batch */
  int64_t first_lane, lane_count;
  const int64_t *rollouts; /* [lane_count][microbatch], by lane of this rank: of the training split; chosen anew for
                              each step */
  struct source *source;   /* whose slices of these lanes are loaded */
  learner_poll *poll;
  void *context;
};

struct learner;

struct learner_kind {
  const char *name; /* model.name */
  enum learner_data data;
  const char *unit; /* what it learns of, in messages: "rollouts", "points" */
  const struct learner_stage *stage;
  int stages;
  const struct learner_column *term; /* of the loss: each lane has its part of them, and they are added */
  int terms;
  const struct learner_column *scalar; /* what the objective carries from step to step; part of checkpoints */
  int scalars;
  const struct learner_column *score; /* of an evaluation; NaN: unknown */
  int scores;
  int chosen_by;                  /* the score by which models are compared: smaller is better */
  uint32_t limited;               /* bit i: score i is held against the information limit, which may not be there yet */
  struct learner_column by_frame; /* of an evaluation, one number a frame; without name: none */
  const char *const *size;        /* names of learner.size */
  int sizes;

  /* Sizes, protocol and time step, from the data; a time step that is known already stays where they have none.
   * STATUS_CONFIG when they do not suit the configuration. Also called on a copy of an open learner: without self. */
  enum status (*fit)(struct learner *learner, const struct dataset *data);
  /* Everything that depends on configuration and sizes alone: layout, ratio, scalars, self. */
  enum status (*open)(struct learner *learner);
  /* Fills the parameters: a function of (seed, tensor) and of the frames' color alone. */
  void (*initialize)(struct learner *learner);
  /* Plans and memory for training. The last lane of a batch may be smaller: lanes_size(first_lane + lane).
   * work: borrowed as long as the learner is open. */
  enum status (*prepare)(struct learner *learner, const struct learner_work *work);
  /* What a step asks of all lanes: step 0, 1, ... What follows the step (a curriculum, schedules of the objective) is
   * the learner's. */
  void (*begin)(struct learner *learner, int64_t step);
  /* One stage of lane `lane` of this rank, 0 <= lane < lane_count. Adds the gradient of its part to the block, which is
   * zero there; term[terms]: the lane's, 0 when a step begins, set in one of the stages. Both are scaled so that all
   * lanes add up to the batch's: by 1 / lanes.batch for a mean over rollouts. */
  enum status (*run)(struct learner *learner, int stage, int64_t lane, float *gradient, double *term);
  /* What is minimised, of the terms of a batch. */
  double (*loss)(const struct learner *learner, const double *term);
  /* After an optimizer step: the scalars go on. */
  void (*update)(struct learner *learner, const double *term);
  /* The parameters have other values now. */
  void (*changed)(struct learner *learner);
  /* Collective. The same bits on any number of ranks. May come without prepare(), and with an empty set on this rank.
   * Says in evaluation->broken what is not finite, alike on all ranks. evaluation: freed with evaluation_free(). */
  enum status (*evaluate)(struct learner *learner, const struct comm *comm, struct source *source,
                          const struct evaluation_set *set, const struct yardstick *yardstick,
                          struct evaluation *evaluation);
  /* Collective. Sets those scores that are of what the model draws, from so many samples beside rollouts of a split;
   * they are NaN after evaluate(). NULL: the kind has none. */
  enum status (*judge)(struct learner *learner, const struct comm *comm, struct source *source, enum split split,
                       int64_t samples, struct evaluation *evaluation);
  /* What people want to know of an evaluation, in a few words: "MSE (1.2 +- .1)e-4  R2 .98". */
  void (*speak)(const struct evaluation *evaluation, char text[LEARNER_SPEECH_MAX]);
  /* Accepts one whose open() has failed. */
  void (*close)(struct learner *learner);
};

struct learner {
  const struct learner_kind *kind;
  const struct training *training; /* borrowed */
  uint64_t seed;
  int64_t size[LEARNER_SIZES_MAX];    /* what of the data decides the model; part of checkpoints */
  double dt, interval;                /* s between frames: in the latent space; in the data, NaN: not known */
  struct protocol protocol;           /* of the data at hand; all 0: none yet, or the data have no frames */
  double kappa;                       /* the error that the objective aims at; NaN: none */
  double color[DATASET_CHANNELS_MAX]; /* mean of the training frames, that a model may begin with; NaN: not known */
  const struct layout *layout;        /* of the parameters; owned by self */
  float *parameters;                  /* the block */
  double ratio[LAYOUT_NETWORKS_MAX];  /* of the learning rate, by network */
  double scalar[LEARNER_SCALARS_MAX];
  void *self; /* the kind's own */
};

/* The kind of that name in the configuration; NULL for one that does not learn (synthetic). */
const struct learner_kind *learner_find(enum model_kind name);
/* STATUS_CONFIG when the experiment has a model that does not learn. */
enum status learner_require(const struct experiment *experiment);

/* STATUS_CONFIG when the data have not got what the kind learns of. */
enum status learner_check_data(const struct learner_kind *kind, const struct dataset *data);

/* experiment: borrowed. kind: NULL for that of the configuration. The first is fitted to data; the second has the sizes
 * and time steps of a checkpoint. Both have parameters, which are zero. On failure it is closed. */
enum status learner_open(const struct learner_kind *kind, const struct experiment *experiment,
                         const struct dataset *data, struct learner *learner);
enum status learner_open_sized(const struct learner_kind *kind, const struct experiment *experiment,
                               const int64_t *size, double dt, double interval, struct learner *learner);
void learner_close(struct learner *learner);

/* Collective. What the kind's evaluate() says, with evaluation_settle(). */
enum status learner_evaluate(struct learner *learner, const struct comm *comm, struct source *source,
                             const struct evaluation_set *set, const struct yardstick *yardstick,
                             struct evaluation *evaluation);

/* Collective. Measures it on the first `rollouts` of a split, which are loaded; evaluation: freed with
 * evaluation_free(). */
enum status learner_evaluate_first(struct learner *learner, const struct comm *comm, struct source *source,
                                   enum split split, int64_t rollouts, const struct yardstick *yardstick,
                                   struct evaluation *evaluation);

/* Collective. What the kind's judge() says, with evaluation_settle(). Nothing where `samples` is 0, the kind has no
 * such scores, or the evaluation is broken. */
enum status learner_judge(struct learner *learner, const struct comm *comm, struct source *source, enum split split,
                          int64_t samples, struct evaluation *evaluation);

#endif
