/* The posterior of one rollout and the error that the best predictor is left with. See limit_private.h.
 *
 * The bound that drops a cell: with A the set of noisy q that show what was seen, Phi^-1(P(q + sigma n in A)) changes
 * by at most |dq| / sigma (Gaussian isoperimetry), and sqrt(-2 log Phi(x)) has slopes within +-1; so the misfit z of a
 * frame changes by at most |dq| / sigma, and inside a cell whose q stays within `reach` of its middle misfit >= sum_k
 * max(0, |z_k(middle)| - reach_k / sigma)^2 / 2.
 */
#include "base/elementary.h"
#include "physics/limit_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Draws whose weight is below e^-16 = 1e-7 of the largest are left out. Of a normal posterior in the plane that is a
 * part of e^-16, and 2e-6 of its variance. */
#define MISFIT_CUT 16.0f

enum { CANDIDATES_MAX = 1 << 20 };

/* z for `count` positions. */
static inline void add_squares(const struct limit_table *table, const struct limit_seen *seen, const float *restrict q,
                               int count, float *restrict sum) {
  if (!seen->row) {
    float scale = (float)(1 / table->sigma);
    for (int i = 0; i < count; i++) {
      float z = (q[i] - seen->shift) * scale;
      sum[i] += z * z;
    }
    return;
  }
  float scale = (float)(1 / table->misfit_step), nodes = (float)table->misfit_nodes, turn = 1 / nodes;
  for (int i = 0; i < count; i++) {
    float x = (q[i] - seen->shift) * scale;
    if (table->periodic) {
      float turns = x * turn;
      x -= (float)((int)turns - (turns < 0)) * nodes;
    }
    x = x < 0 ? 0 : x > nodes ? nodes : x;
    int index = (int)x;
    float z = seen->row[index] + (x - (float)index) * (seen->row[index + 1] - seen->row[index]);
    sum[i] += z * z;
  }
}

static float bound_misfit(const struct limit_posterior *posterior, const float *node, const struct limit_seen *seen,
                          int64_t input_frames) {
  const float *middle = limit_node_middle(node), *reach = limit_node_reach(posterior->prior, node);
  float scale = (float)(1 / posterior->table->sigma), sum = 0;
  for (int64_t k = 0; k < input_frames; k++) {
    float square = 0;
    add_squares(posterior->table, &seen[k], &middle[k], 1, &square);
    float z = sqrtf(square) - reach[k] * scale;
    sum += z > 0 ? z * z : 0;
  }
  return 0.5f * sum;
}

/* Fills in the draws' misfits and returns the smallest. */
static float measure_draws(const struct limit_posterior *posterior, const struct limit_seen *seen, int64_t input_frames,
                           struct limit_candidate *candidate) {
  float best = HUGE_VALF;
  for (int set = 0; set < 2; set++) {
    float sum[LIMIT_LANES] = {0};
    for (int64_t k = 0; k < input_frames; k++) {
      const float *q = limit_node_draws(posterior->prior, candidate->node, set, k);
      add_squares(posterior->table, &seen[k], q, LIMIT_LANES, sum);
    }
    for (int lane = 0; lane < LIMIT_LANES; lane++) {
      candidate->misfit[set][lane] = 0.5f * sum[lane];
      best = candidate->misfit[set][lane] < best ? candidate->misfit[set][lane] : best;
    }
  }
  candidate->measured = true;
  return best;
}

static enum status add_candidate(struct limit_posterior *posterior, uint64_t cell, const struct limit_seen *seen,
                                 int64_t input_frames) {
  if (posterior->count == posterior->capacity) {
    int64_t capacity = posterior->capacity ? 2 * posterior->capacity : 2 * LIMIT_BASE;
    REQUIRE(capacity <= CANDIDATES_MAX, STATUS_NUMERIC, "the posterior spreads over more than %d cells",
            CANDIDATES_MAX / 2);
    struct limit_candidate *list = realloc(posterior->list, (size_t)capacity * sizeof *list);
    REQUIRE(list != NULL, STATUS_MEMORY, "no memory for %" PRId64 " cells", capacity);
    posterior->list = list;
    posterior->capacity = capacity;
  }
  struct limit_candidate *candidate = &posterior->list[posterior->count];
  candidate->cell = cell;
  candidate->measured = false;
  TRY(limit_prior_node(posterior->prior, cell, &candidate->node));
  candidate->bound = bound_misfit(posterior, candidate->node, seen, input_frames);
  posterior->count++;
  return STATUS_OK;
}

/* Measures every candidate that may hold a draw within MISFIT_CUT of the best, and returns the best misfit. The most
 * promising cell goes first, so that few are measured in vain. */
static float measure_candidates(struct limit_posterior *posterior, const struct limit_seen *seen,
                                int64_t input_frames) {
  struct limit_candidate *list = posterior->list;
  int64_t first = 0;
  for (int64_t i = 1; i < posterior->count; i++) first = list[i].bound < list[first].bound ? i : first;
  float best = measure_draws(posterior, seen, input_frames, &list[first]);
  for (int64_t i = 0; i < posterior->count; i++) {
    if (list[i].measured || list[i].bound > best + MISFIT_CUT) continue;
    best = fminf(best, measure_draws(posterior, seen, input_frames, &list[i]));
  }
  return best;
}

/* (sum w)^2 / sum w^2 and sum w of each set. */
static void weigh(const struct limit_posterior *posterior, float best, double *effective, double *weight) {
  for (int set = 0; set < 2; set++) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < posterior->count; i++) {
      const struct limit_candidate *candidate = &posterior->list[i];
      if (!candidate->measured) continue;
      for (int lane = 0; lane < LIMIT_LANES; lane++) {
        if (candidate->misfit[set][lane] > best + MISFIT_CUT) continue;
        double w = elementary_exp((double)(best - candidate->misfit[set][lane]));
        sum += w;
        squares += w * w;
      }
    }
    weight[set] = sum;
    effective[set] = squares > 0 ? sum * sum / squares : 0;
  }
}

/* The two halves of every cell that may matter become the candidates of the next level: odd levels halve the direction,
 * even ones the radius. */
static enum status descend(struct limit_posterior *posterior, int level, float best, const struct limit_seen *seen,
                           int64_t input_frames) {
  if (posterior->count > posterior->parents_capacity) {
    uint64_t *parents = realloc(posterior->parents, (size_t)posterior->capacity * sizeof *parents);
    REQUIRE(parents != NULL, STATUS_MEMORY, "no memory for %" PRId64 " cells", posterior->capacity);
    posterior->parents = parents;
    posterior->parents_capacity = posterior->capacity;
  }
  int64_t parents = 0;
  for (int64_t i = 0; i < posterior->count; i++)
    if (posterior->list[i].bound <= best + MISFIT_CUT) posterior->parents[parents++] = posterior->list[i].cell;
  posterior->count = 0;
  for (int64_t i = 0; i < parents; i++) {
    uint64_t x = posterior->parents[i] >> 28 & 0xfffffff, y = posterior->parents[i] & 0xfffffff;
    for (uint64_t half = 0; half < 2; half++) {
      uint64_t cell = level % 2 ? limit_cell(level, 2 * x + half, y) : limit_cell(level, x, 2 * y + half);
      TRY(add_candidate(posterior, cell, seen, input_frames));
    }
  }
  return STATUS_OK;
}

/* Grid interval and place in it of 16 positions. Branch-free, so that it vectorises. */
static void locate_lanes(const struct limit_table *table, const float *restrict q, int *restrict index,
                         double *restrict part) {
  const double shifter = 0x1.8p+52; /* adding it rounds to an integer */
  double scale = 1 / table->step, nodes = (double)table->nodes, low = table->low;
  double period = table->periodic ? nodes : 0, turn = 1 / nodes;
  double first = table->periodic ? 0 : 1, last = nodes - 2 * first - 1e-6; /* room for the stencil */
  for (int lane = 0; lane < LIMIT_LANES; lane++) {
    double x = ((double)q[lane] - low) * scale;
    x -= (((x * turn - 0.5) + shifter) - shifter) * period;
    x = x > first ? x : first; /* of periodic tables, rounding only; in others a margin keeps q inside */
    x = x < last ? x : last;
    index[lane] = (int)x;
    part[lane] = x - (double)index[lane];
  }
}

/* Adds the weights of a cell's draws at one frame to the moments of the grid's intervals: for q at node i + f, 0 <= f <
 * 1, (w, w f, w f^2, w f^3) to row[i]. */
static void deposit_lanes(const struct limit_table *table, const float *q, const double *weight,
                          struct limit_moments *row) {
  double part[LIMIT_LANES];
  int index[LIMIT_LANES];
  locate_lanes(table, q, index, part);
  for (int lane = 0; lane < LIMIT_LANES; lane++) {
    double w = weight[lane], f = part[lane], *sum = row[index[lane]].sum;
    if (w == 0) continue;
    sum[0] += w;
    sum[1] += w * f;
    sum[2] += w * f * f;
    sum[3] += w * f * f * f;
  }
}

static void deposit_draws(struct limit_posterior *posterior, float best) {
  const struct limit_prior *prior = posterior->prior;
  int64_t frames = prior->frames, nodes = posterior->table->nodes;
  for (int64_t i = 0; i < posterior->count; i++) {
    const struct limit_candidate *candidate = &posterior->list[i];
    if (!candidate->measured) continue;
    for (int set = 0; set < 2; set++) {
      double weight[LIMIT_LANES], largest = 0;
      for (int lane = 0; lane < LIMIT_LANES; lane++) {
        float above = candidate->misfit[set][lane] - best;
        weight[lane] = above > MISFIT_CUT ? 0 : elementary_exp(-(double)above);
        largest = weight[lane] > largest ? weight[lane] : largest;
      }
      if (largest == 0) continue;
      for (int64_t t = 0; t < frames; t++)
        deposit_lanes(posterior->table, limit_node_draws(prior, candidate->node, set, t), weight,
                      posterior->deposit + (set * frames + t) * nodes);
    }
  }
}

/* Cubic Lagrange interpolation between nodes i-1..i+2 for q between i and i+1 turns the moments into h, so that sum h G
 * is the weighted sum of the interpolated G. Clears the moments. Intervals without neighbours (at the ends of a table
 * that is not periodic) are empty. */
static void spread_moments(const struct limit_table *table, struct limit_moments *row, double *h) {
  int64_t nodes = table->nodes;
  memset(h, 0, (size_t)nodes * sizeof *h);
  for (int64_t i = 0; i < nodes; i++) {
    const double *m = row[i].sum;
    if (m[0] == 0) continue;
    h[i > 0 ? i - 1 : nodes - 1] += m[1] * (-1.0 / 3) + m[2] * 0.5 + m[3] * (-1.0 / 6);
    h[i] += m[0] - m[1] * 0.5 - m[2] + m[3] * 0.5;
    h[i < nodes - 1 ? i + 1 : 0] += m[1] + m[2] * 0.5 - m[3] * 0.5;
    h[i < nodes - 2 ? i + 2 : i + 2 - nodes] += (m[3] - m[1]) * (1.0 / 6);
    row[i] = (struct limit_moments){{0}};
  }
}

/* mean[rank] = sum h F; returns sum h S. */
static double average_frame(const struct limit_table *table, const double *h, double *restrict mean) {
  double square = 0;
  memset(mean, 0, (size_t)table->rank * sizeof *mean);
  for (int64_t i = 0; i < table->nodes; i++) {
    if (h[i] == 0) continue;
    const double *restrict factor = table->factor + i * table->rank;
    double w = h[i];
    for (int64_t r = 0; r < table->rank; r++) mean[r] += w * factor[r];
    square += w * table->square[i];
  }
  return square;
}

static void predict(struct limit_posterior *posterior, const double *weight, const int64_t *shown, double *error,
                    double *attained) {
  const struct limit_table *table = posterior->table;
  const double values = (double)table->values;
  int64_t frames = posterior->prior->frames;
  for (int64_t t = 0; t < frames; t++) {
    const double *factor = table->shown_factor + shown[t] * table->rank;
    double square = 0, cross = 0, *mean[2] = {posterior->mean, posterior->mean + table->rank};
    for (int set = 0; set < 2; set++) {
      spread_moments(table, posterior->deposit + (set * frames + t) * table->nodes, posterior->h);
      square += 0.5 * average_frame(table, posterior->h, mean[set]) / weight[set];
      cross += 0.5 * limit_dot(mean[set], factor, table->rank) / weight[set];
    }
    const double product = limit_dot(mean[0], mean[1], table->rank) / (weight[0] * weight[1]);
    error[t] = (square - product) / values;
    attained[t] = (table->shown_square[shown[t]] - 2 * cross + product) / values;
  }
}

enum status limit_posterior_measure(struct limit_posterior *posterior, const struct limit_seen *seen,
                                    int64_t input_frames, const int64_t *shown, double effective_samples, double *error,
                                    double *attained, struct limit_outcome *outcome) {
  double effective[2], weight[2];
  posterior->count = 0;
  for (uint64_t x = 0; x < LIMIT_DIRECTIONS; x++)
    for (uint64_t y = 0; y < LIMIT_RADII; y++) TRY(add_candidate(posterior, limit_cell(0, x, y), seen, input_frames));
  float best = measure_candidates(posterior, seen, input_frames);
  weigh(posterior, best, effective, weight);
  int level = 0;
  while (!(fmin(effective[0], effective[1]) > effective_samples)) {
    REQUIRE(++level < LIMIT_LEVELS, STATUS_NUMERIC, "%.3g effective samples of %.3g after %.3g draws",
            fmin(effective[0], effective[1]), effective_samples, ldexp(LIMIT_BASE * LIMIT_LANES, LIMIT_LEVELS - 1));
    TRY(descend(posterior, level, best, seen, input_frames));
    best = measure_candidates(posterior, seen, input_frames);
    weigh(posterior, best, effective, weight);
  }
  deposit_draws(posterior, best);
  predict(posterior, weight, shown, error, attained);
  outcome->effective_samples = fmin(effective[0], effective[1]);
  outcome->draws = (int64_t)LIMIT_BASE * LIMIT_LANES << level;
  return STATUS_OK;
}

enum status limit_posterior_open(struct limit_prior *prior, const struct limit_table *table,
                                 struct limit_posterior *posterior) {
  size_t deposits = (size_t)(2 * prior->frames * table->nodes);
  *posterior = (struct limit_posterior){.prior = prior, .table = table};
  posterior->deposit = calloc(deposits, sizeof *posterior->deposit);
  posterior->h = malloc((size_t)table->nodes * sizeof *posterior->h);
  posterior->mean = malloc((size_t)(2 * table->rank + 1) * sizeof *posterior->mean);
  if (posterior->deposit && posterior->h && posterior->mean) return STATUS_OK;
  limit_posterior_close(posterior);
  return status_raise(STATUS_MEMORY, "no memory for %zu weights of positions", deposits);
}

void limit_posterior_close(struct limit_posterior *posterior) {
  free(posterior->list);
  free(posterior->parents);
  free(posterior->deposit);
  free(posterior->h);
  free(posterior->mean);
  *posterior = (struct limit_posterior){0};
}
