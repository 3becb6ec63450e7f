#include "base/rng.h"

#include "base/elementary.h"

#include <Random123/philox.h>

enum { BLOCK = 4 };

struct rng rng_stream(uint64_t seed, enum rng_purpose purpose, uint64_t index, uint32_t sub) {
  return (struct rng){
      .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
      .counter = {0, ((uint32_t)purpose << 24) | (sub & RNG_SUB_MAX), (uint32_t)index, (uint32_t)(index >> 32)},
      .used = BLOCK,
  };
}

static void fill(struct rng *rng) {
  philox4x32_ctr_t counter = {{rng->counter[0], rng->counter[1], rng->counter[2], rng->counter[3]}};
  philox4x32_key_t key = {{rng->key[0], rng->key[1]}};
  philox4x32_ctr_t block = philox4x32(counter, key);
  for (int i = 0; i < BLOCK; i++) rng->word[i] = block.v[i];
  rng->counter[0]++;
  rng->used = 0;
}

static inline uint32_t draw_u32(struct rng *rng) {
  if (rng->used >= BLOCK) fill(rng);
  return rng->word[rng->used++];
}

/* Low word first. */
static inline uint64_t draw_u64(struct rng *rng) {
  uint64_t low = draw_u32(rng);
  return low | ((uint64_t)draw_u32(rng) << 32);
}

static inline double draw_uniform(struct rng *rng) { return ((double)(int64_t)(draw_u64(rng) >> 12) + 0.5) * 0x1p-52; }

uint32_t rng_u32(struct rng *rng) { return draw_u32(rng); }

uint64_t rng_u64(struct rng *rng) { return draw_u64(rng); }

double rng_uniform(struct rng *rng) { return draw_uniform(rng); }

float rng_uniform_f32(struct rng *rng) { return ((float)(draw_u32(rng) >> 9) + 0.5f) * 0x1p-23f; }

uint64_t rng_below(struct rng *rng, uint64_t bound) {
  if (bound < 2) return 0;
  /* 2^64 mod bound values at the bottom would be drawn once too often: they are drawn again. */
  uint64_t reject = (0 - bound) % bound, value;
  do value = draw_u64(rng);
  while (value < reject);
  return value % bound;
}

/* Box-Muller on u, v: sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v). The angle is cut at quarter turns before it is multiplied
 * by pi/2: 4v minus the nearest integer is exact, so no reduction is needed. */
static inline void transform_pair(double u, double v, double *first, double *second) {
  const double shifter = 0x1.8p+52;
  double turns = 4.0 * v, shifted = turns + shifter;
  double angle = (turns - (shifted - shifter)) * 0x1.921fb54442d18p+0;
  double sine, cosine;
  elementary_quadrant(elementary_bits(shifted), angle, 0.0, &sine, &cosine);
  double radius = sqrt(-2.0 * elementary_log(u));
  *first = radius * cosine;
  *second = radius * sine;
}

enum { PAIRS = 8 };

/* At most PAIRS pairs of normals. First all uniforms, then a loop without branches, which vectorises. */
static void fill_normals(struct rng *rng, int pairs, double first[PAIRS], double second[PAIRS]) {
  double u[PAIRS], v[PAIRS];
  for (int i = 0; i < pairs; i++) {
    u[i] = draw_uniform(rng);
    v[i] = draw_uniform(rng);
  }
  for (int i = 0; i < pairs; i++) transform_pair(u[i], v[i], &first[i], &second[i]);
}

void rng_normal(struct rng *rng, double *out, int count) {
  double first[PAIRS], second[PAIRS];
  for (int done = 0; done < count; done += 2 * PAIRS) {
    int left = count - done < 2 * PAIRS ? count - done : 2 * PAIRS;
    fill_normals(rng, (left + 1) / 2, first, second);
    for (int i = 0; i < left; i++) out[done + i] = i % 2 == 0 ? first[i / 2] : second[i / 2];
  }
}

void rng_normal_f32(struct rng *rng, float *out, int count) {
  double first[PAIRS], second[PAIRS];
  for (int done = 0; done < count; done += 2 * PAIRS) {
    int left = count - done < 2 * PAIRS ? count - done : 2 * PAIRS;
    fill_normals(rng, (left + 1) / 2, first, second);
    for (int i = 0; i < left; i++) out[done + i] = (float)(i % 2 == 0 ? first[i / 2] : second[i / 2]);
  }
}
