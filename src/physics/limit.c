/* The information limit, averaged over test rollouts: the loop around the estimator of limit.h.
 *
 * A rank takes a share of the test rollouts and observes them, as the data set's test split would be observed. By
 * cells, it opens the prior (limit_prior.c) and the tables over q (limit_table.c), which all rollouts share, and has
 * the posterior of each rollout evaluated (limit_posterior.c); by particles, each rollout is a computation of its own
 * (limit_several.c). It tallies the errors, in forms whose sums over ranks are exact. These sums
 * then give means and standard errors over rollouts, the same bits at any number of ranks. Without observation noise
 * nothing has to be computed: the limit is zero.
 */
#include "physics/limit.h"

#include "base/finite.h"
#include "base/log.h"
#include "base/rng.h"
#include "comm/reduce.h"
#include "physics/initial.h"
#include "physics/limit_private.h"
#include "physics/rollout.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Quantities averaged over rollouts: the frames, then three averages over frames. */
enum { MEAN_UNSEEN, MEAN_PREDICT, MEAN_ALL, MEAN_COUNT };

/* What a rank has to tell of its rollouts, in forms whose sums over ranks do not depend on order: exact sums, and
 * arrays over all rollouts in which those of other ranks are zero. */
struct tally {
  struct exact *sum, *square_sum; /* [frames + MEAN_COUNT]: of the errors and of their squares; owned, one block */
  int64_t *effective_bits;        /* [rollouts]: effective sample sizes, the bits of f64; owned */
  int64_t *attained_bits;         /* [rollouts][frames]: what limit_result has as `attained`, the bits of f64; owned */
  int64_t draws_max;              /* over rollouts */
};

/* A rollout of the test split, with the direction of its initial state in the (q, p) plane. */
struct test_rollout {
  double direction;
  int64_t rollout; /* its number in the test split */
};

/* The rank's share of the test rollouts, and what is observed of them. */
struct rollout_share {
  int64_t count;
  double *observed;            /* [count][frames][D]: the noisy q; owned */
  struct test_rollout *own;    /* [count]: a piece of `sorted`; borrowed from it */
  struct test_rollout *sorted; /* [rollouts]: all test rollouts, by direction; owned */
};

/* A number for the direction of (q, p) in the plane that grows with its angle, without trigonometry: -2..2 for a full
 * turn. */
static double phase_direction(double q, double p) {
  double size = fabs(q) + fabs(p), along = size > 0 ? q / size : 1;
  return p >= 0 ? 1 - along : along - 1;
}

/* For qsort(): by direction, then by number. */
static int compare_directions(const void *left, const void *right) {
  const struct test_rollout *a = left, *b = right;
  if (a->direction != b->direction) return a->direction < b->direction ? -1 : 1;
  return (a->rollout > b->rollout) - (a->rollout < b->rollout);
}

static void share_free(struct rollout_share *share) {
  free(share->observed);
  free(share->sorted);
}

/* Chooses the rollouts of this rank. All rollouts are sorted, and then cut over ranks, by the direction of their
 * initial state: neighbours need the same draws, so each rank makes few that another makes too. The order has no
 * influence on any result. */
static enum status share_rollouts(const struct comm *comm, const struct experiment *experiment, int64_t rollouts,
                                  struct rollout_share *share) {
  share->sorted = malloc((size_t)rollouts * sizeof *share->sorted);
  REQUIRE(share->sorted != NULL, STATUS_MEMORY, "no memory for %" PRId64 " rollouts", rollouts);
  const struct system *system = system_get(experiment->system.name);
  for (int64_t i = 0; i < rollouts; i++) {
    struct rng rng = rng_stream((uint64_t)experiment->seed, RNG_INITIAL, ROLLOUT_TEST + (uint64_t)i, 0);
    double state[SYSTEM_STATE_MAX];
    initial_draw(system, &experiment->system, &experiment->initial, &rng, state);
    share->sorted[i] = (struct test_rollout){.direction = phase_direction(state[0], state[1]), .rollout = i};
  }
  qsort(share->sorted, (size_t)rollouts, sizeof *share->sorted, compare_directions);
  int64_t first;
  comm_share(rollouts, comm->size, comm->rank, &first, &share->count);
  share->own = share->sorted + first;
  return STATUS_OK;
}

/* The noisy q of all frames of the rank's rollouts: simulated, then with the noise that the data set has there. */
static enum status observe_share(const struct experiment *experiment, struct rollout_share *share) {
  const int64_t frames = experiment->data.frames;
  const int freedom = system_get(experiment->system.name)->freedom;
  share->observed = malloc((size_t)(share->count * frames * freedom) * sizeof *share->observed);
  double *states = malloc((size_t)(frames * 2 * freedom) * sizeof *states), *to = share->observed;
  enum status status = STATUS_OK;
  if (!share->observed || !states) status = status_raise(STATUS_MEMORY, "no memory for observations");
  for (int64_t i = 0; i < share->count && status == STATUS_OK; i++) {
    uint64_t rollout = ROLLOUT_TEST + (uint64_t)share->own[i].rollout;
    status = rollout_simulate(experiment, rollout, states, NULL);
    for (int64_t frame = 0; frame < frames && status == STATUS_OK; frame++) {
      double observed[SYSTEM_STATE_MAX];
      rollout_observe(experiment, RNG_NOISE, rollout, frame, &states[2 * freedom * frame], observed);
      for (int c = 0; c < freedom; c++) *to++ = observed[c];
    }
  }
  free(states);
  return status;
}

static void tally_free(struct tally *tally) {
  free(tally->sum);
  free(tally->effective_bits);
  free(tally->attained_bits);
}

static enum status tally_open(int64_t frames, int64_t rollouts, struct tally *tally) {
  size_t count = (size_t)(frames + MEAN_COUNT);
  tally->sum = calloc(2 * count, sizeof *tally->sum);
  tally->effective_bits = calloc((size_t)rollouts, sizeof *tally->effective_bits);
  tally->attained_bits = calloc((size_t)(rollouts * frames), sizeof *tally->attained_bits);
  REQUIRE(tally->sum && tally->effective_bits && tally->attained_bits, STATUS_MEMORY,
          "no memory for results of %" PRId64 " rollouts", rollouts);
  tally->square_sum = tally->sum + count;
  for (size_t i = 0; i < 2 * count; i++) exact_clear(&tally->sum[i]);
  return STATUS_OK;
}

/* The mean of error[first..frames-1]; 0 if there is none. */
static double mean_from_frame(const double *error, int64_t first, int64_t frames) {
  double sum = 0;
  for (int64_t t = first; t < frames; t++) sum += error[t];
  return frames > first ? sum / (double)(frames - first) : 0;
}

/* Adds one rollout's error[frames + MEAN_COUNT] to the tally: the errors of frames are given, their three averages are
 * filled in here. */
static void tally_add(struct tally *tally, int64_t frames, int64_t input_frames, double *error) {
  error[frames + MEAN_UNSEEN] = mean_from_frame(error, input_frames, frames);
  error[frames + MEAN_PREDICT] = mean_from_frame(error, input_frames - 1, frames);
  error[frames + MEAN_ALL] = mean_from_frame(error, 0, frames);
  for (int64_t i = 0; i < frames + MEAN_COUNT; i++) {
    exact_add(&tally->sum[i], error[i]);
    exact_add(&tally->square_sum[i], error[i] * error[i]);
  }
}

/* What the errors of rollouts are computed with, by cells or by particles, and work space for one rollout. */
struct rollout_work {
  struct limit_prior prior;         /* by cells */
  struct limit_table table;         /* by cells */
  struct limit_posterior posterior; /* by cells; borrows the two */
  struct limit_several several;     /* by particles */

  struct limit_observation *observations; /* [input_frames] */
  int64_t *observed_segment;              /* [frames]: the number of the segment that q was seen in */
  double *error;                          /* [frames + MEAN_COUNT] */
  double *attained;                       /* [frames] */
};

static void rollout_work_close(struct rollout_work *work) {
  limit_several_close(&work->several);
  limit_posterior_close(&work->posterior);
  limit_table_close(&work->table);
  limit_prior_close(&work->prior);
  free(work->observations);
  free(work->observed_segment);
  free(work->error);
  free(work->attained);
}

static enum status rollout_work_open(const struct experiment *experiment, const struct limit_options *options,
                                     enum limit_method method, struct rollout_work *work) {
  const int64_t frames = experiment->data.frames;
  work->observations = malloc((size_t)options->input_frames * sizeof *work->observations);
  work->observed_segment = malloc((size_t)frames * sizeof *work->observed_segment);
  work->error = malloc((size_t)(frames + MEAN_COUNT) * sizeof *work->error);
  work->attained = malloc((size_t)frames * sizeof *work->attained);
  REQUIRE(work->observations && work->observed_segment && work->error && work->attained, STATUS_MEMORY,
          "no memory for a rollout of %" PRId64 " frames", frames);
  if (method == LIMIT_BY_PARTICLES) return limit_several_open(experiment, options->effective_samples, &work->several);
  TRY(limit_prior_open(experiment, &work->prior));
  TRY(limit_table_open(experiment, options->observe, work->prior.q_low, work->prior.q_high, &work->table));
  return limit_posterior_open(&work->prior, &work->table, &work->posterior);
}

/* The error of one rollout by cells, given its noisy q in all frames. */
static enum status evaluate_by_cells(const double *observed, const struct limit_options *options,
                                     struct rollout_work *work, struct limit_outcome *outcome) {
  for (int64_t frame = 0; frame < options->input_frames; frame++)
    work->observations[frame] = limit_table_observe(&work->table, observed[frame]);
  for (int64_t frame = 0; frame < work->prior.frames; frame++)
    work->observed_segment[frame] = limit_table_find_segment(&work->table, observed[frame]);
  limit_prior_trim(&work->prior);
  return limit_posterior_evaluate(&work->posterior, work->observations, options->input_frames, work->observed_segment,
                                  options->effective_samples, work->error, work->attained, outcome);
}

/* The errors of all rollouts of the rank, one after the other, in the tally. */
static enum status evaluate_rollouts(const struct comm *comm, const struct experiment *experiment,
                                     const struct rollout_share *share, const struct limit_options *options,
                                     enum limit_method method, struct rollout_work *work, struct tally *tally) {
  const int64_t frames = experiment->data.frames, row = frames * system_get(experiment->system.name)->freedom;
  enum status status = STATUS_OK;
  struct progress progress;
  progress_begin(&progress, comm->size > 1 ? "limit, a rank's share" : "limit", "rollouts", share->count);
  int64_t done = 0;
  for (; done < share->count && status == STATUS_OK; done++) {
    const int64_t rollout = share->own[done].rollout;
    struct limit_outcome outcome;
    status = method == LIMIT_BY_CELLS
                 ? evaluate_by_cells(share->observed + done * row, options, work, &outcome)
                 : limit_several_evaluate(&work->several, share->observed + done * row, options->input_frames,
                                          (uint64_t)rollout, work->error, work->attained, &outcome);
    if (status != STATUS_OK) {
      status = status_context(status, "information limit of test rollout %" PRId64, rollout);
      break;
    }
    tally_add(tally, frames, options->input_frames, work->error);
    memcpy(&tally->effective_bits[rollout], &outcome.effective_samples, sizeof outcome.effective_samples);
    memcpy(&tally->attained_bits[rollout * frames], work->attained, (size_t)frames * sizeof *work->attained);
    tally->draws_max = outcome.draws > tally->draws_max ? outcome.draws : tally->draws_max;
    progress_update(&progress, done + 1);
  }
  progress_end(&progress, done);
  if (comm->size > 1) log_info("limit: waiting for the other ranks' shares");
  return status;
}

/* What is known of the particles of a rank's rollouts. */
static void log_particles(const struct limit_several *several) {
  const double runs = several->runs;
  if (runs == 0) return;
  log_debug("information limit: %lld particles, %lld steps a frame; %.1f stages, %.1f passes of moves a rollout; "
            "accepted: %.2f of the walk, %.2f of the normal proposals; two sets differ by %.2f of what independent "
            "draws would",
            (long long)several->sampler.particles, (long long)several->flow.substeps, several->stages / runs,
            several->passes / runs, several->walk_acceptance / runs, several->normal_acceptance / runs,
            several->disagreement / (0.5 * runs));
}

/* Not collective. What this rank contributes: its rollouts, observed and evaluated, in the tally. */
static enum status measure_share(const struct comm *comm, const struct experiment *experiment,
                                 const struct limit_options *options, enum limit_method method, struct tally *tally) {
  struct rollout_share share = {0};
  struct rollout_work work = {0};
  TRY(tally_open(experiment->data.frames, options->rollouts, tally));
  enum status status = share_rollouts(comm, experiment, options->rollouts, &share);
  if (status == STATUS_OK && share.count > 0) {
    status = observe_share(experiment, &share);
    if (status == STATUS_OK) status = rollout_work_open(experiment, options, method, &work);
    if (status == STATUS_OK) status = evaluate_rollouts(comm, experiment, &share, options, method, &work, tally);
    if (status == STATUS_OK) log_particles(&work.several);
  }
  rollout_work_close(&work);
  share_free(&share);
  return status;
}

/* Mean over rollouts and its standard error, sd / sqrt(n), of one item of the tally: a frame, or a frames + MEAN_*. The
 * standard error is NaN for a single rollout. */
static struct limit_mean mean_and_standard_error(const struct tally *tally, int64_t item, int64_t rollouts) {
  double n = (double)rollouts, sum = exact_value(&tally->sum[item]), squares = exact_value(&tally->square_sum[item]);
  double variance = rollouts > 1 ? finite_variance(squares - sum * sum / n) / (n - 1) : NAN;
  return (struct limit_mean){.mse = sum / n, .error = sqrt(variance / n)};
}

/* For qsort(): bits of positive f64 sort like the numbers. */
static int compare_bits(const void *left, const void *right) {
  int64_t a, b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  return (a > b) - (a < b);
}

static double double_of_bits(int64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* The result, from the tallies of all ranks. Sorts the effective sample sizes in place. */
static void fill_result(const struct tally *tally, const struct limit_options *options, struct limit_result *result) {
  int64_t frames = result->frames, n = options->rollouts;
  for (int64_t t = 0; t < frames; t++) {
    struct limit_mean mean = mean_and_standard_error(tally, t, n);
    result->mse[t] = mean.mse;
    result->error[t] = mean.error;
  }
  result->unseen = (struct limit_mean){.mse = NAN, .error = NAN};
  if (options->input_frames < frames) result->unseen = mean_and_standard_error(tally, frames + MEAN_UNSEEN, n);
  result->predict = mean_and_standard_error(tally, frames + MEAN_PREDICT, n);
  result->all = mean_and_standard_error(tally, frames + MEAN_ALL, n);
  qsort(tally->effective_bits, (size_t)n, sizeof *tally->effective_bits, compare_bits);
  result->ess_min = double_of_bits(tally->effective_bits[0]);
  result->ess_median =
      0.5 * (double_of_bits(tally->effective_bits[(n - 1) / 2]) + double_of_bits(tally->effective_bits[n / 2]));
  result->draws_max = tally->draws_max;
  memcpy(result->attained, tally->attained_bits, (size_t)(n * frames) * sizeof *result->attained);
}

/* The result without observation noise: two positions determine the state (unless the period divides 2 dt), so there is
 * nothing to infer, and the image has no variance. */
static void fill_result_noiseless(const struct limit_options *options, struct limit_result *result) {
  struct limit_mean nothing = {0, 0};
  for (int64_t t = 0; t < result->frames; t++) result->mse[t] = result->error[t] = 0;
  result->predict = result->all = nothing;
  result->unseen = options->input_frames < result->frames ? nothing : (struct limit_mean){.mse = NAN, .error = NAN};
  result->ess_min = result->ess_median = NAN;
  result->draws_max = 0;
}

/* Whether there is a limit for these options. The answer is the same on every rank,
 * since nothing here depends on the rank. */
static enum status check_options(const struct experiment *experiment, const struct limit_options *options,
                                 enum limit_method method) {
  const struct system *system = system_get(experiment->system.name);
  REQUIRE(system != NULL, STATUS_ARGUMENT, "no system of kind %d", (int)experiment->system.name);
  REQUIRE(options->observe >= 0 && options->observe < LIMIT_OBSERVE_COUNT, STATUS_ARGUMENT, "no observer of kind %d",
          (int)options->observe);
  REQUIRE(method == LIMIT_BY_PARTICLES || system->freedom == 1, STATUS_ARGUMENT, "%s has several degrees of freedom",
          system->name);
  REQUIRE(method == LIMIT_BY_CELLS || options->observe == LIMIT_POSITIONS, STATUS_UNAVAILABLE,
          "the information limit of %s from images is not available: with more than one degree of freedom it is that "
          "of an observer of positions",
          system->name);
  REQUIRE(options->input_frames >= 1 && options->input_frames <= experiment->data.frames, STATUS_USAGE,
          "%" PRId64 " input frames of rollouts of %" PRId64 " frames: expected 1 to %" PRId64, options->input_frames,
          experiment->data.frames, experiment->data.frames);
  REQUIRE(options->rollouts >= 1, STATUS_USAGE, "a limit over %" PRId64 " rollouts: expected at least 1",
          options->rollouts);
  REQUIRE(options->effective_samples >= 1 && isfinite(options->effective_samples), STATUS_USAGE,
          "%g effective samples: expected a number of at least 1", options->effective_samples);
  REQUIRE(experiment->data.noise > 0 || (options->observe == LIMIT_POSITIONS && options->input_frames >= 2),
          STATUS_UNAVAILABLE, "the information limit without observation noise is not available yet from %s",
          options->observe == LIMIT_POSITIONS ? "a single position" : "images");
  REQUIRE(experiment->data.noise > 0 || system->freedom == 1, STATUS_UNAVAILABLE,
          "the information limit of %s without observation noise is not available: whether exact positions determine "
          "the state of more than one degree of freedom is not known",
          system->name);
  return STATUS_OK;
}

enum status limit_measure(const struct comm *comm, const struct experiment *experiment,
                          const struct limit_options *options, struct limit_result *result) {
  const struct system *system = system_get(experiment->system.name);
  const bool several = system && system->freedom > 1;
  return limit_measure_by(comm, experiment, options, several ? LIMIT_BY_PARTICLES : LIMIT_BY_CELLS, result);
}

enum status limit_measure_by(const struct comm *comm, const struct experiment *experiment,
                             const struct limit_options *options, enum limit_method method,
                             struct limit_result *result) {
  TRY(check_options(experiment, options, method));
  int64_t frames = experiment->data.frames;
  struct tally tally = {0};
  struct limit_result made = {.frames = frames, .rollouts = options->rollouts};
  made.mse = malloc((size_t)frames * sizeof *made.mse);
  made.error = malloc((size_t)frames * sizeof *made.error);
  made.attained = calloc((size_t)(options->rollouts * frames), sizeof *made.attained);
  enum status status =
      made.mse && made.error && made.attained ? STATUS_OK : status_raise(STATUS_MEMORY, "no memory for the limit");
  if (experiment->data.noise > 0) {
    if (status == STATUS_OK) status = measure_share(comm, experiment, options, method, &tally);
    status = comm_agree(comm, status);
    if (status == STATUS_OK) status = reduce_exact(comm, tally.sum, (int)(2 * (frames + MEAN_COUNT)));
    if (status == STATUS_OK) status = reduce_sum(comm, tally.effective_bits, options->rollouts);
    if (status == STATUS_OK) status = reduce_sum(comm, tally.attained_bits, options->rollouts * frames);
    if (status == STATUS_OK) status = reduce_max(comm, &tally.draws_max, 1);
    if (status == STATUS_OK) fill_result(&tally, options, &made);
  } else {
    status = comm_agree(comm, status);
    if (status == STATUS_OK) fill_result_noiseless(options, &made);
  }
  tally_free(&tally);
  if (status != STATUS_OK) {
    limit_free(&made);
    return status;
  }
  *result = made;
  return STATUS_OK;
}

void limit_free(struct limit_result *result) {
  free(result->mse);
  free(result->error);
  free(result->attained);
  *result = (struct limit_result){0};
}
