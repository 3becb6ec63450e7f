/* The information limit, averaged over test rollouts. How one rollout is done: limit_private.h. */
#include "physics/limit.h"

#include "base/finite.h"
#include "base/log.h"
#include "base/rng.h"
#include "comm/reduce.h"
#include "physics/limit_private.h"
#include "physics/rollout.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Quantities averaged over rollouts: the frames, then three averages over frames. */
enum { MEAN_UNSEEN, MEAN_PREDICT, MEAN_ALL, MEAN_COUNT };

/* What a rank adds up, in forms whose sums over ranks do not depend on order. */
struct tally {
  struct exact *value, *square; /* [frames + MEAN_COUNT]; owned, one block */
  int64_t *effective; /* [rollouts]: bits of the effective sample size, 0 for rollouts of other ranks; owned */
  int64_t *attained;  /* [rollouts][frames]: bits, the same; owned */
  int64_t draws;
};

/* The rank's share of rollouts as observed: q of all frames. */
struct share {
  int64_t count;
  double *observed; /* [count][frames]; owned */
  struct place {
    double angle;
    int64_t rollout; /* of the test split */
  } * place;         /* [count], in the order of `all`; borrowed from it */
  struct place *all; /* [rollouts]; owned */
};

/* Grows with the direction of (q, p): -2..2 for a full turn. */
static double pseudo_angle(double q, double p) {
  double size = fabs(q) + fabs(p), along = size > 0 ? q / size : 1;
  return p >= 0 ? 1 - along : along - 1;
}

static int compare_places(const void *left, const void *right) {
  const struct place *a = left, *b = right;
  if (a->angle != b->angle) return a->angle < b->angle ? -1 : 1;
  return (a->rollout > b->rollout) - (a->rollout < b->rollout);
}

static void share_free(struct share *share) {
  free(share->observed);
  free(share->all);
}

/* Rollouts are taken, and cut over ranks, by the direction of their initial state: neighbours need the same draws, so
 * each rank makes few that another makes too. The order has no influence on any result. */
static enum status share_out(const struct comm *comm, const struct experiment *experiment, int64_t rollouts,
                             struct share *share) {
  share->all = malloc((size_t)rollouts * sizeof *share->all);
  REQUIRE(share->all != NULL, STATUS_MEMORY, "no memory for %" PRId64 " rollouts", rollouts);
  const struct system *system = system_get(experiment->system.name);
  for (int64_t i = 0; i < rollouts; i++) {
    struct rng rng = rng_stream((uint64_t)experiment->seed, RNG_INITIAL, ROLLOUT_TEST + (uint64_t)i, 0);
    double state[SYSTEM_STATE_MAX];
    system->initial(&experiment->system, &experiment->initial, &rng, state);
    share->all[i] = (struct place){.angle = pseudo_angle(state[0], state[1]), .rollout = i};
  }
  qsort(share->all, (size_t)rollouts, sizeof *share->all, compare_places);
  int64_t first;
  comm_share(rollouts, comm->size, comm->rank, &first, &share->count);
  share->place = share->all + first;
  return STATUS_OK;
}

static enum status share_observe(const struct experiment *experiment, struct share *share) {
  const int64_t frames = experiment->data.frames;
  share->observed = malloc((size_t)(share->count * frames) * sizeof *share->observed);
  double *states = malloc((size_t)frames * 2 * sizeof *states);
  enum status status = STATUS_OK;
  if (!share->observed || !states) status = status_raise(STATUS_MEMORY, "no memory for observations");
  for (int64_t i = 0; i < share->count && status == STATUS_OK; i++) {
    uint64_t rollout = ROLLOUT_TEST + (uint64_t)share->place[i].rollout;
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
  free(tally->value);
  free(tally->effective);
  free(tally->attained);
}

static enum status tally_open(int64_t frames, int64_t rollouts, struct tally *tally) {
  size_t count = (size_t)(frames + MEAN_COUNT);
  tally->value = calloc(2 * count, sizeof *tally->value);
  tally->effective = calloc((size_t)rollouts, sizeof *tally->effective);
  tally->attained = calloc((size_t)(rollouts * frames), sizeof *tally->attained);
  REQUIRE(tally->value && tally->effective && tally->attained, STATUS_MEMORY,
          "no memory for results of %" PRId64 " rollouts", rollouts);
  tally->square = tally->value + count;
  for (size_t i = 0; i < 2 * count; i++) exact_clear(&tally->value[i]);
  return STATUS_OK;
}

static double mean_over(const double *error, int64_t first, int64_t frames) {
  double sum = 0;
  for (int64_t t = first; t < frames; t++) sum += error[t];
  return frames > first ? sum / (double)(frames - first) : 0;
}

/* error[frames + MEAN_COUNT]: the frames are given, the rest is work space. */
static void tally_add(struct tally *tally, int64_t frames, int64_t input_frames, double *error) {
  error[frames + MEAN_UNSEEN] = mean_over(error, input_frames, frames);
  error[frames + MEAN_PREDICT] = mean_over(error, input_frames - 1, frames);
  error[frames + MEAN_ALL] = mean_over(error, 0, frames);
  for (int64_t i = 0; i < frames + MEAN_COUNT; i++) {
    exact_add(&tally->value[i], error[i]);
    exact_add(&tally->square[i], error[i] * error[i]);
  }
}

/* Work space for one rollout. */
struct one {
  struct limit_seen *seen; /* [input_frames] */
  int64_t *shown;          /* [frames]: segments */
  double *error;           /* [frames + MEAN_COUNT] */
  double *attained;        /* [frames] */
};

static void one_free(struct one *one) {
  free(one->seen);
  free(one->shown);
  free(one->error);
  free(one->attained);
}

static enum status one_open(int64_t frames, int64_t input_frames, struct one *one) {
  *one = (struct one){.seen = malloc((size_t)input_frames * sizeof *one->seen),
                      .shown = malloc((size_t)frames * sizeof *one->shown),
                      .error = malloc((size_t)(frames + MEAN_COUNT) * sizeof *one->error),
                      .attained = malloc((size_t)frames * sizeof *one->attained)};
  REQUIRE(one->seen && one->shown && one->error && one->attained, STATUS_MEMORY,
          "no memory for a rollout of %" PRId64 " frames", frames);
  return STATUS_OK;
}

static enum status measure_one(const double *observed, int64_t rollout, const struct limit_options *options,
                               struct limit_posterior *posterior, struct one *one, struct tally *tally) {
  const int64_t frames = posterior->prior->frames, k = options->input_frames;
  struct limit_outcome outcome;
  for (int64_t frame = 0; frame < k; frame++) one->seen[frame] = limit_table_see(posterior->table, observed[frame]);
  for (int64_t frame = 0; frame < frames; frame++)
    one->shown[frame] = limit_table_segment(posterior->table, observed[frame]);
  limit_prior_trim(posterior->prior);
  TRY(limit_posterior_measure(posterior, one->seen, k, one->shown, options->effective_samples, one->error,
                              one->attained, &outcome));
  tally_add(tally, frames, k, one->error);
  memcpy(&tally->effective[rollout], &outcome.effective_samples, sizeof outcome.effective_samples);
  memcpy(&tally->attained[rollout * frames], one->attained, (size_t)frames * sizeof *one->attained);
  tally->draws = outcome.draws > tally->draws ? outcome.draws : tally->draws;
  return STATUS_OK;
}

static enum status measure_rollouts(const struct share *share, const struct limit_options *options,
                                    struct limit_posterior *posterior, struct tally *tally) {
  const int64_t frames = posterior->prior->frames;
  struct one one;
  enum status status = one_open(frames, options->input_frames, &one);
  struct progress progress;
  progress_begin(&progress, "limit", "rollouts", share->count);
  int64_t done = 0;
  for (; done < share->count && status == STATUS_OK; done++) {
    const int64_t rollout = share->place[done].rollout;
    status = measure_one(share->observed + done * frames, rollout, options, posterior, &one, tally);
    if (status != STATUS_OK) {
      status = status_context(status, "information limit of test rollout %" PRId64, rollout);
      break;
    }
    progress_update(&progress, done + 1);
  }
  progress_end(&progress, done);
  one_free(&one);
  return status;
}

/* Not collective. */
static enum status measure_share(const struct comm *comm, const struct experiment *experiment,
                                 const struct limit_options *options, struct tally *tally) {
  struct share share = {0};
  struct limit_prior prior = {0};
  struct limit_table table = {0};
  struct limit_posterior posterior = {0};
  TRY(tally_open(experiment->data.frames, options->rollouts, tally));
  enum status status = share_out(comm, experiment, options->rollouts, &share);
  if (status == STATUS_OK && share.count == 0) goto cleanup;
  if (status == STATUS_OK) status = share_observe(experiment, &share);
  if (status == STATUS_OK) status = limit_prior_open(experiment, &prior);
  if (status == STATUS_OK) status = limit_table_open(experiment, options->observe, prior.low, prior.high, &table);
  if (status == STATUS_OK) status = limit_posterior_open(&prior, &table, &posterior);
  if (status == STATUS_OK) status = measure_rollouts(&share, options, &posterior, tally);
cleanup:
  limit_posterior_close(&posterior);
  limit_table_close(&table);
  limit_prior_close(&prior);
  share_free(&share);
  return status;
}

/* Mean and its standard error, sd / sqrt(n); the latter NaN for one rollout. */
static struct limit_mean settle(const struct tally *tally, int64_t item, int64_t rollouts) {
  double n = (double)rollouts, sum = exact_value(&tally->value[item]), squares = exact_value(&tally->square[item]);
  double variance = rollouts > 1 ? finite_variance(squares - sum * sum / n) / (n - 1) : NAN;
  return (struct limit_mean){.mse = sum / n, .error = sqrt(variance / n)};
}

static int compare_bits(const void *left, const void *right) {
  int64_t a, b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  return (a > b) - (a < b);
}

static double from_bits(int64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void finish(const struct tally *tally, const struct limit_options *options, struct limit_result *result) {
  int64_t frames = result->frames, n = options->rollouts;
  for (int64_t t = 0; t < frames; t++) {
    struct limit_mean mean = settle(tally, t, n);
    result->mse[t] = mean.mse;
    result->error[t] = mean.error;
  }
  result->unseen = (struct limit_mean){.mse = NAN, .error = NAN};
  if (options->input_frames < frames) result->unseen = settle(tally, frames + MEAN_UNSEEN, n);
  result->predict = settle(tally, frames + MEAN_PREDICT, n);
  result->all = settle(tally, frames + MEAN_ALL, n);
  /* Bits of positive numbers sort like the numbers. */
  qsort(tally->effective, (size_t)n, sizeof *tally->effective, compare_bits);
  result->ess_min = from_bits(tally->effective[0]);
  result->ess_median = 0.5 * (from_bits(tally->effective[(n - 1) / 2]) + from_bits(tally->effective[n / 2]));
  result->draws_max = tally->draws;
  memcpy(result->attained, tally->attained, (size_t)(n * frames) * sizeof *result->attained);
}

/* Without noise two positions determine the state (unless the period divides 2 dt) and the image has no variance. */
static void finish_exact(const struct limit_options *options, struct limit_result *result) {
  struct limit_mean nothing = {0, 0};
  for (int64_t t = 0; t < result->frames; t++) result->mse[t] = result->error[t] = 0;
  result->predict = result->all = nothing;
  result->unseen = options->input_frames < result->frames ? nothing : (struct limit_mean){.mse = NAN, .error = NAN};
  result->ess_min = result->ess_median = NAN;
  result->draws_max = 0;
}

/* The same answer on every rank: nothing here depends on the rank. */
static enum status check(const struct experiment *experiment, const struct limit_options *options) {
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
  TRY(check(experiment, options));
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
    if (status == STATUS_OK) status = reduce_exact(comm, tally.value, (int)(2 * (frames + MEAN_COUNT)));
    if (status == STATUS_OK) status = reduce_sum(comm, tally.effective, options->rollouts);
    if (status == STATUS_OK) status = reduce_sum(comm, tally.attained, options->rollouts * frames);
    if (status == STATUS_OK) status = reduce_max(comm, &tally.draws, 1);
    if (status == STATUS_OK) finish(&tally, options, &made);
  } else {
    status = comm_agree(comm, status);
    if (status == STATUS_OK) finish_exact(options, &made);
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
