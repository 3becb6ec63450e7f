/* The information limit, averaged over test rollouts: the loop around the estimator of limit.h.
 *
 * A rank takes a share of the test rollouts and observes them, as the data set's test split would be observed. It opens
 * the prior (limit_prior.c) and the tables over q (limit_table.c), which all rollouts share; has the posterior of each
 * rollout evaluated (limit_posterior.c); and tallies the errors, in forms whose sums over ranks are exact. These sums
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
  double *observed;            /* [count][frames]: the noisy q; owned */
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
  share->observed = malloc((size_t)(share->count * frames) * sizeof *share->observed);
  double *states = malloc((size_t)frames * 2 * sizeof *states);
  enum status status = STATUS_OK;
  if (!share->observed || !states) status = status_raise(STATUS_MEMORY, "no memory for observations");
  for (int64_t i = 0; i < share->count && status == STATUS_OK; i++) {
    uint64_t rollout = ROLLOUT_TEST + (uint64_t)share->own[i].rollout;
    status = rollout_simulate(experiment, rollout, states, NULL);
    for (int64_t frame = 0; frame < frames && status == STATUS_OK; frame++) {
      double observed[2];
      rollout_observe(experiment, RNG_NOISE, rollout, frame, &states[2 * frame], observed);
      share->observed[i * frames + frame] = observed[0];
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

/* Work space for one rollout: what limit_posterior_evaluate() takes and gives. */
struct rollout_work {
  struct limit_observation *observations; /* [input_frames] */
  int64_t *observed_segment;              /* [frames]: the number of the segment that q was seen in */
  double *error;                          /* [frames + MEAN_COUNT] */
  double *attained;                       /* [frames] */
};

static void rollout_work_free(struct rollout_work *work) {
  free(work->observations);
  free(work->observed_segment);
  free(work->error);
  free(work->attained);
}

static enum status rollout_work_open(int64_t frames, int64_t input_frames, struct rollout_work *work) {
  *work = (struct rollout_work){.observations = malloc((size_t)input_frames * sizeof *work->observations),
                                .observed_segment = malloc((size_t)frames * sizeof *work->observed_segment),
                                .error = malloc((size_t)(frames + MEAN_COUNT) * sizeof *work->error),
                                .attained = malloc((size_t)frames * sizeof *work->attained)};
  REQUIRE(work->observations && work->observed_segment && work->error && work->attained, STATUS_MEMORY,
          "no memory for a rollout of %" PRId64 " frames", frames);
  return STATUS_OK;
}

/* The error of one rollout, given its noisy q in all frames, `observed`; adds it to the tally. `rollout` is its number
 * in the test split. */
static enum status evaluate_rollout(const double *observed, int64_t rollout, const struct limit_options *options,
                                    struct limit_posterior *posterior, struct rollout_work *work, struct tally *tally) {
  const int64_t frames = posterior->prior->frames, k = options->input_frames;
  struct limit_outcome outcome;
  for (int64_t frame = 0; frame < k; frame++)
    work->observations[frame] = limit_table_observe(posterior->table, observed[frame]);
  for (int64_t frame = 0; frame < frames; frame++)
    work->observed_segment[frame] = limit_table_find_segment(posterior->table, observed[frame]);
  limit_prior_trim(posterior->prior);
  TRY(limit_posterior_evaluate(posterior, work->observations, k, work->observed_segment, options->effective_samples,
                               work->error, work->attained, &outcome));
  tally_add(tally, frames, k, work->error);
  memcpy(&tally->effective_bits[rollout], &outcome.effective_samples, sizeof outcome.effective_samples);
  memcpy(&tally->attained_bits[rollout * frames], work->attained, (size_t)frames * sizeof *work->attained);
  tally->draws_max = outcome.draws > tally->draws_max ? outcome.draws : tally->draws_max;
  return STATUS_OK;
}

/* The errors of all rollouts of the rank, one after the other. */
static enum status evaluate_rollouts(const struct rollout_share *share, const struct limit_options *options,
                                     struct limit_posterior *posterior, struct tally *tally) {
  const int64_t frames = posterior->prior->frames;
  struct rollout_work work;
  enum status status = rollout_work_open(frames, options->input_frames, &work);
  struct progress progress;
  progress_begin(&progress, "limit", "rollouts", share->count);
  int64_t done = 0;
  for (; done < share->count && status == STATUS_OK; done++) {
    const int64_t rollout = share->own[done].rollout;
    status = evaluate_rollout(share->observed + done * frames, rollout, options, posterior, &work, tally);
    if (status != STATUS_OK) {
      status = status_context(status, "information limit of test rollout %" PRId64, rollout);
      break;
    }
    progress_update(&progress, done + 1);
  }
  progress_end(&progress, done);
  rollout_work_free(&work);
  return status;
}

/* Not collective. What this rank contributes: its rollouts, observed and evaluated, in the tally. */
static enum status measure_share(const struct comm *comm, const struct experiment *experiment,
                                 const struct limit_options *options, struct tally *tally) {
  struct rollout_share share = {0};
  struct limit_prior prior = {0};
  struct limit_table table = {0};
  struct limit_posterior posterior = {0};
  TRY(tally_open(experiment->data.frames, options->rollouts, tally));
  enum status status = share_rollouts(comm, experiment, options->rollouts, &share);
  if (status == STATUS_OK && share.count == 0) goto cleanup;
  if (status == STATUS_OK) status = observe_share(experiment, &share);
  if (status == STATUS_OK) status = limit_prior_open(experiment, &prior);
  if (status == STATUS_OK) status = limit_table_open(experiment, options->observe, prior.q_low, prior.q_high, &table);
  if (status == STATUS_OK) status = limit_posterior_open(&prior, &table, &posterior);
  if (status == STATUS_OK) status = evaluate_rollouts(&share, options, &posterior, tally);
cleanup:
  limit_posterior_close(&posterior);
  limit_table_close(&table);
  limit_prior_close(&prior);
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
static enum status check_options(const struct experiment *experiment, const struct limit_options *options) {
  const struct system *system = system_get(experiment->system.name);
  REQUIRE(system != NULL, STATUS_ARGUMENT, "no system of kind %d", (int)experiment->system.name);
  REQUIRE(options->observe >= 0 && options->observe < LIMIT_OBSERVE_COUNT, STATUS_ARGUMENT, "no observer of kind %d",
          (int)options->observe);
  REQUIRE(system->freedom == 1, STATUS_UNAVAILABLE,
          "the information limit of %s is not available yet: only systems of one degree of freedom have one",
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
  return STATUS_OK;
}

enum status limit_measure(const struct comm *comm, const struct experiment *experiment,
                          const struct limit_options *options, struct limit_result *result) {
  TRY(check_options(experiment, options));
  int64_t frames = experiment->data.frames;
  struct tally tally = {0};
  struct limit_result made = {.frames = frames, .rollouts = options->rollouts};
  made.mse = malloc((size_t)frames * sizeof *made.mse);
  made.error = malloc((size_t)frames * sizeof *made.error);
  made.attained = calloc((size_t)(options->rollouts * frames), sizeof *made.attained);
  enum status status =
      made.mse && made.error && made.attained ? STATUS_OK : status_raise(STATUS_MEMORY, "no memory for the limit");
  if (experiment->data.noise > 0) {
    if (status == STATUS_OK) status = measure_share(comm, experiment, options, &tally);
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
