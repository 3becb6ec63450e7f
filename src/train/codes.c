#include "train/codes.h"

#include "base/elementary.h"
#include "base/finite.h"
#include "base/log.h"
#include "base/rng.h"
#include "comm/reduce.h"
#include "model/pass.h"
#include "train/codes_file.h"
#include "train/hgn.h"

#include <math.h>
#include <string.h>

void codes_model_checksum(const struct trained *trained, char text[CHECKSUM_TEXT]) {
  const struct learner *learner = &trained->learner;
  struct checksum sum = {{0, 0}};
  checksum_add(&sum, checksum_tag("parameters"), 0, learner->parameters,
               (size_t)layout_values(learner->layout) * sizeof *learner->parameters);
  checksum_text(&sum, text);
}

/* ---- Codes of rollouts ---- */

/* What the encoder says of one group. */
struct encoder {
  const struct trained *trained;
  const struct model *model;
  struct source *source;
  struct pass *pass; /* of EVALUATION_GROUP rollouts */
  float *frames;     /* [group][...] */
  float *mean, *sigma;
  double *noise;   /* [size] */
  double *squares; /* [size]: of standard deviations, summed over a block */
  struct arena arena;
};

static enum status open_encoder(const struct trained *trained, struct source *source, struct encoder *encoder) {
  const struct learner *learner = &trained->learner;
  *encoder = (struct encoder){.trained = trained, .source = source};
  REQUIRE(learner->kind == &learner_hgn, STATUS_UNAVAILABLE, "%s: is a model \"%s\", which has no codes of frames",
          trained->path, learner->kind->name);
  encoder->model = hgn_model(learner);
  const int64_t size = model_code_values(encoder->model);
  struct arena *arena = &encoder->arena;
  encoder->frames = arena_array(
      arena, EVALUATION_GROUP * model_image_values(encoder->model) * learner->protocol.input_count, sizeof(float));
  encoder->mean = arena_array(arena, EVALUATION_GROUP * size, sizeof(float));
  encoder->sigma = arena_array(arena, EVALUATION_GROUP * size, sizeof(float));
  encoder->noise = arena_array(arena, size, sizeof(double));
  encoder->squares = arena_array(arena, size, sizeof(double));
  TRY(arena_check(arena, "codes"));
  return pass_create(encoder->model, EVALUATION_GROUP, 1, learner->parameters, &encoder->pass);
}

static void close_encoder(struct encoder *encoder) {
  pass_destroy(&encoder->pass);
  arena_free(&encoder->arena);
}

/* A draw of the posterior of member b of a group, and its log density there. */
static double draw_code(struct encoder *encoder, const struct codes *codes, int64_t b, int64_t rollout, int64_t draw,
                        double *z) {
  const float *mean = encoder->mean + b * codes->size, *sigma = encoder->sigma + b * codes->size;
  const uint32_t sub = (uint32_t)codes->split << 20 | (uint32_t)draw;
  struct rng rng = rng_stream(encoder->trained->learner.seed, RNG_CODE, (uint64_t)rollout, sub);
  double log_q = 0;
  if (model_latents(encoder->model) == 0) {
    for (int64_t i = 0; i < codes->size; i++) z[i] = (double)mean[i];
    return 0;
  }
  rng_normal(&rng, encoder->noise, (int)codes->size);
  for (int64_t i = 0; i < codes->size; i++) {
    const double noise = encoder->noise[i], width = (double)sigma[i];
    z[i] = (double)mean[i] + width * noise;
    log_q -= 0.5 * (noise * noise + ELEMENTARY_LOG_TWO_PI) + elementary_log(width);
  }
  return log_q;
}

/* KL of N(mean, sigma^2) from N(0, 1): 1/2 (mean^2 + sigma^2 - 1) - log sigma, summed. */
static double divergence(const struct encoder *encoder, const struct codes *codes, int64_t b) {
  double sum = 0;
  if (model_latents(encoder->model) == 0) return 0;
  for (int64_t i = 0; i < codes->size; i++) {
    const double mean = (double)encoder->mean[b * codes->size + i], sigma = (double)encoder->sigma[b * codes->size + i];
    sum += 0.5 * (mean * mean + sigma * sigma - 1) - elementary_log(sigma);
  }
  return sum;
}

/* Rollouts first..first+count-1, a group; one that is not full repeats its last. */
static enum status encode_group(struct encoder *encoder, struct codes *codes, int64_t first, int64_t count) {
  const struct protocol *protocol = &encoder->trained->learner.protocol;
  const int64_t values = model_image_values(encoder->model) * protocol->input_count, size = codes->size;
  for (int64_t b = 0; b < EVALUATION_GROUP; b++)
    TRY(source_stack(encoder->source, codes->split, first + (b < count ? b : count - 1), protocol->input_first,
                     protocol->input_count, encoder->frames + b * values));
  TRY(pass_encode(encoder->pass, encoder->frames, encoder->mean, encoder->sigma));
  for (int64_t b = 0; b < count; b++) {
    const int64_t at = first + b - codes->first;
    REQUIRE(finite_all_f32(encoder->mean + b * size, size) && finite_all_f32(encoder->sigma + b * size, size),
            STATUS_NUMERIC, "%s: the code of %s rollout %lld is not finite", encoder->trained->path,
            split_name[codes->split], (long long)(first + b));
    codes->kl[at] = divergence(encoder, codes, b);
    for (int64_t draw = 0; draw < codes->draws; draw++)
      codes->log_q[at * codes->draws + draw] =
          draw_code(encoder, codes, b, first + b, draw, codes->z + (at * codes->draws + draw) * size);
    for (int64_t i = 0; i < size; i++)
      encoder->squares[i] += (double)encoder->sigma[b * size + i] * (double)encoder->sigma[b * size + i];
  }
  return STATUS_OK;
}

static enum status encode_all(struct encoder *encoder, struct codes *codes, struct exact *spread) {
  struct progress progress;
  enum status status = STATUS_OK;
  progress_begin(&progress, "codes", "rollouts", codes->count);
  for (int64_t done = 0; done < codes->count && status == STATUS_OK;) {
    const int64_t left = codes->count - done, now = left < EVALUATION_GROUP ? left : EVALUATION_GROUP;
    status = encode_group(encoder, codes, codes->first + done, now);
    done += now;
    if (status == STATUS_OK) progress_update(&progress, done);
    if (done % CODES_BLOCK != 0 && done < codes->count) continue;
    for (int64_t i = 0; i < codes->size && spread; i++) exact_add(&spread[i], encoder->squares[i]);
    memset(encoder->squares, 0, (size_t)codes->size * sizeof *encoder->squares);
  }
  progress_end(&progress, codes->count);
  return status;
}

enum status codes_gather(const struct comm *comm, const struct trained *trained, struct source *source,
                         enum split split, int64_t rollouts, int64_t draws, struct codes *codes, struct exact *spread) {
  struct encoder encoder;
  int64_t first, count;
  *codes = (struct codes){.split = split, .draws = draws};
  comm_share((rollouts + CODES_BLOCK - 1) / CODES_BLOCK, comm->size, comm->rank, &first, &count);
  codes->first = first * CODES_BLOCK;
  codes->count = count * CODES_BLOCK < rollouts - codes->first ? count * CODES_BLOCK : rollouts - codes->first;
  if (count == 0) codes->first = codes->count = 0;
  enum status status = open_encoder(trained, source, &encoder);
  if (status == STATUS_OK) {
    codes->size = model_code_values(encoder.model);
    codes->z = arena_array(&codes->arena, codes->count * draws * codes->size, sizeof *codes->z);
    codes->log_q = arena_array(&codes->arena, codes->count * draws, sizeof *codes->log_q);
    codes->kl = arena_array(&codes->arena, codes->count, sizeof *codes->kl);
    status = arena_check(&codes->arena, "the codes of a rank's rollouts");
  }
  if (status == STATUS_OK) status = source_load(source, split, codes->first, codes->count);
  if (status == STATUS_OK) status = encode_all(&encoder, codes, spread);
  close_encoder(&encoder);
  return status;
}

void codes_free(struct codes *codes) {
  arena_free(&codes->arena);
  *codes = (struct codes){.size = 0};
}

/* ---- Their moments ---- */

/* Rows of a block of this rank's codes: its draws too. */
static int64_t block_rows(const struct codes *codes, int64_t row) {
  const int64_t whole = CODES_BLOCK * codes->draws, left = codes->count * codes->draws - row;
  return left < whole ? left : whole;
}

/* Collective. Into whitening->mean, of `total` codes on all ranks. */
static enum status measure_mean(const struct comm *comm, const struct codes *codes, int64_t total, struct exact *sum,
                                struct whitening *whitening) {
  const int64_t size = codes->size, rows = codes->count * codes->draws;
  for (int64_t i = 0; i < size; i++) exact_clear(&sum[i]);
  for (int64_t row = 0, now; row < rows; row += now) {
    now = block_rows(codes, row);
    memset(whitening->work, 0, (size_t)size * sizeof *whitening->work);
    for (int64_t r = row; r < row + now; r++)
      for (int64_t i = 0; i < size; i++) whitening->work[i] += codes->z[r * size + i];
    for (int64_t i = 0; i < size; i++) exact_add(&sum[i], whitening->work[i]);
  }
  TRY(reduce_exact(comm, sum, (int)size));
  for (int64_t i = 0; i < size; i++) whitening->mean[i] = exact_value(&sum[i]) / (double)total;
  return STATUS_OK;
}

enum { PANEL = 16 }; /* rows of the covariance at once */

/* Rows from..from+PANEL-1 of the covariance below the diagonal: y is (z - mean) / scale. Block by block, so that the
 * order of the sums within a block is written here, and those of blocks are exact. */
static void add_panel(const struct codes *codes, const double *y, int64_t from, int64_t to, double *partial,
                      struct exact *sum) {
  const int64_t size = codes->size, rows = codes->count * codes->draws;
  for (int64_t row = 0, now; row < rows; row += now) {
    now = block_rows(codes, row);
    memset(partial, 0, (size_t)(PANEL * size) * sizeof *partial);
    for (int64_t r = row; r < row + now; r++)
      for (int64_t j = from; j < to; j++) {
        const double *other = y + r * size, one = other[j];
        double *to_row = partial + (j - from) * size;
        for (int64_t i = 0; i <= j; i++) to_row[i] += one * other[i];
      }
    for (int64_t j = from; j < to; j++)
      for (int64_t i = 0; i <= j; i++) exact_add(&sum[(j - from) * size + i], partial[(j - from) * size + i]);
  }
}

/* Collective. */
static enum status measure_covariance(const struct comm *comm, const struct codes *codes, const double *y,
                                      int64_t total, double *covariance) {
  const int64_t size = codes->size;
  struct arena arena = {.last = NULL};
  double *partial = arena_array(&arena, PANEL * size, sizeof *partial);
  struct exact *sum = arena_array(&arena, PANEL * size, sizeof *sum);
  enum status status = comm_agree(comm, arena_check(&arena, "a covariance"));
  for (int64_t from = 0; from < size && status == STATUS_OK; from += PANEL) {
    const int64_t to = from + PANEL < size ? from + PANEL : size;
    for (int64_t i = 0; i < PANEL * size; i++) exact_clear(&sum[i]);
    add_panel(codes, y, from, to, partial, sum);
    status = reduce_exact(comm, sum, (int)(PANEL * size));
    for (int64_t j = from; j < to && status == STATUS_OK; j++)
      for (int64_t i = 0; i <= j; i++)
        covariance[j * size + i] = covariance[i * size + j] = exact_value(&sum[(j - from) * size + i]) / (double)total;
  }
  arena_free(&arena);
  return status;
}

/* Collective. spread: the sums of this rank's posterior variances. */
static enum status fit_whitening(const struct comm *comm, const struct codes *codes, int64_t rollouts, bool sampled,
                                 struct exact *spread, int64_t leading, struct whitening *whitening) {
  const int64_t size = codes->size, rows = codes->count * codes->draws, total = rollouts * codes->draws;
  struct arena arena = {.last = NULL};
  struct exact *sum = arena_array(&arena, size, sizeof *sum);
  double *y = arena_array(&arena, rows * size, sizeof *y),
         *covariance = arena_array(&arena, size * size, sizeof *covariance);
  enum status status = comm_agree(comm, arena_check(&arena, "the moments of codes"));
  if (status == STATUS_OK) status = measure_mean(comm, codes, total, sum, whitening);
  if (status == STATUS_OK) status = reduce_exact(comm, spread, (int)size);
  for (int64_t i = 0; i < size && status == STATUS_OK; i++)
    whitening->scale[i] = sampled ? sqrt(exact_value(&spread[i]) / (double)rollouts) : 1;
  for (int64_t r = 0; r < rows && status == STATUS_OK; r++)
    for (int64_t i = 0; i < size; i++)
      y[r * size + i] = (codes->z[r * size + i] - whitening->mean[i]) / whitening->scale[i];
  if (status == STATUS_OK) status = measure_covariance(comm, codes, y, total, covariance);
  for (int64_t i = 0; i < size && status == STATUS_OK; i++)
    if (!isfinite(covariance[i * size + i]))
      status = status_raise(STATUS_NUMERIC, "the variance of number %lld of the codes is not finite", (long long)i);
  const struct whitening_rule rule = {.sampled = sampled, .codes = total, .leading = leading};
  if (status == STATUS_OK) whitening_fit(whitening, covariance, &rule);
  arena_free(&arena);
  return status;
}

/* ---- The file ---- */

/* Collective. Codes of all training rollouts, and their axes. */
static enum status learn_axes(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                              int64_t leading, int64_t draws, struct codes *codes, struct whitening *whitening) {
  const struct model *model = hgn_model(&trained->learner);
  const int64_t size = model_code_values(model), rollouts = corpus->data.rollouts[SPLIT_TRAIN];
  struct arena arena = {.last = NULL};
  struct exact *spread = arena_array(&arena, size, sizeof *spread);
  enum status status = arena_check(&arena, "the moments of codes");
  for (int64_t i = 0; i < size && status == STATUS_OK; i++) exact_clear(&spread[i]);
  if (status == STATUS_OK) status = whitening_create(size, whitening);
  if (status == STATUS_OK)
    status = codes_gather(comm, trained, &corpus->source, SPLIT_TRAIN, rollouts, draws, codes, spread);
  status = comm_agree(comm, status);
  if (status == STATUS_OK)
    status = fit_whitening(comm, codes, rollouts, model_latents(model) > 0, spread, leading, whitening);
  arena_free(&arena);
  return status;
}

/* Collective. The other splits have one draw. */
static enum status write_splits(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                                const struct codes *train, struct codes_file *file) {
  TRY(comm_agree(comm, codes_file_write(file, train)));
  for (int split = SPLIT_TRAIN + 1; split < SPLIT_COUNT; split++) {
    struct codes codes;
    enum status status =
        codes_gather(comm, trained, &corpus->source, (enum split)split, corpus->data.rollouts[split], 1, &codes, NULL);
    if (status == STATUS_OK) status = codes_file_write(file, &codes);
    codes_free(&codes);
    TRY(comm_agree(comm, status));
  }
  return STATUS_OK;
}

static enum status check_settings(const struct trained *trained, const struct corpus *corpus,
                                  const struct codes_settings *settings) {
  const struct learner *learner = &trained->learner;
  REQUIRE(learner->kind == &learner_hgn, STATUS_UNAVAILABLE, "%s: is a model \"%s\", which has no codes of frames",
          trained->path, learner->kind->name);
  const int64_t size = model_code_values(hgn_model(learner));
  REQUIRE(settings->draws <= 1 || model_latents(hgn_model(learner)) > 0, STATUS_USAGE,
          "--draws %lld: %s does not sample: of a rollout there is one code", (long long)settings->draws,
          trained->path);
  REQUIRE(settings->leading <= size, STATUS_USAGE, "--leading %lld: codes are of %lld numbers",
          (long long)settings->leading, (long long)size);
  return source_check_validation(&corpus->data, false);
}

static int64_t choose_draws(const struct trained *trained, const struct corpus *corpus) {
  const int64_t draws = CODES_ENOUGH / corpus->data.rollouts[SPLIT_TRAIN];
  if (model_latents(hgn_model(&trained->learner)) == 0) return 1;
  return draws < 1 ? 1 : draws > CODES_DRAWS ? CODES_DRAWS : draws;
}

enum status codes_make(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                       const struct codes_settings *settings, const char *path) {
  struct codes codes = {.size = 0};
  struct codes_about about = {.step = trained->step};
  struct codes_file file;
  TRY(check_settings(trained, corpus, settings));
  about.draws = settings->draws ? settings->draws : choose_draws(trained, corpus);
  codes_model_checksum(trained, about.model);
  enum status status = learn_axes(comm, trained, corpus, settings->leading, about.draws, &codes, &about.whitening);
  if (status == STATUS_OK) {
    status = codes_file_create(comm, path, trained, &corpus->data, &about, &file);
    if (status == STATUS_OK) status = write_splits(comm, trained, corpus, &codes, &file);
    if (status == STATUS_OK) status = store_commit(&file.store);
    codes_file_close(&file);
  }
  codes_free(&codes);
  codes_about_free(&about);
  return status;
}

void codes_about_free(struct codes_about *about) { whitening_free(&about->whitening); }
