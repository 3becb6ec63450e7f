#include "base/finite.h"
#include "physics/initial.h"
#include "physics/match_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_BLUR 1.2        /* px: noise of MATCH_BLURRED, at least */
#define MATCH_LEAST_BLUR 0.35 /* px: of MATCH_SHARP */
#define MATCH_SHIFT 0.2       /* px: by which images are differentiated */
#define MATCH_STEP 1e-6       /* of the cube: by which trajectories are */

#define SHARP_TOLERANCE 1e-3 /* a step that lowers the error by less is the last */

enum { D = SYSTEM_FREEDOM_MAX, U = SYSTEM_UNIFORMS_MAX, SHARP_STEPS = 30 };

/* ---- Opening ---- */

static enum status open_looks(const struct experiment *experiment, struct match *match) {
  const double noise = experiment->data.noise, least[MATCH_LOOKS] = {MATCH_BLUR, MATCH_LEAST_BLUR, 0};
  for (int look = 0; look < MATCH_LOOKS; look++)
    TRY(expected_open(experiment, fmax(noise, least[look] * match->pixel), &match->expected[look]));
  match->experiment = *experiment;
  match->experiment.data.noise = match->expected[MATCH_SHARP].noise; /* to which trajectories have to be exact */
  match->experiment.data.frames = match->first + match->frames;
  return limit_flow_open(&match->experiment, &match->flow);
}

/* A radius whose bounds are one is not fitted, nor velocities without noise. */
static void choose_free(struct match *match) {
  const struct initial_conditions *conditions = &match->experiment.initial;
  for (int i = 0; i < match->system->uniforms; i++) {
    double u[2][U], state[2][SYSTEM_STATE_MAX];
    for (int k = 0; k < U; k++) u[0][k] = u[1][k] = 0.4;
    u[1][i] = 0.45;
    for (int k = 0; k < 2; k++) match->system->initial(&match->experiment.system, conditions, u[k], state[k]);
    if (memcmp(state[0], state[1], 2 * (size_t)match->system->freedom * sizeof(double)) == 0) continue;
    if (match->system->stepwise == 0 || i != match->system->stepwise) match->free[match->dimension++] = i;
  }
}

static enum status open_arrays(struct match *match) {
  const int64_t values = (int64_t)match->expected[MATCH_TRUE].renderer.values, freedom = match->system->freedom;
  match->film = arena_array(&match->arena, match->frames * values, sizeof *match->film);
  match->image = arena_array(&match->arena, values, sizeof *match->image);
  match->shifted = arena_array(&match->arena, freedom * values, sizeof *match->shifted);
  match->q = arena_array(&match->arena, MATCH_POINTS * match->frames * freedom, sizeof *match->q);
  match->lanes =
      arena_array(&match->arena, (match->first + match->frames) * freedom * SYSTEM_LANES, sizeof *match->lanes);
  return arena_check(&match->arena, "films of true trajectories");
}

enum status match_open(const struct experiment *experiment, int64_t first, int64_t frames, struct match **out) {
  struct match *match = calloc(1, sizeof *match);
  REQUIRE(match, STATUS_MEMORY, "no memory for films of true trajectories");
  match->system = system_get(experiment->system.name);
  match->first = first;
  match->frames = frames;
  match->pixel = expected_pixel(experiment);
  enum status status = open_looks(experiment, match);
  if (status == STATUS_OK) choose_free(match);
  if (status == STATUS_OK) status = open_arrays(match);
  if (status == STATUS_OK) status = match_fill_bank(match);
  if (status == STATUS_OK)
    *out = match;
  else
    match_close(&match);
  return status;
}

void match_close(struct match **match) {
  if (!*match) return;
  for (int look = 0; look < MATCH_LOOKS; look++) expected_close(&(*match)->expected[look]);
  arena_free(&(*match)->arena);
  free(*match);
  *match = NULL;
}

/* ---- Films of rollouts ---- */

void match_follow(const struct match *match, const double (*uniform)[U], int points, double *q) {
  const int64_t freedom = match->system->freedom, frames = match->frames;
  for (int at = 0; at < points; at += SYSTEM_LANES) {
    double state[SYSTEM_STATE_MAX * SYSTEM_LANES];
    const int count = points - at < SYSTEM_LANES ? points - at : SYSTEM_LANES;
    for (int lane = 0; lane < SYSTEM_LANES; lane++)
      limit_flow_start(&match->flow, uniform[at + (lane < count ? lane : 0)], lane, state);
    limit_flow_follow(&match->flow, state, match->first + frames, match->lanes);
    const double *from = match->lanes + match->first * freedom * SYSTEM_LANES;
    for (int lane = 0; lane < count; lane++)
      for (int64_t i = 0; i < frames * freedom; i++)
        q[(at + lane) * frames * freedom + i] = from[i * SYSTEM_LANES + lane];
  }
}

void match_state(const struct match *match, const double *uniform, double *state) {
  double lanes[SYSTEM_STATE_MAX * SYSTEM_LANES];
  for (int lane = 0; lane < SYSTEM_LANES; lane++) limit_flow_start(&match->flow, uniform, lane, lanes);
  limit_flow_follow(&match->flow, lanes, match->first + 1, match->lanes);
  for (int c = 0; c < 2 * match->system->freedom; c++) state[c] = lanes[c * SYSTEM_LANES];
}

static int64_t values_of(const struct match *match) { return (int64_t)match->expected[MATCH_TRUE].renderer.values; }

void match_render(struct match *match, const double *uniform, float *film) {
  const float *background = match->expected[MATCH_TRUE].renderer.background;
  const int64_t values = values_of(match);
  match_follow(match, (const double(*)[U])uniform, 1, match->q);
  for (int64_t t = 0; t < match->frames; t++, film += values) {
    expected_image(&match->expected[MATCH_TRUE], match->q + t * match->system->freedom, film);
    for (int64_t i = 0; i < values; i++) film[i] += background[i];
  }
}

static bool take_film(struct match *match, const float *film) {
  const float *background = match->expected[MATCH_TRUE].renderer.background;
  const int64_t values = values_of(match);
  for (int64_t t = 0; t < match->frames; t++)
    for (int64_t i = 0; i < values; i++) match->film[t * values + i] = film[t * values + i] - background[i];
  return finite_all_f32(match->film, match->frames * values);
}

/* ---- Distance ---- */

/* a . b in a fixed order that vectorises. Images of a few thousand values of at most one keep six digits. */
static double dot(const float *restrict a, const float *restrict b, int64_t count) {
  double total = 0;
  for (int64_t at = 0; at < count; at += 256) {
    float sum[8] = {0};
    const int64_t stop = count - at < 256 ? count : at + 256;
    int64_t i = at;
    for (; i + 8 <= stop; i += 8)
      for (int j = 0; j < 8; j++) sum[j] += a[i + j] * b[i + j];
    for (; i < stop; i++) sum[0] += a[i] * b[i];
    total += (double)(((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7])));
  }
  return total;
}

static bool is_followed(const struct match *match, const double *q) {
  double sum = 0;
  for (int64_t i = 0; i < match->frames * match->system->freedom; i++) sum += fabs(q[i]);
  return isfinite(sum);
}

static int64_t frames_of(const struct match_part *part) { return (part->stop + part->stride - 1) / part->stride; }

/* image = image - film. */
static void subtract_film(const struct match *match, int64_t t, float *restrict image) {
  const int64_t values = values_of(match);
  const float *restrict film = match->film + t * values;
  for (int64_t i = 0; i < values; i++) image[i] -= film[i];
}

double match_error(struct match *match, const struct match_part *part, const double *q) {
  const int64_t values = values_of(match);
  double sum = 0;
  if (!is_followed(match, q)) return HUGE_VAL;
  for (int64_t t = 0; t < part->stop; t += part->stride) {
    expected_image(&match->expected[part->look], q + t * match->system->freedom, match->image);
    subtract_film(match, t, match->image);
    sum += dot(match->image, match->image, values);
  }
  return sum / (double)(values * frames_of(part));
}

static double error_at(struct match *match, const struct match_part *part, const double *uniform) {
  match_follow(match, (const double(*)[U])uniform, 1, match->q);
  return match_error(match, part, match->q);
}

double match_distance(struct match *match, const float *film, const double *uniform) {
  const struct match_part all = {MATCH_TRUE, 1, match->frames};
  if (!take_film(match, film)) return NAN;
  const double error = error_at(match, &all, uniform);
  return isfinite(error) ? error : (double)NAN;
}

/* ---- Descent ---- */

/* A point on its way down, and the normal equations there: hessian = J'J, gradient = J'r, of residuals r. */
struct descent {
  const struct match_part *part;
  bool beyond; /* it may leave the cube */
  double uniform[U], error, damping;
  double hessian[U][U], gradient[U];
};

/* Adds one frame's part: with images' derivatives A by q and those B of q by u, J = A B. */
static void add_frame(const struct match *match, int64_t t, const double *slope, struct descent *descent) {
  const int64_t values = values_of(match);
  const int freedom = match->system->freedom, n = match->dimension;
  double square[D][D], product[D], half[D][U];
  for (int a = 0; a < freedom; a++) {
    product[a] = dot(match->shifted + a * values, match->image, values);
    for (int b = 0; b <= a; b++)
      square[a][b] = square[b][a] = dot(match->shifted + a * values, match->shifted + b * values, values);
  }
  const int64_t row = match->frames * freedom;
  for (int a = 0; a < freedom; a++)
    for (int i = 0; i < n; i++) {
      half[a][i] = 0;
      for (int b = 0; b < freedom; b++) half[a][i] += square[a][b] * slope[i * row + t * freedom + b];
    }
  for (int i = 0; i < n; i++)
    for (int a = 0; a < freedom; a++) {
      const double b = slope[i * row + t * freedom + a];
      descent->gradient[i] += b * product[a];
      for (int j = 0; j < n; j++) descent->hessian[i][j] += b * half[a][j];
    }
}

/* Residuals and derivatives of one frame's image. */
static void differentiate_image(struct match *match, enum match_look look, int64_t t, const double *q) {
  const int64_t values = values_of(match);
  const double shift = MATCH_SHIFT * match->pixel;
  double moved[D];
  expected_image(&match->expected[look], q, match->image);
  for (int c = 0; c < match->system->freedom; c++) {
    float *restrict shifted = match->shifted + c * values;
    memcpy(moved, q, (size_t)match->system->freedom * sizeof *q);
    moved[c] += shift;
    expected_image(&match->expected[look], moved, shifted);
    for (int64_t i = 0; i < values; i++) shifted[i] = (shifted[i] - match->image[i]) * (float)(1 / shift);
  }
  subtract_film(match, t, match->image);
}

/* The normal equations; false where rollouts cannot be followed. */
static bool look_around(struct match *match, struct descent *descent) {
  const int64_t row = match->frames * match->system->freedom;
  double point[MATCH_POINTS][U];
  for (int i = 0; i <= match->dimension; i++) {
    memcpy(point[i], descent->uniform, sizeof point[i]);
    if (i > 0) point[i][match->free[i - 1]] += MATCH_STEP;
  }
  match_follow(match, (const double(*)[U])point, match->dimension + 1, match->q);
  for (int i = 0; i <= match->dimension; i++)
    if (!is_followed(match, match->q + i * row)) return false;
  double *slope = match->q + row;
  for (int i = 0; i < match->dimension; i++)
    for (int64_t k = 0; k < row; k++) slope[i * row + k] = (slope[i * row + k] - match->q[k]) / MATCH_STEP;
  memset(descent->hessian, 0, sizeof descent->hessian);
  memset(descent->gradient, 0, sizeof descent->gradient);
  for (int64_t t = 0; t < descent->part->stop; t += descent->part->stride) {
    differentiate_image(match, descent->part->look, t, match->q + t * match->system->freedom);
    add_frame(match, t, slope, descent);
  }
  return true;
}

static void find_bounds(const struct match *match, const struct descent *descent, int number, double *low,
                        double *high) {
  *low = 0;
  *high = 1;
  if (descent->beyond) initial_reach(match->system, &match->experiment.initial, number, low, high);
}

static bool is_bounded(const struct match *match, int number) { return !(match->system->periodic >> number & 1); }

/* Solves the damped equations in the numbers that do not lean on a bound, by Cholesky's method. */
static void solve_step(const struct match *match, const struct descent *descent, double step[U]) {
  double factor[U][U], rest[U];
  int use[U], n = 0;
  for (int i = 0; i < match->dimension; i++) {
    double low, high;
    const double u = descent->uniform[match->free[i]], slope = descent->gradient[i];
    find_bounds(match, descent, match->free[i], &low, &high);
    step[i] = 0;
    if (is_bounded(match, match->free[i]) && ((u <= low && slope > 0) || (u >= high && slope < 0))) continue;
    if (descent->hessian[i][i] > 0) use[n++] = i;
  }
  for (int a = 0; a < n; a++) {
    rest[a] = -descent->gradient[use[a]];
    for (int b = 0; b <= a; b++) {
      double sum = descent->hessian[use[a]][use[b]];
      if (a == b) sum *= 1 + descent->damping;
      for (int c = 0; c < b; c++) sum -= factor[a][c] * factor[b][c];
      factor[a][b] = a == b ? sqrt(fmax(sum, 1e-12 * descent->hessian[use[a]][use[a]])) : sum / factor[b][b];
    }
    for (int c = 0; c < a; c++) rest[a] -= factor[a][c] * rest[c];
    rest[a] /= factor[a][a];
  }
  for (int a = n - 1; a >= 0; a--) {
    for (int c = a + 1; c < n; c++) rest[a] -= factor[c][a] * rest[c];
    rest[a] /= factor[a][a];
    step[use[a]] = rest[a];
  }
}

/* One step, if one leads down. */
static bool step_down(struct match *match, struct descent *descent) {
  enum { TRIES = 6 };
  for (int try = 0; try < TRIES; try++) {
    double step[U], uniform[U];
    solve_step(match, descent, step);
    memcpy(uniform, descent->uniform, sizeof uniform);
    for (int i = 0; i < match->dimension; i++) {
      const int number = match->free[i];
      double low, high;
      find_bounds(match, descent, number, &low, &high);
      uniform[number] += fmax(-0.25, fmin(0.25, step[i]));
      if (is_bounded(match, number)) uniform[number] = fmax(low, fmin(high, uniform[number]));
    }
    const double error = error_at(match, descent->part, uniform);
    if (error < descent->error) {
      memcpy(descent->uniform, uniform, sizeof uniform);
      descent->error = error;
      descent->damping = fmax(1e-7, 0.2 * descent->damping);
      return true;
    }
    descent->damping *= 8;
  }
  return false;
}

static void go_down(struct match *match, const struct match_part *part, int most, double tolerance,
                    struct descent *descent) {
  descent->part = part;
  descent->damping = 1e-3;
  descent->error = error_at(match, part, descent->uniform);
  for (int i = 0; i < most; i++) {
    const double before = descent->error;
    if (!isfinite(before) || !look_around(match, descent) || !step_down(match, descent)) return;
    if (before - descent->error < tolerance * before) return;
  }
}

/* ---- The nearest ---- */

static int64_t at_least_one(int64_t value) { return value > 1 ? value : 1; }

/* Puts a descent where it belongs among the best, by error. */
static void keep(struct descent *best, int *count, const struct descent *descent) {
  int at = (*count)++;
  /* cppcheck-suppress uninitvar */
  for (; at > 0 && descent->error < best[at - 1].error; at--) best[at] = best[at - 1];
  best[at] = *descent;
}

/* Whether a number that has bounds is at the cube's side or beyond; puts it back on the side in `inside`. */
static bool leans(const struct match *match, const double *uniform, double *inside) {
  bool any = false;
  memcpy(inside, uniform, U * sizeof *inside);
  for (int i = 0; i < match->dimension; i++) {
    double *u = &inside[match->free[i]];
    if (!is_bounded(match, match->free[i])) continue;
    any = any || *u <= 0 || *u >= 1;
    *u = fmax(0, fmin(1, *u));
  }
  return any;
}

/* The most promising starts, `count` of them, by blurred images of few frames of the whole film. */
static void find_promising(struct match *match, struct descent *best, int count) {
  const int64_t frames = match->frames;
  const struct match_part begin = {MATCH_BLURRED, at_least_one(frames / 12), at_least_one(frames / 3)},
                          whole = {MATCH_BLURRED, at_least_one(frames / 8), frames};
  int64_t start[MATCH_STARTS];
  struct descent first[MATCH_STARTS], second[MATCH_STARTS];
  int firsts = 0, seconds = 0;
  match_search_bank(match, start);
  for (int s = 0; s < MATCH_STARTS; s++) {
    struct descent descent = {.beyond = true};
    memcpy(descent.uniform, match->uniform + start[s] * U, sizeof descent.uniform);
    go_down(match, &begin, 3, 0.01, &descent);
    descent.error = error_at(match, &whole, descent.uniform);
    keep(first, &firsts, &descent);
  }
  for (int s = 0; s < MATCH_STARTS / 2; s++) {
    go_down(match, &whole, 10, 0.01, &first[s]);
    keep(second, &seconds, &first[s]);
  }
  memcpy(best, second, (size_t)count * sizeof *best);
}

/* The nearest in the cube, and, from where something leans, beyond it. */
static void find_nearest(struct match *match, struct descent *inside, struct descent *beyond) {
  enum { PROMISING = 2 };
  const struct match_part sharp = {MATCH_SHARP, 1, match->frames};
  struct descent best[PROMISING], descent;
  double side[U];
  find_promising(match, best, PROMISING);
  inside->error = beyond->error = HUGE_VAL;
  for (int s = 0; s < PROMISING && (s == 0 || best[s].error < 4 * best[0].error); s++) {
    descent = (struct descent){.beyond = false};
    const bool leant = leans(match, best[s].uniform, descent.uniform);
    go_down(match, &sharp, SHARP_STEPS, SHARP_TOLERANCE, &descent);
    if (s == 0 || descent.error < inside->error) *inside = descent;
    descent = best[s];
    if (leant) go_down(match, &sharp, SHARP_STEPS, SHARP_TOLERANCE, &descent);
    if (leant && descent.error < beyond->error) *beyond = descent;
  }
  if (!leans(match, inside->uniform, side)) return;
  descent = *inside;
  descent.beyond = true;
  go_down(match, &sharp, SHARP_STEPS, SHARP_TOLERANCE, &descent);
  if (descent.error < beyond->error) *beyond = descent;
}

enum status match_find(struct match *match, const float *film, struct match_fit *fit) {
  const struct match_part all = {MATCH_TRUE, 1, match->frames};
  struct descent inside, beyond;
  *fit = (struct match_fit){.mse = NAN};
  for (int i = 0; i < U; i++) fit->uniform[i] = NAN;
  for (int c = 0; c < SYSTEM_STATE_MAX; c++) fit->state[c] = NAN;
  if (!take_film(match, film)) return STATUS_OK;
  find_nearest(match, &inside, &beyond);
  double side[U];
  fit->outside = beyond.error < (1 - MATCH_OUTSIDE) * inside.error && leans(match, beyond.uniform, side);
  memcpy(fit->uniform, (fit->outside ? &beyond : &inside)->uniform, sizeof fit->uniform);
  fit->mse = error_at(match, &all, fit->uniform);
  REQUIRE(isfinite(fit->mse), STATUS_NUMERIC, "%s: no trajectory near a film can be followed", match->system->name);
  match_state(match, fit->uniform, fit->state);
  return STATUS_OK;
}
