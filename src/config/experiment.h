/* The typed, validated configuration. Filled by config.h from YAML through the one table in schema.c.
 *
 * A file describes a data set of a system (system, initial, data, render, ladder), or, when it has a section `density`,
 * one of points (density, hmc, data), or, when it has a section `model`, a training experiment (training.h). Members
 * are named as their keys in YAML: "system.mass" is experiment.system.mass, "train.steps" is
 * experiment.training.train.steps. What a use of the file does not have is zero.
 *
 * Data only. Enumerations are X-macro lists so that names in YAML,
 * tables in later layers and this header cannot differ.
 */
#ifndef HGN_CONFIG_EXPERIMENT_H
#define HGN_CONFIG_EXPERIMENT_H

#include "config/training.h"

#include <stdbool.h>
#include <stdint.h>

#define SYSTEM_LIST(X)                                                                                                 \
  X(MASS_SPRING, "mass_spring")                                                                                        \
  X(DAMPED_SPRING, "damped_spring")                                                                                    \
  X(PENDULUM, "pendulum")                                                                                              \
  X(DOUBLE_PENDULUM, "double_pendulum")                                                                                \
  X(TWO_BODY, "two_body")                                                                                              \
  X(THREE_BODY, "three_body")

#define DIRECTION_LIST(X)                                                                                              \
  X(UNIFORM, "uniform") /* uniform in angle */                                                                         \
  X(SQUARE, "square")   /* of a uniform point of a square: denser along the diagonals (HNN, report2021) */

#define RENDERER_LIST(X)                                                                                               \
  X(SOFT, "soft")             /* anti-aliased discs at sub-pixel positions */                                          \
  X(REPORT2021, "report2021") /* the reproduction's: centres cut to whole pixels, twice blurred */

#define COLOR_LIST(X)                                                                                                  \
  X(RGB, "rgb")                                                                                                        \
  X(GREY, "grey")

/* Densities in few dimensions, physics/target.h. */
#define DENSITY_LIST(X)                                                                                                \
  X(GAUSSIAN, "gaussian")                                                                                              \
  X(RING, "ring")                 /* Gaussians on a circle, and one in its centre */                                   \
  X(GRID, "grid")                 /* Gaussians on a square grid */                                                     \
  X(ARCS, "arcs")                 /* two facing arcs: Rezende and Mohamed 2015, table 1, U1 */                         \
  X(CROSS, "cross")               /* four long Gaussians that make an X */                                             \
  X(MOONS, "moons")               /* two half circles that hold each other, with noise */                              \
  X(CHECKERBOARD, "checkerboard") /* uniform on every second field of 4 x 4 */                                         \
  X(LOGISTIC, "logistic")         /* posterior of a Bayesian logistic regression */

#define EXPERIMENT_ENUM(name, text) EXPERIMENT_PREFIX(name)
enum system_kind {
#define EXPERIMENT_PREFIX(name) SYSTEM_##name,
  SYSTEM_LIST(EXPERIMENT_ENUM)
#undef EXPERIMENT_PREFIX
      SYSTEM_COUNT
};
enum density_kind {
#define EXPERIMENT_PREFIX(name) DENSITY_##name,
  DENSITY_LIST(EXPERIMENT_ENUM)
#undef EXPERIMENT_PREFIX
      DENSITY_COUNT
};
enum direction_kind {
#define EXPERIMENT_PREFIX(name) DIRECTION_##name,
  DIRECTION_LIST(EXPERIMENT_ENUM)
#undef EXPERIMENT_PREFIX
      DIRECTION_COUNT
};
enum renderer_kind {
#define EXPERIMENT_PREFIX(name) RENDERER_##name,
  RENDERER_LIST(EXPERIMENT_ENUM)
#undef EXPERIMENT_PREFIX
      RENDERER_COUNT
};
enum color_kind {
#define EXPERIMENT_PREFIX(name) COLOR_##name,
  COLOR_LIST(EXPERIMENT_ENUM)
#undef EXPERIMENT_PREFIX
      COLOR_COUNT
};

/* Physical parameters. Those that a system does not have are zero and may not be given. */
struct system_parameters {
  enum system_kind name;
  double mass;      /* kg, of each body */
  double stiffness; /* N/m: springs */
  double damping;   /* 1/s: damped_spring, dp/dt = -k q - damping p */
  double length;    /* m: pendulums */
  double gravity;   /* m/s^2: pendulums; m^3/(kg s^2): the constant G of the n-body systems */
};

struct initial_conditions {
  double radius[2]; /* lower and upper bound of r; phase space for springs and pendulums, m for n-body */
  enum direction_kind direction;
  double flip_probability; /* n-body: chance that the orbit is turned clockwise */
  double velocity_noise;   /* n-body: every velocity component times 1 + velocity_noise * U(-1, 1) */
};

#define DENSITY_MOONS_LEAST 1e-3 /* width of moons: their density is an integral in steps of that size */

struct density_settings {
  enum density_kind name;
  int64_t dimension;    /* gaussian, logistic; all others have 2 */
  int64_t modes, side;  /* ring: on the circle; grid: along a side */
  double spacing;       /* ring: radius of the circle; grid: distance of neighbours */
  double width;         /* standard deviation of a Gaussian, or of noise */
  int64_t observations; /* logistic */
  double prior;         /* logistic: standard deviation of the prior */
};

struct hmc_settings {
  int64_t chains;
  int64_t warmup, thin; /* iterations */
  int64_t leapfrogs;    /* of an iteration, on average */
  double acceptance;    /* that the step size aims at */
};

struct data_settings {
  int64_t train, test; /* rollouts, or points */
  int64_t validation;  /* the same; 0: by the test split, see experiment_validation() */
  int64_t frames;      /* of a rollout; frame f is at time f * dt */
  double dt;           /* s between frames */
  double noise;        /* standard deviation of the observation noise on every phase coordinate of every frame */
};

struct render_settings {
  enum renderer_kind renderer;
  enum color_kind color;
  int64_t height, width; /* px */
  double world;          /* m: half the extent shown along the shorter side */
  double radius;         /* m, of a body's disc */
};

struct ladder_settings {
  int64_t input_frames; /* frames seen before the "last seen frame" prediction */
};

struct experiment {
  int64_t seed;
  struct system_parameters system;
  struct initial_conditions initial;
  struct data_settings data;
  struct render_settings render;
  struct ladder_settings ladder;
  struct density_settings density;
  struct hmc_settings hmc;
  struct training training;
};

/* Name of an enumerator in YAML, NULL when out of range. */
const char *experiment_system_name(enum system_kind kind);
const char *experiment_density_name(enum density_kind kind);
const char *experiment_model_name(enum model_kind kind);
const char *experiment_renderer_name(enum renderer_kind kind);

/* Rollouts of the validation split, at least 1: those that are asked for, else a tenth of the test split, at least 100
 * where it has as many. */
int64_t experiment_validation(const struct data_settings *data);

/* Coordinates of a point. */
int64_t experiment_dimension(const struct density_settings *density);

#endif
