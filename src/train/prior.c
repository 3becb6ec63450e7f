#include "train/prior.h"

#include "base/elementary.h"
#include "base/finite.h"
#include "comm/reduce.h"
#include "store/output.h"
#include "train/density.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Opening ---- */

/* Length of the run's name without what hgn puts behind it: "RUN.checkpoint-00000010.h5", "RUN.best.h5", "RUN.h5". */
static size_t stem_length(const char *run) {
  const char *slash = strrchr(run, '/'), *name = slash ? slash + 1 : run, *word = NULL;
  const size_t length = strlen(run);
  for (const char *next = strstr(name, ".checkpoint-"); next; next = strstr(next + 1, ".checkpoint-")) word = next;
  if (word) return (size_t)(word - run);
  if (length > 8 && strcmp(run + length - 8, ".best.h5") == 0) return length - 8;
  return output_stem(run);
}

enum status prior_name(const char *run, const char *what, char path[STORE_PATH_MAX]) {
  const int length = snprintf(path, STORE_PATH_MAX, "%.*s.%s.h5", (int)stem_length(run), run, what);
  REQUIRE(length < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", run);
  return STATUS_OK;
}

static bool names_checkpoint(const char *path) { return strstr(path, ".checkpoint-") || strstr(path, ".best."); }

/* Whether the codes are this model's. */
static enum status check_model(const char *path, const struct codes_about *about, const struct trained *model) {
  char sum[CHECKSUM_TEXT];
  codes_model_checksum(model, sum);
  REQUIRE(strcmp(sum, about->model) == 0, STATUS_FILE,
          "%s: is the prior of another model than %s: that was trained for %lld steps, this one for %lld%s", path,
          model->path, (long long)about->step, (long long)model->step,
          about->step == model->step ? ", to other parameters" : "");
  return STATUS_OK;
}

/* Collective. Whether the density was trained on these codes as they are now. */
static enum status check_codes(const struct comm *comm, const char *path, const char *codes, struct prior *prior) {
  struct corpus corpus;
  struct yardstick yardstick;
  TRY(corpus_open(comm, codes, &corpus));
  enum status status = corpus_measure(&corpus, &yardstick);
  if (status == STATUS_OK && strcmp(yardstick.checksum, prior->density.data_checksum) != 0)
    status = status_raise(STATUS_FILE, "%s: %s holds other codes now than it was trained on", path, codes);
  if (status == STATUS_OK && corpus.data.coordinates != prior->about.whitening.leading)
    status = status_raise(STATUS_FILE, "%s: %s: its points have %lld numbers, where it says that they have %lld", path,
                          codes, (long long)corpus.data.coordinates, (long long)prior->about.whitening.leading);
  corpus_close(&corpus);
  return comm_agree(comm, status);
}

enum status prior_prepare(struct prior *prior) {
  const struct point_model *model = density_model(&prior->density.learner);
  const int64_t size = prior->about.whitening.size;
  prior->block = -1;
  prior->drawn = arena_array(&prior->arena, DENSITY_ROWS * model->dimension, sizeof *prior->drawn);
  prior->u = arena_array(&prior->arena, size, sizeof *prior->u);
  prior->z = arena_array(&prior->arena, size, sizeof *prior->z);
  prior->noise = arena_array(&prior->arena, size, sizeof *prior->noise);
  TRY(arena_check(&prior->arena, "draws of a prior"));
  return density_judge_open(model, prior->density.learner.parameters, &prior->judge);
}

/* Collective. The density is open. */
static enum status open_codes(const struct comm *comm, const char *path, const struct trained *model,
                              struct prior *prior) {
  char codes[STORE_PATH_MAX];
  REQUIRE(density_is(&prior->density.learner), STATUS_FILE, "%s: is no prior: it is a model \"%s\" of %s", path,
          prior->density.learner.kind->name, prior->density.learner.kind->unit);
  TRY(trained_data_path(comm, &prior->density, NULL, codes));
  TRY(codes_describe(comm, codes, &prior->about));
  TRY(check_model(path, &prior->about, model));
  TRY(check_codes(comm, path, codes, prior));
  return comm_agree(comm, prior_prepare(prior));
}

enum status prior_open(const struct comm *comm, const char *path, const struct trained *model, struct prior *prior) {
  *prior = (struct prior){.block = -1};
  enum status status = trained_open(comm, path, !names_checkpoint(path), &prior->density);
  if (status != STATUS_OK) return status_context(status, "the prior %s", path);
  status = open_codes(comm, path, model, prior);
  if (status != STATUS_OK) prior_close(prior);
  return status;
}

void prior_close(struct prior *prior) {
  density_judge_close(&prior->judge);
  codes_about_free(&prior->about);
  trained_close(&prior->density);
  arena_free(&prior->arena);
}

/* ---- Draws ---- */

static enum status draw_block(struct prior *prior, uint64_t seed, int64_t block, double temperature) {
  const bool there = prior->block == block && prior->seed == seed && prior->temperature == temperature;
  if (there) return STATUS_OK;
  prior->block = -1;
  prior->judge.temperature = temperature;
  TRY(density_judge_draw(&prior->judge, seed, block * DENSITY_ROWS, DENSITY_ROWS, prior->drawn, NULL, NULL, NULL));
  prior->block = block;
  prior->seed = seed;
  prior->temperature = temperature;
  return STATUS_OK;
}

enum status prior_draw(struct prior *prior, uint64_t seed, int64_t sample, double temperature, float *z) {
  const struct whitening *whitening = &prior->about.whitening;
  const int64_t leading = whitening->leading, rest = whitening->size - leading;
  struct rng rng = rng_stream(seed, RNG_PRIOR, (uint64_t)sample, 1);
  TRY(draw_block(prior, seed, sample / DENSITY_ROWS, temperature));
  memcpy(prior->u, prior->drawn + sample % DENSITY_ROWS * leading, (size_t)leading * sizeof *prior->u);
  rng_normal(&rng, prior->noise, (int)rest);
  for (int64_t i = 0; i < rest; i++) prior->u[leading + i] = temperature * prior->noise[i];
  whitening_invert(whitening, prior->u, prior->z);
  for (int64_t i = 0; i < whitening->size; i++) z[i] = (float)prior->z[i];
  return STATUS_OK;
}

/* ---- Densities ---- */

/* Of the components that the density does not know: normals. And what the whitening has made of volumes. */
static double weigh_rest(struct prior *prior, const double *u) {
  const struct whitening *whitening = &prior->about.whitening;
  double sum = -whitening->log_volume;
  for (int64_t i = whitening->leading; i < whitening->size; i++) sum -= 0.5 * (u[i] * u[i] + ELEMENTARY_LOG_TWO_PI);
  return sum;
}

/* Rows are points of the density, in groups that do not depend on the number of ranks: blocks of codes are whole
 * groups. */
static enum status gather_points(struct prior *prior, const struct codes *codes, int64_t total,
                                 struct density_points *points, double *log_prior) {
  const struct whitening *whitening = &prior->about.whitening;
  const int64_t rows = codes->count * codes->draws, leading = whitening->leading;
  TRY(density_points_create((rows + EVALUATION_GROUP - 1) / EVALUATION_GROUP, leading, points));
  points->purpose = RNG_LATENT_TEST;
  points->seed = prior->density.learner.seed;
  for (int64_t i = 0; i < points->groups * EVALUATION_GROUP; i++) points->number[i] = DENSITY_NONE;
  for (int64_t i = 0; i < rows; i++) {
    whitening_apply(whitening, codes->z + i * whitening->size, whitening->size, prior->u);
    memcpy(points->x + i * leading, prior->u, (size_t)leading * sizeof *prior->u);
    points->number[i] = (uint64_t)(codes->first * codes->draws + i) | (uint64_t)codes->split << 48;
    points->weight[i] = 1 / (double)total;
    log_prior[i] = weigh_rest(prior, prior->u);
  }
  return STATUS_OK;
}

enum status prior_weigh(const struct comm *comm, struct prior *prior, const struct codes *codes, int64_t total,
                        double *log_prior) {
  const struct eval_settings *settings = &prior->density.training->eval;
  struct density_points points = {.groups = 0};
  enum status status = comm_agree(comm, gather_points(prior, codes, total, &points, log_prior));
  if (status == STATUS_OK)
    status = density_judge_points(comm, &prior->judge, settings->samples, settings->tolerance, &points);
  for (int64_t i = 0; i < codes->count * codes->draws && status == STATUS_OK; i++) log_prior[i] += points.likelihood[i];
  density_points_free(&points);
  return status;
}

/* ---- Distances ---- */

enum { SUM_NLL, SUM_LEARNED, SUM_NORMAL, SUM_GAIN, MEANS, SUMS = 2 * MEANS }; /* then their squares */

static void add_pair(struct exact *sum, int which, double value) {
  exact_add(&sum[which], value);
  exact_add(&sum[MEANS + which], value * value);
}

static void conclude(const struct exact *sum, int which, double n, double *mean, double *error) {
  *mean = exact_value(&sum[which]) / n;
  *error = finite_standard_error(*mean, exact_value(&sum[MEANS + which]) / n, n);
}

/* Collective. Codes of this rank, one draw of each rollout. */
static enum status compare_codes(const struct comm *comm, struct prior *prior, const struct codes *codes,
                                 struct prior_distance *distance) {
  struct exact sum[SUMS];
  struct arena arena = {.last = NULL};
  double *log_prior = arena_array(&arena, codes->count, sizeof *log_prior);
  const double n = (double)distance->rollouts;
  for (int i = 0; i < SUMS; i++) exact_clear(&sum[i]);
  enum status status = comm_agree(comm, arena_check(&arena, "densities of codes"));
  if (status == STATUS_OK) status = prior_weigh(comm, prior, codes, distance->rollouts, log_prior);
  for (int64_t i = 0; i < codes->count && status == STATUS_OK; i++) {
    const double learned = codes->log_q[i] - log_prior[i];
    add_pair(sum, SUM_NLL, -log_prior[i]);
    add_pair(sum, SUM_LEARNED, learned);
    add_pair(sum, SUM_NORMAL, codes->kl[i]);
    add_pair(sum, SUM_GAIN, codes->kl[i] - learned);
  }
  arena_free(&arena);
  if (status == STATUS_OK) status = reduce_exact(comm, sum, SUMS);
  if (status != STATUS_OK) return status;
  conclude(sum, SUM_NLL, n, &distance->nll, &distance->nll_error);
  conclude(sum, SUM_LEARNED, n, &distance->learned, &distance->learned_error);
  conclude(sum, SUM_NORMAL, n, &distance->normal, &distance->normal_error);
  conclude(sum, SUM_GAIN, n, &distance->gain, &distance->gain_error);
  return STATUS_OK;
}

enum status prior_measure(const struct comm *comm, struct prior *prior, const struct trained *model,
                          struct corpus *corpus, int64_t rollouts, struct prior_distance *distance) {
  const int64_t all = corpus->data.rollouts[SPLIT_TEST];
  struct codes codes;
  *distance = (struct prior_distance){.rollouts = rollouts == 0 || rollouts > all ? all : rollouts,
                                      .sampled = model->training->model.latent.sampled};
  enum status status =
      comm_agree(comm, codes_gather(comm, model, &corpus->source, SPLIT_TEST, distance->rollouts, 1, &codes, NULL));
  if (status == STATUS_OK) status = compare_codes(comm, prior, &codes, distance);
  codes_free(&codes);
  TRY(status);
  REQUIRE(isfinite(distance->nll) && isfinite(distance->normal), STATUS_NUMERIC,
          "%s: the density of a code, or its KL from N(0, 1), is not finite", prior->density.path);
  return STATUS_OK;
}
