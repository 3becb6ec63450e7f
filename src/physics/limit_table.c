/* Second step of the information limit: the tables over q that the estimator of limit.h looks up. They do not depend on
 * what is observed and are made once for an experiment, by fill_table() in this order:
 *
 *   segments    the line of q is cut into segments a..b on which the image is constant: exactly, by bisection, for
 *               `report2021`, which knows whole pixels only; finely, with the image of the middle, for `soft`
 *   S and G     second moment and mean of the image under noise, at the points of a grid of q
 *   F and f     the factor of G's Gram matrix, in which inner products of images are cheap
 *   deviations  the likelihood of an observed image as a function of q, in the form z of limit_private.h
 *
 * Every expectation over the observation noise is a sum over segments with the weights
 *   P(segment | q) = P(a < q + sigma n < b) = Phi((b - q) / sigma) - Phi((a - q) / sigma),
 * and no noise is sampled. */
#include "base/elementary.h"
#include "base/log.h"
#include "physics/limit_private.h"
#include "physics/render.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TWO_PI 6.283185307179586476925286766559
#define GRID_STEP 0.125        /* sigma: cubic interpolation of a smoothed edge is then good to 1e-5 of its height */
#define SEGMENT_STEP 0.03125   /* sigma: snapping q to the middle of its segment adds 1e-4 of the noise's variance */
#define SEGMENT_PIXEL 0.125    /* px: the same, for edges one pixel wide */
#define DEVIATION_STEP 0.03125 /* sigma: linear interpolation of z is good to 1e-4 */
#define NOISE_REACH 9.0        /* sigma: noise beyond has a probability below 1e-18 */
#define DEVIATION_MAX 37.0     /* sigma: beyond, exp(-z^2 / 2) is not a normal number; z is cut there */
#define RANK_TOLERANCE 1e-8    /* of the largest |G|^2: what the factor may miss of it */

enum { GRID_MAX = 1 << 14, SEGMENTS_MAX = 1 << 17, BISECTIONS = 48 };

/* ---- the normal distribution, since libm's erfc is not the same on every machine ---- */

/* 1 - Phi(x), x >= 0, to a relative 1e-14: a series of positive terms, then Laplace's continued fraction. */
static double normal_upper_tail(double x) {
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
  if (a >= 0) return normal_upper_tail(a) - normal_upper_tail(b);
  if (b <= 0) return normal_upper_tail(-b) - normal_upper_tail(-a);
  return 1 - normal_upper_tail(-a) - normal_upper_tail(b);
}

/* ---- segments of q with one image each ---- */

/* Renders images, and numbers those that differ. Only the varying values of an image are looked at, those that are not
 * the same for all q, and the background is subtracted from them. Of the images only hashes are kept, since an image
 * can be rendered again at any time. */
struct image_set {
  struct renderer renderer;
  float *image;     /* [values]: the last image, as rendered; owned */
  float *value;     /* [varying_count]: its varying values, less the background; owned */
  int64_t *varying; /* [varying_count]: their places in an image; owned */
  int64_t varying_count;
  int64_t count, capacity; /* of distinct images */
  uint64_t *hash;          /* [capacity]: FNV-1a of each distinct image; owned */
};

static void image_set_close(struct image_set *set) {
  render_close(&set->renderer);
  free(set->image);
  free(set->value);
  free(set->varying);
  free(set->hash);
}

/* Leaves the varying values of the image of q, less the background, in set->value. */
static void image_set_render(struct image_set *set, double q) {
  render_f32(&set->renderer, &q, set->image);
  for (int64_t i = 0; i < set->varying_count; i++) {
    int64_t place = set->varying[i];
    set->value[i] = set->image[place] - set->renderer.background[place];
  }
}

/* The number of q's image: that of an equal image if there was one before, otherwise a new number. */
static enum status image_set_number(struct image_set *set, double q, int32_t *number) {
  if (set->count == set->capacity) {
    int64_t capacity = set->capacity ? 2 * set->capacity : 64;
    uint64_t *grown = realloc(set->hash, (size_t)capacity * sizeof *grown);
    REQUIRE(grown != NULL, STATUS_MEMORY, "no memory for %" PRId64 " images", capacity);
    set->hash = grown;
    set->capacity = capacity;
  }
  image_set_render(set, q);
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (int64_t i = 0; i < set->varying_count; i++) {
    uint32_t bits;
    memcpy(&bits, &set->value[i], sizeof bits);
    hash = (hash ^ bits) * UINT64_C(0x100000001b3);
  }
  int64_t known = 0;
  while (known < set->count && set->hash[known] != hash) known++;
  if (known == set->count) set->hash[set->count++] = hash;
  *number = (int32_t)known;
  return STATUS_OK;
}

/* Finds the varying values: those that are not the same at all positions low + i * step, i = 0..count. */
static enum status image_set_open(const struct experiment *experiment, double low, double step, int64_t count,
                                  struct image_set *set) {
  TRY(render_open(experiment, &set->renderer));
  size_t values = set->renderer.values;
  set->image = malloc(values * sizeof *set->image);
  set->varying = malloc(values * sizeof *set->varying);
  float *first = malloc(values * sizeof *first);
  bool *changes = calloc(values, sizeof *changes);
  enum status status = STATUS_OK;
  set->value = malloc(values * sizeof *set->value);
  if (set->image && set->value && set->varying && first && changes) {
    render_f32(&set->renderer, &low, first);
    for (int64_t i = 1; i <= count; i++) {
      double q = low + (double)i * step;
      render_f32(&set->renderer, &q, set->image);
      for (size_t j = 0; j < values; j++) changes[j] |= set->image[j] != first[j];
    }
    for (size_t j = 0; j < values; j++)
      if (changes[j]) set->varying[set->varying_count++] = (int64_t)j;
  } else {
    status = status_raise(STATUS_MEMORY, "no memory for an image of %zu values", values);
  }
  free(first);
  free(changes);
  return status;
}

/* Adds a segment from where the last one ends (or the first begins) to `end`. */
static enum status append_segment(struct limit_table *table, double end, int32_t image) {
  REQUIRE(table->segments < SEGMENTS_MAX, STATUS_NUMERIC, "the image changes at more than %d positions", SEGMENTS_MAX);
  table->segment_image[table->segments++] = image;
  table->segment_edge[table->segments] = end;
  return STATUS_OK;
}

/* Cuts at every place between `left` and `right` where the image changes, and adds the segments that end there. The
 * last one stays open: it began at or before `left` and shows `*image`, and after the call it is the one that reaches
 * `right`. */
static enum status bisect_image_changes(struct image_set *set, double left, double right, int32_t *image,
                                        struct limit_table *table) {
  int32_t target, middle, found;
  TRY(image_set_number(set, right, &target));
  while (*image != target) {
    double low = left, high = right;
    for (int i = 0; i < BISECTIONS; i++) {
      double q = 0.5 * (low + high);
      TRY(image_set_number(set, q, &middle));
      *(middle == *image ? &low : &high) = q;
    }
    TRY(image_set_number(set, high, &found));
    TRY(append_segment(table, high, *image));
    *image = found;
    left = high;
  }
  return STATUS_OK;
}

/* Cuts count * step of q, from `low` on, into segments: where the image changes, or at every step. */
static enum status cut_into_segments(struct image_set *set, double low, double step, int64_t count,
                                     struct limit_table *table) {
  bool exact = set->renderer.settings.renderer == RENDERER_REPORT2021;
  table->segment_edge = malloc((SEGMENTS_MAX + 1) * sizeof *table->segment_edge);
  table->segment_image = malloc(SEGMENTS_MAX * sizeof *table->segment_image);
  REQUIRE(table->segment_edge && table->segment_image, STATUS_MEMORY, "no memory for the segments of the image");
  int32_t image = 0;
  table->segment_edge[0] = low;
  if (exact) TRY(image_set_number(set, low, &image));
  for (int64_t i = 0; i < count; i++) {
    double left = low + (double)i * step, right = left + step;
    if (exact)
      TRY(bisect_image_changes(set, left, right, &image, table));
    else
      TRY(append_segment(table, right, image));
  }
  if (exact) TRY(append_segment(table, low + (double)count * step, image));
  table->images = set->count;
  return STATUS_OK;
}

/* P(segment | q): the probability that q + sigma n lies in the segment, or in what shows the same a number of turns
 * away when the image is periodic. Noise beyond `reach`, in sigma, is left out. */
static double segment_probability(const struct limit_table *table, int64_t segment, double q, double reach) {
  double sum = 0, a = table->segment_edge[segment] - q, b = table->segment_edge[segment + 1] - q,
         far = reach * table->sigma;
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

/* Fine images under little noise take minutes here: a line says how far it is. Of the whole, the mean images are the
 * first TABLE_HALF parts; the factorisation, whose rank nobody knows before, the others, by how many decimal places of
 * its tolerance it has. Nothing is said of less than a second. */
enum { TABLE_HALF = 50, TABLE_PARTS = 2 * TABLE_HALF };

static void show_factor(struct progress *progress, double residual, double largest) {
  double places = residual > 0 && largest > 0 ? elementary_log(residual / largest) / elementary_log(RANK_TOLERANCE) : 1;
  progress_update(progress, TABLE_HALF + (int64_t)(TABLE_HALF * fmin(1, fmax(0, places))));
}

/* S and G at the points of the grid: adds what each segment contributes to table->second_moment and to
 * mean[grid_points][varying_count], which is G. Both are zero before. */
static void tabulate_mean_images(const struct limit_table *table, struct image_set *set, float *mean,
                                 struct progress *progress) {
  for (int64_t segment = 0; segment < table->segments; segment++) {
    progress_update(progress, TABLE_HALF * segment / table->segments);
    image_set_render(set, 0.5 * (table->segment_edge[segment] + table->segment_edge[segment + 1]));
    const float *restrict image = set->value;
    double square = 0;
    for (int64_t i = 0; i < set->varying_count; i++) square += (double)image[i] * (double)image[i];
    for (int64_t point = 0; point < table->grid_points; point++) {
      double probability =
          segment_probability(table, segment, table->grid_low + (double)point * table->grid_step, NOISE_REACH);
      if (probability == 0) continue;
      float *restrict row = mean + point * set->varying_count, weight = (float)probability;
      for (int64_t i = 0; i < set->varying_count; i++) row[i] += weight * image[i];
      table->second_moment[point] += probability * square;
    }
  }
}

/* The inner product a . b of two images, added in f64. */
static double dot_f32(const float *a, const float *b, int64_t count) {
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

/* The factor f of each segment's image, as if the image were one more row of the factorisation by factor_gram_matrix():
 * forward substitution with the rows of the pivots,
 *   f[k] = (x . G_p - sum_{j<k} f[j] F_p[j]) / F_p[k],    p = pivots[k], x less the background. */
static enum status factor_segment_images(struct limit_table *table, struct image_set *set, const float *mean,
                                         const int64_t *pivots, int64_t rank) {
  const int64_t varying_count = set->varying_count;
  table->segment_square = malloc((size_t)table->segments * sizeof *table->segment_square);
  table->segment_factor = calloc((size_t)(table->segments * table->rank) + 1, sizeof *table->segment_factor);
  REQUIRE(table->segment_square && table->segment_factor, STATUS_MEMORY, "no memory for %" PRId64 " images",
          table->segments);
  for (int64_t segment = 0; segment < table->segments; segment++) {
    double *f = table->segment_factor + segment * table->rank;
    image_set_render(set, 0.5 * (table->segment_edge[segment] + table->segment_edge[segment + 1]));
    table->segment_square[segment] = dot_f32(set->value, set->value, varying_count);
    for (int64_t k = 0; k < rank; k++) {
      const double *row = table->mean_factor + pivots[k] * table->rank;
      f[k] = (dot_f32(set->value, mean + pivots[k] * varying_count, varying_count) - limit_dot(f, row, k)) / row[k];
    }
  }
  return STATUS_OK;
}

/* The factor F of the Gram matrix of the rows G_i of `mean`, by Cholesky's method with complete pivoting, stopped at
 * RANK_TOLERANCE: G_i . G_j = F_i . F_j to that tolerance for all i, j (the residual is positive semi-definite, so its
 * largest entry is on the diagonal). Smooth images need a rank of some tens. full_factor[grid_points][rank_max] is F
 * before the rank is known; residual[grid_points] is the diagonal of what it does not yet explain. */
static enum status factor_gram_matrix(struct limit_table *table, struct image_set *set, const float *mean,
                                      struct progress *progress) {
  const int64_t varying_count = set->varying_count, points = table->grid_points,
                rank_max = points < varying_count ? points : varying_count;
  double *full_factor = malloc((size_t)(points * rank_max) * sizeof *full_factor + 1),
         *residual = malloc((size_t)points * sizeof *residual);
  int64_t *pivots = malloc((size_t)rank_max * sizeof *pivots + 1), rank = 0;
  enum status status = STATUS_OK;
  if (!full_factor || !residual || !pivots) {
    status = status_raise(STATUS_MEMORY, "no memory for %" PRId64 " averaged images", points);
    goto cleanup;
  }
  double largest = 0;
  for (int64_t i = 0; i < points; i++) {
    residual[i] = dot_f32(mean + i * varying_count, mean + i * varying_count, varying_count);
    largest = fmax(largest, residual[i]);
  }
  for (; rank < rank_max; rank++) {
    int64_t pivot = 0;
    for (int64_t i = 1; i < points; i++) pivot = residual[i] > residual[pivot] ? i : pivot;
    if (residual[pivot] <= RANK_TOLERANCE * largest) break;
    show_factor(progress, residual[pivot], largest);
    pivots[rank] = pivot;
    double scale = 1 / sqrt(residual[pivot]);
    for (int64_t i = 0; i < points; i++) {
      double inner = dot_f32(mean + i * varying_count, mean + pivot * varying_count, varying_count);
      full_factor[i * rank_max + rank] =
          scale * (inner - limit_dot(full_factor + i * rank_max, full_factor + pivot * rank_max, rank));
    }
    for (int64_t i = 0; i < points; i++)
      residual[i] -= full_factor[i * rank_max + rank] * full_factor[i * rank_max + rank];
  }
  table->rank = (rank + 3) / 4 * 4; /* so that loops over it take whole vectors */
  table->mean_factor = calloc((size_t)(points * table->rank) + 1, sizeof *table->mean_factor);
  if (table->mean_factor) {
    for (int64_t i = 0; i < points; i++)
      memcpy(table->mean_factor + i * table->rank, full_factor + i * rank_max, (size_t)rank * sizeof *full_factor);
    status = factor_segment_images(table, set, mean, pivots, rank);
  } else {
    status = status_raise(STATUS_MEMORY, "no memory for a factor of rank %" PRId64, rank);
  }
cleanup:
  free(full_factor);
  free(residual);
  free(pivots);
  return status;
}

/* ---- what an observed frame says of q ---- */

/* z of a likelihood P = exp(-z^2 / 2), cut at DEVIATION_MAX. */
static float deviation_of_likelihood(double probability) {
  if (probability >= 1) return 0;
  double z = probability > 0 ? sqrt(-2 * elementary_log(probability)) : DEVIATION_MAX;
  return (float)fmin(z, DEVIATION_MAX);
}

/* Likelihood of seeing "the image of some q + 2 pi k":
 * sum_k exp(-(d + 2 pi k)^2 / 2 sigma^2), relative to that at d = 0. */
static double wrapped_normal(double d, double sigma) {
  double sum = 0;
  int64_t turns = (int64_t)ceil(DEVIATION_MAX * sigma / TWO_PI) + 1;
  for (int64_t turn = -turns; turn <= turns; turn++) {
    double x = (d + TWO_PI * (double)turn) / sigma;
    sum += elementary_exp(-0.5 * x * x);
  }
  return sum;
}

/* The deviations z of observed images as functions of q. Exact segments: P(image | q) is the sum of P(segment | q) over
 * the segments that show it. Otherwise an image is taken to tell its q, up to turns: q - observed is normal, or wrapped
 * normal where images are periodic. Where it is normal, and when positions are observed, z needs no table. */
static enum status tabulate_deviations(struct limit_table *table, enum limit_observe observe, bool exact) {
  table->deviation_by_image = exact;
  if (observe == LIMIT_POSITIONS || (!exact && !table->periodic)) return STATUS_OK;
  double width = table->periodic ? TWO_PI : (double)(table->grid_points - 1) * table->grid_step;
  int64_t points = (int64_t)ceil(width / (DEVIATION_STEP * table->sigma)), rows = exact ? table->images : 1;
  table->deviation_points = points;
  table->deviation_step = width / (double)points;
  table->deviation = malloc((size_t)(rows * (points + 2)) * sizeof *table->deviation);
  double *probability = malloc((size_t)rows * sizeof *probability);
  if (!table->deviation || !probability) {
    free(probability);
    return status_raise(STATUS_MEMORY, "no memory for the likelihoods of %" PRId64 " images", rows);
  }
  double low = exact ? table->grid_low : 0, peak = wrapped_normal(0, table->sigma);
  for (int64_t point = 0; point < points + 2; point++) {
    double q = low + (double)point * table->deviation_step;
    memset(probability, 0, (size_t)rows * sizeof *probability);
    if (exact) {
      for (int64_t segment = 0; segment < table->segments; segment++)
        probability[table->segment_image[segment]] += segment_probability(table, segment, q, DEVIATION_MAX);
    } else {
      probability[0] = wrapped_normal(q, table->sigma) / peak;
    }
    for (int64_t row = 0; row < rows; row++)
      table->deviation[row * (points + 2) + point] = deviation_of_likelihood(probability[row]);
  }
  free(probability);
  return STATUS_OK;
}

int64_t limit_table_find_segment(const struct limit_table *table, double q) {
  if (table->periodic) q -= TWO_PI * floor(q / TWO_PI);
  int64_t low = 0, high = table->segments;
  while (high - low > 1) {
    int64_t middle = (low + high) / 2;
    *(q >= table->segment_edge[middle] ? &low : &high) = middle;
  }
  return low;
}

struct limit_observation limit_table_observe(const struct limit_table *table, double observed_q) {
  struct limit_observation observation = {.shift = (float)observed_q};
  if (!table->deviation) return observation;
  observation.row = table->deviation;
  if (!table->deviation_by_image) return observation;
  observation.shift = (float)table->grid_low;
  observation.row = table->deviation +
                    table->segment_image[limit_table_find_segment(table, observed_q)] * (table->deviation_points + 2);
  return observation;
}

/* ---- all tables ---- */

/* Makes all tables, once the grid of q is set, in the order of the comment at the head of this file. Segments are made
 * out to NOISE_REACH beyond the grid; images are compared, and for `soft` cut, at a step that suits both noise and
 * pixels. */
static enum status fill_table(const struct experiment *experiment, enum limit_observe observe, struct image_set *set,
                              struct limit_table *table) {
  const struct render_settings *render = &experiment->render;
  int64_t side = render->height < render->width ? render->height : render->width;
  double pixel = 2 * render->world / (double)side / (table->periodic ? experiment->system.length : 1);
  double low = table->periodic ? 0 : table->grid_low - NOISE_REACH * table->sigma;
  double width =
      table->periodic ? TWO_PI : (double)(table->grid_points - 1) * table->grid_step + 2 * NOISE_REACH * table->sigma;
  int64_t count = (int64_t)ceil(width / fmin(SEGMENT_STEP * table->sigma, SEGMENT_PIXEL * pixel));
  REQUIRE(count <= SEGMENTS_MAX / 2, STATUS_UNAVAILABLE,
          "the information limit is not available yet for noise as small as %g or images as fine as %" PRId64 " px",
          table->sigma, side);
  TRY(image_set_open(experiment, low, width / (double)count, count, set));
  table->values = set->renderer.values;
  TRY(cut_into_segments(set, low, width / (double)count, count, table));
  float *mean = calloc((size_t)(table->grid_points * set->varying_count) + 1, sizeof *mean);
  table->second_moment = calloc((size_t)table->grid_points, sizeof *table->second_moment);
  enum status status =
      mean && table->second_moment
          ? STATUS_OK
          : status_raise(STATUS_MEMORY, "no memory for %" PRId64 " averaged images", table->grid_points);
  if (status == STATUS_OK) {
    struct progress progress;
    progress_begin(&progress, "limit, tables of images", "parts", TABLE_PARTS);
    tabulate_mean_images(table, set, mean, &progress);
    status = factor_gram_matrix(table, set, mean, &progress);
    if (log_clock() - progress.started > 1) progress_end(&progress, TABLE_PARTS);
  }
  free(mean);
  if (status == STATUS_OK) status = tabulate_deviations(table, observe, render->renderer == RENDERER_REPORT2021);
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
    table->grid_points = (int64_t)ceil(fmax(count, LIMIT_STENCIL));
    table->grid_step = TWO_PI / (double)table->grid_points;
  } else { /* one more step at both ends for the stencil */
    table->grid_points = (int64_t)ceil(count) + 3;
    table->grid_step = step;
    table->grid_low = low - step;
  }
  struct image_set set = {0};
  enum status status = fill_table(experiment, observe, &set, table);
  image_set_close(&set);
  if (status != STATUS_OK) limit_table_close(table);
  return status;
}

void limit_table_close(struct limit_table *table) {
  free(table->second_moment);
  free(table->mean_factor);
  free(table->segment_edge);
  free(table->segment_image);
  free(table->segment_square);
  free(table->segment_factor);
  free(table->deviation);
  *table = (struct limit_table){0};
}
