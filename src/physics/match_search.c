/* The bank of match.h: rollouts that fill the cube evenly, as coarse images of a few frames. */
#include "physics/initial.h"
#include "physics/match_private.h"

#include <math.h>
#include <string.h>

enum { BANK_ONE_DEGREE = 4096, BANK_SEVERAL = 16384 };

/* Means over blocks of an image, less the background. */
static void add_features(const struct match *match, const float *image, float *feature) {
  const struct renderer *renderer = &match->expected[MATCH_TRUE].renderer;
  const int channels = renderer->channels, height = renderer->height, width = renderer->width;
  memset(feature, 0, (size_t)(match->rows * match->columns * channels) * sizeof *feature);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      float *block = feature + ((y * match->rows / height) * match->columns + x * match->columns / width) * channels;
      for (int c = 0; c < channels; c++) block[c] += image[(y * width + x) * channels + c];
    }
}

/* Point `index` of a sequence that fills the cube evenly: multiples of powers of 1/phi, phi^(d + 1) = phi + 1, modulo 1
 * (Roberts 2018, the generalised golden ratio; Kronecker's sequence). */
static void fill_cube(int dimension, int64_t index, double *point) {
  double phi = 1.5, power = 1;
  for (int i = 0; i < 60; i++) { /* Newton's method on phi^(d + 1) - phi - 1 */
    double raised = 1;
    for (int k = 0; k < dimension; k++) raised *= phi;
    phi -= (raised * phi - phi - 1) / ((dimension + 1) * raised - 1);
  }
  for (int k = 0; k < dimension; k++) {
    power /= phi;
    const double value = 0.5 + power * (double)(index + 1);
    point[k] = value - floor(value);
  }
}

/* Of what may be beyond the cube the bank has radii, to half of what they reach: they move a film the most. */
static void fill_reach(const struct match *match, int64_t index, double *point) {
  fill_cube(match->system->uniforms, index, point);
  for (int i = 1; i < match->system->uniforms; i++) {
    double low, high;
    if (!(match->system->periodic >> (i - 1) & 1)) continue;
    initial_reach(match->system, &match->experiment.initial, i, &low, &high);
    point[i] = 0.5 * low + point[i] * (1 + 0.5 * (high - 1) - 0.5 * low);
  }
}

/* Blurred images of the rollouts' frames at the glances. */
static void look_at_rollouts(struct match *match, int64_t at, int count) {
  struct expected *expected = &match->expected[MATCH_BLURRED];
  const int64_t row = match->frames * match->system->freedom, one = match->features / match->glances;
  double uniform[MATCH_POINTS][SYSTEM_UNIFORMS_MAX];
  memcpy(uniform, match->uniform + at * SYSTEM_UNIFORMS_MAX, (size_t)count * sizeof *uniform);
  match_follow(match, (const double(*)[SYSTEM_UNIFORMS_MAX])uniform, count, match->q);
  for (int i = 0; i < count; i++)
    for (int g = 0; g < match->glances; g++) {
      expected_image(expected, match->q + i * row + match->glance[g] * match->system->freedom, match->image);
      add_features(match, match->image, match->bank + (at + i) * match->features + g * one);
    }
}

enum status match_fill_bank(struct match *match) {
  const struct renderer *renderer = &match->expected[MATCH_TRUE].renderer;
  match->rollouts = match->system->freedom == 1 ? BANK_ONE_DEGREE : BANK_SEVERAL;
  match->rows = renderer->height < MATCH_BLOCKS ? renderer->height : MATCH_BLOCKS;
  match->columns = renderer->width < MATCH_BLOCKS ? renderer->width : MATCH_BLOCKS;
  match->glances = match->frames < MATCH_GLANCES ? (int)match->frames : MATCH_GLANCES;
  for (int g = 0; g < match->glances; g++)
    match->glance[g] = match->glances > 1 ? g * (match->frames - 1) / (match->glances - 1) : 0;
  match->features = (int64_t)match->glances * match->rows * match->columns * renderer->channels;
  match->uniform = arena_array(&match->arena, match->rollouts * SYSTEM_UNIFORMS_MAX, sizeof *match->uniform);
  match->bank = arena_array(&match->arena, match->rollouts * match->features, sizeof *match->bank);
  match->feature = arena_array(&match->arena, match->features, sizeof *match->feature);
  TRY(arena_check(&match->arena, "a bank of rollouts"));
  for (int64_t i = 0; i < match->rollouts; i++) fill_reach(match, i, match->uniform + i * SYSTEM_UNIFORMS_MAX);
  for (int64_t at = 0; at < match->rollouts; at += SYSTEM_LANES) look_at_rollouts(match, at, SYSTEM_LANES);
  return STATUS_OK;
}

/* In a fixed order that vectorises. */
static float distance(const float *restrict a, const float *restrict b, int64_t count) {
  float sum[8] = {0}, rest = 0;
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int j = 0; j < 8; j++) sum[j] += (a[i + j] - b[i + j]) * (a[i + j] - b[i + j]);
  for (; i < count; i++) rest += (a[i] - b[i]) * (a[i] - b[i]);
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7])) + rest;
}

void match_search_bank(struct match *match, int64_t start[MATCH_STARTS]) {
  const int64_t values = (int64_t)match->expected[MATCH_TRUE].renderer.values, one = match->features / match->glances;
  float nearest[MATCH_STARTS];
  for (int g = 0; g < match->glances; g++)
    add_features(match, match->film + match->glance[g] * values, match->feature + g * one);
  for (int s = 0; s < MATCH_STARTS; s++) nearest[s] = HUGE_VALF, start[s] = s;
  for (int64_t i = 0; i < match->rollouts; i++) {
    const float d = distance(match->bank + i * match->features, match->feature, match->features);
    int s = MATCH_STARTS;
    for (; s > 0 && d < nearest[s - 1]; s--) {
      if (s == MATCH_STARTS) continue;
      nearest[s] = nearest[s - 1];
      start[s] = start[s - 1];
    }
    if (s < MATCH_STARTS) nearest[s] = d, start[s] = i;
  }
}
