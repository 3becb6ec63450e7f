/* Third step of the information limit: the posterior of one rollout, and the error that the best predictor is left
 * with. limit_private.h has the formulas. limit_posterior_evaluate() refines the proposal where the posterior is, until
 * the importance weights w = exp(-nll) of the draws have the effective sample size asked for:
 *
 *   candidates  the cells of the present level that may hold draws of notable weight; their draws get their nll
 *   weights     if the effective sample size is too small, the candidates' halves become the next level's candidates
 *   moments     otherwise the draws' weights are deposited on the grid of q, frame by frame
 *   errors      the estimator, from the weights of grid points and the tables
 *
 * A cell is dropped by a lower bound on the nll of all its draws. Let A be the set of noisy q that would show what was
 * observed in a frame. Phi^-1(P(q + sigma n in A)) changes by at most |dq| / sigma (Gaussian isoperimetry), and
 * sqrt(-2 log Phi(x)) has slopes within +-1; so the deviation z of a frame changes by at most |dq| / sigma, and inside
 * a cell whose q stays within half_width_k of its middle in frame k,
 *   nll >= sum_k max(0, |z_k(middle)| - half_width_k / sigma)^2 / 2.
 */
#include "base/elementary.h"
#include "physics/limit_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Draws whose importance weight is below e^-16 = 1e-7 of the largest are left out. Of a normal posterior in the plane
 * that is a part of e^-16, and 2e-6 of its variance. */
#define LOG_WEIGHT_CUT 16.0f

enum { CANDIDATES_MAX = 1 << 20 };

/* Adds to sum[i], for i = 0..count-1, the squared deviation z^2 of position q[i] from what was
 * observed of one frame. */
static inline void add_squared_deviations(const struct limit_table *table, const struct limit_observation *observation,
                                          const float *restrict q, int count, float *restrict sum) {
  if (!observation->row) {
    float scale = (float)(1 / table->sigma);
    for (int i = 0; i < count; i++) {
      float z = (q[i] - observation->shift) * scale;
      sum[i] += z * z;
    }
    return;
  }
  float scale = (float)(1 / table->deviation_step), points = (float)table->deviation_points, turn = 1 / points;
  for (int i = 0; i < count; i++) {
    float x = (q[i] - observation->shift) * scale;
    if (table->periodic) {
      float turns = x * turn;
      x -= (float)((int)turns - (turns < 0)) * points;
    }
    x = x < 0 ? 0 : x > points ? points : x;
    int index = (int)x;
    float z = observation->row[index] + (x - (float)index) * (observation->row[index + 1] - observation->row[index]);
    sum[i] += z * z;
  }
}

/* The lower bound, from the head of this file, on the nll of all draws that a cell could hold. */
static float bound_nll(const struct limit_posterior *posterior, const float *bundle,
                       const struct limit_observation *observations, int64_t input_frames) {
  const float *middle = limit_bundle_middle(bundle), *half_width = limit_bundle_half_width(posterior->prior, bundle);
  float scale = (float)(1 / posterior->table->sigma), sum = 0;
  for (int64_t k = 0; k < input_frames; k++) {
    float square = 0;
    add_squared_deviations(posterior->table, &observations[k], &middle[k], 1, &square);
    float z = sqrtf(square) - half_width[k] * scale;
    sum += z > 0 ? z * z : 0;
  }
  return 0.5f * sum;
}

/* Computes the nll of all draws of a candidate and returns the smallest. */
static float evaluate_draws(const struct limit_posterior *posterior, const struct limit_observation *observations,
                            int64_t input_frames, struct limit_candidate *candidate) {
  float least_nll = HUGE_VALF;
  for (int set = 0; set < 2; set++) {
    float sum[LIMIT_CELL_DRAWS] = {0};
    for (int64_t k = 0; k < input_frames; k++) {
      const float *q = limit_bundle_q(posterior->prior, candidate->bundle, set, k);
      add_squared_deviations(posterior->table, &observations[k], q, LIMIT_CELL_DRAWS, sum);
    }
    for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++) {
      candidate->nll[set][draw] = 0.5f * sum[draw];
      least_nll = candidate->nll[set][draw] < least_nll ? candidate->nll[set][draw] : least_nll;
    }
  }
  candidate->evaluated = true;
  return least_nll;
}

/* Adds a cell, with its bundle and its bound, to the candidates. */
static enum status add_candidate(struct limit_posterior *posterior, uint64_t cell,
                                 const struct limit_observation *observations, int64_t input_frames) {
  if (posterior->candidate_count == posterior->candidate_capacity) {
    int64_t capacity = posterior->candidate_capacity ? 2 * posterior->candidate_capacity : 2 * LIMIT_COARSE_CELLS;
    REQUIRE(capacity <= CANDIDATES_MAX, STATUS_NUMERIC, "the posterior spreads over more than %d cells",
            CANDIDATES_MAX / 2);
    struct limit_candidate *list = realloc(posterior->candidates, (size_t)capacity * sizeof *list);
    REQUIRE(list != NULL, STATUS_MEMORY, "no memory for %" PRId64 " cells", capacity);
    posterior->candidates = list;
    posterior->candidate_capacity = capacity;
  }
  struct limit_candidate *candidate = &posterior->candidates[posterior->candidate_count];
  candidate->cell = cell;
  candidate->evaluated = false;
  TRY(limit_prior_bundle(posterior->prior, cell, &candidate->bundle));
  candidate->nll_bound = bound_nll(posterior, candidate->bundle, observations, input_frames);
  posterior->candidate_count++;
  return STATUS_OK;
}

/* Evaluates the draws of every candidate that may hold one within LOG_WEIGHT_CUT of the least nll, and returns the
 * least nll. The candidate of the smallest bound goes first, so that few are evaluated in vain. */
static float evaluate_candidates(struct limit_posterior *posterior, const struct limit_observation *observations,
                                 int64_t input_frames) {
  struct limit_candidate *list = posterior->candidates;
  int64_t first = 0;
  for (int64_t i = 1; i < posterior->candidate_count; i++)
    first = list[i].nll_bound < list[first].nll_bound ? i : first;
  float least_nll = evaluate_draws(posterior, observations, input_frames, &list[first]);
  for (int64_t i = 0; i < posterior->candidate_count; i++) {
    if (list[i].evaluated || list[i].nll_bound > least_nll + LOG_WEIGHT_CUT) continue;
    least_nll = fminf(least_nll, evaluate_draws(posterior, observations, input_frames, &list[i]));
  }
  return least_nll;
}

/* For each set the sum of the importance weights, sum w, and the effective sample size, (sum w)^2 / sum w^2. Weights
 * are relative to that of the best draw, w = exp(least_nll - nll), which cancels in every mean. */
static void sum_importance_weights(const struct limit_posterior *posterior, float least_nll, double *effective,
                                   double *weight_sum) {
  for (int set = 0; set < 2; set++) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < posterior->candidate_count; i++) {
      const struct limit_candidate *candidate = &posterior->candidates[i];
      if (!candidate->evaluated) continue;
      for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++) {
        if (candidate->nll[set][draw] > least_nll + LOG_WEIGHT_CUT) continue;
        double w = elementary_exp((double)(least_nll - candidate->nll[set][draw]));
        sum += w;
        squares += w * w;
      }
    }
    weight_sum[set] = sum;
    effective[set] = squares > 0 ? sum * sum / squares : 0;
  }
}

/* Replaces the candidates by those of the next level, `level`: the two halves of every cell that may hold a draw within
 * LOG_WEIGHT_CUT of the least nll. Odd levels halve the direction, even ones the radius. */
static enum status refine_candidates(struct limit_posterior *posterior, int level, float least_nll,
                                     const struct limit_observation *observations, int64_t input_frames) {
  if (posterior->candidate_count > posterior->parents_capacity) {
    uint64_t *parents = realloc(posterior->parents, (size_t)posterior->candidate_capacity * sizeof *parents);
    REQUIRE(parents != NULL, STATUS_MEMORY, "no memory for %" PRId64 " cells", posterior->candidate_capacity);
    posterior->parents = parents;
    posterior->parents_capacity = posterior->candidate_capacity;
  }
  int64_t parents = 0;
  for (int64_t i = 0; i < posterior->candidate_count; i++)
    if (posterior->candidates[i].nll_bound <= least_nll + LOG_WEIGHT_CUT)
      posterior->parents[parents++] = posterior->candidates[i].cell;
  posterior->candidate_count = 0;
  for (int64_t i = 0; i < parents; i++) {
    uint64_t x = limit_cell_column(posterior->parents[i]), y = limit_cell_row(posterior->parents[i]);
    for (uint64_t half = 0; half < 2; half++) {
      uint64_t cell = level % 2 ? limit_cell_id(level, 2 * x + half, y) : limit_cell_id(level, x, 2 * y + half);
      TRY(add_candidate(posterior, cell, observations, input_frames));
    }
  }
  return STATUS_OK;
}

/* Where the q of a set's draws in one frame lie on the grid: between points `index` and `index` + 1, `fraction` of a
 * step beyond the first. Periodic q are taken into the period. Branch-free, so that it vectorises. */
static void locate_on_grid(const struct limit_table *table, const float *restrict q, int *restrict index,
                           double *restrict fraction) {
  const double shifter = 0x1.8p+52; /* adding it rounds to an integer */
  double scale = 1 / table->grid_step, points = (double)table->grid_points, low = table->grid_low;
  double period = table->periodic ? points : 0, turn = 1 / points;
  double first = table->periodic ? 0 : 1, last = points - 2 * first - 1e-6; /* room for the stencil */
  for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++) {
    double x = ((double)q[draw] - low) * scale;
    x -= (((x * turn - 0.5) + shifter) - shifter) * period;
    x = x > first ? x : first; /* of periodic tables, rounding only; in others a margin keeps q inside */
    x = x < last ? x : last;
    index[draw] = (int)x;
    fraction[draw] = x - (double)index[draw];
  }
}

/* Adds the weights of a set's draws in one cell and frame to the moments of the intervals of the grid: for q at
 * q_i + f grid_step, 0 <= f < 1, (w, w f, w f^2, w f^3) to row[i]. */
static void deposit_frame(const struct limit_table *table, const float *q, const double *weight,
                          struct limit_moments *row) {
  double fraction[LIMIT_CELL_DRAWS];
  int index[LIMIT_CELL_DRAWS];
  locate_on_grid(table, q, index, fraction);
  for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++) {
    double w = weight[draw], f = fraction[draw], *sum = row[index[draw]].sum;
    if (w == 0) continue;
    sum[0] += w;
    sum[1] += w * f;
    sum[2] += w * f * f;
    sum[3] += w * f * f * f;
  }
}

/* Deposits the weights of all draws, in both sets and all frames, on the grid of q. */
static void deposit_all_draws(struct limit_posterior *posterior, float least_nll) {
  const struct limit_prior *prior = posterior->prior;
  int64_t frames = prior->frames, points = posterior->table->grid_points;
  for (int64_t i = 0; i < posterior->candidate_count; i++) {
    const struct limit_candidate *candidate = &posterior->candidates[i];
    if (!candidate->evaluated) continue;
    for (int set = 0; set < 2; set++) {
      double weight[LIMIT_CELL_DRAWS], largest = 0;
      for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++) {
        float above = candidate->nll[set][draw] - least_nll;
        weight[draw] = above > LOG_WEIGHT_CUT ? 0 : elementary_exp(-(double)above);
        largest = weight[draw] > largest ? weight[draw] : largest;
      }
      if (largest == 0) continue;
      for (int64_t t = 0; t < frames; t++)
        deposit_frame(posterior->table, limit_bundle_q(prior, candidate->bundle, set, t), weight,
                      posterior->moments + (set * frames + t) * points);
    }
  }
}

/* Turns the moments of one frame and set into weights h of the grid points, so that sum_i h[i] G_i is the sum over
 * draws of w G(q), G interpolated by cubic Lagrange polynomials: between points i-1..i+2 for q between i and i+1.
 * Clears the moments for the next rollout. Intervals without neighbours (at the ends of a table that is not periodic)
 * are empty. */
static void moments_to_grid_weights(const struct limit_table *table, struct limit_moments *row, double *h) {
  int64_t points = table->grid_points;
  memset(h, 0, (size_t)points * sizeof *h);
  for (int64_t i = 0; i < points; i++) {
    const double *m = row[i].sum;
    if (m[0] == 0) continue;
    h[i > 0 ? i - 1 : points - 1] += m[1] * (-1.0 / 3) + m[2] * 0.5 + m[3] * (-1.0 / 6);
    h[i] += m[0] - m[1] * 0.5 - m[2] + m[3] * 0.5;
    h[i < points - 1 ? i + 1 : 0] += m[1] + m[2] * 0.5 - m[3] * 0.5;
    h[i < points - 2 ? i + 2 : i + 2 - points] += (m[3] - m[1]) * (1.0 / 6);
    row[i] = (struct limit_moments){{0}};
  }
}

/* The sums over draws of what stands for G and of S: mean[rank] = sum_i h[i] F_i, and returns sum_i h[i] S_i. Division
 * by the sum of the weights makes posterior means of them. */
static double average_over_grid(const struct limit_table *table, const double *h, double *restrict mean) {
  double square = 0;
  memset(mean, 0, (size_t)table->rank * sizeof *mean);
  for (int64_t i = 0; i < table->grid_points; i++) {
    if (h[i] == 0) continue;
    const double *restrict factor = table->mean_factor + i * table->rank;
    double w = h[i];
    for (int64_t r = 0; r < table->rank; r++) mean[r] += w * factor[r];
    square += w * table->second_moment[i];
  }
  return square;
}

/* The estimator, frame by frame, from moments that it clears; E_A and E_B are the posterior means of the two sets:
 *   error    = ((E_A[S] + E_B[S]) / 2 - E_A[F] . E_B[F]) / values
 *   attained = (|x - b|^2 - 2 f . (E_A[F] + E_B[F]) / 2 + E_A[F] . E_B[F]) / values, x the image that was observed. */
static void compute_errors(struct limit_posterior *posterior, const double *weight_sum, const int64_t *observed_segment,
                           double *error, double *attained) {
  const struct limit_table *table = posterior->table;
  const double values = (double)table->values;
  int64_t frames = posterior->prior->frames;
  for (int64_t t = 0; t < frames; t++) {
    const double *factor = table->segment_factor + observed_segment[t] * table->rank;
    double square = 0, cross = 0, *mean[2] = {posterior->posterior_mean, posterior->posterior_mean + table->rank};
    for (int set = 0; set < 2; set++) {
      moments_to_grid_weights(table, posterior->moments + (set * frames + t) * table->grid_points,
                              posterior->grid_weight);
      square += 0.5 * average_over_grid(table, posterior->grid_weight, mean[set]) / weight_sum[set];
      cross += 0.5 * limit_dot(mean[set], factor, table->rank) / weight_sum[set];
    }
    const double product = limit_dot(mean[0], mean[1], table->rank) / (weight_sum[0] * weight_sum[1]);
    error[t] = (square - product) / values;
    attained[t] = (table->segment_square[observed_segment[t]] - 2 * cross + product) / values;
  }
}

enum status limit_posterior_evaluate(struct limit_posterior *posterior, const struct limit_observation *observations,
                                     int64_t input_frames, const int64_t *observed_segment, double effective_samples,
                                     double *error, double *attained, struct limit_outcome *outcome) {
  double effective[2], weight_sum[2];
  posterior->candidate_count = 0;
  for (uint64_t x = 0; x < LIMIT_DIRECTIONS; x++)
    for (uint64_t y = 0; y < LIMIT_RADII; y++)
      TRY(add_candidate(posterior, limit_cell_id(0, x, y), observations, input_frames));
  float least_nll = evaluate_candidates(posterior, observations, input_frames);
  sum_importance_weights(posterior, least_nll, effective, weight_sum);
  int level = 0;
  while (!(fmin(effective[0], effective[1]) > effective_samples)) {
    REQUIRE(++level < LIMIT_LEVELS, STATUS_NUMERIC, "%.3g effective samples of %.3g after %.3g draws",
            fmin(effective[0], effective[1]), effective_samples,
            ldexp(LIMIT_COARSE_CELLS * LIMIT_CELL_DRAWS, LIMIT_LEVELS - 1));
    TRY(refine_candidates(posterior, level, least_nll, observations, input_frames));
    least_nll = evaluate_candidates(posterior, observations, input_frames);
    sum_importance_weights(posterior, least_nll, effective, weight_sum);
  }
  deposit_all_draws(posterior, least_nll);
  compute_errors(posterior, weight_sum, observed_segment, error, attained);
  outcome->effective_samples = fmin(effective[0], effective[1]);
  outcome->draws = (int64_t)LIMIT_COARSE_CELLS * LIMIT_CELL_DRAWS << level;
  return STATUS_OK;
}

enum status limit_posterior_open(struct limit_prior *prior, const struct limit_table *table,
                                 struct limit_posterior *posterior) {
  size_t deposits = (size_t)(2 * prior->frames * table->grid_points);
  *posterior = (struct limit_posterior){.prior = prior, .table = table};
  posterior->moments = calloc(deposits, sizeof *posterior->moments);
  posterior->grid_weight = malloc((size_t)table->grid_points * sizeof *posterior->grid_weight);
  posterior->posterior_mean = malloc((size_t)(2 * table->rank + 1) * sizeof *posterior->posterior_mean);
  if (posterior->moments && posterior->grid_weight && posterior->posterior_mean) return STATUS_OK;
  limit_posterior_close(posterior);
  return status_raise(STATUS_MEMORY, "no memory for %zu weights of positions", deposits);
}

void limit_posterior_close(struct limit_posterior *posterior) {
  free(posterior->candidates);
  free(posterior->parents);
  free(posterior->moments);
  free(posterior->grid_weight);
  free(posterior->posterior_mean);
  *posterior = (struct limit_posterior){0};
}
