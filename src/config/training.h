/* What describes a model and its training in struct experiment. Members are named as their keys in YAML. Data only.
 *
 * Networks are stacks of convolutions. A layer whose kernel is 0 covers the whole map: a dense layer. Lists of kernels,
 * strides and paddings have one item for each layer, or one item for all.
 */
#ifndef HGN_CONFIG_TRAINING_H
#define HGN_CONFIG_TRAINING_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_LIST(X)                                                                                                  \
  X(HGN, "hgn")             /* Hamiltonian Generative Network (Toth et al., ICLR 2020) */                              \
  X(NHF, "nhf")             /* Neural Hamiltonian Flow (the same): a density from Hamiltonian dynamics */              \
  X(RNVP, "rnvp")           /* real NVP (Dinh et al., ICLR 2017): affine couplings, NHF's baseline */                  \
  X(SYNTHETIC, "synthetic") /* no model: a function of two numbers, to rehearse sweeps with */

#define PRESET_LIST(X)                                                                                                 \
  X(NONE, "none")                                                                                                      \
  X(PAPER, "paper")           /* Toth et al. 2020, as DeepMind's later code has it */                                  \
  X(REPORT2021, "report2021") /* the reproduction's networks and integrators */                                        \
  X(HGNPP, "hgnpp")           /* HGN++: a state of 32 numbers, potentials from dense layers */                         \
  X(QUICK, "quick")           /* small, without sampling: minutes on a laptop */

#define PADDING_LIST(X)                                                                                                \
  X(SAME, "same") /* as TensorFlow: ceil(size / stride), the odd row or column after */                                \
  X(VALID, "valid")                                                                                                    \
  X(SYMMETRIC, "symmetric") /* floor(kernel / 2) on both sides, as PyTorch's models mostly have it */

#define ACTIVATION_LIST(X)                                                                                             \
  X(NONE, "none")                                                                                                      \
  X(RELU, "relu")                                                                                                      \
  X(LEAKY_RELU, "leaky_relu")                                                                                          \
  X(SOFTPLUS, "softplus")                                                                                              \
  X(SWISH, "swish")                                                                                                    \
  X(TANH, "tanh")                                                                                                      \
  X(SIGMOID, "sigmoid")

#define SCALE_LIST(X)                                                                                                  \
  X(LOG_SCALE, "log_scale")       /* sigma = exp(x) */                                                                 \
  X(LOG_VARIANCE, "log_variance") /* sigma = exp(x / 2) */

#define FLOW_LIST(X)                                                                                                   \
  X(EULER, "euler")                                                                                                    \
  X(LEAPFROG, "leapfrog")                                                                                              \
  X(YOSHIDA4, "yoshida4")                                                                                              \
  X(RK4, "rk4")                                                                                                        \
  X(IMPLICIT_MIDPOINT, "implicit_midpoint")                                                                            \
  X(LEAPFROG_UNIT_MASS, "leapfrog_unit_mass") /* the reproduction's: q moves by dt p, dH/dp is not used */             \
  X(YOSHIDA4_UNIT_MASS, "yoshida4_unit_mass") /* the same */                                                           \
  X(RK4_REPORT2021, "rk4_report2021")         /* the reproduction's: half a step in the fourth stage */

#define KINETIC_LIST(X)                                                                                                \
  X(LEARNED, "learned") /* K(p), a network like V(q) */                                                                \
  X(FIXED, "fixed")     /* a^2 |p|^2 / 2 with a learned a (Souveton et al., AISTATS 2024) */

#define INITIALIZATION_LIST(X)                                                                                         \
  X(UNIFORM_FAN_IN, "uniform_fan_in") /* weights and biases U(-1, 1) / sqrt(fan in): PyTorch's */                      \
  X(NORMAL_FAN_IN, "normal_fan_in")   /* weights N(0, 1) / sqrt(fan in), biases 0: Haiku's but for its truncation */

#define OUTPUT_LIST(X)                                                                                                 \
  X(MEAN_IMAGE, "mean_image") /* so that the first pictures have the mean colour of the training frames */             \
  X(DRAWN, "drawn")           /* as model.initialization draws biases */

#define PROTOCOL_LIST(X)                                                                                               \
  X(PREDICT, "predict")                   /* see the first frames, unroll from the last of them */                     \
  X(AUTOENCODE, "autoencode")             /* see all frames, unroll from the first */                                  \
  X(FORWARD_BACKWARD, "forward_backward") /* see frames in the middle, unroll both ways */

#define OBJECTIVE_LIST(X)                                                                                              \
  X(ELBO, "elbo") /* error + beta KL */                                                                                \
  X(GECO, "geco") /* KL + lambda (error - kappa), lambda adapted (Rezende and Viola 2018) */

#define SCHEDULE_LIST(X)                                                                                               \
  X(CONSTANT, "constant")                                                                                              \
  X(COSINE, "cosine")                                                                                                  \
  X(STEP, "step")

#define POSTERIOR_LIST(X)                                                                                              \
  X(MEAN, "mean")                                                                                                      \
  X(SAMPLE, "sample")

/* Words for numbers of rollouts. */
#define FINAL_LIST(X)                                                                                                  \
  X(ALL, "all")                                                                                                        \
  X(SAME, "same") /* as in the evaluations on the way */

#define DIVERGENCE_LIST(X)                                                                                             \
  X(STOP, "stop")                                                                                                      \
  X(ROLL_BACK, "roll_back") /* to the last checkpoint, with a smaller learning rate */

/* Test functions of two numbers, with their minima; f(x, y) as in https://www.sfu.ca/~ssurjano/optimization.html. */
#define SYNTHETIC_LIST(X)                                                                                              \
  X(SPHERE, "sphere")         /* 0 at (0, 0) */                                                                        \
  X(ROSENBROCK, "rosenbrock") /* 0 at (1, 1) */                                                                        \
  X(BRANIN, "branin")         /* 0.397887 at (-pi, 12.275), (pi, 2.275), (9.42478, 2.475) */                           \
  X(RASTRIGIN, "rastrigin")   /* 0 at (0, 0), among many others */

#define TRAINING_ENUM(prefix, name) prefix##_##name,
#define MODEL_ENUM(name, text) TRAINING_ENUM(MODEL, name)
#define PRESET_ENUM(name, text) TRAINING_ENUM(PRESET, name)
#define PADDING_ENUM(name, text) TRAINING_ENUM(PADDING, name)
#define ACTIVATION_ENUM(name, text) TRAINING_ENUM(ACTIVATION, name)
#define SCALE_ENUM(name, text) TRAINING_ENUM(SCALE, name)
#define FLOW_ENUM(name, text) TRAINING_ENUM(FLOW, name)
#define KINETIC_ENUM(name, text) TRAINING_ENUM(KINETIC, name)
#define INITIALIZATION_ENUM(name, text) TRAINING_ENUM(INITIALIZATION, name)
#define OUTPUT_ENUM(name, text) TRAINING_ENUM(OUTPUT, name)
#define PROTOCOL_ENUM(name, text) TRAINING_ENUM(PROTOCOL, name)
#define OBJECTIVE_ENUM(name, text) TRAINING_ENUM(OBJECTIVE, name)
#define SCHEDULE_ENUM(name, text) TRAINING_ENUM(SCHEDULE, name)
#define POSTERIOR_ENUM(name, text) TRAINING_ENUM(POSTERIOR, name)
#define FINAL_ENUM(name, text) TRAINING_ENUM(FINAL, name)
#define DIVERGENCE_ENUM(name, text) TRAINING_ENUM(DIVERGENCE, name)
#define SYNTHETIC_ENUM(name, text) TRAINING_ENUM(SYNTHETIC, name)

enum model_kind { MODEL_LIST(MODEL_ENUM) MODEL_COUNT };
enum preset_kind { PRESET_LIST(PRESET_ENUM) PRESET_COUNT };
enum padding_kind { PADDING_LIST(PADDING_ENUM) PADDING_COUNT };
enum activation_kind { ACTIVATION_LIST(ACTIVATION_ENUM) ACTIVATION_COUNT };
enum scale_kind { SCALE_LIST(SCALE_ENUM) SCALE_COUNT };
enum flow_kind { FLOW_LIST(FLOW_ENUM) FLOW_COUNT };
enum kinetic_kind { KINETIC_LIST(KINETIC_ENUM) KINETIC_COUNT };
enum initialization_kind { INITIALIZATION_LIST(INITIALIZATION_ENUM) INITIALIZATION_COUNT };
enum output_kind { OUTPUT_LIST(OUTPUT_ENUM) OUTPUT_COUNT };
enum protocol_kind { PROTOCOL_LIST(PROTOCOL_ENUM) PROTOCOL_COUNT };
enum objective_kind { OBJECTIVE_LIST(OBJECTIVE_ENUM) OBJECTIVE_COUNT };
enum schedule_kind { SCHEDULE_LIST(SCHEDULE_ENUM) SCHEDULE_COUNT };
enum posterior_kind { POSTERIOR_LIST(POSTERIOR_ENUM) POSTERIOR_COUNT };
enum final_word { FINAL_LIST(FINAL_ENUM) FINAL_COUNT };
enum divergence_kind { DIVERGENCE_LIST(DIVERGENCE_ENUM) DIVERGENCE_COUNT };
enum synthetic_kind { SYNTHETIC_LIST(SYNTHETIC_ENUM) SYNTHETIC_COUNT };

enum { TRAINING_LIST_MAX = 16, TRAINING_TEXT_MAX = 1024, TRAINING_HAMILTONIANS_MAX = 64 };

struct integer_list {
  int64_t count, item[TRAINING_LIST_MAX];
};

/* What the section of a network may have; which of it a network does have, the rows of the schema say. */
struct layers_settings {
  bool separable;               /* hamiltonian: H = V(q) + K(p), two networks of this shape */
  struct integer_list channels; /* of each layer's output; may be empty for the transformer: no such network */
  struct integer_list kernels;  /* 0: the whole map */
  struct integer_list strides;
  struct integer_list padding;           /* enum padding_kind */
  enum activation_kind activation;       /* between layers */
  double slope;                          /* of leaky_relu */
  enum activation_kind final_activation; /* after the last layer */
};

struct latent_settings {
  bool sampled; /* the encoder gives mean and scale of z, and z is drawn */
  enum scale_kind scale;
};

struct decoder_settings {
  int64_t grid;                 /* a dense layer to grid x grid comes first; 0: none */
  int64_t grid_channels;        /* of it */
  int64_t constants;            /* learned channels beside q */
  struct integer_list channels; /* of each block, which doubles height and width */
  int64_t convolutions;         /* 3x3, of a block */
  enum activation_kind activation;
  double slope;
  bool residual; /* a block's input, doubled, is added to its output */
  enum activation_kind block_activation;
  enum output_kind output_bias; /* of the last convolution, before training */
};

struct integrator_settings {
  enum flow_kind name;
  double dt;          /* of a frame; 0: the data's */
  int64_t substeps;   /* integrator steps between frames */
  int64_t iterations; /* implicit_midpoint: fixed-point iterations */
};

/* nhf: learned Hamiltonians in sequence, each followed for some leapfrog steps; the momentum's encoder. */
struct flow_settings {
  int64_t hamiltonians;
  int64_t steps; /* of each */
  double dt;
  enum kinetic_kind kinetic;
  struct integer_list width; /* of the hidden layers of V, and of K */
  enum activation_kind activation;
  struct integer_list encoder_width;
  enum activation_kind encoder_activation;
};

/* rnvp: affine couplings, which take turns at which half of the numbers they change. */
struct coupling_settings {
  int64_t layers;
  struct integer_list width; /* of the hidden layers of each */
  enum activation_kind activation;
  double scale; /* the log of a scale is within +- this */
};

/* What a kind of model does not have is zero and may not be given. */
struct model_settings {
  enum model_kind name;
  enum preset_kind preset;
  enum initialization_kind initialization;
  struct layers_settings encoder;
  struct latent_settings latent;
  struct layers_settings transformer; /* f_psi: z -> (q, p) */
  struct layers_settings hamiltonian;
  struct integrator_settings integrator;
  struct decoder_settings decoder;
  struct flow_settings flow;
  struct coupling_settings coupling;
};

struct protocol_settings {
  enum protocol_kind name;
  int64_t input_frames; /* ignored by autoencode */
  int64_t frames;       /* targets; 0: as many as the data has */
};

struct objective_settings {
  enum objective_kind name;
  double beta;
  int64_t warmup;            /* steps in which the weight of KL rises to its own */
  double free;               /* nat of a rollout that are not charged */
  double kappa, kappa_ratio; /* absolute; 0: kappa_ratio times the information limit or the noise floor */
  double rate, decay;        /* geco: lambda *= exp(rate C / kappa); of the moving average of C */
  double lambda;             /* at the start */
  double lambda_bounds[2];
  int64_t momenta; /* nhf: of a point */
};

struct optimizer_settings {
  double learning_rate;
  enum schedule_kind schedule;
  int64_t warmup;      /* steps */
  double final_ratio;  /* cosine: of the learning rate at the end */
  int64_t step_every;  /* step */
  double step_factor;  /* step */
  double beta1, beta2; /* Adam */
  double epsilon;
  double clip;                                                               /* largest global gradient norm; 0: none */
  double encoder_ratio, transformer_ratio, hamiltonian_ratio, decoder_ratio; /* of the learning rate */
};

struct curriculum_settings {
  struct integer_list steps, frames; /* targets up to each of these steps */
};

struct divergence_settings {
  enum divergence_kind response;
  double factor; /* of the learning rate */
  int64_t limit; /* times that training goes back */
};

struct train_settings {
  int64_t steps, batch, microbatch; /* microbatch 0: batch / 8 */
  int64_t frames_per_rollout;       /* decoded in training; 0: all */
  struct curriculum_settings curriculum;
  struct divergence_settings divergence;
  int64_t report_every;     /* steps */
  int64_t checkpoint_every; /* steps */
  int64_t checkpoint_keep;
};

struct eval_settings {
  int64_t every;    /* steps; 0: only at the end */
  int64_t rollouts; /* of each split; 0: all of the test split */
  int64_t final;    /* test rollouts of the last evaluation; negative: enum final_word, as -1 - word */
  enum posterior_kind posterior;
  int64_t judge; /* samples of the prior that are judged at the end; 0: none */
  /* Of densities. */
  int64_t samples;  /* importance samples of a point, at most */
  double tolerance; /* nat: they are doubled until the bound gains less */
  int64_t grid;     /* points along a side, on which two-dimensional densities are compared; 0: none */
  int64_t draws;    /* of the model */
};

struct synthetic_settings {
  enum synthetic_kind function;
  double x, y;
  double noise; /* standard deviation, drawn by seed, step and point */
  double sleep; /* s per step: what a step of training would take */
};

struct file_settings {
  char file[TRAINING_TEXT_MAX]; /* path of the data set */
};

struct training {
  struct file_settings data;
  struct model_settings model;
  struct protocol_settings protocol;
  struct objective_settings objective;
  struct optimizer_settings optimizer;
  struct train_settings train;
  struct eval_settings eval;
  struct synthetic_settings synthetic;
};

#endif
