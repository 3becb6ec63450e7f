#include "analysis/symplectic.h"

#include "comm/reduce.h"
#include "train/hgn.h"
#include "train/probe.h"

#include <stdio.h>
#include <string.h>

/* The arrays of a batch, filled one rollout after the other. */
struct filler {
  struct probe probe;
  struct corpus *corpus;
  int64_t latents, coordinates;
  double *latent, *truth, *variance; /* as symetric_batch has them */
  float *spread;                     /* [latents] */
  struct arena arena;
};

/* Not collective. Closed also after a failure. */
static enum status open_filler(const struct trained *trained, struct corpus *corpus, struct filler *filler) {
  *filler = (struct filler){.corpus = corpus, .coordinates = corpus->data.coordinates};
  TRY(probe_open(trained, &filler->probe));
  struct arena arena = {.last = NULL};
  const int64_t rows = SYMPLECTIC_ROLLOUTS * SYMPLECTIC_FRAMES;
  filler->latents = 2 * model_state_values(filler->probe.model);
  filler->latent = arena_array(&arena, rows * filler->latents, sizeof(double));
  filler->truth = arena_array(&arena, rows * filler->coordinates, sizeof(double));
  filler->variance = arena_array(&arena, SYMPLECTIC_ROLLOUTS * filler->latents, sizeof(double));
  filler->spread = arena_array(&arena, filler->latents, sizeof(float));
  filler->arena = arena;
  return arena_check(&arena, "trajectories of the latent space");
}

static void close_filler(struct filler *filler) {
  probe_close(&filler->probe);
  arena_free(&filler->arena);
}

/* Trajectory `slot` of the batch. *masked: whether the posterior tells which numbers of the state are used. */
static enum status fill(struct filler *filler, int64_t slot, int64_t rollout, bool *masked) {
  const struct probe_request request = {
      .split = SPLIT_TEST, .rollout = rollout, .steps = SYMPLECTIC_FRAMES - 1, .speed = 1, .states_only = true};
  const int64_t half = filler->latents / 2, rows = slot * SYMPLECTIC_FRAMES;
  struct probe_rollout found;
  enum status status = probe_rollout(&filler->probe, filler->corpus, &request, &found);
  if (status == STATUS_OK && found.path.broken)
    status = status_raise(STATUS_UNAVAILABLE, "%s of test rollout %lld is not finite after %lld frames",
                          found.path.broken, (long long)rollout, (long long)found.path.broken_frame);
  if (status == STATUS_NUMERIC) { /* nor is the truth, where bodies meet */
    char reason[STATUS_MESSAGE_MAX];
    snprintf(reason, sizeof reason, "%s", status_message());
    status = status_raise(STATUS_UNAVAILABLE, "%s", reason);
  }
  for (int64_t i = 0; status == STATUS_OK && i < SYMPLECTIC_FRAMES * filler->latents; i++) {
    const int64_t t = i / filler->latents, k = i % filler->latents;
    const float *state = k < half ? found.path.q : found.path.p;
    filler->latent[rows * filler->latents + i] = (double)state[t * half + k % half];
  }
  if (status == STATUS_OK)
    memcpy(filler->truth + rows * filler->coordinates, found.states,
           (size_t)(SYMPLECTIC_FRAMES * filler->coordinates) * sizeof *filler->truth);
  probe_rollout_free(&found);
  TRY(status);
  status = probe_spread(&filler->probe, &filler->corpus->source, SPLIT_TEST, rollout, filler->spread);
  *masked = status == STATUS_OK;
  for (int64_t k = 0; *masked && k < filler->latents; k++)
    filler->variance[slot * filler->latents + k] = (double)filler->spread[k];
  if (status != STATUS_UNAVAILABLE) return status;
  status_clear();
  return STATUS_OK;
}

static enum status measure_batch(struct filler *filler, int64_t batch, bool *masked, struct symetric_outcome *outcome) {
  for (int64_t i = 0; i < SYMPLECTIC_ROLLOUTS; i++) TRY(fill(filler, i, batch * SYMPLECTIC_ROLLOUTS + i, masked));
  const struct symetric_batch task = {.trajectories = SYMPLECTIC_ROLLOUTS,
                                      .frames = SYMPLECTIC_FRAMES,
                                      .latents = filler->latents,
                                      .coordinates = filler->coordinates,
                                      .latent = filler->latent,
                                      .truth = filler->truth,
                                      .variance = *masked ? filler->variance : NULL};
  return symetric_measure(&task, filler->probe.trained->learner.seed, batch, outcome);
}

/* This rank's batches; the others' stay zero, all bits. */
static enum status measure_share(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                                 struct symplectic *symplectic) {
  struct filler filler;
  enum status status = open_filler(trained, corpus, &filler);
  for (int64_t b = comm->rank; b < symplectic->batches && status == STATUS_OK; b += comm->size)
    status = measure_batch(&filler, b, &symplectic->masked, &symplectic->outcome[b]);
  close_filler(&filler);
  return status;
}

/* Collective. Outcomes of all ranks' batches, on all. */
static enum status share_outcomes(const struct comm *comm, struct symplectic *symplectic) {
  enum { NUMBERS = 5 };
  double all[SYMPLECTIC_BATCHES][NUMBERS] = {{0}};
  for (int64_t b = comm->rank; b < symplectic->batches; b += comm->size) {
    const struct symetric_outcome *outcome = &symplectic->outcome[b];
    const double numbers[NUMBERS] = {outcome->r2, outcome->symplecticity, outcome->order, (double)outcome->kept,
                                     outcome->symplectic};
    memcpy(all[b], numbers, sizeof numbers);
  }
  int64_t masked = symplectic->masked;
  TRY(reduce_place(comm, &all[0][0], SYMPLECTIC_BATCHES * NUMBERS));
  TRY(reduce_max(comm, &masked, 1));
  symplectic->masked = masked > 0;
  for (int64_t b = 0; b < symplectic->batches; b++) {
    symplectic->outcome[b] = (struct symetric_outcome){.r2 = all[b][0],
                                                       .symplecticity = all[b][1],
                                                       .order = (int)all[b][2],
                                                       .kept = (int64_t)all[b][3],
                                                       .symplectic = all[b][4] > 0};
    symplectic->share += symplectic->outcome[b].symplectic ? 1.0 / (double)symplectic->batches : 0;
  }
  return STATUS_OK;
}

enum status symplectic_measure(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                               int64_t rollouts, struct symplectic *symplectic) {
  const int64_t most = rollouts / SYMPLECTIC_ROLLOUTS;
  *symplectic = (struct symplectic){.batches = most < SYMPLECTIC_BATCHES ? most : SYMPLECTIC_BATCHES};
  REQUIRE(corpus->source.experiment, STATUS_UNAVAILABLE, "the true states of these frames are not known");
  REQUIRE(symplectic->batches > 0, STATUS_UNAVAILABLE, "it takes %d test rollouts, and there are %lld",
          (int)SYMPLECTIC_ROLLOUTS, (long long)rollouts);
  TRY(comm_agree(comm, measure_share(comm, trained, corpus, symplectic)));
  return share_outcomes(comm, symplectic);
}
