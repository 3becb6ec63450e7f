/* The noise-averaged image as a function of q, and the likelihood of an image. See limit_private.h.
 *
 * The image is cut into segments of q on which it is constant: exactly, by bisection, for `report2021`, which knows
 * whole pixels only; finely, with the image of the middle, for `soft`. Then every expectation over the noise is a sum
 * of P(segment | q) = Phi((b - q) / sigma) - Phi((a - q) / sigma) over segments a..b, and nothing is sampled.
 */
#include "base/elementary.h"
#include "physics/limit_private.h"
#include "physics/render.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TWO_PI 6.283185307179586476925286766559
#define GRID_STEP 0.125      /* sigma: cubic interpolation of a smoothed edge is then good to 1e-5 of its height */
#define SEGMENT_STEP 0.03125 /* sigma: snapping q to the middle of its segment adds 1e-4 of the noise's variance */
#define SEGMENT_PIXEL 0.125  /* px: the same, for edges one pixel wide */
#define MISFIT_STEP 0.03125  /* sigma: linear interpolation of z is good to 1e-4 */
#define REACH 9.0            /* sigma: noise beyond has a chance below 1e-18 */
#define MISFIT_REACH 37.0    /* sigma: beyond, exp(-z^2 / 2) is not a normal number; z is cut there */
#define RANK_TOLERANCE 1e-8  /* of the largest |G|^2: what the factor may miss */

enum { GRID_MAX = 1 << 14, SEGMENTS_MAX = 1 << 17, BISECTIONS = 48 };

/* ---- the normal distribution; libm's erfc is not the same on every machine ---- */

/* 1 - Phi(x), x >= 0, to a relative 1e-14: a series of positive terms, then Laplace's continued fraction. */
static double upper_tail(double x) {
  double density = 0.398942280401432677939946 * elementary_exp(-0.5 * x * x);
  if (x < 3) {
    double term = x, sum = x;
    for (int k = 3; k < 75; k += 2) {
      term *= x * x / k;
      sum += term;
    }
    return 0.5 - density * sum;
  }
  double fraction = x;
  for (int k = 48; k >= 1; k--) fraction = x + k / fraction;
  return density / fraction;
}

/* P(a < N(0, 1) < b), a <= b, without cancellation in the tails. */
static double normal_between(double a, double b) {
  if (a >= 0) return upper_tail(a) - upper_tail(b);
  if (b <= 0) return upper_tail(-b) - upper_tail(-a);
  return 1 - upper_tail(-a) - upper_tail(b);
}

/* ---- segments ---- */

/* Images by number: only the values that are not the same in all of them, less the background, and of those only a hash
 * is kept, since an image can be rendered again at any time. */
struct album {
  struct renderer renderer;
  float *image;    /* [values]: as rendered; owned */
  float *row;      /* [actives]: the values that change; owned */
  int64_t *active; /* [actives]: their places in an image; owned */
  int64_t actives, count, capacity;
  uint64_t *hash; /* [capacity]: FNV-1a of each distinct image; owned */
};

static void album_close(struct album *album) {
  render_close(&album->renderer);
  free(album->image);
  free(album->row);
  free(album->active);
  free(album->hash);
}

/* Leaves the image of q, less the background, in row. */
static void album_render(struct album *album, double q) {
  render_f32(&album->renderer, &q, album->image);
  for (int64_t i = 0; i < album->actives; i++) {
    int64_t place = album->active[i];
    album->row[i] = album->image[place] - album->renderer.background[place];
  }
}

/* The number of q's image; a new one when there is none like it. */
static enum status album_find(struct album *album, double q, int32_t *number) {
  if (album->count == album->capacity) {
    int64_t capacity = album->capacity ? 2 * album->capacity : 64;
    uint64_t *grown = realloc(album->hash, (size_t)capacity * sizeof *grown);
    REQUIRE(grown != NULL, STATUS_MEMORY, "no memory for %" PRId64 " images", capacity);
    album->hash = grown;
    album->capacity = capacity;
  }
  album_render(album, q);
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (int64_t i = 0; i < album->actives; i++) {
    uint32_t bits;
    memcpy(&bits, &album->row[i], sizeof bits);
    hash = (hash ^ bits) * UINT64_C(0x100000001b3);
  }
  int64_t known = 0;
  while (known < album->count && album->hash[known] != hash) known++;
  if (known == album->count) album->hash[album->count++] = hash;
  *number = (int32_t)known;
  return STATUS_OK;
}

/* The values that change between any two of the positions low + i * step. */
static enum status album_open(const struct experiment *experiment, double low, double step, int64_t count,
                              struct album *album) {
  TRY(render_open(experiment, &album->renderer));
  size_t values = album->renderer.values;
  album->image = malloc(values * sizeof *album->image);
  album->active = malloc(values * sizeof *album->active);
  float *first = malloc(values * sizeof *first);
  bool *changes = calloc(values, sizeof *changes);
  enum status status = STATUS_OK;
  album->row = malloc(values * sizeof *album->row);
  if (album->image && album->row && album->active && first && changes) {
    render_f32(&album->renderer, &low, first);
    for (int64_t i = 1; i <= count; i++) {
      double q = low + (double)i * step;
      render_f32(&album->renderer, &q, album->image);
      for (size_t j = 0; j < values; j++) changes[j] |= album->image[j] != first[j];
    }
    for (size_t j = 0; j < values; j++)
      if (changes[j]) album->active[album->actives++] = (int64_t)j;
  } else {
    status = status_raise(STATUS_MEMORY, "no memory for an image of %zu values", values);
  }
  free(first);
  free(changes);
  return status;
}

static enum status add_segment(struct limit_table *table, double end, int32_t image) {
  REQUIRE(table->segments < SEGMENTS_MAX, STATUS_NUMERIC, "the image changes at more than %d positions", SEGMENTS_MAX);
  table->image[table->segments++] = image;
  table->edge[table->segments] = end;
  return STATUS_OK;
}

/* Adds segments up to `right`, given that the present one, of `*image`, reaches to `left`. */
static enum status cut_exactly(struct album *album, double left, double right, int32_t *image,
                               struct limit_table *table) {
  int32_t target, middle, found;
  TRY(album_find(album, right, &target));
  while (*image != target) {
    double low = left, high = right;
    for (int i = 0; i < BISECTIONS; i++) {
      double q = 0.5 * (low + high);
      TRY(album_find(album, q, &middle));
      *(middle == *image ? &low : &high) = q;
    }
    TRY(album_find(album, high, &found));
    TRY(add_segment(table, high, *image));
    *image = found;
    left = high;
  }
  return STATUS_OK;
}

static enum status cut_segments(struct album *album, double low, double step, int64_t count,
                                struct limit_table *table) {
  bool exact = album->renderer.settings.renderer == RENDERER_REPORT2021;
  table->edge = malloc((SEGMENTS_MAX + 1) * sizeof *table->edge);
  table->image = malloc(SEGMENTS_MAX * sizeof *table->image);
  REQUIRE(table->edge && table->image, STATUS_MEMORY, "no memory for the segments of the image");
  int32_t image = 0;
  table->edge[0] = low;
  if (exact) TRY(album_find(album, low, &image));
  for (int64_t i = 0; i < count; i++) {
    double left = low + (double)i * step, right = left + step;
    if (exact)
      TRY(cut_exactly(album, left, right, &image, table));
    else
      TRY(add_segment(table, right, image));
  }
  if (exact) TRY(add_segment(table, low + (double)count * step, image));
  table->images = album->count;
  return STATUS_OK;
}

/* P(segment | q), over all turns of a periodic image. `reach` in sigma. */
static double segment_chance(const struct limit_table *table, int64_t segment, double q, double reach) {
  double sum = 0, a = table->edge[segment] - q, b = table->edge[segment + 1] - q, far = reach * table->sigma;
  int64_t turns = table->periodic ? (int64_t)ceil(far / TWO_PI) + 1 : 0;
  if (!table->periodic) { /* whatever lies beyond the ends looks like the ends */
    if (segment == 0) a = -2 * far;
    if (segment == table->segments - 1) b = 2 * far;
  }
  for (int64_t turn = -turns; turn <= turns; turn++) {
    double shift = TWO_PI * (double)turn;
    if (a + shift > far || b + shift < -far) continue;
    sum += normal_between((a + shift) / table->sigma, (b + shift) / table->sigma);
  }
  return sum;
}

/* ---- S, G and the factor of G's Gram matrix ---- */

/* mean[nodes][actives]: G. */
static void average_images(const struct limit_table *table, struct album *album, float *mean) {
  for (int64_t segment = 0; segment < table->segments; segment++) {
    album_render(album, 0.5 * (table->edge[segment] + table->edge[segment + 1]));
    const float *restrict image = album->row;
    double square = 0;
    for (int64_t i = 0; i < album->actives; i++) square += (double)image[i] * (double)image[i];
    for (int64_t node = 0; node < table->nodes; node++) {
      double chance = segment_chance(table, segment, table->low + (double)node * table->step, REACH);
      if (chance == 0) continue;
      float *restrict row = mean + node * album->actives, weight = (float)chance;
      for (int64_t i = 0; i < album->actives; i++) row[i] += weight * image[i];
      table->square[node] += chance * square;
    }
  }
}

static double dot_images(const float *a, const float *b, int64_t count) {
  double sum[4] = {0};
  int64_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (int j = 0; j < 4; j++) sum[j] += (double)a[i + j] * (double)b[i + j];
  for (; i < count; i++) sum[0] += (double)a[i] * (double)b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

double limit_dot(const double *a, const double *b, int64_t count) {
  double sum[4] = {0};
  int64_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (int j = 0; j < 4; j++) sum[j] += a[i + j] * b[i + j];
  for (; i < count; i++) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* What each segment shows, as one more row of the same factorisation: row k of the pivots gives f[k]. */
static enum status factor_shown(struct limit_table *table, struct album *album, const float *mean,
                                const int64_t *pivots, int64_t rank) {
  const int64_t actives = album->actives;
  table->shown_square = malloc((size_t)table->segments * sizeof *table->shown_square);
  table->shown_factor = calloc((size_t)(table->segments * table->rank) + 1, sizeof *table->shown_factor);
  REQUIRE(table->shown_square && table->shown_factor, STATUS_MEMORY, "no memory for %" PRId64 " images",
          table->segments);
  for (int64_t segment = 0; segment < table->segments; segment++) {
    double *f = table->shown_factor + segment * table->rank;
    album_render(album, 0.5 * (table->edge[segment] + table->edge[segment + 1]));
    table->shown_square[segment] = dot_images(album->row, album->row, actives);
    for (int64_t k = 0; k < rank; k++) {
      const double *row = table->factor + pivots[k] * table->rank;
      f[k] = (dot_images(album->row, mean + pivots[k] * actives, actives) - limit_dot(f, row, k)) / row[k];
    }
  }
  return STATUS_OK;
}

/* Cholesky with complete pivoting, stopped at RANK_TOLERANCE: G_i . G_j = F_i . F_j to that tolerance for all i, j (the
 * residual is positive semi-definite, so its largest entry is on the diagonal).
 * Smooth images need a rank of some tens. */
static enum status factor_gram(struct limit_table *table, struct album *album, const float *mean) {
  const int64_t actives = album->actives, nodes = table->nodes, limit = nodes < actives ? nodes : actives;
  double *wide = malloc((size_t)(nodes * limit) * sizeof *wide + 1), *rest = malloc((size_t)nodes * sizeof *rest);
  int64_t *pivots = malloc((size_t)limit * sizeof *pivots + 1), rank = 0;
  enum status status = STATUS_OK;
  if (!wide || !rest || !pivots) {
    status = status_raise(STATUS_MEMORY, "no memory for %" PRId64 " averaged images", nodes);
    goto cleanup;
  }
  double largest = 0;
  for (int64_t i = 0; i < nodes; i++) {
    rest[i] = dot_images(mean + i * actives, mean + i * actives, actives);
    largest = fmax(largest, rest[i]);
  }
  for (; rank < limit; rank++) {
    int64_t pivot = 0;
    for (int64_t i = 1; i < nodes; i++) pivot = rest[i] > rest[pivot] ? i : pivot;
    if (rest[pivot] <= RANK_TOLERANCE * largest) break;
    pivots[rank] = pivot;
    double scale = 1 / sqrt(rest[pivot]);
    for (int64_t i = 0; i < nodes; i++) {
      double inner = dot_images(mean + i * actives, mean + pivot * actives, actives);
      wide[i * limit + rank] = scale * (inner - limit_dot(wide + i * limit, wide + pivot * limit, rank));
    }
    for (int64_t i = 0; i < nodes; i++) rest[i] -= wide[i * limit + rank] * wide[i * limit + rank];
  }
  table->rank = (rank + 3) / 4 * 4; /* whole vectors in the loops over it */
  table->factor = calloc((size_t)(nodes * table->rank) + 1, sizeof *table->factor);
  if (table->factor) {
    for (int64_t i = 0; i < nodes; i++)
      memcpy(table->factor + i * table->rank, wide + i * limit, (size_t)rank * sizeof *wide);
    status = factor_shown(table, album, mean, pivots, rank);
  } else {
    status = status_raise(STATUS_MEMORY, "no memory for a factor of rank %" PRId64, rank);
  }
cleanup:
  free(wide);
  free(rest);
  free(pivots);
  return status;
}

/* ---- what a frame says ---- */

static float misfit_of(double chance) {
  if (chance >= 1) return 0;
  double z = chance > 0 ? sqrt(-2 * elementary_log(chance)) : MISFIT_REACH;
  return (float)fmin(z, MISFIT_REACH);
}

/* Likelihood of seeing "the image of some q + 2 pi k":
 * sum_k exp(-(d + 2 pi k)^2 / 2 sigma^2), relative to that at d = 0. */
static double wrapped_normal(double d, double sigma) {
  double sum = 0;
  int64_t turns = (int64_t)ceil(MISFIT_REACH * sigma / TWO_PI) + 1;
  for (int64_t turn = -turns; turn <= turns; turn++) {
    double x = (d + TWO_PI * (double)turn) / sigma;
    sum += elementary_exp(-0.5 * x * x);
  }
  return sum;
}

static enum status tabulate_misfits(struct limit_table *table, enum limit_observe observe, bool exact) {
  table->misfit_of_image = exact;
  if (observe == LIMIT_POSITIONS || (!exact && !table->periodic)) return STATUS_OK;
  double width = table->periodic ? TWO_PI : (double)(table->nodes - 1) * table->step;
  int64_t nodes = (int64_t)ceil(width / (MISFIT_STEP * table->sigma)), rows = exact ? table->images : 1;
  table->misfit_nodes = nodes;
  table->misfit_step = width / (double)nodes;
  table->misfit = malloc((size_t)(rows * (nodes + 2)) * sizeof *table->misfit);
  double *chance = malloc((size_t)rows * sizeof *chance);
  if (!table->misfit || !chance) {
    free(chance);
    return status_raise(STATUS_MEMORY, "no memory for the likelihoods of %" PRId64 " images", rows);
  }
  double low = exact ? table->low : 0, peak = wrapped_normal(0, table->sigma);
  for (int64_t node = 0; node < nodes + 2; node++) {
    double q = low + (double)node * table->misfit_step;
    memset(chance, 0, (size_t)rows * sizeof *chance);
    if (exact) {
      for (int64_t segment = 0; segment < table->segments; segment++)
        chance[table->image[segment]] += segment_chance(table, segment, q, MISFIT_REACH);
    } else {
      chance[0] = wrapped_normal(q, table->sigma) / peak;
    }
    for (int64_t row = 0; row < rows; row++) table->misfit[row * (nodes + 2) + node] = misfit_of(chance[row]);
  }
  free(chance);
  return STATUS_OK;
}

int64_t limit_table_segment(const struct limit_table *table, double q) {
  if (table->periodic) q -= TWO_PI * floor(q / TWO_PI);
  int64_t low = 0, high = table->segments;
  while (high - low > 1) {
    int64_t middle = (low + high) / 2;
    *(q >= table->edge[middle] ? &low : &high) = middle;
  }
  return low;
}

struct limit_seen limit_table_see(const struct limit_table *table, double observed_q) {
  struct limit_seen seen = {.shift = (float)observed_q};
  if (!table->misfit) return seen;
  seen.row = table->misfit;
  if (!table->misfit_of_image) return seen;
  seen.shift = (float)table->low;
  seen.row = table->misfit + table->image[limit_table_segment(table, observed_q)] * (table->misfit_nodes + 2);
  return seen;
}

/* ---- */

static enum status fill(const struct experiment *experiment, enum limit_observe observe, struct album *album,
                        struct limit_table *table) {
  const struct render_settings *render = &experiment->render;
  int64_t side = render->height < render->width ? render->height : render->width;
  double pixel = 2 * render->world / (double)side / (table->periodic ? experiment->system.length : 1);
  double low = table->periodic ? 0 : table->low - REACH * table->sigma;
  double width = table->periodic ? TWO_PI : (double)(table->nodes - 1) * table->step + 2 * REACH * table->sigma;
  int64_t count = (int64_t)ceil(width / fmin(SEGMENT_STEP * table->sigma, SEGMENT_PIXEL * pixel));
  REQUIRE(count <= SEGMENTS_MAX / 2, STATUS_UNAVAILABLE,
          "the information limit is not available yet for noise as small as %g or images as fine as %" PRId64 " px",
          table->sigma, side);
  TRY(album_open(experiment, low, width / (double)count, count, album));
  table->values = album->renderer.values;
  TRY(cut_segments(album, low, width / (double)count, count, table));
  float *mean = calloc((size_t)(table->nodes * album->actives) + 1, sizeof *mean);
  table->square = calloc((size_t)table->nodes, sizeof *table->square);
  enum status status = mean && table->square
                           ? STATUS_OK
                           : status_raise(STATUS_MEMORY, "no memory for %" PRId64 " averaged images", table->nodes);
  if (status == STATUS_OK) {
    average_images(table, album, mean);
    status = factor_gram(table, album, mean);
  }
  free(mean);
  if (status == STATUS_OK) status = tabulate_misfits(table, observe, render->renderer == RENDERER_REPORT2021);
  return status;
}

enum status limit_table_open(const struct experiment *experiment, enum limit_observe observe, double low, double high,
                             struct limit_table *table) {
  double sigma = experiment->data.noise;
  *table = (struct limit_table){.periodic = experiment->system.name == SYSTEM_PENDULUM, .sigma = sigma};
  double step = GRID_STEP * sigma, count = table->periodic ? TWO_PI / step : (high - low) / step;
  REQUIRE(count <= GRID_MAX, STATUS_UNAVAILABLE,
          "the information limit is not available yet for noise as small as %g: q would need a grid of %.0f points",
          sigma, count);
  if (table->periodic) {
    table->nodes = (int64_t)ceil(fmax(count, LIMIT_STENCIL));
    table->step = TWO_PI / (double)table->nodes;
  } else { /* one more step at both ends for the stencil */
    table->nodes = (int64_t)ceil(count) + 3;
    table->step = step;
    table->low = low - step;
  }
  struct album album = {0};
  enum status status = fill(experiment, observe, &album, table);
  album_close(&album);
  if (status != STATUS_OK) limit_table_close(table);
  return status;
}

void limit_table_close(struct limit_table *table) {
  free(table->square);
  free(table->factor);
  free(table->edge);
  free(table->image);
  free(table->shown_square);
  free(table->shown_factor);
  free(table->misfit);
  *table = (struct limit_table){0};
}
