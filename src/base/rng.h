/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC11), by Random123.
 *
 * A draw is a pure function of (seed, purpose, index, sub, position): nothing to save and nothing that depends on how
 * work is cut over ranks. Key: the seed. Counter words: { block, purpose << 24 | sub, index low, index high }, so two
 * streams never overlap. A stream gives at most 2^32 blocks of four 32-bit words.
 *
 * Not collective.
 */
#ifndef HGN_BASE_RNG_H
#define HGN_BASE_RNG_H

#include <stdint.h>

/* What a stream is drawn for. Numbers are part of the file format: append, never reorder. */
enum rng_purpose {
  RNG_INITIAL = 1,     /* initial conditions of rollout `index` */
  RNG_NOISE = 2,       /* observation noise of rollout `index`, frame `sub` */
  RNG_NOISE_FRESH = 3, /* a second, independent observation of the same: noise floor */
  RNG_LIMIT = 4,       /* prior draws of the information limit */
  RNG_PARAMETER = 5,   /* initial values of parameter tensor `index` */
  RNG_SHUFFLE = 6,     /* order of slice `index` of the data in epoch `sub` */
  RNG_LATENT = 7,      /* noise of z: step `index`, rollout `sub` of the batch */
  RNG_FRAMES = 8,      /* frames that are decoded: the same */
  RNG_LATENT_TEST = 9, /* noise of z in evaluations: rollout `index` */
  RNG_PRIOR = 10,      /* z from the prior: sample `index` */
  RNG_SEARCH = 11,     /* coordinate of draw `index` of a search: parameter `sub` */
  RNG_SCRAMBLE = 12,   /* flips of digits of a Sobol sequence: node `index` of the tree of dimension `sub` */
  RNG_STRATUM = 13, /* keys of the strata of block `index`: parameter `sub`; under these keys, their order and places */
  RNG_REPEAT = 14,  /* seed of repeat `index` of a sweep's configurations */
  RNG_INJECT = 15,  /* whether trial `index` has a fault that is made on purpose */
  RNG_SYNTHETIC = 16,       /* noise of the synthetic objective: step and point make the index */
  RNG_POINT = 17,           /* point `index` of a density */
  RNG_REGRESSION = 18,      /* observation `index` of a logistic regression; sub 1: its true coefficients; sub 2: pair
                          `index` of the importance sampling of its normaliser */
  RNG_CHAIN = 19,           /* of Monte Carlo: `index` is chain << 48 | iteration; sub 1: where the chain starts */
  RNG_GRID = 20,            /* momenta beside point `index` of a grid: block `sub` of importance samples */
  RNG_DRAWN = 21,           /* momenta beside draw `index` of a model: the same */
  RNG_PROPOSE = 22,         /* choices of a method that learns: draw `index`, sub: which */
  RNG_LIMIT_PARTICLES = 23, /* the limit's particles of test rollout `index`; sub: which set, or 2 + set: the noise on
                               them; index RNG_LIMIT_TRIALS: starts to try trajectories with */
  RNG_ANALYSIS = 24,        /* points of batch `index` at which a map is looked at */
  RNG_FOREST = 25,          /* points that tree `index` of a forest is grown on */
  RNG_CODE = 26,            /* draws of the posterior of rollout `index`; sub: split << 20 | draw */
  RNG_TEST = 255
};

#define RNG_LIMIT_TRIALS UINT64_MAX

enum { RNG_SUB_MAX = (1 << 24) - 1 };

struct rng {
  uint32_t key[2];
  uint32_t counter[4];
  uint32_t word[4]; /* the present block */
  unsigned used;    /* words of it already handed out */
};

/* `sub` in 0..RNG_SUB_MAX; higher bits are ignored. */
struct rng rng_stream(uint64_t seed, enum rng_purpose purpose, uint64_t index, uint32_t sub);

uint32_t rng_u32(struct rng *rng);
uint64_t rng_u64(struct rng *rng);

/* Uniform on the open interval (0, 1): the top 52 bits of a 64-bit word, plus a half, times 2^-52. f32: top 23 bits
 * of a 32-bit word in the same way. Never 0 and never 1. */
double rng_uniform(struct rng *rng);
float rng_uniform_f32(struct rng *rng);

/* Uniform integer in 0..bound-1 without bias (rejection). bound >= 1. */
uint64_t rng_below(struct rng *rng, uint64_t bound);

/* `count` standard normals by Box-Muller from elementary.h, hence the same bits on every machine. Pairs are consumed
 * whole: an odd `count` discards the last sine. */
void rng_normal(struct rng *rng, double *out, int count);
void rng_normal_f32(struct rng *rng, float *out, int count);

#endif
