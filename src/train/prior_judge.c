#include "train/prior_judge.h"

#include "base/elementary.h"
#include "base/log.h"
#include "comm/reduce.h"
#include "physics/rollout.h"
#include "train/energy_distance.h"
#include "train/prior_judge_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t prior_judge_frames(const struct protocol *protocol) {
  return protocol->target_count - protocol_anchor(protocol);
}

void prior_judge_interval(int64_t k, int64_t n, double *low, double *high) {
  const double z = 1.959963984540054, count = (double)n, share = (double)k / count;
  const double middle = (share + z * z / (2 * count)) / (1 + z * z / count),
               half = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count);
  *low = k == 0 ? 0 : middle - half;
  *high = k == n ? 1 : middle + half;
}

void prior_judgement_free(struct prior_judgement *judgement) {
  match_close(&judgement->match);
  arena_free(&judgement->arena);
}

/* ---- Films ---- */

enum status prior_judge_draw(const struct prior_judge_task *task, int64_t sample, struct probe_path *path) {
  TRY(probe_draw(task->probe, task->seed, sample, path));
  return probe_unroll(task->probe, task->probe->trained->learner.dt, path);
}

static enum status reconstruct(const struct prior_judge_task *task, int64_t rollout, struct probe_path *path) {
  TRY(source_load(task->source, task->split, rollout, 1));
  TRY(probe_infer(task->probe, task->source, task->split, rollout, path));
  return probe_unroll(task->probe, task->probe->trained->learner.dt, path);
}

/* What is not finite anywhere is far from everything, whatever a kernel makes of it in its image. */
static enum status fit_film(struct match *match, const struct probe_path *path, struct prior_judge_film *film) {
  struct match_fit fit;
  TRY(match_find(match, path->images, &fit));
  film->mse = path->broken ? (double)NAN : fit.mse;
  film->outside = fit.outside ? 1 : 0;
  memcpy(film->uniform, fit.uniform, sizeof film->uniform);
  memcpy(film->state, fit.state, sizeof film->state);
  return STATUS_OK;
}

/* This rank's share of samples and of reconstructions. */
static enum status fit_share(const struct comm *comm, const struct prior_judge_task *task, struct probe_path *path,
                             struct prior_judgement *judgement) {
  struct progress progress;
  int64_t first, count, done = 0;
  enum status status = STATUS_OK;
  comm_share(judgement->rollouts + judgement->samples, comm->size, comm->rank, &first, &count);
  if (task->telling) progress_begin(&progress, comm->size > 1 ? "judge, a rank's share" : "judge", "films", count);
  for (; done < count && status == STATUS_OK; done++) {
    const int64_t i = first + done, sample = i - judgement->rollouts;
    status = sample < 0 ? reconstruct(task, i, path) : prior_judge_draw(task, sample, path);
    if (status == STATUS_OK)
      status = fit_film(judgement->match, path, sample < 0 ? &judgement->rollout[i] : &judgement->sample[sample]);
    if (task->telling) progress_update(&progress, done + 1);
  }
  if (task->telling) progress_end(&progress, done);
  return status;
}

/* ---- Validity ---- */

/* For qsort(): what is no number is the largest. */
static int compare_numbers(const void *left, const void *right) {
  const double a = *(const double *)left, b = *(const double *)right;
  if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
  return (a > b) - (a < b);
}

struct ranked {
  double mse;
  int64_t index;
};
static int compare_ranked(const void *left, const void *right) {
  const struct ranked *a = left, *b = right;
  const int order = compare_numbers(&a->mse, &b->mse);
  return order ? order : (a->index > b->index) - (a->index < b->index);
}

static enum status rank_films(const struct prior_judge_film *film, int64_t count, struct arena *arena,
                              struct ranked **ranked) {
  struct ranked *list = arena_array(arena, count, sizeof *list);
  TRY(arena_check(arena, "films"));
  for (int64_t i = 0; i < count; i++) list[i] = (struct ranked){film[i].mse, i};
  qsort(list, (size_t)count, sizeof *list, compare_ranked);
  *ranked = list;
  return STATUS_OK;
}

static double median_of(const struct ranked *ranked, int64_t count) {
  return 0.5 * (ranked[(count - 1) / 2].mse + ranked[count / 2].mse);
}

static int64_t count_valid(const struct prior_judge_film *film, int64_t count, double error) {
  int64_t valid = 0;
  for (int64_t i = 0; i < count; i++) valid += film[i].mse <= PRIOR_JUDGE_VALID * error;
  return valid;
}

static double share_outside(const struct prior_judge_film *film, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += film[i].outside;
  return sum / (double)count;
}

static enum status conclude(struct prior_judgement *judgement) {
  const int64_t n = judgement->samples, rollouts = judgement->rollouts;
  struct ranked *of_rollouts, *of_samples;
  TRY(rank_films(judgement->rollout, rollouts, &judgement->arena, &of_rollouts));
  TRY(rank_films(judgement->sample, n, &judgement->arena, &of_samples));
  judgement->error = median_of(of_rollouts, rollouts);
  const int64_t valid = count_valid(judgement->sample, n, judgement->error);
  judgement->valid = (double)valid / (double)n;
  prior_judge_interval(valid, n, &judgement->valid_low, &judgement->valid_high);
  judgement->rollouts_valid = (double)count_valid(judgement->rollout, rollouts, judgement->error) / (double)rollouts;
  judgement->ratio_median = median_of(of_samples, n) / judgement->error;
  judgement->ratio_high = of_samples[(9 * n + 9) / 10 - 1].mse / judgement->error;
  judgement->outside = share_outside(judgement->sample, n);
  judgement->rollouts_outside = share_outside(judgement->rollout, rollouts);
  const int64_t from[3] = {0, (n - 1) / 2 - 1, n - 3};
  for (int i = 0; i < PRIOR_JUDGE_SHOWN; i++) judgement->shown[i] = of_samples[from[i / 3] + i % 3].index;
  return STATUS_OK;
}

/* ---- Coverage ---- */

/* The numbers that states are compared by: angles as cosine and sine. Returns how many. */
static int64_t coordinates_of(const struct system *system, const double *state, double *out) {
  int64_t count = 0;
  for (int c = 0; c < 2 * system->freedom; c++) {
    if (system->angular && c < system->freedom) {
      elementary_sincos(state[c], &out[count + 1], &out[count]);
      count += 2;
    } else {
      out[count++] = state[c];
    }
  }
  return count;
}

enum { COORDINATES_MAX = SYSTEM_STATE_MAX + SYSTEM_FREEDOM_MAX };

/* Collective. States of test rollouts 0..count-1 at the anchor: state[count][2 D]. */
static enum status simulate_states(const struct comm *comm, const struct prior_judge_task *task, int64_t count,
                                   double *state) {
  struct experiment experiment = *task->source->experiment;
  const int64_t row = 2 * system_get(experiment.system.name)->freedom;
  const int64_t frames = task->probe->trained->learner.protocol.anchor + 1;
  const uint64_t begins = task->split == SPLIT_VALIDATION ? ROLLOUT_VALIDATION : ROLLOUT_TEST;
  int64_t first, share;
  experiment.data.frames = frames;
  comm_share(count, comm->size, comm->rank, &first, &share);
  double *states = malloc((size_t)(share * frames * row) * sizeof *states + 1);
  enum status status = states ? STATUS_OK : status_raise(STATUS_MEMORY, "no memory for test rollouts");
  if (status == STATUS_OK) status = rollout_simulate_many(&experiment, begins + (uint64_t)first, share, states, NULL);
  for (int64_t i = 0; i < share && status == STATUS_OK; i++)
    memcpy(state + (first + i) * row, states + ((i + 1) * frames - 1) * row, (size_t)row * sizeof *state);
  free(states);
  status = comm_agree(comm, status);
  return status == STATUS_OK ? reduce_place(comm, state, count * row) : status;
}

static void find_deviations(const double *y, int64_t n, int64_t dimension, double *deviation) {
  for (int64_t k = 0; k < dimension; k++) {
    double mean = 0, square = 0;
    for (int64_t i = 0; i < n; i++) mean += y[i * dimension + k] / (double)n;
    for (int64_t i = 0; i < n; i++) square += (y[i * dimension + k] - mean) * (y[i * dimension + k] - mean) / (double)n;
    deviation[k] = sqrt(square) > 1e-12 ? sqrt(square) : 1; /* a number that is always the same */
  }
}

static void divide(const double *deviation, double *x, int64_t n, int64_t dimension) {
  for (int64_t i = 0; i < n * dimension; i++) x[i] /= deviation[i % dimension];
}

/* Collective. Samples without a fitted state are left out, and as many test rollouts. */
static enum status cover_states(const struct comm *comm, const struct prior_judge_task *task,
                                struct prior_judgement *judgement) {
  const struct system *system = system_get(task->source->experiment->system.name);
  const int64_t row = 2 * system->freedom, all = 2 * judgement->samples;
  struct arena *arena = &judgement->arena;
  double *state = arena_array(arena, all * row, sizeof *state),
         *x = arena_array(arena, judgement->samples * COORDINATES_MAX, sizeof *x),
         *y = arena_array(arena, all * COORDINATES_MAX, sizeof *y);
  TRY(comm_agree(comm, arena_check(arena, "states")));
  TRY(simulate_states(comm, task, all, state));
  int64_t n = 0, dimension = 0;
  double fitted[COORDINATES_MAX], deviation[COORDINATES_MAX];
  for (int64_t i = 0; i < judgement->samples; i++) {
    if (isnan(judgement->sample[i].mse)) continue;
    dimension = coordinates_of(system, judgement->sample[i].state, fitted);
    memcpy(x + n++ * dimension, fitted, (size_t)dimension * sizeof *x);
  }
  judgement->compared = n;
  if (n < 2) return STATUS_OK;
  for (int64_t i = 0; i < 2 * n; i++) coordinates_of(system, state + i * row, y + i * dimension);
  find_deviations(y, 2 * n, dimension, deviation);
  divide(deviation, x, n, dimension);
  divide(deviation, y, 2 * n, dimension);
  judgement->coverage = energy_distance_plain(x, n, y, n, dimension);
  judgement->coverage_floor = energy_distance_plain(y, n, y + n * dimension, n, dimension);
  return STATUS_OK;
}

/* ---- Examples ---- */

enum status prior_judge_show(const struct prior_judge_task *task, const struct prior_judgement *judgement, int index,
                             float *film, float *nearest) {
  const int64_t sample = judgement->shown[index];
  struct probe_path path;
  enum status status = probe_path_create(task->probe, task->frames, true, &path);
  if (status == STATUS_OK) status = prior_judge_draw(task, sample, &path);
  if (status == STATUS_OK) {
    const int64_t values = task->frames * model_image_values(task->probe->model);
    memcpy(film, path.images, (size_t)values * sizeof *film);
    for (int64_t i = 0; i < values; i++) nearest[i] = NAN;
    if (!isnan(judgement->sample[sample].uniform[0]))
      match_render(judgement->match, judgement->sample[sample].uniform, nearest);
  }
  probe_path_free(&path);
  return status;
}

/* ---- Everything ---- */

static enum status judge_physics(const struct comm *comm, const struct prior_judge_task *task, struct probe_path *path,
                                 struct prior_judgement *judgement) {
  enum { ROW = sizeof(struct prior_judge_film) / sizeof(double) };
  enum status status = match_open(task->source->experiment, task->probe->trained->learner.protocol.anchor, task->frames,
                                  &judgement->match);
  if (status == STATUS_OK) status = fit_share(comm, task, path, judgement);
  TRY(comm_agree(comm, status));
  TRY(reduce_place(comm, (double *)judgement->sample, judgement->samples * ROW));
  TRY(reduce_place(comm, (double *)judgement->rollout, judgement->rollouts * ROW));
  TRY(comm_agree(comm, conclude(judgement)));
  return cover_states(comm, task, judgement);
}

static enum status begin(const struct prior_judge_task *task, struct probe_path *path,
                         struct prior_judgement *judgement) {
  const int64_t rollouts = task->source->data->rollouts[task->split];
  const int64_t least = task->samples < rollouts ? task->samples : rollouts;
  judgement->rollouts = least < PRIOR_JUDGE_ROLLOUTS ? least : PRIOR_JUDGE_ROLLOUTS;
  judgement->sample = arena_array(&judgement->arena, task->samples, sizeof *judgement->sample);
  judgement->rollout = arena_array(&judgement->arena, judgement->rollouts, sizeof *judgement->rollout);
  TRY(arena_check(&judgement->arena, "samples"));
  return probe_path_create(task->probe, task->frames, true, path);
}

enum status prior_judge(const struct comm *comm, const struct prior_judge_task *task,
                        struct prior_judgement *judgement) {
  struct probe_path path = {.frames = 0};
  *judgement = (struct prior_judgement){.known = task->source->experiment != NULL,
                                        .samples = task->samples,
                                        .error = NAN,
                                        .valid = NAN,
                                        .valid_low = NAN,
                                        .valid_high = NAN,
                                        .rollouts_valid = NAN,
                                        .ratio_median = NAN,
                                        .ratio_high = NAN,
                                        .coverage = NAN,
                                        .coverage_floor = NAN,
                                        .outside = NAN,
                                        .rollouts_outside = NAN};
  REQUIRE(task->samples >= PRIOR_JUDGE_LEAST && task->samples <= PRIOR_JUDGE_MOST, STATUS_ARGUMENT,
          "%lld samples to judge", (long long)task->samples);
  enum status status = comm_agree(comm, begin(task, &path, judgement));
  if (status == STATUS_OK && judgement->known) status = judge_physics(comm, task, &path, judgement);
  if (status == STATUS_OK && !judgement->known) status = prior_judge_frames_alike(comm, task, &path, judgement);
  probe_path_free(&path);
  return status;
}
