/* A latent space that is known: trajectories of two oscillators, and states that are made of them. */
#ifndef HGN_TESTS_ANALYSIS_SYNTHETIC_H
#define HGN_TESTS_ANALYSIS_SYNTHETIC_H

#include "analysis/identify.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

enum { FREEDOM = 2, COORDINATES = 2 * FREEDOM, HALF = 6, VALUES = 2 * HALF };

static inline double normal(struct rng *rng) {
  double value[2];
  rng_normal(rng, value, 2);
  return value[0];
}

/* What becomes of the true state (q, p) before it is laid into more numbers. */
enum synthetic {
  SYNTHETIC_SYMPLECTIC, /* p + S q with S symmetric, then q + R p likewise */
  SYNTHETIC_STRETCHED,  /* q of the first oscillator, and it alone, times three: not symplectic up to scale */
  SYNTHETIC_CURVED,     /* p + q^2: symplectic, of order 2 on the way back too */
  SYNTHETIC_CONSTANT    /* the same state everywhere */
};

/* orthonormal columns [FREEDOM][HALF]: what lays q, and p, into HALF numbers. */
static const double laid[FREEDOM][HALF] = {{0.5, 0.5, 0.5, 0.5, 0, 0}, {0.5, -0.5, 0.5, -0.5, 0, 0}};

static inline void synthetic_transform(enum synthetic kind, double state[COORDINATES]) {
  double *q = state, *p = state + FREEDOM;
  switch (kind) {
  case SYNTHETIC_SYMPLECTIC:
    p[0] += 0.7 * q[0] - 0.3 * q[1];
    p[1] += -0.3 * q[0] + 0.4 * q[1];
    q[0] += 0.2 * p[0] + 0.5 * p[1];
    q[1] += 0.5 * p[0] - 0.6 * p[1];
    break;
  case SYNTHETIC_STRETCHED:
    q[0] *= 3;
    break;
  case SYNTHETIC_CURVED:
    p[0] += q[0] * q[0];
    p[1] += q[1] * q[1];
    break;
  case SYNTHETIC_CONSTANT:
    for (int i = 0; i < COORDINATES; i++) state[i] = 1;
    break;
  }
}

/* The true state of frame t of a rollout: oscillators of 2 and 3 rad/s, .1 s from frame to frame. */
static inline void synthetic_truth(int64_t rollout, int64_t t, double state[COORDINATES]) {
  struct rng rng = rng_stream(5, RNG_TEST, (uint64_t)rollout, 0);
  for (int i = 0; i < FREEDOM; i++) {
    const double amplitude = 0.5 + rng_uniform(&rng), phase = 6.3 * rng_uniform(&rng), rate = 2 + i;
    state[i] = amplitude * cos(rate * 0.1 * (double)t + phase);
    state[FREEDOM + i] = -amplitude * rate * sin(rate * 0.1 * (double)t + phase);
  }
}

/* Not collective. This rank's share; freed with latent_free(). */
static inline void synthetic_latent(const struct comm *comm, enum synthetic kind, double noise, int64_t rollouts,
                                    int64_t frames, struct latent *latent) {
  *latent = (struct latent){.comm = comm,
                            .rollouts = rollouts,
                            .frames = frames,
                            .values = VALUES,
                            .coordinates = COORDINATES,
                            .freedom = FREEDOM,
                            .dt = 0.1};
  comm_share(rollouts, comm->size, comm->rank, &latent->first, &latent->count);
  latent->rows = latent->count * frames;
  latent->state = arena_array(&latent->arena, latent->rows * VALUES, sizeof(double));
  latent->truth = arena_array(&latent->arena, latent->rows * COORDINATES, sizeof(double));
  for (int64_t row = 0; row < latent->rows; row++) {
    const int64_t rollout = latent->first + row / frames, t = row % frames;
    struct rng rng = rng_stream(6, RNG_TEST, (uint64_t)rollout, (uint32_t)t);
    double state[COORDINATES];
    synthetic_truth(rollout, t, state);
    for (int i = 0; i < COORDINATES; i++) latent->truth[i * latent->rows + row] = state[i];
    synthetic_transform(kind, state);
    for (int k = 0; k < VALUES; k++) {
      const double *half = k < HALF ? state : state + FREEDOM;
      double value = noise * normal(&rng);
      for (int i = 0; i < FREEDOM; i++) value += laid[i][k % HALF] * half[i];
      latent->state[k * latent->rows + row] = value;
    }
  }
}

#endif
